"""Trace processes that run already: seize all their threads, and let them go at the end.

The tracing is done by a child process, as PTRACE_SEIZE can hang: it waits for a mutex that a
thread holds in the middle of an exec (kernel/ptrace.c: ptrace_attach, cred_guard_mutex), and that
exec waits for its sibling threads to be gone, which wait for us if we have seized them already.
Nothing interrupts that but SIGKILL, so a parent watches: when seizing makes no progress it kills
the child, which lets everything go unharmed, and begins again.
"""

import ctypes
import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import NoReturn

import msgspec
from msgspec import Struct

from forktrace.capture.call_recorder import CallRecorder
from forktrace.capture.gateway import PtraceError, Tracee, check_binding, signal_name
from forktrace.capture.recorder import Recorder
from forktrace.capture.relay import OwnSignals, Relay, SignalGuard
from forktrace.capture.seizing import Seizer
from forktrace.capture.tasks import TaskTable
from forktrace.capture.tracer import Tracer
from forktrace.errors import (
    ForktraceError,
    LaunchError,
    NoProcessError,
    PtraceDeniedError,
    fault_words,
)
from forktrace.trace.events import Detail, Ended
from forktrace.trace.writer import TraceWriter

_PATIENCE_SECONDS = 2.0
_ATTEMPTS = 10
_PR_SET_PDEATHSIG = 1
_MESSAGE_BYTES = 1 << 16


class Attachment(Struct, frozen=True):
    """Say what to attach to.

    ``pids`` are the processes, ``descendants`` adds all that they have started and that still
    runs, ``seconds`` is how long to stay, None for until they end.
    """

    pids: Sequence[int]
    descendants: bool
    seconds: float | None
    detail: Detail


class Seizing(Struct, frozen=True, tag=True):
    """Tell of progress in seizing; ``over`` says that all is seized."""

    over: bool = False


class Refused(Struct, frozen=True, tag=True):
    """Tell why nothing is traced: the name of the error, and its sentence."""

    kind: str
    sentence: str


class Ending(Struct, frozen=True, tag=True):
    """Say how the tracing ended: ``failure`` is what went wrong inside forktrace, None normally.

    ``disk`` is the errno of a trace that could not be written.
    """

    failure: str | None = None
    disk: int | None = None


_DECODER = msgspec.json.Decoder(Seizing | Refused | Ending)


def run_attached(request: Attachment, fd: int, header_end: int, *, started_ns: int) -> Ending:
    """Trace running processes until they end, the time is over, or INT, TERM or HUP comes.

    Call it from the main thread of a process without other threads.

    Args:
        request: what to attach to.
        fd: the trace file, open for writing, with its header in it.
        header_end: the file's size with the header alone, in bytes.
        started_ns: CLOCK_MONOTONIC at the trace's start.

    Raises:
        NoProcessError: a pid is none of a process, or all of them have ended already.
        PtraceDeniedError: the kernel does not permit ptrace on one of them.
        LaunchError: seizing hung again and again.
    """
    check_binding()
    with SignalGuard() as guard:
        for _attempt in range(_ATTEMPTS):
            ending = _attempt_once(request, fd, guard, started_ns)
            if ending is not None:
                return ending
            os.ftruncate(fd, header_end)
            os.lseek(fd, header_end, os.SEEK_SET)
    raise LaunchError(
        "attaching hung each time, as a process is executing programs from several threads at "
        "once: try again later"
    )


def _attempt_once(
    request: Attachment, fd: int, guard: SignalGuard, started_ns: int
) -> Ending | None:
    """Run the tracing child to its end; returns None if it had to be killed as it hung."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _trace(request, fd, guard, started_ns, theirs)
    theirs.close()
    with ours:
        if not _seized(ours):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        status = _await(pid, guard)
        return _ending(ours, status)


def _seized(channel: socket.socket) -> bool:
    """Watch the child seize. Returns False if it made no progress, raises what it reports."""
    channel.settimeout(_PATIENCE_SECONDS)
    told: Seizing | Refused | Ending | None = Seizing()
    try:
        while told == Seizing():
            told = _receive(channel)
    except TimeoutError:
        return False
    if isinstance(told, Refused):
        kinds = {kind.__name__: kind for kind in (NoProcessError, PtraceDeniedError)}
        raise kinds.get(told.kind, LaunchError)(told.sentence)
    return True


def _receive(channel: socket.socket) -> Seizing | Refused | Ending | None:
    """Return the child's next message, None if it has ended."""
    data = channel.recv(_MESSAGE_BYTES)
    return _DECODER.decode(data) if data else None


