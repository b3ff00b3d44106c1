"""Trace one command from start to summary: what ``run`` and ``demo`` share.

Nothing heavy (networkx, rich) is imported before the command has ended.
"""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from forktrace.capture.command import find_command
from forktrace.capture.identity import Identity, find_identity
from forktrace.capture.launch import Capture, monotonic_start, run_traced
from forktrace.capture.rootless import rootless_warning
from forktrace.cli.messages import say
from forktrace.cli.options import Wanted
from forktrace.cli.outputs import Output, check_outputs, parse_outputs
from forktrace.cli.recording import (
    Recording,
    make_header,
    open_trace_file,
    say_incomplete,
    say_place,
    show_trace,
)
from forktrace.errors import LaunchError
from forktrace.trace import events
from forktrace.trace.writer import TraceWriter
from forktrace.views.options import ViewOptions

_FILTER_STAYS = (
    "with --seccomp forktrace stays, in the background if need be, until all that the command "
    "starts has ended: if it is killed before, their calls of setsid, wait, exec and the like fail"
)


class Request(Struct, frozen=True):
    """Hold what the command line asks for. ``linger`` is in seconds, None for no limit."""

    command: Sequence[str]
    wanted: Wanted
    quiet: bool
    linger: float | None
    detail: events.Detail
    source: events.Source = "run"
    user: str | None = None
    seccomp: bool = False
    shown: ViewOptions | None = None


def trace_command(request: Request) -> int:
    """Trace the command, write the outputs, say what happened; return the exit status.

    Raises:
        ForktraceError: the command was not started.
    """
    started_ns = monotonic_start()
    outputs = parse_outputs(request.wanted, stdout=False)
    identity = find_identity(request.user) if request.user is not None else None
    path = find_command(request.command[0])
    check_outputs(outputs, force=request.wanted.force)
    warning = rootless_warning(path)
    if warning is not None:
        say(warning)
    trace = open_trace_file(outputs, request.command[0], force=request.wanted.force)
    writer = TraceWriter(trace.fd)
    writer.header(make_header(request.command, request.detail, request.source))
    try:
        capture = _run(request, path, writer, started_ns, identity)
    except LaunchError:
        trace.discard()
        raise
    return _conclude(request, outputs, trace, writer, capture)


def _run(
    request: Request, path: str, writer: TraceWriter, started_ns: int, identity: Identity | None
) -> Capture:
    if not request.seccomp:
        return run_traced(
            path,
            request.command,
            writer,
            started_ns=started_ns,
            detail=request.detail,
            linger=request.linger,
            identity=identity,
        )
    from forktrace.capture.filtered import run_filtered  # not needed otherwise

    say(_FILTER_STAYS)
    return run_filtered(
        path,
        request.command,
        writer,
        started_ns=started_ns,
        linger=request.linger,
        identity=identity,
    )


def _conclude(
    request: Request,
    outputs: Sequence[Output],
    trace: Recording,
    writer: TraceWriter,
    capture: Capture,
) -> int:
    """Write the pictures and the summary. The command's status wins over failures of ours."""
    failed = False
    if capture.failure:
        failed = True
        say(f"tracing ended before the command did ({capture.failure}); please report this")
    if writer.error is not None:
        failed = True
        say_incomplete(trace, writer.error)
    failed |= not show_trace(
        trace, outputs, quiet=request.quiet, force=request.wanted.force, shown=request.shown
    )
    running = _running(capture.left)
    if running and capture.stays is not None:
        say(f"still running: {running}; forktrace serves them as pid {capture.stays}")
    elif running:
        say(f"still running, untraced: {running}")
    failed |= not say_place(trace, "launch.svg")
    return LaunchError.exit_code if failed and capture.exit_code == 0 else capture.exit_code


def _running(pids: Sequence[int]) -> str:
    """Name those that run still; "" if all have ended since."""
    running = [(comm, pid) for pid in pids if (comm := _comm(pid)) is not None]
    named = ", ".join(f"{comm} (pid {pid})" for comm, pid in running[:8])
    return named + (f" and {len(running) - 8} more" if len(running) > 8 else "")


def _comm(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return None
