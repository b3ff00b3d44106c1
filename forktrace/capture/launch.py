"""Run a command under the tracer, in a thread of its own, and keep out of its way."""

import gc
import os
import threading
from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import TYPE_CHECKING

from msgspec import Struct

from forktrace.capture.command import Child, start_child
from forktrace.capture.denied import why_denied
from forktrace.capture.gateway import (
    OPTIONS_BY_DETAIL,
    PtraceError,
    Tracee,
    check_binding,
)
from forktrace.capture.identity import Identity
from forktrace.capture.outcome import Outcome
from forktrace.capture.recorder import Recorder
from forktrace.capture.relay import OwnSignals, Relay, SignalGuard, await_end
from forktrace.capture.surroundings import release_streams
from forktrace.capture.tasks import TaskTable
from forktrace.capture.tracer import Tracer
from forktrace.errors import LaunchError, PtraceDeniedError, fault_words
from forktrace.trace.events import Detail, Ended
from forktrace.trace.writer import TraceWriter

if TYPE_CHECKING:
    from forktrace.capture.call_recorder import CallRecorder


class Capture(Struct, frozen=True):
    """Say how a captured run ended: its exit status as a shell shows it, and what it left.

    ``failure`` is what went wrong inside forktrace while the command ran on, None normally.
    ``stays`` is the pid of the process that stays to serve what was left, None if none does.
    """

    exit_code: int
    reason: str
    left: list[int]
    failure: str | None = None
    stays: int | None = None


def run_traced(
    path: str,
    argv: Sequence[str],
    writer: TraceWriter,
    *,
    started_ns: int,
    detail: Detail,
    linger: float | None,
    identity: Identity | None = None,
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
        identity: the user that the command is to run as, None for forktrace's own.

    Raises:
        NotExecutableError, NotFoundError: the kernel refused to execute it.
        PtraceDeniedError: the kernel does not permit ptrace; the command was not started.
    """
    check_binding()
    with SignalGuard() as guard:
        child = start_child(path, argv, guard, identity)
        release_streams()
        session = _Session(child, writer, guard, started_ns, detail, linger)
        session.run_in_thread()
        return session.result()


class _Session:
    """Trace one child in a thread of its own: when the thread ends the kernel detaches all."""

    def __init__(
        self,
        child: Child,
        writer: TraceWriter,
        guard: SignalGuard,
        started_ns: int,
        detail: Detail,
        linger: float | None,
    ) -> None:
        self._child = child
        self._writer = writer
        self._options = OPTIONS_BY_DETAIL[detail]
        self._signals = OwnSignals(guard.awaited)
        self._relay = Relay(child.pid, self._signals)
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
            self._relay,
            linger,
        )
        self._outcome: Outcome | None = None
        self._refused: LaunchError | None = None
        self._failure: str | None = None

    def _call_recorder(self) -> "CallRecorder":
        from forktrace.capture.call_recorder import CallRecorder  # not needed otherwise

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
                self._failure = fault_words(error)
                self._child.release()
                self._relay.pass_all_on()
                self._writer.flush()

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
                reason=self._outcome.reason,
                left=self._outcome.left,
            )
        )

    def result(self) -> Capture:
        """Return how it went, or raise what kept the command from starting."""
        if self._refused:
            raise self._refused
        refused = self._child.refusal()
        if refused is not None:
            raise refused
        if self._outcome is None or self._outcome.status is None:
            return self._without_trace()
        code = os.waitstatus_to_exitcode(self._outcome.status)
        return Capture(as_shell(code), self._outcome.reason, self._outcome.left, self._failure)

    def _without_trace(self) -> Capture:
        """Wait for a command that goes on although the tracing has failed."""
        try:
            status = await_end(self._child.pid, self._signals)
        except ChildProcessError:
            return Capture(125, "exited", [], self._failure or "the command's end was not seen")
        code = os.waitstatus_to_exitcode(status)
        return Capture(as_shell(code), "exited", [], self._failure)


def as_shell(code: int) -> int:
    """Return an exit code as a shell shows it: 128 + n for signal n, which Python calls -n."""
    return 128 - code if code < 0 else code


def monotonic_start() -> int:
    """Return CLOCK_MONOTONIC in ns, from which a trace counts."""
    return monotonic_ns()
