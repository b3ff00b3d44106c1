"""``forktrace snapshot``: record what runs now, without tracing it."""

from collections.abc import Sequence
from time import monotonic_ns

import click

from forktrace.capture.snapshot import take_snapshot
from forktrace.cli.options import Wanted, output_options, pid_option, quiet_option, view_options
from forktrace.cli.outputs import check_outputs, parse_outputs
from forktrace.cli.recording import (
    make_header,
    open_trace_file,
    say_incomplete,
    say_place,
    show_trace,
)
from forktrace.errors import NoProcessError
from forktrace.trace.writer import TraceWriter
from forktrace.views.options import ViewOptions


@click.command("snapshot")
@pid_option(
    required=False,
    text="Record this process and all below it. Repeatable; without it: all processes.",
)
@output_options()
@quiet_option
@view_options()
def command(
    pids: tuple[int, ...],
    wanted: Wanted,
    quiet: bool,
    shown: ViewOptions,
) -> int:
    """Record the processes that run now as a trace, from /proc alone.

    Nothing is traced, stopped or changed, and no privilege is needed for your own processes.
    """
    outputs = parse_outputs(wanted, stdout=True)
    check_outputs(outputs, force=wanted.force)
    trace = open_trace_file(outputs, "snapshot", force=wanted.force)
    writer = TraceWriter(trace.fd)
    started_ns = monotonic_ns()
    writer.header(make_header(_asked(pids), "events", "snapshot"))
    try:
        take_snapshot(writer, pids, started_ns=started_ns)
    except NoProcessError:
        trace.discard()
        raise
    ok = writer.error is None
    if writer.error is not None:
        say_incomplete(trace, writer.error)
    ok &= show_trace(trace, outputs, quiet=quiet, force=wanted.force, shown=shown)
    ok &= say_place(trace, "snapshot.svg")
    return 0 if ok else 1


def _asked(pids: Sequence[int]) -> list[str]:
    """Return what stands in the header as the command: no more than what was asked for."""
    return ["forktrace", "snapshot", *(word for pid in pids for word in ("-p", str(pid)))]
