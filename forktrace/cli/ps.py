"""``forktrace ps``: who was there at a moment of a trace, and in which cgroup."""

from dataclasses import replace
from pathlib import Path

import click


@click.command("ps")
@click.argument("trace", required=False, type=click.Path(path_type=Path))
@click.option("--at", "text", metavar="MOMENT", help="Show this moment.")
@click.option("--cgroups", is_flag=True, help="Show the tree of cgroups, as systemd-cgls does.")
@click.option(
    "--hierarchy",
    metavar="NAME",
    help="Show this cgroup hierarchy: v2, systemd, or a controller of v1 (memory). By default "
    "the one that tells most.",
)
@click.option("--nspid", is_flag=True, help="Add the pid in each PID namespace.")
@click.option(
    "--ended/--no-ended",
    default=None,
    help="Show all or none of the processes that had ended and may have been zombies. By default "
    "those whose parent had not been seen to do anything since.",
)
@click.option("-w", "--wide", is_flag=True, help="Don't cut lines to the terminal's width.")
def command(
    trace: Path | None,
    text: str | None,
    cgroups: bool,
    hierarchy: str | None,
    nspid: bool,
    ended: bool | None,
    wide: bool,
) -> None:
    """Show the processes of TRACE (by default the latest run's) at a moment, as ps axf would have.

    MOMENT is a time (0.25, 250ms), an event's number (#120), a percentage (50%), 'start', 'end', or
    an event: exec:conmon (the first; exec:conmon:2 is the second), exit:p3, fork:p4, reparent:p4,
    setsid:p4, start:container[:NAME]. What is shown is how things stood right after it. By default
    that is when the container runs.

    STAT is Z for a zombie and - for one alive, with s for a session leader and l for several
    threads; ? is not known. Parents outside the trace stand in parentheses.
    """
    from forktrace.cli import pictures
    from forktrace.cli.messages import say
    from forktrace.cli.terminal import terminal_options
    from forktrace.render.ps import Request, render
    from forktrace.trace.store import latest_trace

    launch, findings = pictures.load(trace or latest_trace())
    request = Request(text, cgroups, hierarchy, nspid, ended)
    options = terminal_options(1)
    made = render(launch, findings, request, replace(options, width=None) if wide else options)
    click.echo(made, nl=False, color=True)
    for warning in launch.warnings:
        say(warning)
