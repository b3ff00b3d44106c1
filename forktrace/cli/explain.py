"""``forktrace explain``: tell in words what happened, and answer questions about it."""

import click


@click.command("explain")
@click.argument("trace", required=False, metavar="[TRACE]")
@click.argument("question", required=False, metavar="[PROCESS|EDGE|TOPIC]")
@click.option("--topics", is_flag=True, help="List the topics.")
@click.option("--events", "with_events", is_flag=True, help="Show what each sentence rests on.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "markdown"]),
    help="How to write it; by default text, or what the extension of FILE says.",
)
@click.option("-o", "--output", "path", metavar="FILE", help="Write FILE (.txt or .md).")
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def command(
    trace: str | None,
    question: str | None,
    topics: bool,
    with_events: bool,
    format_name: str | None,
    path: str | None,
    force: bool,
) -> None:
    """Tell what happened in TRACE (by default the latest run's), or answer a question.

    PROCESS is p4, a pid or a program's name; EDGE is p1-p4, 'p1->p4' or reparent:p4.

    \b
    forktrace explain
    forktrace explain launch.jsonl why-parent
    forktrace explain conmon --events
    """
    from forktrace.cli import answers

    if topics:
        click.echo(answers.topic_list(), nl=False)
        return
    asked = answers.understand(trace, question)
    answers.answer(
        asked, answers.find_form(format_name, path), path, events=with_events, force=force
    )
