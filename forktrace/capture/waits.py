"""Tell whom a wait that has returned has reaped: wait4(2), waitid(2)."""

import os
import struct

from forktrace.capture.call_reader import Arguments, Reader
from forktrace.capture.gateway import CLD_DUMPED, CLD_EXITED, CLD_KILLED
from forktrace.trace.events import Argument

_WNOWAIT = 0x01000000


def reaped_by_wait4(call: Reader, result: int) -> Arguments | None:
    """Return whom wait4 reaped. Without a status to read it can be told only by its options."""
    if result <= 0:
        return None
    status = call.memory(call.values[1], 4) if call.values[1] else b""
    if len(status) == 4:
        ended = _is_end(struct.unpack("=i", status)[0])
    else:
        ended = not call.values[2] & (os.WUNTRACED | os.WCONTINUED)
    return {"reaped": result} if ended else None


def _is_end(status: int) -> bool:
    return os.WIFEXITED(status) or os.WIFSIGNALED(status)


def reaped_by_waitid(call: Reader, by_pidfd: Argument) -> Arguments | None:
    """Return whom waitid reaped: siginfo's si_code and si_pid (sigaction(2)).

    Without a siginfo it is told only where one process was waited for, and nothing but its end;
    else that somebody may have been reaped.
    """
    kind, asked, info_at, options = call.values[:4]
    if options & _WNOWAIT or not options & os.WEXITED:
        return None
    if not info_at:
        one = asked if kind == os.P_PID else by_pidfd
        other = options & (os.WNOHANG | os.WSTOPPED | os.WCONTINUED)
        return {"reaped": None if other else one}
    pid_at = 16 if call.word == 8 else 12
    info = call.memory(info_at, pid_at + 4)
    if len(info) < pid_at + 4:
        return None
    code = struct.unpack_from("=i", info, 8)[0]
    pid = struct.unpack_from("=i", info, pid_at)[0]
    return {"reaped": pid} if pid and code in (CLD_EXITED, CLD_KILLED, CLD_DUMPED) else None
