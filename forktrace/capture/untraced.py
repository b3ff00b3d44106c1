"""Find the children that are not traced by the SIGCHLD that their parents get.

No event tells of a child made with CLONE_UNTRACED (kernel/fork.c: kernel_clone). Its parent is
told of its end or stop as of any other child's, unless it ignores SIGCHLD, has asked for another
exit signal, or gets one SIGCHLD for several children (signal(7)).
"""

from msgspec import Struct

from forktrace.capture import proc
from forktrace.capture.gateway import Tracee
from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import TaskTable

_ENDED, _KILLED, _DUMPED = 1, 2, 3  # <asm-generic/siginfo.h>: CLD_EXITED, …
_CLD_CODES = (_ENDED, _KILLED, _DUMPED, 5, 6)  # 5: stopped, 6: continued


class UntracedChild(Struct, frozen=True):
    """Be such a child: its pid as its parent knows it, its exit code or the killing signal."""

    pid: int
    code: int | None
    signum: int | None


def untraced_child(
    tracee: Tracee, table: TaskTable, tid: int, *, nested: bool
) -> UntracedChild | None:
    """Return the child whose SIGCHLD ``tid`` is about to get, None if it is or was traced.

    Where a pid of a traced process that has ended was given to such a child it is not noticed.

    Args:
        tracee, table: the ptrace gateway and the live tasks.
        tid: who has stopped for SIGCHLD.
        nested: whether the table knows the pids in other PID namespaces than the tracer's.
    """
    process = table.tasks.get(tid)
    told = tracee.child_signal(tid)
    if process is None or told is None:
        return None
    code, child, status = told
    if code not in _CLD_CODES or not child:
        return None
    if table.has_seen(child, len(process.known.nspid or ()) or 1):
        return None
    depth = _depth(process.pid)  # it may not have been read, or have been another before
    if not depth or (depth > 1 and not nested) or table.has_seen(child, depth):
        return None
    killed = code in (_KILLED, _DUMPED)
    return UntracedChild(child, status if code == _ENDED else None, status if killed else None)


def _depth(pid: int) -> int:
    now = Snapshot()
    proc.read_status(pid, now)
    return len(now.nspid or ())
