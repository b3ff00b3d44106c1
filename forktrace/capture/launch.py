"""Start a command under the tracer, and keep out of its way.

The child is forked, waits on a pipe, and executes the command once the tracing thread has seized
it with all options; should forktrace die before, the child reads end-of-file and ends.
"""

import errno
import gc
import os
import stat
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic_ns
from typing import NoReturn

from msgspec import Struct

from forktrace.capture.call_recorder import CallRecorder
from forktrace.capture.denied import why_denied
from forktrace.capture.gateway import (
    OPTIONS_CALLS,
    OPTIONS_EVENTS,
    OPTIONS_MINIMAL,
    PtraceError,
    Tracee,
    check_binding,
)
from forktrace.capture.recorder import Recorder
from forktrace.capture.relay import Relay, SignalGuard
from forktrace.capture.surroundings import release_streams, restore_locale
from forktrace.capture.tasks import TaskTable
from forktrace.capture.tracer import Outcome, Tracer
from forktrace.errors import LaunchError, NotExecutableError, NotFoundError, PtraceDeniedError
from forktrace.trace.events import Detail, Ended
from forktrace.trace.writer import TraceWriter

_GO = b"g"
_OPTIONS = {"minimal": OPTIONS_MINIMAL, "events": OPTIONS_EVENTS, "syscalls": OPTIONS_CALLS}


class Capture(Struct, frozen=True):
    """Say how a captured run ended: its exit status as a shell shows it, and what it left.

    ``failure`` is what went wrong inside forktrace while the command ran on, None normally.
    """

    exit_code: int
    reason: str
    left: list[int]
    failure: str | None = None


def find_command(name: str) -> str:
    """Return the path of a command as execvp would find it.

    Raises:
        NotFoundError: there is no such file.
        NotExecutableError: what is there can't be executed.
    """
    if not name:
        raise NotFoundError("command not found: its name is empty")
    if "/" in name:
        _check_executable(name)
        return name
    unusable = None
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or ".", name)  # noqa: PTH118 (keeps "./")
        try:
            _check_executable(path)
        except NotExecutableError as error:
            unusable = unusable or error
        except NotFoundError:
            pass
        else:
            return path
    if unusable:
        raise unusable
    raise NotFoundError(f"command not found: {name!r} is in no folder of PATH")


def _check_executable(path: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"command not found: {path!r}") from None
    except (OSError, ValueError) as error:
        raise NotExecutableError(f"cannot execute {path!r}: {_reason(error)}") from None
    if not stat.S_ISREG(mode):
        raise NotExecutableError(f"cannot execute {path!r}: it is not a file")
    if not os.access(path, os.X_OK):
        raise NotExecutableError(f"cannot execute {path!r}: permission denied (chmod +x it?)")


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def run_traced(
    path: str,
    argv: Sequence[str],
    writer: TraceWriter,
    *,
    started_ns: int,
    detail: Detail,
    linger: float | None,
) -> Capture:
    """Run a command under the tracer until it and what it leaves are done with.

    Call it from the main thread of a process without other threads. The caller has written the
    trace's header; this writes the events and the end record.

    Args:
        path: the program's file, from ``find_command``.
        argv: its arguments, the first one its name.
        writer: where events go.
        started_ns: CLOCK_MONOTONIC at the trace's start.
        detail: how much to record.
        linger: seconds to go on after the command's own end, None for no limit.

    Raises:
        NotExecutableError, NotFoundError: the kernel refused to execute it.
        PtraceDeniedError: the kernel does not permit ptrace; the command was not started.
    """
    check_binding()
    with SignalGuard() as guard:
        child = _fork(path, argv, guard)
        release_streams()
        session = _Session(child, writer, guard, started_ns, detail, linger)
        session.run_in_thread()
        return session.result()


class _Child:
    """Be the forked child that waits to execute the command."""

    def __init__(self, pid: int, go: int, report: int) -> None:
        self.pid = pid
        self._go = go
        self._report = report

    def release(self) -> None:
        """Let it execute the command."""
        os.write(self._go, _GO)
        os.close(self._go)

    def abandon(self) -> None:
        """Let it end without having executed anything, and reap it."""
        os.close(self._go)
        os.waitpid(self.pid, 0)

    def exec_errno(self) -> int | None:
        """Return the errno with which execve failed, None if it succeeded."""
        data = os.read(self._report, 4)
        os.close(self._report)
        return struct.unpack("=i", data)[0] if len(data) == 4 else None


