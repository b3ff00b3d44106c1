"""Turn a stop of the traced tree into events of the trace.

Each method is called while the tracee it is about is stopped (or, for ``death``, has just been
reaped), and never resumes anything. What can't be read becomes None or an errno in the event.
"""

from threading import get_native_id
from time import monotonic_ns

from forktrace.capture import image, proc, sampler
from forktrace.capture.clone_flags import (
    CLONE_PARENT,
    CLONE_THREAD,
    ELSEWHERE,
    Creation,
    current_creation,
    exit_signal_name,
    flag_names,
)
from forktrace.capture.ends import exited
from forktrace.capture.gateway import Tracee
from forktrace.capture.nested import TracerPrograms
from forktrace.capture.observer import Observer
from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import Announcement, TaskTable, TracedProcess
from forktrace.capture.unreported import unreported_creation
from forktrace.capture.untraced import untraced_child
from forktrace.trace import events
from forktrace.trace.text import encode_text
from forktrace.trace.writer import TraceWriter


class Recorder:
    """Write events for the processes of a task table.

    Args:
        writer: where events go.
        table: the live tasks; the recorder keeps it up to date.
        tracee: the ptrace gateway of the tracing thread.
        started_ns: CLOCK_MONOTONIC at the trace's start.
        sampling: False for the detail "minimal": no /proc but where an event would be unclear.
        tracer: forktrace's own pid, which is not described as an outsider.
    """

    def __init__(
        self,
        writer: TraceWriter,
        table: TaskTable,
        tracee: Tracee,
        *,
        started_ns: int,
        sampling: bool,
        tracer: int,
    ) -> None:
        self._writer = writer
        self._table = table
        self._tracee = tracee
        self._started_ns = started_ns
        self._sampling = sampling
        self._observer = Observer(writer, table, enabled=sampling, tracer=tracer)
        self._tracer_programs = TracerPrograms()

    def now(self) -> int:
        """Return the ns since the start of the trace."""
        return monotonic_ns() - self._started_ns

    def root(self, pid: int) -> None:
        """Record the traced command's process, seized before it executes anything."""
        at_ns = self.now()
        if self._sampling:
            self._birth(at_ns, pid, Announcement(elsewhere=True), root=True)
        else:
            self._begin(at_ns, pid, None, Snapshot(), Announcement(), root=True)

    def first_stop(self, tid: int) -> None:
        """Record a task's first stop, whether or not its creator's event has come."""
        at_ns = self.now()
        told = self._table.take_announcement(tid)
        if told is None:
            self._unannounced(at_ns, tid)
        elif told.thread_of is not None:
            self._table.add_thread(tid, told.thread_of)
        elif self._sampling:
            self._birth(at_ns, tid, told)
        else:
            self._begin(at_ns, tid, told.parent.pid if told.parent else None, Snapshot(), told)

    def late_births(self) -> None:
        """Record the processes that were created, live, and have not come to their first stop.

        For the end of the tracing: they are left running like all the others.
        """
        for pid in self._table.announced_processes():
            if proc.tracer(pid) == get_native_id():
                self.first_stop(pid)

    def _unannounced(self, at_ns: int, tid: int) -> None:
        now = Snapshot()
        proc.read_status(tid, now)
        leader = self._table.process(now.tgid) if now.tgid != tid else None
        if leader is not None:
            self._table.add_thread(tid, leader)
            self._writer.event(events.ThreadStarted(at_ns=at_ns, pid=leader.pid, tid=tid))
        elif self._sampling:
            self._birth(at_ns, tid, Announcement())
        else:
            # Without exit events PPid may be an adopter's already: say nothing of the parent.
            self._begin(at_ns, tid, None, Snapshot(), Announcement())

    def _birth(self, at_ns: int, pid: int, told: Announcement, *, root: bool = False) -> None:
        """Record a process' birth with what it calls for.

        Its parent may have died between the fork and this first stop; then PPid shows the
        adopter's, and that is recorded as what it is: a reparenting after the birth.
        """
        now = Snapshot()
        if not told.plain:
            proc.read_status(pid, now)
            parent = told.parent or self._table.process(now.ppid)
            sampler.complete_birth(pid, now, parent, elsewhere=told.elsewhere)
        if told.parent is None:
            process = self._begin(at_ns, pid, now.ppid, now, told, root=root)
            self._observer.parent_of(at_ns, process)
            self._observer.born(at_ns, process)
            return
        orphaned = not self._table.lives(told.parent)
        if orphaned:
            now.ppid = None
        process = self._begin(at_ns, pid, told.parent.pid, now, told)
        if orphaned:
            process.parent_traced = True
            self._observer.sample(at_ns, process, "reparent")

    def _begin(
        self,
        at_ns: int,
        pid: int,
        parent: int | None,
        now: Snapshot,
        told: Announcement,
        *,
        root: bool = False,
    ) -> TracedProcess:
        known = self._table.process(parent)
        process = TracedProcess(pid, parent, sampler.inherited(known))
        process.creator = told.creator
        process.descriptors = told.descriptors
        process.may_trace = known is not None and known.may_trace
        state = sampler.changes(process.known, now)
        self._writer.event(events.Started(at_ns=at_ns, pid=pid, root=root, state=state))
        self._table.add_process(process)
        return process

    def created(self, tid: int, child: int) -> None:
        """Record that the thread ``tid``, stopped in the creating call, has created ``child``."""
        self._creation(tid, child, current_creation(self._tracee, tid))

    def _creation(self, tid: int, child: int, call: Creation | None) -> None:
        at_ns = self.now()
        process = self._table.tasks.get(tid)
        if process is None:
            return
        how, flags, exit_signal = call or (None, 0, 0)
        thread = bool(flags & CLONE_THREAD) if call else self._is_thread(child, process.pid)
        self._writer.event(
            events.Created(
                at_ns=at_ns,
                pid=process.pid,
                tid=tid,
                child=child,
                how=how,
                flags=flag_names(flags) if call else None,
                exit_signal=exit_signal_name(exit_signal),
                thread=thread,
            )
        )
        elsewhere = bool(flags & ELSEWHERE)
        sibling = bool(flags & CLONE_PARENT)
        parent = self._table.process(process.parent) if sibling else process
        self._table.announce(
            child,
            Announcement(
                thread_of=process if thread else None,
                parent=parent if call else None,
                plain=bool(call) and not elsewhere and not sibling and sampler.settled(process),
                elsewhere=elsewhere,
                creator=process,
                descriptors=process.descriptors,
            ),
        )
        if not thread:
            self._sample_both(at_ns, process, child, elsewhere=elsewhere)

    def _sample_both(
        self, at_ns: int, creator: TracedProcess, pid: int, *, elsewhere: bool
    ) -> None:
        """Sample the creator, and the child too if it was born elsewhere and runs already."""
        if sampler.due_at_creation(creator):
            self._observer.sample(at_ns, creator, "create")
        child = self._table.process(pid)
        if elsewhere and child is not None:
            self._observer.sample(at_ns, child, "create")

    def _is_thread(self, tid: int, pid: int) -> bool:
        """Say whether a new task of which the flags can't be read is a thread of ``pid``.

        If it was seen before its creator's event it may have ended since.
        """
        seen = self._table.was_thread(tid)
        if seen is not None:
            return seen
        now = Snapshot()
        proc.read_status(tid, now)
        return now.tgid == pid

    def executed(self, pid: int, former: int) -> None:
        """Record that process ``pid`` has a new image; thread ``former`` called execve."""
        at_ns = self.now()
        process = self._table.process(pid)
        if process is None:
            return
        self._table.drop_threads(process)
        errors: dict[str, str] = {}
        arguments = image.arguments(self._tracee, pid, errors)
        exe = cwd = state = None
        if self._sampling:
            exe = image.link(pid, "exe", errors)
            cwd = image.link(pid, "cwd", errors)
            state = self._observer.state_at_exec(at_ns, process)
            process.may_trace = self._tracer_programs.has(process, exe)
        process.executed = True
        process.creations = 0
        self._writer.event(
            events.Executed(
                at_ns=at_ns,
                pid=pid,
                tid=former if former != pid else None,
                path=encode_text(arguments.path) if arguments and arguments.path else None,
                argv=[encode_text(a) for a in arguments.argv] if arguments else None,
                exe=exe,
                cwd=cwd,
                env=arguments.env if arguments and arguments.env else None,
                state=state,
                errors=errors or None,
            )
        )
        self._observer.executed(at_ns, process)

    def exiting(self, tid: int) -> None:
        """Sample a process that is about to end: its parent and cgroup are still intact.

        A task that was killed before its first stop is seen here, and only here, and so is what a
        task has created that was killed before its event.
        """
        if tid not in self._table.tasks:
            self.first_stop(tid)
        lost = unreported_creation(self._tracee, self._table, tid)
        if lost is not None:
            self._creation(tid, lost.child, lost.call)
        process = self._table.process(tid)
        if process is not None and (process.creations or not process.executed):
            self._observer.sample(self.now(), process, "exit")

    def child_signal(self, tid: int) -> None:
        """Record the child whose SIGCHLD ``tid`` is about to get, if that one is not traced."""
        found = untraced_child(self._tracee, self._table, tid, self.now(), nested=self._sampling)
        if found is not None:
            self._writer.event(found)

    def death(self, tid: int, status: int) -> None:
        """Record a task's end by its wait status, and the new parents of the children it left."""
        if self._table.is_announced(tid):
            self.first_stop(tid)  # it was killed before any stop: its end is all that is seen
        at_ns = self.now()
        process = self._table.remove_process(tid)
        if process is None:
            owner = self._table.remove_thread(tid)
            if owner is not None:
                self._writer.event(events.ThreadExited(at_ns=at_ns, pid=owner.pid, tid=tid))
            return
        self._writer.event(exited(at_ns, tid, status))
        for child in sorted(process.children):
            self._orphan(at_ns, child)

    def _orphan(self, at_ns: int, pid: int) -> None:
        """Read who adopted the child of a process that has just died.

        When the parent's death is reported the kernel has already chosen (kernel/exit.c:
        exit_notify runs forget_original_parent first).
        """
        child = self._table.process(pid)
        if child is not None and self._sampling:
            self._observer.sample(at_ns, child, "reparent")
