"""``forktrace attach``: trace processes that run already."""

import os
import sys
from time import monotonic_ns
from typing import TYPE_CHECKING

import click

from forktrace.cli.messages import say
from forktrace.cli.options import (
    Seconds,
    Wanted,
    detail_option,
    limit,
    output_options,
    pid_option,
    quiet_option,
    view_options,
)
from forktrace.cli.outputs import check_outputs, parse_outputs
from forktrace.cli.recording import (
    Recording,
    make_header,
    open_trace_file,
    say_incomplete,
    say_place,
    show_trace,
)
from forktrace.errors import ForktraceError
from forktrace.trace.events import Detail
from forktrace.trace.writer import TraceWriter
from forktrace.views.options import ViewOptions

if TYPE_CHECKING:
    from forktrace.capture.attach import Ending


@click.command("attach")
@pid_option(
    required=True,
    text="Trace this process, and what it starts from now on. Repeatable.",
)
@click.option(
    "--children", is_flag=True, help="Also trace what these processes have started before."
)
@click.option(
    "--for",
    "seconds",
    type=Seconds(),
    metavar=Seconds.name,
    default="inf",
    show_default=True,
    help="How long to stay.",
)
@output_options()
@quiet_option
@view_options()
@detail_option
def command(
    pids: tuple[int, ...],
    children: bool,
    seconds: float,
    wanted: Wanted,
    quiet: bool,
    detail: Detail,
    shown: ViewOptions,
) -> int:
    """Trace running processes, all their threads, and what they start, until they end.

    ^C (or TERM, HUP, or the end of --for) ends the trace; the processes run on. This is how the
    daemons of a container engine are observed.
    """
    from forktrace.capture.attach import Attachment, run_attached

    outputs = parse_outputs(wanted, stdout=False)
    check_outputs(outputs, force=wanted.force)
    request = Attachment(pids, children, limit(seconds), detail)
    trace = open_trace_file(outputs, "attach", force=wanted.force)
    writer = TraceWriter(trace.fd)
    started_ns = monotonic_ns()
    writer.header(make_header(["forktrace", *sys.argv[1:]], request.detail, "attach"))
    header_end = os.fstat(trace.fd).st_size
    try:
        ending = run_attached(request, trace.fd, header_end, started_ns=started_ns)
    except ForktraceError:
        trace.discard()
        raise
    ok = _is_complete(trace, ending)
    ok &= show_trace(trace, outputs, quiet=quiet, force=wanted.force, shown=shown)
    ok &= say_place(trace, "attach.svg")
    return 0 if ok else 1


def _is_complete(trace: Recording, ending: "Ending") -> bool:
    """Return False, having said why, if the tracing failed or not all could be written."""
    if ending.failure is not None:
        say(f"tracing ended before it should ({ending.failure}); please report this")
    if ending.disk is not None:
        say_incomplete(trace, OSError(ending.disk, os.strerror(ending.disk)))
    return ending.failure is None and ending.disk is None
