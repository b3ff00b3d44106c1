"""Say how a task has ended, by its wait status or by what SIGCHLD tells (wait(2), sigaction(2))."""

import os

from forktrace.capture.gateway import CLD_DUMPED, CLD_EXITED, CLD_KILLED, signal_name
from forktrace.trace import events

_CORE = 0x80  # of a wait status: "core dumped"


def exited(at_ns: int, pid: int, status: int) -> events.Exited:
    """Return the event of a process' end.

    Args:
        at_ns: ns since the start of the trace.
        pid: the process.
        status: its wait status.
    """
    code, signal = how_ended(status)
    return events.Exited(at_ns=at_ns, pid=pid, code=code, signal=signal, core=os.WCOREDUMP(status))


def how_ended(status: int) -> tuple[int | None, str | None]:
    """Return the exit code, or the name of the signal that killed, of a wait status."""
    if os.WIFSIGNALED(status):
        return None, signal_name(os.WTERMSIG(status))
    return os.WEXITSTATUS(status), None


def wait_status(code: int, status: int) -> int | None:
    """Return the wait status for a SIGCHLD's si_code and si_status, None if it tells of no end.

    A process can send itself a SIGCHLD with any numbers (rt_sigqueueinfo(2)), so they are cut.
    """
    if code == CLD_EXITED:
        return (status & 0xFF) << 8
    if code == CLD_KILLED:
        return status & 0x7F
    return status & 0x7F | _CORE if code == CLD_DUMPED else None
