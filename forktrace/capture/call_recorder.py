"""Record the system calls of the detail "syscalls": entered at one stop, left at a later one."""

import errno
from collections.abc import Callable

from forktrace.capture import calls
from forktrace.capture.calls import Entered
from forktrace.capture.gateway import CallStop, Tracee
from forktrace.capture.tasks import TaskTable
from forktrace.trace import events
from forktrace.trace.writer import TraceWriter


class CallRecorder:
    """Join the two stops of each call of interest to one event.

    Which stop is which is asked of the kernel (PTRACE_GET_SYSCALL_INFO), never counted: a thread
    that is seized, that executes something, or whose call is restarted would upset any count.

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
        self._entered: dict[int, Entered] = {}

    def stop(self, tid: int) -> None:
        """Take a stop at a call's entry or exit."""
        stop = self._tracee.call_stop(tid, calls.NAMES, tid in self._entered)
        if stop is None:
            return
        if stop.leaving:
            self._leave(tid, stop)
            return
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
        arguments = call.arguments if failed else calls.leave(self._tracee, tid, call, stop.result)
        if arguments is None or (failed and call.name in ("wait4", "waitid", "waitpid")):
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
