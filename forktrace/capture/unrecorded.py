"""Let traced tasks go on of which nothing is recorded any more.

For what can't be left without its tracer, as a seccomp filter hands its calls over: after a fault
of ours, and once the tracing is over.
"""

import os
from contextlib import suppress
from threading import get_native_id

from forktrace.capture import proc
from forktrace.capture.gateway import EVENT_STOP, PtraceError, Tracee
from forktrace.capture.namespace_init import is_to_be_ignored, must_die_untraced
from forktrace.capture.reports import NOTHREAD, WALL, Reports
from forktrace.capture.tracer import CALL_STOP, STOPPING


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
    reports = Reports()
    while True:
        try:
            pid, status = reports.take()
            if not pid:
                pid, status = os.waitpid(-1, WALL | NOTHREAD)
        except ChildProcessError:
            return
        if os.WIFSTOPPED(status):
            with suppress(PtraceError):
                _serve(tracee, pid, status >> 16, (status >> 8) & 0xFF)


def _serve(tracee: Tracee, pid: int, event: int, signum: int) -> None:
    if event == EVENT_STOP and signum in STOPPING:
        tracee.listen(pid)
    elif event or signum == CALL_STOP or is_to_be_ignored(tracee, pid, signum):
        tracee.resume(pid)
    elif must_die_untraced(tracee, pid, signum):
        tracee.detach(pid)
    else:
        tracee.resume(pid, signum)
