"""Introduce the processes of a log to its trace, and tell of their creation."""

from forktrace.trace import events
from forktrace.trace.strace import items
from forktrace.trace.strace.meaning import Arguments
from forktrace.trace.strace.tasks import Birth, Process, Table, nspid_of


class Out:
    """Collect the events of a trace. ``now`` is the time of what is told of, in ns."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []
        self.now = 0

    def put(self, event: events.Event) -> None:
        """Add an event."""
        self.events.append(event)


class Population:
    """Know who is there, in ``table``. ``unknown`` counts tasks whose beginning is not told.

    Args:
        out: where events go.
    """

    def __init__(self, out: Out) -> None:
        self.table = Table()
        self.unknown = 0
        self.began = False
        self._out = out

    def who(self, item: items.Item, first: bytes | None = None) -> Process:
        """Return whose item it is; who shows itself for the first time is told of."""
        assert item.tid is not None
        process = self.table.tasks.get(item.tid)
        if process is None or any(b.result == item.tid for b in self.table.under_way):
            process = self._introduce(item.tid, first)
        self.table.seen.add(item.tid)
        if item.tid == process.pid and not process.seen:
            process.seen = True
            inner = len(process.nspid or ()) > 1
            state = events.State(nspid=process.nspid) if inner else None
            self._out.put(events.Started(at_ns=self._out.now, pid=process.pid, state=state))
        return process

    def _introduce(self, tid: int, first: bytes | None) -> Process:
        if not self.began:
            return self.first(tid, first)
        birth = self.table.match(tid)
        if birth is not None:
            return self.born(birth, tid)
        due = [p for p in dict.fromkeys(self.table.tasks.values()) if p.due_threads]
        if len(due) == 1:
            due[0].due_threads -= 1
            self.table.add_thread(due[0], tid)
            self._out.put(events.ThreadStarted(at_ns=self._out.now, pid=due[0].pid, tid=tid))
            return due[0]
        self.unknown += 1
        process = Process(tid)
        self.table.add(process)
        return process

    def first(self, tid: int, first: bytes | None) -> Process:
        """Take who was there first: the command, which begins with an exec, or another."""
        self.began = True
        root = first in items.EXECUTING
        state = None if tid else events.State(errors={"pid": "not in the log"})
        self._out.put(
            events.Started(at_ns=self._out.now, pid=tid, root=root, attached=not root, state=state)
        )
        process = Process(tid, seen=True, nspid=[tid])
        self.table.add(process)
        return process

    def born(self, birth: Birth, child: int) -> Process:
        """Tell of a creation whose child is known."""
        creator = birth.creator
        self.created(birth, child)
        if birth.thread:
            self.table.add_thread(creator, child)
            return creator
        elsewhere = birth.creation.has("CLONE_NEWPID") or creator.below != "same"
        process = Process(
            child,
            foreign=creator.foreign or elsewhere,
            nspid=nspid_of(birth, child),
            creator=creator,
            inner=birth.result,
            reported=birth.reported,
            waits=birth.waits,
        )
        creator.below = "other" if creator.below == "new" else creator.below
        if creator.foreign and birth.result is not None:
            creator.children[birth.result] = process
        self.table.add(process)
        return process

    def created(self, birth: Birth, child: int) -> None:
        """Put the record of a creation; a ``child`` of 0 is one whose pid is not known."""
        creation = birth.creation
        self._out.put(
            events.Created(
                at_ns=self._out.now,
                pid=birth.creator.pid,
                tid=birth.tid,
                child=child,
                how=creation.how,
                flags=creation.flags,
                exit_signal=creation.exit_signal,
                thread=birth.thread,
            )
        )

    def lose_threads(self, process: Process) -> None:
        """Take out all threads: an exec has ended them (execve(2))."""
        for birth in [b for b in self.table.open if b.creator is process and b.thread]:
            self.table.open.remove(birth)
            self.created(birth, 0)
        for tid in process.tasks - {process.pid}:
            self.table.remove_thread(process, tid)
            self.table.remember(tid)
        self.table.add_thread(process, process.pid)
        self.table.seen.add(process.pid)
        process.leader_left = None

    def moved(self, process: Process, name: bytes, arguments: Arguments) -> None:
        """Note in which PID namespace the next child will be (pid_namespaces(7))."""
        flags = arguments.get("flags")
        if not isinstance(flags, list):
            return
        if name == b"unshare" and "CLONE_NEWPID" in flags:
            process.below = "new"
        elif name == b"setns" and ("CLONE_NEWPID" in flags or not flags):
            process.below = "other"
