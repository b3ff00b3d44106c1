"""Run the wait loop: take each stop, have it recorded, let the tracee go on as it would alone.

The loop drains ``waitpid``, looks again for a moment, as the next stop is often near and to be
woken takes longer than to look, and then sleeps in ``sigtimedwait``. No Python signal handler ever
runs here: one that raised between a wait and its restart would lose the stop for ever. The
tracing thread simply returns when it is done, and the kernel then detaches whatever still lives
(kernel/ptrace.c: exit_ptrace), which disturbs no system call, unlike PTRACE_INTERRUPT.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from errno import ESRCH
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from forktrace.capture.gateway import (
    EVENT_CLONE,
    EVENT_EXEC,
    EVENT_EXIT,
    EVENT_FORK,
    EVENT_SECCOMP,
    EVENT_STOP,
    EVENT_VFORK,
    PtraceError,
    Tracee,
)
from forktrace.capture.namespace_init import Faults, is_to_be_ignored
from forktrace.capture.nested import Nested
from forktrace.capture.outcome import Outcome
from forktrace.capture.recorder import Recorder
from forktrace.capture.relay import Relay
from forktrace.capture.reports import Reports
from forktrace.capture.tasks import TaskTable
from forktrace.trace.events import Reason
from forktrace.trace.writer import TraceWriter

if TYPE_CHECKING:
    from forktrace.capture.call_recorder import CallRecorder

STOPPING = frozenset((signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU))
_FLUSH_SECONDS = 0.05
# Looks before the loop sleeps: some 0.3 ms, about as long as /bin/true takes from exec to exit.
_LOOKS = 200
_SERVED = 50  # stops after which it asks for signals and the time in any case
_SETTLE_SECONDS = 0.2
CALL_STOP = signal.SIGTRAP | 0x80  # what TRACESYSGOOD makes of a stop at a system call


def _may_end_a_task(status: int) -> bool:
    """Say whether a wait status tells of an end, or of an exec (which ends other threads)."""
    return not os.WIFSTOPPED(status) or status >> 16 in (EVENT_EXIT, EVENT_EXEC)


def _nothing(_tid: int) -> None:
    """Record nothing of a stop."""


class Tracer:
    """Serve the stops of one traced tree until it is gone or the wait for it is over.

    Args:
        root: pid of the traced command, None where running processes were attached to.
        recorder, table, tracee, writer: the parts of the capture, made for the same trace.
        calls: records system calls, None where the detail is less.
        filtered: a seccomp filter makes tasks stop at the calls of interest, and no others do.
            Other tracers in the tree are let through only without it, as what they trace would
            be left with a filter that needs us.
        relay: passes termination signals on to the command, and ends the linger time.
        linger: seconds to go on after the command's own end, None for no limit.
        until: when to end in any case, on time.monotonic's clock; None for no such moment.
    """

    def __init__(
        self,
        root: int | None,
        recorder: Recorder,
        table: TaskTable,
        tracee: Tracee,
        writer: TraceWriter,
        calls: "CallRecorder | None",
        relay: Relay,
        linger: float | None,
        until: float | None = None,
        *,
        filtered: bool = False,
    ) -> None:
        self._root = root
        self._recorder = recorder
        self._table = table
        self._tracee = tracee
        self._writer = writer
        self._relay = relay
        self._calls = calls
        self._filtered = filtered
        self._nested = Nested(writer, table, tracee, recorder.now)
        self._faults = Faults(writer, table, tracee, recorder.now)
        self._reports = Reports()
        self._linger = linger
        self._status: int | None = None
        self._deadline = until
        self._early: dict[int, int] = {}
        self._on_event: dict[int, Callable[[int], None]] = {
            EVENT_FORK: self._creation,
            EVENT_VFORK: self._creation,
            EVENT_CLONE: self._creation,
            EVENT_EXEC: self._exec,
            EVENT_EXIT: self._recorder.exiting,
            EVENT_SECCOMP: self._filtered_call,
        }

    def run(self) -> Outcome:
        """Trace until nothing is left, the linger time is over, or a signal ends the wait."""
        reason = self._serve()
        with suppress(ChildProcessError):
            self._settle()
        self._recorder.late_births()
        return Outcome(self._status, reason, self._table.live_pids())

    def _serve(self) -> Reason:
        looks = served = 0
        while True:
            watching = self._faults.look()
            try:
                found = self._serve_next()
            except ChildProcessError:
                return "exited"
            if found:
                served += 1
                looks = _LOOKS if served < _SERVED else 0
                ended = None if served % _SERVED else self._pause(busy=True)
            elif looks or watching:
                looks = max(looks - 1, 0)
                os.sched_yield()  # whoever else could run on this processor does
                continue
            else:
                served = 0
                ended = self._pause()
            if ended:
                return ended

    def _settle(self) -> None:
        """Go on until each process that was seen has its creator's event too, which comes second.

        Not for long: a creator may have been killed before its event, and others never pause.
        """
        until = monotonic() + _SETTLE_SECONDS
        while (self._early or self._table.awaits_creators) and monotonic() < until:
            if not self._serve_next():
                os.sched_yield()

    def _serve_next(self) -> bool:
        """Serve the next report, or what came before its creator's; False if there is none."""
        pid, status = self._reports.take()
        if self._early and (not pid or _may_end_a_task(status)):
            self._serve_early()
        elif not pid:
            return False
        if pid:
            self._handle(pid, status)
            self._writer.flush_if_due()
        return True

    def _pause(self, *, busy: bool = False) -> Reason | None:
        """Sleep until something happens, not at all if busy; returns why to end, None to go on."""
        self._writer.flush_if_due()
        timeout = _FLUSH_SECONDS if self._writer.pending else None
        if self._deadline is not None:
            left = self._deadline - monotonic()
            if left <= 0:
                return "linger" if self._root is not None else "duration"
            timeout = left if timeout is None else min(left, timeout)
        if busy:
            timeout = 0.0
        return "signal" if self._relay.wait(timeout, self._running) else None

    @property
    def _running(self) -> bool:
        """Say whether the command has not ended, so that signals are its own."""
        return self._root is not None and self._status is None

    def _handle(self, pid: int, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self._death(pid, status)
            return
        signum = (status >> 8) & 0xFF
        event = status >> 16
        # ESRCH: killed while stopped, or its pid was taken over by an exec that we have not
        # waited for yet. Its death or that exec will be reported.
        with suppress(PtraceError):
            self._stop(pid, event, signum)

    def _stop(self, pid: int, event: int, signum: int) -> None:
        if event == EVENT_STOP:
            self._trap(pid, signum)
        elif event:
            self._look(self._on_event.get(event, _nothing), pid)
        elif signum == CALL_STOP and (self._calls or pid in self._nested.watched):
            self._at_call(pid)
        elif not self._faults.release(pid, signum):
            delivered = 0 if is_to_be_ignored(self._tracee, pid, signum) else signum
            self._look(partial(self._delivery, signum), pid, delivered)

    def _look(self, record: Callable[[int], None], pid: int, signum: int = 0) -> None:
        """Have a stop recorded and let the task go on, also if the recording fails.

        Not if it was killed meanwhile (ESRCH): that has ended the stop, the task is on its way to
        its exit stop, and to resume it could let it pass that one before it was looked at.
        """
        killed = False
        try:
            record(pid)
        except PtraceError as error:
            killed = error.errno == ESRCH
        finally:
            if not killed:
                self._resume(pid, signum)

    def _delivery(self, signum: int, pid: int) -> None:
        if signum == signal.SIGCHLD and not self._faults.told(pid):
            self._recorder.child_signal(pid)
        self._relay.delivery(self._tracee, pid, signum)

    def _at_call(self, pid: int) -> None:
        if pid in self._nested.watched and self._nested.release(pid):
            return
        self._look(self._calls.stop if self._calls else _nothing, pid)

    def _resume(self, pid: int, signum: int = 0) -> None:
        """Let a task go on to the next stop that is of interest."""
        if self._stops_at_calls(pid):
            self._tracee.resume_to_call(pid, signum)
        else:
            self._tracee.resume(pid, signum)

    def _stops_at_calls(self, pid: int) -> bool:
        """Say whether a task is to stop at its next entry to a system call, or return from it."""
        if self._filtered and self._calls:
            return self._calls.awaits_return(pid)
        return self._calls is not None or pid in self._nested.watched

    def _filtered_call(self, pid: int) -> None:
        if self._calls:
            self._calls.filtered(pid)

    def _trap(self, pid: int, signum: int) -> None:
        """Serve a stop that no event caused: a first stop, a group-stop, or the end of one."""
        if pid not in self._table.tasks:
            if not self._table.is_announced(pid) and pid not in self._early:
                self._early[pid] = signum
                return
            self._recorder.first_stop(pid)
            if not self._filtered:
                self._nested.begin(pid)
        if pid == self._root:
            self._relay.command_stopped(signum in STOPPING)
        if signum in STOPPING:
            self._writer.flush()  # it may be long
            self._tracee.listen(pid)
        else:
            self._resume(pid)

    def _serve_early(self) -> None:
        """Serve the first stops that came before their creators' events.

        waitpid finds the newest tracee first, so a child is often reported before the creator
        that has stopped too. It waits while more stops come and no longer: held until its own
        creator's event it would be stranded should the creator be killed, and its parent must
        not die before we have looked at it.
        """
        for pid, signum in list(self._early.items()):
            with suppress(PtraceError):
                self._trap(pid, signum)
        self._early.clear()

    def _creation(self, pid: int) -> None:
        child = self._tracee.event_message(pid)
        if child is None:
            self._recorder.exiting(pid)
        else:
            self._recorder.created(pid, child)

    def _exec(self, pid: int) -> None:
        former = self._tracee.event_message(pid) or pid
        self._recorder.executed(pid, former)
        self._nested.end(pid)
        if self._calls:
            self._calls.forget(former)

    def _death(self, pid: int, status: int) -> None:
        self._nested.end(pid)
        self._recorder.death(pid, status)
        if self._calls:
            self._calls.forget(pid)
        if pid == self._root:
            self._status = status
            if self._linger is not None:
                self._deadline = monotonic() + self._linger