def _await(pid: int, guard: SignalGuard) -> int:
    """Wait for the child, passing on to it what is to end its wait; returns its wait status."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        info = signal.sigwaitinfo(guard.awaited)
        if info.si_signo != signal.SIGCHLD:
            os.kill(pid, info.si_signo)


def _ending(channel: socket.socket, status: int) -> Ending:
    """Return what the child has said at its end, or how it ended without a word."""
    channel.settimeout(None)
    told = _receive(channel)
    if isinstance(told, Ending):
        return told
    if os.WIFSIGNALED(status):
        return Ending(f"the tracing process was killed by {signal_name(os.WTERMSIG(status))}")
    return Ending("the tracing process ended without a word")


def _trace(
    request: Attachment, fd: int, guard: SignalGuard, started_ns: int, channel: socket.socket
) -> NoReturn:
    """Be the tracing child: seize, trace, and end, whereupon the kernel lets everything go."""

    def tell(message: Seizing | Refused | Ending) -> None:
        channel.send(msgspec.json.encode(message))

    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        gc.disable()
        session = _Session(request, TraceWriter(fd), guard, started_ns)
        session.seize(lambda: tell(Seizing()))
        tell(Seizing(over=True))
        tell(session.serve())
    except ForktraceError as error:
        tell(Refused(type(error).__name__, str(error)))
    except BaseException as error:
        tell(Refused("LaunchError", f"attaching failed: {error!r}"))
    finally:
        os._exit(0)


class _Session:
    """Seize what was asked for, then serve it."""

    def __init__(
        self, request: Attachment, writer: TraceWriter, guard: SignalGuard, started_ns: int
    ) -> None:
        self._request = request
        self._writer = writer
        self._guard = guard
        self._started_ns = started_ns
        self._table = TaskTable()
        self._tracee = Tracee()
        self._begun = monotonic()

    def seize(self, progress: Callable[[], None]) -> None:
        """Seize all, and write what it is. Raises what ``Seizer.seize_all`` does."""
        seizer = Seizer(
            self._writer,
            self._table,
            self._tracee,
            detail=self._request.detail,
            started_ns=self._started_ns,
        )
        seizer.seize_all(
            self._request.pids, descendants=self._request.descendants, progress=progress
        )

    def serve(self) -> Ending:
        """Trace to the end. A fault of ours ends it, and hurts nobody."""
        failure = None
        try:
            self._serve()
        except Exception as error:
            failure = fault_words(error)
            self._writer.flush()
        disk = self._writer.error.errno if self._writer.error is not None else None
        return Ending(failure, disk)

    def _serve(self) -> None:
        recorder = Recorder(
            self._writer,
            self._table,
            self._tracee,
            started_ns=self._started_ns,
            sampling=self._request.detail != "minimal",
            tracer=os.getpid(),
        )
        calls = None
        if self._request.detail == "syscalls":
            calls = CallRecorder(self._writer, self._table, self._tracee, recorder.now)
            self._interrupt_all()
        seconds = self._request.seconds
        tracer = Tracer(
            None,
            recorder,
            self._table,
            self._tracee,
            self._writer,
            calls,
            Relay(None, OwnSignals(self._guard.awaited)),
            None,
            until=None if seconds is None else self._begun + seconds,
        )
        outcome = tracer.run()
        self._writer.end(Ended(at_ns=recorder.now(), reason=outcome.reason, left=outcome.left))

    def _interrupt_all(self) -> None:
        """Have every thread stop once, as one that runs on from being seized stops at no call."""
        for tid in self._table.tasks:
            with suppress(PtraceError):  # it has ended
                self._tracee.interrupt(tid)
