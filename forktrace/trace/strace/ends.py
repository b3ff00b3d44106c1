"""Tell when and how the processes of a log ended, whoever tells of it.

A log has a line of each end, unless strace was told to be quiet (-qq); then exit_group(2) itself
is the end. A child that has no line of its own is known to have ended by its parent's SIGCHLD or
wait.
"""

import msgspec

from forktrace.trace import events
from forktrace.trace.strace import items
from forktrace.trace.strace.literals import Unreadable, read_number
from forktrace.trace.strace.population import Out, Population
from forktrace.trace.strace.status import Status
from forktrace.trace.strace.tasks import Birth, Process

_MOST_WAITS = 1_000


class Ends:
    """Tell of ends. ``has_lines``: the log has a line of each; None while that is not known.

    Args:
        out: where events go.
        people: who is there.
        separate: the tasks that have a log of their own, whose end stands there.
    """

    def __init__(self, out: Out, people: Population, separate: frozenset[int]) -> None:
        self._out = out
        self._people = people
        self._table = people.table
        self._separate = separate
        self._turns = 0
        self.has_lines: bool | None = None

    def ending(self, process: Process, item: items.Call) -> None:
        """Take exit or exit_group: the end itself may be a line of its own, or not (-qq)."""
        argument = item.arguments[0] if item.arguments else b""
        code = read_number(argument)
        if code is None:
            raise Unreadable("exit without a code")
        status = Status(process.pid, code & 0xFF)
        of_thread = item.name != b"exit_group"
        if of_thread and item.tid != process.pid:
            if self.has_lines is False:
                self.thread_end(process, item.tid or 0)
            return
        if of_thread and len(process.tasks) > 1:
            process.leader_left = status
            self._take_turn(process)
            return
        process.ending = status
        self._take_turn(process)
        if self.has_lines is False:
            self.end(process, status)

    def reported(
        self, parent: Process, status: Status, *, wait: events.Called | None = None
    ) -> None:
        """Take what a SIGCHLD, or a ``wait``, says of a child: it has ended, whatever else we saw.

        A child that has lines of its own is ended by these: they may stand later, where logs were
        merged.
        """
        child = self._table.child(parent, status.pid)
        if child is None and wait is not None and self._separate:
            birth = self._birth(parent, status.pid)
            if birth is not None:  # its own log may come later
                birth.reported, birth.waits = status, [wait]
                return
        if child is None:
            self._unknown_child(parent, status, told=wait is None)
            if wait is not None:
                self._out.put(wait)
            return
        if child.reported is None or not child.reported.tells:
            child.reported = status
            self._take_turn(child)
        if wait is not None and len(child.waits) < _MOST_WAITS:
            child.waits.append(wait)
        if child.ending is not None and not self.has_lines:
            self.leave_without_lines()
        elif not child.seen and child.pid not in self._separate:
            self.end(child, child.reported)

    def leave_without_lines(self) -> None:
        """Conclude that the log has no lines of ends: whoever called exit has ended."""
        self.has_lines = False
        for process in self._in_turn():
            if process.ending is not None:
                self.end(process, process.ending)

    def _take_turn(self, process: Process) -> None:
        """Note which process it is to have ended, for all that we know of its end."""
        if not process.turn:
            self._turns += 1
            process.turn = self._turns

    def _in_turn(self) -> list[Process]:
        """Return the processes that are there, in the order in which they called exit."""
        there = dict.fromkeys(self._table.tasks.values())
        return sorted(there, key=lambda process: process.turn)

    def let_go(self, pid: int) -> None:
        """Take that strace let go of a process: old ones say so of each that has ended."""
        process = self._table.tasks.get(pid)
        if process is not None and process.pid == pid and process.ending is not None:
            self.end(process, process.ending)

    def _birth(self, parent: Process, pid: int) -> Birth | None:
        """Return the creation of a process that returned ``pid`` and whose child is not known."""
        made = (b for b in self._table.open if b.creator is parent and not b.thread)
        return next((birth for birth in made if birth.result == pid), None)

    def _unknown_child(self, parent: Process, status: Status, *, told: bool) -> None:
        birth = self._birth(parent, status.pid)
        if birth is not None:
            self._table.open.remove(birth)
            self.end(self._people.born(birth, 0), status)
            return
        if told and not parent.foreign and status.pid not in self._table.ended:
            self._out.put(
                events.Untraced(
                    at_ns=self._out.now,
                    pid=parent.pid,
                    child=status.pid,
                    code=status.code,
                    signal=status.signal,
                )
            )

    def thread_end(self, process: Process, tid: int) -> None:
        """Tell that a thread, not the leader, has ended."""
        self._out.put(events.ThreadExited(at_ns=self._out.now, pid=process.pid, tid=tid))
        self._table.remove_thread(process, tid)
        if self.has_lines is False and process.leader_left and process.tasks == {process.pid}:
            self.end(process, process.leader_left)

    def end(self, process: Process, status: Status) -> None:
        """Tell that a process has ended, with all its threads."""
        if not status.tells:
            return  # that it ended is known, but not how: there is no such record
        for birth in [b for b in self._table.open if b.creator is process]:
            if birth.thread:
                self._table.open.remove(birth)
                self._people.created(birth, 0)
        self._out.put(
            events.Exited(
                at_ns=self._out.now,
                pid=process.pid,
                code=status.code,
                signal=status.signal,
                core=status.core,
            )
        )
        self._table.remove(process)
        self._waited(process)

    def finish(self) -> None:
        """Tell of ends that nothing but a call or a report speaks for, in the order of these."""
        for process in self._in_turn():
            end = process.ending or process.reported or process.leader_left
            if end is not None:
                self.end(process, end)
            self._waited(process)

    def _waited(self, process: Process) -> None:
        for event in process.waits:
            self._out.put(msgspec.structs.replace(event, at_ns=self._out.now))
        process.waits = []
