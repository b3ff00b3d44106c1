"""Let the first process of a PID namespace die of its own fault, as it would untraced.

The kernel keeps such a process from every signal that it doesn't catch. A fault of its own (a bad
address, an illegal instruction) kills it all the same, but not while it is traced
(kernel/signal.c: force_sig_info_to_task takes SIGNAL_UNKILLABLE from an untraced task only): the
signal that a tracer delivers is dropped, the instruction is executed again, and so on for ever.
So the thread is let go, and executes the instruction once more, untraced.

Its end is not reported to us then. Its parent's SIGCHLD tells of it, if that is traced.
"""

import signal
from collections.abc import Callable

from forktrace.capture import proc
from forktrace.capture.arch import STAYS_AT_BREAKPOINT
from forktrace.capture.gateway import CLD_DUMPED, CLD_EXITED, CLD_KILLED, Tracee, signal_name
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.trace import events
from forktrace.trace.writer import TraceWriter

# Those after which the same instruction is executed again.
_FAULTS = frozenset((signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE))
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


class Faults:
    """Let go of what has to die of a fault, and record its end when its parent is told.

    Args:
        writer: where events go.
        table: the live tasks.
        tracee: the ptrace gateway of the tracing thread.
        now: returns the ns since the start of the trace.
    """

    def __init__(
        self, writer: TraceWriter, table: TaskTable, tracee: Tracee, now: Callable[[], int]
    ) -> None:
        self._writer = writer
        self._table = table
        self._tracee = tracee
        self._now = now
        self._dying: dict[int, TracedProcess] = {}

    def release(self, tid: int, signum: int) -> bool:
        """Detach from a task that has stopped for a signal, if it could not die of it else."""
        if not must_die_untraced(self._tracee, tid, signum):
            return False
        self._tracee.detach(tid)
        if self._table.remove_thread(tid) is not None:
            return True  # its process' end is reported for the leader
        process = self._table.remove_process(tid)
        if process is not None:
            self._dying[tid] = process
            self._writer.event(
                events.Released(at_ns=self._now(), pid=tid, fault=signal_name(signum))
            )
        return True

    def told(self, tid: int) -> bool:
        """Record an end if the SIGCHLD that ``tid`` has stopped for is of a task let go here."""
        if not self._dying:
            return False
        told = self._tracee.child_signal(tid)
        parent = self._table.tasks.get(tid)
        if told is None or parent is None:
            return False
        code, number, status = told
        process = self._dying_child(parent, number)
        if process is None or code not in (CLD_EXITED, CLD_KILLED, CLD_DUMPED):
            return False
        del self._dying[process.pid]
        if process.pid in self._table.tasks:  # somebody else's by now: too late
            return True
        exited = code == CLD_EXITED
        self._writer.event(
            events.Exited(
                at_ns=self._now(),
                pid=process.pid,
                code=status if exited else None,
                signal=None if exited else signal_name(status),
                core=code == CLD_DUMPED,
            )
        )
        return True

    def _dying_child(self, parent: TracedProcess, number: int) -> TracedProcess | None:
        """Return the child that has this pid in its parent's PID namespace."""
        depth = len(parent.known.nspid or ()) or 1
        for process in self._dying.values():
            numbers = [process.pid, *(process.known.nspid or ())[1:]]
            if process.parent == parent.pid and number in numbers[depth - 1 : depth]:
                return process
        return None
