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
from collections.abc import Iterator, Sequence
from errno import ESRCH
from pathlib import Path
from select import poll
from time import monotonic, sleep
from typing import NoReturn

from msgspec import Struct

from forktrace.capture import proc, snapshot
from forktrace.capture.call_recorder import CallRecorder
from forktrace.capture.denied import why_not_attached
from forktrace.capture.gateway import OPTIONS_BY_DETAIL, PtraceError, Tracee, check_binding
from forktrace.capture.recorder import Recorder
from forktrace.capture.relay import OwnSignals, Relay, SignalGuard
from forktrace.capture.selection import select
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.capture.tracer import Tracer
from forktrace.errors import ForktraceError, LaunchError, NoProcessError, PtraceDeniedError
from forktrace.trace.events import Detail, Ended
from forktrace.trace.writer import TraceWriter

_PROGRESS, _DONE, _ERROR = b"p", b"d", b"e"
_PATIENCE_SECONDS = 2.0
_ATTEMPTS = 10
_EPERM_ATTEMPTS, _EPERM_SECONDS = 10, 0.005
_PR_SET_PDEATHSIG = 1


class Attachment(Struct, frozen=True):
    """Say what to attach to.

    ``pids`` are the processes, ``descendants`` adds all that they have started and that still
    runs, ``seconds`` is how long to stay, None for until they end.
    """

    pids: Sequence[int]
    descendants: bool
    seconds: float | None
    detail: Detail


def run_attached(request: Attachment, fd: int, header_end: int, *, started_ns: int) -> None:
    """Trace running processes until they end, the time is over, or INT, TERM or HUP comes.

    Call it from the main thread of a process without other threads.

    Args:
        request: what to attach to.
        fd: the trace file, open for writing, with its header in it.
        header_end: the file's size with the header alone, in bytes.
        started_ns: CLOCK_MONOTONIC at the trace's start.

    Raises:
        NoProcessError: a pid is none of a process.
        PtraceDeniedError: the kernel does not permit ptrace on one of them.
        LaunchError: seizing hung again and again.
    """
    check_binding()
    with SignalGuard() as guard:
        for _attempt in range(_ATTEMPTS):
            if _attempt_once(request, fd, guard, started_ns):
                return
            os.ftruncate(fd, header_end)
            os.lseek(fd, header_end, os.SEEK_SET)
    raise LaunchError(
        "attaching hung each time, as a process is executing programs from several threads at "
        "once: try again later"
    )


