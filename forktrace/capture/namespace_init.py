"""Serve the first process of a PID namespace so that signals do to it what they would untraced.

The kernel keeps such a process from every signal that it doesn't catch, but for SIGKILL and
SIGSTOP from outside. While it is traced a SIGSTOP from inside stops it as well (kernel/signal.c:
sig_ignored, get_signal): that one is not delivered.

A fault of its own (a bad address, an illegal instruction) kills it all the same, but not while it
is traced (force_sig_info_to_task takes SIGNAL_UNKILLABLE from an untraced task only): the signal
that a tracer delivers is dropped, the instruction is executed again, and so on for ever. So the
thread is let go, and executes the instruction once more, untraced.

Its end is not reported to us then. While it is a zombie /proc shows how it ended, and so does the
SIGCHLD that a traced parent stops for.
"""

import os
import signal
from collections.abc import Callable
from time import monotonic

from msgspec import Struct

from forktrace.capture import proc
from forktrace.capture.arch import STAYS_AT_BREAKPOINT
from forktrace.capture.ends import exited, wait_status
from forktrace.capture.gateway import Tracee, signal_name
from forktrace.capture.releasing import Releaser
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.trace.writer import TraceWriter

# Those after which the same instruction is executed again.
_FAULTS = frozenset((signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE))
_LOOK_SECONDS = 0.5  # for which the loop looks for its end without a pause
_TRAP_BRKPT = 1  # <asm-generic/siginfo.h>: the si_code of a breakpoint instruction


def must_die_untraced(tracee: Tracee, tid: int, signum: int) -> bool:
    """Say whether a task has stopped for a fault that can't kill it while it is traced.

    Raises:
        PtraceError: the task was killed meanwhile.
    """
    breakpoint_ = signum == signal.SIGTRAP and STAYS_AT_BREAKPOINT
    if signum not in _FAULTS and not breakpoint_:
        return False
    code, _sender = tracee.sender(tid)
    if code <= 0 or (breakpoint_ and code != _TRAP_BRKPT):  # SI_FROMUSER: somebody has sent it
        return False
    return proc.is_namespace_init(tid) and not proc.catches(tid, signum)


def is_to_be_ignored(tracee: Tracee, tid: int, signum: int) -> bool:
    """Say whether a task has stopped for a signal that it would not have got untraced.

    Raises:
        PtraceError: the task was killed meanwhile.
    """
    if signum != signal.SIGSTOP or not proc.is_namespace_init(tid):
        return False
    _code, sender = tracee.sender(tid)
    return sender != 0  # 0 stands for whoever is not in its PID namespace


class _Dying(Struct):
    """Be a process that was let go: ``stat`` is open on its file of that name, None if it is gone.

    It is looked at there until it has ended, or until a moment on time.monotonic's clock.
    """

    process: TracedProcess
    stat: int | None
    until: float


class Faults(Releaser):
    """Let go of what has to die of a fault, and record its end where that can be known."""

    def __init__(
        self, writer: TraceWriter, table: TaskTable, tracee: Tracee, now: Callable[[], int]
    ) -> None:
        super().__init__(writer, table, tracee, now)
        self._dying: dict[int, _Dying] = {}

    def release(self, tid: int, signum: int) -> bool:
        """Detach from a task that has stopped for a signal, if it could not die of it else."""
        if not must_die_untraced(self._tracee, tid, signum):
            return False
        process = self._table.process(tid)
        if process is None:
            self._tracee.detach(tid)
            self._table.remove_thread(tid)  # its process' end is reported for the leader
            return True
        stat = _open_stat(tid)
        self._let_go(tid, signal_name(signum))
        self._dying[tid] = _Dying(process, stat, monotonic() + _LOOK_SECONDS)
        return True

    def look(self) -> bool:
        """Record who is a zombie now; says whether to look again soon for somebody.

        Whoever waits for it may do so at any moment, and then nothing shows how it ended.
        """
        if not self._dying:
            return False
        again = False
        for dying in list(self._dying.values()):
            if dying.stat is not None:
                again |= self._look_at(dying, dying.stat)
        return again

    def _look_at(self, dying: _Dying, stat: int) -> bool:
        try:
            status = proc.status_of_zombie(stat)
        except OSError:  # it was waited for
            status, dying.until = None, 0.0
        if status is None and monotonic() < dying.until:
            return True
        os.close(stat)
        dying.stat = None
        if status:  # 0 is shown to those who may not know it, and no fault ends so
            self._ended(dying.process, status)
        return False

    def told(self, tid: int) -> bool:
        """Record an end if the SIGCHLD that ``tid`` has stopped for is of a task let go here."""
        if not self._dying:
            return False
        told = self._tracee.child_signal(tid)
        parent = self._table.tasks.get(tid)
        if told is None or parent is None:
            return False
        code, number, how = told
        process, status = self._dying_child(parent, number), wait_status(code, how)
        if process is None or status is None:
            return False
        self._ended(process, status)
        return True

    def _ended(self, process: TracedProcess, status: int) -> None:
        dying = self._dying.pop(process.pid)
        if dying.stat is not None:
            os.close(dying.stat)
        if process.pid in self._table.tasks:
            return  # that is somebody else's by now, and the trace tells of that one
        self._writer.event(exited(self._now(), process.pid, status))

    def _dying_child(self, parent: TracedProcess, number: int) -> TracedProcess | None:
        """Return the child that has this pid in its parent's PID namespace."""
        depth = len(parent.known.nspid or ()) or 1
        for process in (dying.process for dying in self._dying.values()):
            numbers = [process.pid, *(process.known.nspid or ())[1:]]
            if process.parent == parent.pid and number in numbers[depth - 1 : depth]:
                return process
        return None


def _open_stat(pid: int) -> int | None:
    try:
        return os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
