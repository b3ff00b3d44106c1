"""Record the system calls of the detail "syscalls": entered at one stop, left at a later one."""

import errno
from collections.abc import Callable

from forktrace.capture import calls
from forktrace.capture.call_reader import Entered
from forktrace.capture.call_stops import CallStop
from forktrace.capture.gateway import Tracee
from forktrace.capture.tasks import TaskTable
from forktrace.trace import events
from forktrace.trace.writer import TraceWriter

# A filter stops these too, lest they make a child that it leaves without a tracer.
CREATORS = frozenset(("clone", "clone3"))
FILTERED = calls.NAMES | CREATORS


class CallRecorder:
    """Join the two stops of each call of interest to one event.

    Which stop is which is asked of the kernel (PTRACE_GET_SYSCALL_INFO), never counted: a thread
    that is seized, that executes something, or whose call is restarted would upset any count.

    Args:
        writer: where events go.
        table: the live tasks.
        tracee: the ptrace gateway of the tracing thread.
        now: returns the ns since the start of the trace.
        filtered: whether a seccomp filter makes tasks stop at the entry of these calls.
    """

    def __init__(
        self,
        writer: TraceWriter,
        table: TaskTable,
        tracee: Tracee,
        now: Callable[[], int],
        *,
        filtered: bool = False,
    ) -> None:
        self._writer = writer
        self._table = table
        self._tracee = tracee
        self._now = now
        self._names = FILTERED if filtered else calls.NAMES
        self._entered: dict[int, Entered] = {}

    def stop(self, tid: int) -> None:
        """Take a stop at a call's entry or exit."""
        stop = self._tracee.call_stop(tid, self._names, tid in self._entered)
        if stop is None:
            return
        if stop.leaving:
            self._leave(tid, stop)
            return
        self._enter(tid, stop)

    def filtered(self, tid: int) -> None:
        """Take a stop that a seccomp filter has caused, at the entry of a call."""
        stop = self._tracee.call_stop(tid, self._names, False)
        if stop is None:
            return
        if stop.name in CREATORS:
            self._tracee.keep_child_traced(tid)
        else:
            self._enter(tid, stop)

    def awaits_return(self, tid: int) -> bool:
        """Say whether ``tid`` is in a call that is recorded when it returns."""
        return tid in self._entered

    def _enter(self, tid: int, stop: CallStop) -> None:
        entered = calls.enter(self._tracee, tid, stop.name, stop.values, stop.word)
        if entered is not None:
            self._entered[tid] = entered

    def forget(self, tid: int) -> None:
        """Drop a call that will never be left: its thread has ended, or executed something."""
        self._entered.pop(tid, None)

    def _leave(self, tid: int, stop: CallStop) -> None:
        call = self._entered.pop(tid, None)
        process = self._table.tasks.get(tid)
        if call is None or process is None:
            return
        failed = stop.error
        if failed:
            arguments = calls.leave_failed(self._tracee, tid, call)
        else:
            arguments = calls.leave(self._tracee, tid, call, stop.result)
        if arguments is None:
            return
        self._writer.event(
            events.Called(
                at_ns=self._now(),
                pid=process.pid,
                tid=tid if tid != process.pid else None,
                name=call.name,
                arguments=arguments,
                result=None if failed else stop.result,
                error=errno.errorcode.get(-stop.result, str(-stop.result)) if failed else None,
            )
        )
