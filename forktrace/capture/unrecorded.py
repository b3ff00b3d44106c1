"""Let traced tasks go on of which nothing is recorded any more.

For what can't be left without its tracer, as a seccomp filter hands its calls over: after a fault
of ours, and once the tracing is over.
"""

import os
from contextlib import suppress
from threading import get_native_id

from forktrace.capture import proc
from forktrace.capture.gateway import EVENT_STOP, PtraceError, Tracee
from forktrace.capture.tracer import CALL_STOP, NOTHREAD, STOPPING, WALL


def resume_all(tracee: Tracee) -> None:
    """Let go on what this thread has stopped and taken note of.

    The task table would not do: it lacks the tasks that stopped before their creators' events. A
    stop that was not waited for yet may bring a signal, and is left to ``serve_all``.
    """
    for tid in proc.stopped_tracees(get_native_id()):
        if not _is_to_be_reported(tid):
            with suppress(PtraceError):
                tracee.resume(tid)


def _is_to_be_reported(tid: int) -> bool:
    options = os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT | WALL | NOTHREAD
    try:
        return os.waitid(os.P_PID, tid, options) is not None
    except ChildProcessError:
        return False


def serve_all(tracee: Tracee) -> None:
    """Serve what this thread traces until all has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, WALL | NOTHREAD)
        except ChildProcessError:
            return
        if not os.WIFSTOPPED(status):
            continue
        signum = (status >> 8) & 0xFF
        event = status >> 16
        with suppress(PtraceError):
            if event == EVENT_STOP and signum in STOPPING:
                tracee.listen(pid)
            else:
                tracee.resume(pid, 0 if event or signum == CALL_STOP else signum)
