"""Look at a process of a stopped tree in /proc, and write what has changed since the last look.

What it finds beside the state: a new real parent, wherever that is first seen, and who that is;
and what descriptors are open.
"""

from forktrace.capture import sampler
from forktrace.capture.descriptor_recorder import DescriptorRecorder
from forktrace.capture.outsiders import Outsiders
from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.trace import events
from forktrace.trace.writer import TraceWriter


class Observer:
    """Write samples and reparentings of the processes of a task table.

    Args:
        writer: where events go.
        table: the live tasks; the observer keeps the parents in it up to date.
        enabled: False for the detail "minimal": nothing is looked at.
        tracer: forktrace's own pid, which is not described as an outsider.
    """

    def __init__(
        self, writer: TraceWriter, table: TaskTable, *, enabled: bool, tracer: int
    ) -> None:
        self._writer = writer
        self._table = table
        self._enabled = enabled
        self._outsiders = Outsiders(writer, {tracer, 0})
        self._descriptors = DescriptorRecorder(writer, table)

    def sample(self, at_ns: int, process: TracedProcess, at: events.SampledAt) -> None:
        """Look at a process at an event."""
        if not self._enabled:
            return
        now = sampler.at_stop(process, namespaces=at != "reparent" and not process.executed)
        self._notice_parent(at_ns, process, now)
        state = self._changes(process, now)
        if state is not None:
            self._writer.event(events.Sampled(at_ns=at_ns, pid=process.pid, at=at, state=state))

    def state_at_exec(self, at_ns: int, process: TracedProcess) -> events.State | None:
        """Look at a process that has just executed something; returns what its event is to say."""
        now = sampler.at_stop(process, namespaces=True)
        self._notice_parent(at_ns, process, now)
        return self._changes(process, now)

    def born(self, at_ns: int, process: TracedProcess) -> None:
        """Look at what a new process has open, where its creator does not tell."""
        if self._enabled and process.descriptors is None:
            self._descriptors.born(at_ns, process)

    def executed(self, at_ns: int, process: TracedProcess) -> None:
        """Look at what a process has open, once its new image is recorded."""
        if self._enabled:
            self._descriptors.executed(at_ns, process)

    def parent_of(self, at_ns: int, process: TracedProcess) -> None:
        """Describe the parent of ``process`` if it is outside the trace, the first time."""
        if process.parent is not None and not process.parent_traced and self._enabled:
            self._outsiders.describe(at_ns, process.parent)

    def _changes(self, process: TracedProcess, now: Snapshot) -> events.State | None:
        state = sampler.changes(process.known, now)
        if state is not None and state.nspid is not None:
            self._table.note_numbers(process)
        return state

    def _notice_parent(self, at_ns: int, process: TracedProcess, now: Snapshot) -> None:
        """Record a change of the real parent, wherever it is first seen.

        If the old parent was traced its death is the cause: there is no other (its ``exit`` may
        be reported a little later than this).
        """
        previous = process.parent
        if now.ppid is None or previous is None or now.ppid == previous:
            return
        death = previous if process.parent_traced else None
        self._table.disown(process)
        process.parent = process.known.ppid = now.ppid
        self._writer.event(
            events.Reparented(
                at_ns=at_ns, pid=process.pid, ppid=now.ppid, previous=previous, death=death
            )
        )
        adopter = self._table.adopt(process)
        self.parent_of(at_ns, process)
        if adopter is not None:
            process.adopted = True
            self._descriptors.adopts(at_ns, adopter)
