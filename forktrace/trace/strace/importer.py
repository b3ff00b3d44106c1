"""Turn what a log tells into the events of a trace."""

from collections.abc import Callable
from typing import Any

from forktrace.trace import events
from forktrace.trace.strace import items, meaning, status
from forktrace.trace.strace.ends import Ends
from forktrace.trace.strace.first import FirstProcess
from forktrace.trace.strace.literals import Unreadable
from forktrace.trace.strace.population import Out, Population
from forktrace.trace.strace.status import Status
from forktrace.trace.strace.tasks import Birth, Process, is_pid
from forktrace.trace.text import encode_text

_LAST_LINE = 1 << 62


class Importer:
    """Take items one by one; ``made`` collects what they become, to be taken out by the caller.

    ``unassigned`` counts items whose process can't be told, ``unreadable`` calls whose arguments
    make no sense. ``first`` knows the pid of the first process.

    Args:
        separate: the tasks that have a log of their own (``-ff``): what one says of another can
            stand before what that one did.
        hint: the pid in the log's name, if it has one.
    """

    def __init__(self, separate: frozenset[int], hint: int | None) -> None:
        self.unassigned = self.unreadable = 0
        self.first = FirstProcess(hint)
        self._detached: list[int] = []
        self._separate = separate
        self._out = Out()
        self._people = Population(self._out)
        self._table = self._people.table
        self._ends = Ends(self._out, self._people, separate)
        self._origin: int | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            items.Seen: self._seen,
            items.Call: self._call,
            items.Signal: self._signal,
            items.Ended: self._ended,
            items.Told: self._told,
            items.Named: self._no_event,
            items.After: self._no_event,
        }

    @property
    def made(self) -> list[events.Event]:
        """Return the events that were not taken out yet."""
        return self._out.events

    @property
    def unannounced(self) -> int:
        """Return how many tasks no line announces."""
        return self._people.unknown

    @property
    def left(self) -> list[int]:
        """Return the pids that strace let go of and whose end nothing tells."""
        return sorted(set(self._detached).difference(self._table.ended))

    @property
    def now(self) -> int:
        """Return the time of the last item in ns."""
        return self._out.now

    @property
    def origin_ns(self) -> int:
        """Return the time of the first item on the log's own clock, in ns."""
        return self._origin or 0

    def take(self, item: items.Item) -> None:
        """Take the next item."""
        for ready in self.first.pass_on(item):
            self._handle(ready)

    def finish(self) -> None:
        """Tell what can be told only when all was read."""
        for item in self.first.finish():
            self._handle(item)
        for birth in self._table.returned(_LAST_LINE):
            self._people.born(birth, birth.result or 0)
        unknown, self._table.open[:] = list(self._table.open), []
        for birth in unknown:
            if birth.reported is not None:
                self._ends.end(self._people.born(birth, 0), birth.reported)
            elif birth.result is not None:
                self._people.created(birth, 0)
        self._ends.finish()

    def _handle(self, item: items.Item) -> None:
        if self._origin is None:
            self._origin = item.at_ns
        self._out.now = max(self._out.now, item.at_ns - self._origin)
        for birth in self._table.returned(item.line):
            self._people.born(birth, birth.result or 0)
        if item.tid is None and not isinstance(item, items.Told | items.Named):
            item.tid = self._without_pid(item)
            if item.tid is None:
                self.unassigned += not isinstance(item, items.Seen)
                return
        if item.tid not in self._separate or not self._is_late(item):
            self._handlers[type(item)](item)

    def _is_late(self, item: items.Item) -> bool:
        """Say whether a thread's line stands after the exec that ended it.

        An exec has the time at which it began, and the thread can go on until it has succeeded.
        """
        return item.tid in self._table.ended and item.tid not in self._table.tasks

    def _without_pid(self, item: items.Item) -> int | None:
        """Return whose line it is: strace names no pid while only one task is there."""
        if isinstance(item, items.Call) and item.former in self._table.tasks:
            return self._table.tasks[item.former].pid
        sole = self._table.sole()
        if sole is not None or isinstance(item, items.Ended) or self._ends.has_lines:
            return sole
        survivor = self._table.sole_not_ending()
        if survivor is not None:  # so those that called exit are gone, without a line
            self._ends.leave_without_lines()
        return survivor

    def _no_event(self, item: items.Item) -> None:
        """Take what matters for the first process' pid or for the order of logs alone."""

    def _seen(self, item: items.Seen) -> None:
        self._people.who(item, item.name)

    def _told(self, item: items.Told) -> None:
        message = item.message
        if message.what == "detached":
            self._detached.append(message.pid)
            self._ends.let_go(message.pid)
        if message.what != "attached" or message.pid in self._table.tasks:
            return
        birth = self._table.match(message.pid)
        if birth is not None:
            self._people.born(birth, message.pid)
        elif not self._table.open and not self._table.under_way:
            process = self._people.first(message.pid, None)
            process.due_threads = max(message.threads - 1, 0)
            self._table.seen.add(message.pid)

    def _signal(self, item: items.Signal) -> None:
        process = self._people.who(item)
        told = status.child_status(item.body)
        if told is not None and is_pid(told.pid):
            self._ends.reported(process, told)

    def _ended(self, item: items.Ended) -> None:
        assert item.tid is not None
        if item.tid not in self._table.tasks and item.tid in self._table.ended:
            return  # its own call has told of it
        process = self._people.who(item)
        if item.code is not None:  # a killed process has its line even with -qq
            self._ends.has_lines = True
        if item.tid == process.pid:
            self._ends.end(process, Status(process.pid, item.code, item.signal, item.core))
        else:
            self._ends.thread_end(process, item.tid)

    def _call(self, item: items.Call) -> None:
        name = item.name
        if item.former is not None and item.former in self._table.tasks:
            process = self._table.tasks[item.former]
        else:
            process = self._people.who(item)
        try:
            if name in items.CREATING:
                self._creation(process, item)
            elif name in items.EXECUTING:
                self._execution(process, item)
            elif name in items.ENDING:
                self._ends.ending(process, item)
            else:
                self._recorded(process, item)
        except Unreadable:
            self.unreadable += 1

    def _creation(self, process: Process, item: items.Call) -> None:
        result = item.result
        if result.error or item.tid is None or (result.value is not None and result.value <= 0):
            return
        creation = meaning.read_creation(item.name, item.arguments)
        value = result.value if is_pid(result.value) else None
        left = item.left or 0 if not self._separate else 0
        birth = Birth(process, item.tid, creation, value, left)
        if self._table.begin(birth, item.line):
            self._people.born(birth, value or 0)
            return
        proof = result.outer
        if proof is None and len(self._table.open) == 1 and item.attached not in self._table.tasks:
            proof = item.attached
        if proof is not None and birth in self._table.open:
            self._table.open.remove(birth)
            self._people.born(birth, proof)

    def _execution(self, process: Process, item: items.Call) -> None:
        told = meaning.read_execution(item.name, item.arguments)
        path = None if told.path is None else encode_text(told.path)
        if item.result.error is not None:
            if not item.result.error.startswith("ERESTART"):
                self._out.put(self._event(process, item, {"path": path}))
            return
        if item.result.value != 0:
            return  # it was killed in the call, or the log ends there
        caller = item.former if item.former is not None else item.tid
        self._people.lose_threads(process)
        self._out.put(
            events.Executed(
                at_ns=self._out.now,
                pid=process.pid,
                tid=caller if caller != process.pid else None,
                path=path,
                argv=None if told.argv is None else [encode_text(a) for a in told.argv],
                env=told.env,
                errors=told.errors or None,
            )
        )

    def _recorded(self, process: Process, item: items.Call) -> None:
        if item.name in (b"wait4", b"waitid", b"waitpid"):
            found = status.reaped(item.name, item.arguments, item.result)
            if item.result.error is None and found is not None and is_pid(found.pid):
                event = self._event(process, item, {"reaped": found.pid})
                self._ends.reported(process, found, wait=event)
            return
        if (item.result.error or "").startswith("ERESTART"):
            return
        arguments = meaning.read_called(item.name, item.arguments)
        if arguments is None:
            return
        self._out.put(self._event(process, item, arguments))
        if item.result.error is None and item.result.value is not None:
            self._people.moved(process, item.name, arguments)

    def _event(
        self, process: Process, item: items.Call, arguments: meaning.Arguments
    ) -> events.Called:
        return events.Called(
            at_ns=self._out.now,
            pid=process.pid,
            tid=item.tid if item.tid != process.pid else None,
            name=item.name.decode(),
            arguments=arguments,
            result=item.result.value,
            error=item.result.error,
        )
