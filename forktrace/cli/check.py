"""``forktrace check``: say whether a committed picture still shows what a trace holds."""

from pathlib import Path

import click


@click.command("check")
@click.argument("document", metavar="DOC.svg", type=click.Path(path_type=Path))
@click.argument("trace", type=click.Path(path_type=Path))
def command(document: Path, trace: Path) -> int:
    """Say whether DOC.svg is what TRACE is drawn as now.

    It is drawn again with the view and the options that DOC.svg records of itself, and compared
    byte by byte. The status is 0 if they are the same, 1 if they differ, and 2 if that can't be
    told. Draw pictures for documentation with --normalize, so that the trace of another day or
    another machine gives the same.
    """
    from forktrace.cli import comparing

    difference = comparing.compare(document, trace)
    if not difference:
        click.echo(f"{comparing.shown(document)} is what {comparing.shown(trace)} shows")
        return 0
    for line in difference:
        click.echo(line)
    return 1
