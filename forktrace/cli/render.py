"""``forktrace render``: draw a trace into files."""

from pathlib import Path

import click

from forktrace.cli.options import Wanted, output_options, view_options
from forktrace.views.options import ViewOptions


@click.command("render")
@click.argument("trace", required=False, type=click.Path(path_type=Path))
@output_options(required=True)
@view_options()
def command(
    trace: Path | None,
    wanted: Wanted,
    shown: ViewOptions,
) -> None:
    """Draw TRACE (by default the latest run's) into each FILE.

    'forktrace formats' lists the formats and views.
    """
    from forktrace.cli import pictures
    from forktrace.cli.messages import say
    from forktrace.cli.outputs import check_outputs, parse_outputs
    from forktrace.trace.store import latest_trace

    outputs = parse_outputs(wanted, stdout=True)
    check_outputs(outputs, force=wanted.force)
    source = trace or latest_trace()
    launch, findings = pictures.load(source, shown)
    for output in outputs:
        pictures.write(output, source, launch, findings, force=wanted.force, shown=shown)
    for warning in launch.warnings:
        say(warning)
