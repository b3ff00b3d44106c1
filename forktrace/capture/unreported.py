"""Find what a thread has created without reporting it, as it was killed before it could.

The event stop of a fork is left out where SIGKILL is pending (kernel/signal.c: ptrace_stop), also
where the kill comes from another thread's exec or exit_group. The killed thread then goes from
the call straight to its end, and at that last stop its registers still show the call.
"""

from signal import SIGKILL

from msgspec import Struct

from forktrace.capture import proc
from forktrace.capture.clone_flags import Creation, creation
from forktrace.capture.gateway import PtraceError, Tracee
from forktrace.capture.tasks import TaskTable


class Unreported(Struct, frozen=True):
    """Name the child and the call that created it (None where its arguments are gone)."""

    child: int
    call: Creation | None


def unreported_creation(tracee: Tracee, table: TaskTable, tid: int) -> Unreported | None:
    """Return the task that ``tid``, at its exit stop, has created without an event.

    None as well where this can't be asked (a kernel without CONFIG_PROC_CHILDREN), for a thread
    that has not stopped yet, and for a child that is not its creator's (CLONE_PARENT).
    """
    process = table.tasks.get(tid)
    try:
        if process is None or not (process.threads or _killed(tracee, tid)):
            return None
        call = tracee.creator_call(tid)
        if call is None:
            return None
        for child in (*process.threads, *proc.read_children(process.pid, tid)):
            if _is_unreported(table, child) and proc.has_number(child, call.result):
                known = None if call.overwritten else creation(tracee, tid, call)
                return Unreported(child, known)
    except (PtraceError, OSError, KeyError):
        pass  # killed once more, which ends this stop too
    return None


def _killed(tracee: Tracee, tid: int) -> bool:
    return tracee.message(tid) & 0x7F == SIGKILL


def _is_unreported(table: TaskTable, child: int) -> bool:
    if table.awaits_creator(child):
        return True
    # What has ended stays with its parent as a zombie, but is traced no more.
    return not (child in table.tasks or table.is_announced(child)) and proc.is_traced(child)
