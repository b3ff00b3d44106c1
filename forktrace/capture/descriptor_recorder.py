"""Decide when a process' descriptors are looked at, by what it did, and write what has changed.

* birth: 0 to 2 where they do not follow from the creator's, which a child inherits: of the traced
  command, and of a process whose creator's event has not come;
* exec: 0 to 2, as a shell redirects after it has forked and before it executes;
* reparent: all of a process that adopts an orphan, as a container's monitor does;
* child: all of a creator, when its child executes something with a pipe, socket or terminal that
  is new: its other end may be the creator's;
* container: when what may be a container's payload is executed, all of those who launched it and
  of its real parent: it was adopted by a traced process, or is the first of a PID namespace.
"""

from collections.abc import Iterator

from forktrace.capture.descriptors import NOTHING, Table, changed, new_streams, read_table
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.trace import events
from forktrace.trace.writer import TraceWriter

_LEVELS = 8  # of creators above a payload; podman, conmon, runc and its stages are five
_OFTEN = 16  # whole looks at a process, after which only each 32nd, 64th, 128th is done


class DescriptorRecorder:
    """Write ``events.Descriptors`` of the processes of a task table.

    Args:
        writer: where events go.
        table: the live tasks.
    """

    def __init__(self, writer: TraceWriter, table: TaskTable) -> None:
        self._writer = writer
        self._table = table

    def born(self, at_ns: int, process: TracedProcess) -> None:
        """Look at a new process of which nothing is known."""
        self._look(at_ns, process, "birth")

    def executed(self, at_ns: int, process: TracedProcess) -> None:
        """Look at a process that has executed something, and at who launched a payload."""
        known = process.descriptors = (process.descriptors or NOTHING).after_exec()
        self._look(at_ns, process, "exec")
        if process.adopted or _is_namespace_init(process):
            for launcher in self._launchers(process):
                self._look_at_all(at_ns, launcher, "container")
        elif process.descriptors is not known and new_streams(known, process.descriptors):
            creator = self._table.living_creator(process)
            if creator is not None:
                self._look_at_all(at_ns, creator, "child")

    def adopts(self, at_ns: int, process: TracedProcess) -> None:
        """Look at a process that has adopted an orphan."""
        self._look_at_all(at_ns, process, "reparent")

    def _look_at_all(self, at_ns: int, process: TracedProcess, at: events.LookedAt) -> None:
        process.whole_looks += 1
        looks = process.whole_looks
        if looks <= _OFTEN or looks & (looks - 1) == 0:
            self._look(at_ns, process, at, whole=True)

    def _look(
        self, at_ns: int, process: TracedProcess, at: events.LookedAt, *, whole: bool = False
    ) -> None:
        known = process.descriptors or NOTHING
        relatives = (creator.pid for creator in self._creators(process))
        mounts = (process.known.ns or {}).get("mnt")
        now = read_table(process.pid, known, whole=whole, mounts=mounts, relatives=relatives)
        process.descriptors = now
        event = descriptors_event(at_ns, process.pid, at, known, now)
        if event is not None:
            self._writer.event(event)

    def _launchers(self, process: TracedProcess) -> list[TracedProcess]:
        """Return the living real parent and creators of a payload, each once."""
        parent = self._table.process(process.parent)
        found = {p.pid: p for p in ([parent] if parent else []) + [*self._creators(process)]}
        return list(found.values())

    def _creators(self, process: TracedProcess) -> Iterator[TracedProcess]:
        for _level in range(_LEVELS):
            creator = self._table.living_creator(process)
            if creator is None:
                return
            yield creator
            process = creator


def _is_namespace_init(process: TracedProcess) -> bool:
    numbers = process.known.nspid
    return numbers is not None and len(numbers) > 1 and numbers[-1] == 1


def descriptors_event(
    at_ns: int, pid: int, at: events.LookedAt, known: Table, now: Table
) -> events.Descriptors | None:
    """Return the event that says what a look has shown, None where that was known.

    Nothing is said of a process that was gone and of which nothing was known.
    """
    if now is known or (now.is_gone and known is NOTHING):
        return None
    fds, closed = changed(known, now)
    errors = now.errors if now.errors != known.errors else None
    if not (fds or closed or errors or now.whole > known.whole):
        return None
    return events.Descriptors(
        at_ns=at_ns,
        pid=pid,
        at=at,
        fds=fds,
        whole=now.whole,
        closed=closed,
        errors=errors,
    )
