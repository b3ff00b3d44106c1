"""Rules of following births, execs, ends and adoptions."""

import os
import signal
from contextlib import nullcontext, suppress
from time import sleep
from typing import Any

from forktrace.capture import clone_flags, gateway, recorder, reports, tracer
from forktrace.capture.gateway import PtraceError, Tracee
from forktrace.capture.namespace_init import Faults
from forktrace.capture.proc import Snapshot
from forktrace.capture.recorder import Recorder
from forktrace.capture.tasks import Announcement, TaskTable, TracedProcess
from forktrace.capture.tracer import Tracer
from tests.integration.broken.registry import replace, rule


@rule("serve-early-children")
def _hold_children() -> None:
    """A child that stops before its creator's event is held until the creator tells of it."""
    _forget_killed_creators()

    def serve(self: Any) -> None:
        for pid, signum in list(self._early.items()):
            if self._table.is_announced(pid):
                with suppress(PtraceError):
                    self._trap(pid, signum)
                del self._early[pid]
        sleep(0.001)

    replace(Tracer, "_serve_early", serve)


@rule("settle-at-the-end")
def _end_at_once() -> None:
    """The tracing ends between a child's first stop and its creator's event."""
    replace(Tracer, "_settle", lambda self: None)


@rule("read-parent-of-unannounced")
def _no_parent() -> None:
    """Of a child whose creator's event has not come PPid isn't read."""

    def begin(self: Any, at_ns: int, tid: int) -> None:
        self._begin(at_ns, tid, None, Snapshot(), Announcement())

    replace(Recorder, "_unannounced", begin)


@rule("ask-killed-creators")
def _forget_killed_creators() -> None:
    """A creator that is killed before its event has created nobody."""
    replace(recorder, "unreported_creation", lambda *_: None)


@rule("remember-unannounced")
def _forget_unannounced() -> None:
    """A creator's event that comes late is kept, as if its child were still to stop."""

    def take(self: Any, tid: int) -> Announcement | None:
        found: Announcement | None = self._announced.pop(tid, None)
        return found

    def announce(self: Any, tid: int, announcement: Announcement) -> None:
        self._seen.add(tid)
        self._announced[tid] = announcement

    replace(TaskTable, "take_announcement", take)
    replace(TaskTable, "announce", announce)


@rule("first-stop-can-be-the-last")
def _only_first_stops() -> None:
    """A task counts from its first stop only, which one that is killed at once never has."""
    real_death = Recorder.death

    def exiting(self: Any, tid: int) -> None:
        pass

    def death(self: Any, tid: int, *how: Any) -> None:
        self._table._announced.pop(tid, None)
        real_death(self, tid, *how)

    replace(Recorder, "exiting", exiting)
    replace(Recorder, "death", death)


@rule("parent-can-die-before-first-stop")
def _parents_live() -> None:
    """A child's parent by the flags counts as alive at the child's first stop."""
    replace(TaskTable, "lives", lambda self, process: True)


@rule("message-of-this-event")
def _any_message() -> None:
    """The event's message is read without a look at which event the task is in by then."""
    replace(Tracee, "event_message", lambda self, pid: self.message(pid))


@rule("clone-parent")
def _creators_are_parents() -> None:
    """The creator counts as the parent, also with CLONE_PARENT."""
    replace(recorder, "CLONE_PARENT", 0)


@rule("event-is-not-the-call")
def _clones_are_threads() -> None:
    """What the clone event reports counts as a thread."""
    real = clone_flags.current_creation

    def creation(tracee: Tracee, pid: int) -> Any:
        how, flags, exit_signal = real(tracee, pid) or ("clone", 0, 0)
        is_clone_event = exit_signal != signal.SIGCHLD and not flags & 0x4000
        return how, flags | (clone_flags.CLONE_THREAD if is_clone_event else 0), exit_signal

    replace(recorder, "current_creation", creation)