def _attempt_once(request: Attachment, fd: int, guard: SignalGuard, started_ns: int) -> bool:
    """Run the tracing child to its end; returns False if it had to be killed as it hung."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _trace(request, fd, guard, started_ns, writing)
    os.close(writing)
    try:
        if not _seized(reading):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return False
        _await(pid, guard)
    finally:
        os.close(reading)
    return True


def _seized(reading: int) -> bool:
    """Watch the child seize. Returns False if it made no progress, raises what it reports."""
    poller = poll()
    poller.register(reading)
    while True:
        if not poller.poll(_PATIENCE_SECONDS * 1000):
            return False
        data = os.read(reading, 4096)
        if _ERROR in data[:1]:
            raise _reported(data[1:] + _rest(reading))
        if _DONE in data or not data:
            return True


def _rest(reading: int) -> bytes:
    parts = []
    while part := os.read(reading, 4096):
        parts.append(part)
    return b"".join(parts)


def _reported(data: bytes) -> ForktraceError:
    name, _, sentence = data.decode().partition(":")
    kinds = {kind.__name__: kind for kind in (NoProcessError, PtraceDeniedError)}
    return kinds.get(name, LaunchError)(sentence)


def _await(pid: int, guard: SignalGuard) -> None:
    """Wait for the child, passing on to it what is to end its wait."""
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        info = signal.sigwaitinfo(guard.awaited)
        if info.si_signo != signal.SIGCHLD:
            os.kill(pid, info.si_signo)


def _trace(
    request: Attachment, fd: int, guard: SignalGuard, started_ns: int, report: int
) -> NoReturn:
    """Be the tracing child: seize, trace, and end, whereupon the kernel lets everything go."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        gc.disable()
        _Session(request, TraceWriter(fd), guard, started_ns).run(report)
        os._exit(0)
    except ForktraceError as error:
        os.write(report, _ERROR + f"{type(error).__name__}:{error}".encode())
    except BaseException as error:
        os.write(report, _ERROR + f"LaunchError:attaching failed: {error!r}".encode())
    os._exit(1)


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
        self._options = OPTIONS_BY_DETAIL[request.detail]

    def run(self, report: int) -> None:
        """Trace to the end."""
        begun = monotonic()
        self._seize_all(report)
        os.write(report, _DONE)
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
            until=None if seconds is None else begun + seconds,
        )
        outcome = tracer.run()
        self._writer.end(
            Ended(at_ns=recorder.now(), reason=outcome.reason, left=outcome.left)  # type: ignore[arg-type]
        )

    def _seize_all(self, report: int) -> None:
        """Seize every thread of every process, again until nothing new has come up meanwhile."""
        standing = snapshot.StandingRecorder(self._writer, self._started_ns)
        done: set[int] = set()
        while True:
            pids = [p for p in self._request.pids if p not in done or Path(f"/proc/{p}").exists()]
            if not pids:
                return  # all have ended meanwhile
            found = select(pids, descendants=self._request.descendants)
            fresh = [pid for pid in found if pid not in done]
            if not fresh:
                return
            done.update(fresh)
            seized = {pid: self._seize_process(pid, report) for pid in fresh}
            self._record(standing, {pid: tids for pid, tids in seized.items() if tids})

    def _record(self, standing: "snapshot.StandingRecorder", seized: dict[int, set[int]]) -> None:
        looks = {pid: snapshot.look(pid, self._started_ns) for pid in seized}
        seen = {pid: look for pid, look in looks.items() if look is not None}
        launchers = snapshot.launchers_of_containers(seen)
        for look in snapshot.parents_first(seen):
            look.threads = sorted(seized[look.pid] - {look.pid})
            standing.process(look)
            process = TracedProcess(look.pid, look.ppid, look.now, executed=True)
            if self._request.detail != "minimal":
                whole = look.pid in launchers
                process.descriptors = standing.descriptors(look, whole=whole)
            self._table.add_process(process)
            for tid in look.threads:
                self._table.add_thread(tid, process)

    def _seize_process(self, pid: int, report: int) -> set[int]:
        """Seize the threads of a process; returns their tids, none if the process is gone."""
        tried: set[int] = set()
        seized: set[int] = set()
        while fresh := [tid for tid in _threads(pid) if tid not in tried]:
            tried.update(fresh)
            for tid in fresh:
                os.write(report, _PROGRESS)
                if self._seize_thread(pid, tid):
                    seized.add(tid)
        return seized

    def _seize_thread(self, pid: int, tid: int) -> bool:
        """Seize one thread. A thread that has ended is passed over.

        So is one that a seized sibling has just created: it is traced by us already. EPERM is
        also the answer for a thread that is ending, and its tid may be that of the thread whose
        exec has ended it a moment later, so it is taken for final only when it stays.
        """
        for _attempt in range(_EPERM_ATTEMPTS):
            try:
                self._tracee.seize(tid, self._options)
            except PtraceError as error:
                state, tracer = proc.state_and_tracer(tid)
                if error.errno == ESRCH or state in ("", "Z", "X"):
                    return False
                if tracer == os.getpid():
                    return True
                denied = error.errno
                sleep(_EPERM_SECONDS)
            else:
                return True
        raise PtraceDeniedError(f"pid {pid}: {why_not_attached(denied, pid)}")


def _threads(pid: int) -> Iterator[int]:
    try:
        names = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 (names)
    except OSError:
        return iter(())
    return (int(name) for name in names)
