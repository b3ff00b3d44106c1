"""Trace one command from start to summary: what ``run`` and ``demo`` share.

Nothing heavy (networkx, rich) is imported before the command has ended.
"""

import os
import pwd
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from forktrace import __version__
from forktrace.capture.command import find_command
from forktrace.capture.identity import find_identity
from forktrace.capture.launch import Capture, monotonic_start, run_traced
from forktrace.cli.messages import say, write_error
from forktrace.cli.outputs import Output, check_outputs, open_trace, parse_outputs
from forktrace.errors import ForktraceError, LaunchError
from forktrace.trace import events, store
from forktrace.trace.text import from_str
from forktrace.trace.writer import TraceWriter


class Request(Struct, frozen=True):
    """Hold what the command line asks for. ``linger`` is in seconds, None for no limit."""

    command: Sequence[str]
    outputs: Sequence[str]
    format_name: str | None
    view: str | None
    force: bool
    quiet: bool
    linger: float | None
    detail: events.Detail
    source: events.Source = "run"
    user: str | None = None


class _Trace(Struct, frozen=True):
    """Be the open trace file. ``path`` is None where it can't be kept (``file`` is nameless)."""

    fd: int
    path: Path | None

    @property
    def readable(self) -> Path:
        """Return a path under which the trace can be read while it is open."""
        return self.path or Path(f"/proc/self/fd/{self.fd}")


def trace_command(request: Request) -> int:
    """Trace the command, write the outputs, say what happened; return the exit status.

    Raises:
        ForktraceError: the command was not started.
    """
    started_ns = monotonic_start()
    outputs = parse_outputs(request.outputs, request.format_name, request.view, stdout=False)
    identity = find_identity(request.user) if request.user is not None else None
    path = find_command(request.command[0])
    check_outputs(outputs, force=request.force)
    trace = _open(request, outputs)
    writer = TraceWriter(trace.fd)
    writer.header(_header(request))
    try:
        capture = run_traced(
            path,
            request.command,
            writer,
            started_ns=started_ns,
            detail=request.detail,
            linger=request.linger,
            identity=identity,
        )
    except LaunchError:
        if trace.path is not None:
            trace.path.unlink(missing_ok=True)  # a trace of nothing
        raise
    return _conclude(request, outputs, trace, writer, capture)


def _open(request: Request, outputs: Sequence[Output]) -> _Trace:
    named = next((o.path for o in outputs if o.format is None and o.path), None)
    if named is not None:
        trace = _Trace(open_trace(named, force=request.force), named)
    else:
        try:
            trace = _Trace(*store.create_kept_trace(request.command[0]))
        except OSError as error:
            say(f"this trace will not be kept: {_place(error)}: {error.strerror}")
            return _Trace(_nameless_file(), None)
    if trace.path is not None:
        try:
            store.remember_latest(trace.path)
        except OSError as error:
            say(f"'forktrace show' will not find this trace by itself: {error.strerror}")
    return trace


def _nameless_file() -> int:
    from tempfile import TemporaryFile  # rarely needed, and slow to import

    with TemporaryFile() as file:
        return os.dup(file.fileno())


def _place(error: OSError) -> str:
    return os.fsdecode(error.filename) if error.filename else "the state folder"


def _header(request: Request) -> events.Header:
    machine = os.uname()
    return events.Header(
        format="forktrace",
        version=events.VERSION,
        forktrace=__version__,
        command=[from_str(a) for a in request.command],
        cwd=from_str(_cwd()),
        user=events.User(uid=os.geteuid(), gid=os.getegid(), name=_user_name()),
        kernel=machine.release,
        machine=machine.machine,
        started_ns=time.time_ns(),
        detail=request.detail,
        source=request.source,
        tracer=os.getpid(),
    )


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "?"  # the folder is gone


def _user_name() -> str | None:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return None


def _conclude(
    request: Request,
    outputs: Sequence[Output],
    trace: _Trace,
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
        say(f"the trace is not complete: {writer.error.strerror} ({trace.path or 'temporary'})")
    pictures = [o for o in outputs if o.path != trace.path]
    if pictures or not request.quiet:
        failed |= not _show(request, pictures, trace)
    if capture.left:
        say(f"still running, untraced: {_pids(capture.left)}")
    if trace.path is not None:
        say(f"trace: {trace.path} (draw it: forktrace render -o launch.svg)")
    return LaunchError.exit_code if failed and capture.exit_code == 0 else capture.exit_code


def _pids(pids: Sequence[int]) -> str:
    named = ", ".join(f"{_comm(pid)} (pid {pid})" for pid in pids[:8])
    return named + (f" and {len(pids) - 8} more" if len(pids) > 8 else "")


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return "ended since"


_LARGE = 20_000


def _show(request: Request, pictures: Sequence[Output], trace: _Trace) -> bool:
    """Draw the outputs and the tree; returns False if something could not be written."""
    from forktrace.cli import pictures as drawing

    ok = True
    try:
        launch, findings = drawing.load(trace.readable)
        if not request.quiet and len(launch.processes) <= _LARGE:
            write_error(drawing.tree_text(launch, findings, 2))
        elif not request.quiet:
            say(f"{len(launch.processes)} processes: see them with 'forktrace show'")
    except ForktraceError as error:
        say(str(error))
        return False
    for output in pictures:
        try:
            drawing.write(output, trace.readable, launch, findings, force=request.force)
        except ForktraceError as error:
            say(str(error))
            ok = False
    return ok