@rule("clone3-arguments")
def _no_memory() -> None:
    """The flags are taken from the registers, where clone3 has a pointer."""

    def creation(tracee: Tracee, pid: int, call: Any) -> Any:
        return call.name, call.first & 0xFFFFFFFF & ~0xFF, call.first & 0xFF

    replace(clone_flags, "creation", creation)


@rule("untraced-children")
def _untraced_unsaid() -> None:
    """SIGCHLD is passed on without a look at who sent it."""
    replace(Recorder, "child_signal", lambda self, pid: None)


@rule("adoption-at-death")
def _no_adoptions() -> None:
    """The children of a process that has died are not looked at."""
    replace(Recorder, "_orphan", lambda self, at_ns, pid: None)


@rule("adoption-after-exit-event")
def _adoptions_too_early() -> None:
    """Children are looked at when their parent is about to exit, which shows the old parent."""
    real = Recorder.exiting
    orphan = Recorder._orphan

    def exiting(self: Any, tid: int) -> None:
        real(self, tid)
        process = self._table.process(tid)
        for child in process.children if process else ():
            orphan(self, self.now(), child)

    replace(Recorder, "exiting", exiting)
    _no_adoptions()


@rule("leader-is-not-the-process")
def _leader_ends_all() -> None:
    """The exit event of a thread group's leader counts as the end of the process."""

    def exiting(self: Any, tid: int) -> None:
        if self._table.process(tid):
            self.death(tid, self._tracee.message(tid) & 0xFF00)

    replace(Recorder, "exiting", exiting)


@rule("pid-is-free-after-death")
def _pids_are_for_ever() -> None:
    """A pid means one process for ever."""

    def remove(self: Any, pid: int) -> TracedProcess | None:
        found: TracedProcess | None = self.process(pid)
        return found

    replace(TaskTable, "remove_process", remove)


@rule("die-of-a-fault")
def _keep_the_faulty() -> None:
    """The signal of a fault is delivered to whoever has caused it."""
    replace(Faults, "release", lambda self, tid, signum: False)


@rule("exec-ends-threads")
def _exec_keeps_threads() -> None:
    """The threads that an exec has ended count as alive, as no end of theirs is reported."""
    replace(TaskTable, "drop_threads", lambda self, process: None)


@rule("exec-names-its-thread")
def _leader_executes() -> None:
    """An exec counts as the leader's, whoever called it."""
    real = Recorder.executed
    replace(Recorder, "executed", lambda self, pid, former: real(self, pid, pid))


@rule("never-wait-for-one")
def _wait_for_the_end() -> None:
    """After an exit event that task's death is waited for."""
    real = Tracer._stop

    def stop(self: Any, pid: int, event: int, signum: int) -> None:
        real(self, pid, event, signum)
        if event == gateway.EVENT_EXIT and self._table.process(pid):
            self._handle(*os.waitpid(pid, reports.WALL))

    replace(Tracer, "_stop", stop)


@rule("never-wait-for-vfork")
def _wait_for_vfork() -> None:
    """After a vfork event the parent's next stop is waited for."""
    real = Tracer._stop

    def stop(self: Any, pid: int, event: int, signum: int) -> None:
        real(self, pid, event, signum)
        if event == gateway.EVENT_VFORK:
            self._handle(*os.waitpid(pid, reports.WALL))

    replace(Tracer, "_stop", stop)


@rule("leave-the-killed-alone")
def _resume_the_killed() -> None:
    """A task is resumed after each stop, also where it was killed while it was looked at."""

    def look(self: Any, record: Any, pid: int, signum: int = 0) -> None:
        try:
            record(pid)
        finally:
            self._resume(pid, signum)

    replace(Tracer, "_look", look)


@rule("esrch-is-no-error")
def _fail_on_esrch() -> None:
    """A request that fails because the tracee was killed ends the tracing."""

    def look(self: Any, record: Any, pid: int, signum: int = 0) -> None:
        record(pid)
        self._resume(pid, signum)

    replace(Tracer, "_look", look)
    replace(tracer, "suppress", lambda *_: nullcontext())
