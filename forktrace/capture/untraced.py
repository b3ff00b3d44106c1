"""Find the children that are not traced by the SIGCHLD that their parents get.

No event tells of a child made with CLONE_UNTRACED (kernel/fork.c: kernel_clone). Its parent is
told of its end or stop as of any other child's, unless it ignores SIGCHLD, has asked for another
exit signal, or gets one SIGCHLD for several children (signal(7)).
"""

from forktrace.capture import proc
from forktrace.capture.ends import how_ended, wait_status
from forktrace.capture.gateway import CLD_DUMPED, CLD_EXITED, CLD_KILLED, Tracee
from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import TaskTable
from forktrace.trace import events

_CLD_CODES = (CLD_EXITED, CLD_KILLED, CLD_DUMPED, 5, 6)  # 5: stopped, 6: continued


def untraced_child(
    tracee: Tracee, table: TaskTable, tid: int, at_ns: int, *, nested: bool
) -> events.Untraced | None:
    """Return an event of the child whose SIGCHLD ``tid`` is about to get, None if that was traced.

    Where a pid of a traced process that has ended was given to such a child it is not noticed.

    Args:
        tracee: the ptrace gateway of the tracing thread.
        table: the live tasks.
        tid: who has stopped for SIGCHLD.
        at_ns: ns since the start of the trace.
        nested: whether the table knows the pids in other PID namespaces than the tracer's.
    """
    process = table.tasks.get(tid)
    told = tracee.child_signal(tid)
    if process is None or told is None or process.traces:  # SIGCHLD tells it of tracees as well
        return None
    code, child, how = told
    if code not in _CLD_CODES or not child:
        return None
    if table.has_seen(child, len(process.known.nspid or ()) or 1):
        return None
    depth = _depth(process.pid)  # it may not have been read, or have been another before
    if not depth or (depth > 1 and not nested) or table.has_seen(child, depth):
        return None
    status = wait_status(code, how)
    exit_code, signal = (None, None) if status is None else how_ended(status)
    return events.Untraced(at_ns=at_ns, pid=process.pid, child=child, code=exit_code, signal=signal)


def _depth(pid: int) -> int:
    now = Snapshot()
    proc.read_status(pid, now)
    return len(now.nspid or ())