def _fork(path: str, argv: Sequence[str], guard: SignalGuard) -> _Child:
    go_read, go_write = os.pipe()
    report_read, report_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go_write)
        _become(path, argv, guard, go_read, report_write)
    os.close(go_read)
    os.close(report_write)
    return _Child(pid, go_write, report_read)


def _become(path: str, argv: Sequence[str], guard: SignalGuard, go: int, report: int) -> NoReturn:
    """Execute the command in the child; on failure tell the errno and end."""
    try:
        if os.read(go, 1) == _GO:
            guard.restore_for_command()
            restore_locale()
            os.execv(path, list(argv))
    except OSError as error:
        os.write(report, struct.pack("=i", error.errno or errno.EINVAL))
    except BaseException:
        os.write(report, struct.pack("=i", errno.EINVAL))
    finally:
        os._exit(125)


class _Session:
    """Trace one child in a thread of its own: when the thread ends the kernel detaches all."""

    def __init__(
        self,
        child: _Child,
        writer: TraceWriter,
        guard: SignalGuard,
        started_ns: int,
        detail: Detail,
        linger: float | None,
    ) -> None:
        self._child = child
        self._writer = writer
        self._options = _OPTIONS[detail]
        self._table = TaskTable()
        self._tracee = Tracee()
        self._recorder = Recorder(
            writer,
            self._table,
            self._tracee,
            started_ns=started_ns,
            sampling=detail != "minimal",
            tracer=os.getpid(),
        )
        self._tracer = Tracer(
            child.pid,
            self._recorder,
            self._table,
            self._tracee,
            writer,
            self._call_recorder() if detail == "syscalls" else None,
            Relay(child.pid, guard.awaited),
            linger,
        )
        self._outcome: Outcome | None = None
        self._refused: LaunchError | None = None
        self._failure: str | None = None

    def _call_recorder(self) -> CallRecorder:
        return CallRecorder(self._writer, self._table, self._tracee, self._recorder.now)

    def run_in_thread(self) -> None:
        """Trace to the end."""
        thread = threading.Thread(target=self._guarded(self._trace), name="tracer")
        gc.disable()  # the capture makes no cycles, and a pause would hold every tracee
        try:
            thread.start()
            thread.join()
        finally:
            gc.enable()

    def _guarded(self, work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except Exception as error:  # a fault of ours must not hurt the command
                self._failure = f"{type(error).__name__}: {error}"

        return run

    def _trace(self) -> None:
        try:
            self._tracee.seize(self._child.pid, self._options)
        except PtraceError as error:
            self._child.abandon()
            self._refused = PtraceDeniedError(why_denied(error.errno))
            return
        self._recorder.root(self._child.pid)
        self._writer.flush()
        self._child.release()
        self._outcome = self._tracer.run()
        self._writer.end(
            Ended(
                at_ns=self._recorder.now(),
                reason=self._outcome.reason,  # type: ignore[arg-type]
                left=self._outcome.left,
            )
        )

    def result(self) -> Capture:
        """Return how it went, or raise what kept the command from starting."""
        if self._refused:
            raise self._refused
        refused = self._child.exec_errno()
        if refused is not None:
            raise _exec_failed(refused)
        if self._outcome is None or self._outcome.status is None:
            return self._without_trace()
        code = os.waitstatus_to_exitcode(self._outcome.status)
        return Capture(_as_shell(code), self._outcome.reason, self._outcome.left, self._failure)

    def _without_trace(self) -> Capture:
        """Wait for a command that goes on although the tracing has failed."""
        try:
            _pid, status = os.waitpid(self._child.pid, 0)
        except ChildProcessError:
            return Capture(125, "exited", [], self._failure or "the command's end was not seen")
        code = os.waitstatus_to_exitcode(status)
        return Capture(_as_shell(code), "exited", [], self._failure)


def _as_shell(code: int) -> int:
    return 128 - code if code < 0 else code


def _exec_failed(number: int) -> LaunchError:
    text = os.strerror(number)
    if number == errno.ENOENT:
        return NotFoundError(f"command not found: {text} (a script's interpreter may be missing)")
    if number == errno.ENOEXEC:
        return NotExecutableError(
            "cannot execute the command: it is neither a program for this machine nor a script "
            "with a #! line"
        )
    return NotExecutableError(f"cannot execute the command: {text}")


def monotonic_start() -> int:
    """Return CLOCK_MONOTONIC in ns, from which a trace counts."""
    return monotonic_ns()
