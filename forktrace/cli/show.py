"""``forktrace show``: the tree of a trace, in the terminal."""

from pathlib import Path

import click

from forktrace.cli.options import view_options
from forktrace.views.options import ViewOptions


@click.command("show")
@click.argument("trace", required=False, type=click.Path(path_type=Path))
@view_options(drawn=False)
def command(trace: Path | None, shown: ViewOptions) -> None:
    """Show TRACE (by default the latest run's) as a tree."""
    from forktrace.cli import pictures
    from forktrace.cli.messages import say
    from forktrace.trace.store import latest_trace

    launch, findings = pictures.load(trace or latest_trace(), shown)
    click.echo(pictures.tree_text(launch, findings, 1, shown), nl=False, color=True)
    for warning in launch.warnings:
        say(warning)
