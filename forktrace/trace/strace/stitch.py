"""Join the lines of a log to whole calls, in the order in which things can have happened.

strace prints a call in two lines when something else happens in between ("<unfinished ...>",
"<... NAME resumed>"), and its messages on standard error can cut any line in two. A call stands
where it returned, but for the ones that create a process: these stand where they were entered, as
the child runs before they return. Until such a call has returned, what follows it waits here.
"""

import re
from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from forktrace.trace.strace import items, lines
from forktrace.trace.strace.clock import Clock
from forktrace.trace.strace.items import CREATING, EXECUTING, OWN_PID, WANTED
from forktrace.trace.strace.literals import Result, Unreadable, read_result, split_call

# Calls of every start of a program that none of strace's groups has (%process, %file, …): a log
# with one of them was not filtered.
_UNFILTERED = frozenset((b"rseq", b"set_robust_list"))
_UNFINISHED = re.compile(rb"<(?:unfinished \.\.\.|pid changed to (\d{1,7}) \.\.\.)>$")
_DROPPED = re.compile(rb"<(?:detached \.\.\.|ptrace\([A-Z_]+\):[^<>]*)>$")
_RESUMED = re.compile(rb"<\.\.\. ([a-z_][a-z0-9_]{0,40}) resumed>")
_SUPERSEDED = re.compile(rb"\+\+\+ superseded by execve in pid (\d{1,7}) \+\+\+$")
_CGROUP = re.compile(rb"/(?:cgroup\.procs|tasks|cgroup\.threads)>")
_MOST_WAITING = 100_000


class _Begun(Struct):
    """Be a call that is unfinished: what its first line says, and its place if it has one."""

    name: bytes
    text: bytes
    entered: int
    slot: items.Call | None = None


class Stitcher:
    """Take the lines of one log, one by one; ``ready`` yields what they tell.

    ``total`` counts the lines, ``unreadable`` those that make no sense, ``first_unreadable`` is
    the number of the first of these, ``left_out`` counts lines of dots. ``calls`` are the names of
    the wanted calls that stand in the log, ``unfiltered`` says that it seems to hold all calls,
    ``sure`` that it has a line which is certainly strace's.

    Args:
        tid: whose log it is (``-ff``), None where lines tell that themselves.
    """

    def __init__(self, tid: int | None = None) -> None:
        self.clock = Clock()
        self.total = self.unreadable = self.first_unreadable = self.left_out = 0
        self.calls: set[bytes] = set()
        self.unfiltered = self.sure = False
        self._tid = tid
        self._queue: deque[items.Item] = deque()
        self._begun: dict[int | None, _Begun] = {}
        self._seen: set[int | None] = set()
        self._cut: bytes | None = None
        self._messages: list[lines.Message] = []
        self._over = False
        self._now = 0

    def take(self, raw: bytes) -> None:
        """Take the next line of the log, without its newline."""
        self.total += 1
        raw = raw.rstrip(b"\r")
        if b"Process " in raw:
            found = lines.find_message(raw)
            if found is not None:
                self._message(*found)
                return
        if self._cut is not None:
            raw, self._cut = self._cut + raw, None
        line = None if self._over else lines.read_line(raw)
        if line is None:
            self._no_line(raw)
            return
        if self._tid is not None:
            if line.tid not in (None, self._tid):  # no file of strace -ff
                self._bad()
                return
            line.tid = self._tid
        self._now = self.clock.at(line.clock, line.relative)
        if not self.sure:
            self.sure = lines.is_sure(line)
        self._line(line)
        if self._messages:
            self._told()

    def ready(self) -> Iterator[items.Item]:
        """Yield what is known by now, in order."""
        queue = self._queue
        while queue and (_is_complete(queue[0]) or len(queue) > _MOST_WAITING):
            yield queue.popleft()

    def finish(self) -> Iterator[items.Item]:
        """Yield the rest, after the last line."""
        if self._cut is not None:
            self._bad()
        self._told()
        for item in self._queue:
            if not _is_complete(item):
                _close(item, self.total)
        yield from self._queue
        self._queue.clear()

    def _no_line(self, raw: bytes) -> None:
        if self._over or lines.is_noise(raw):
            self._over = self._over or lines.is_summary(raw)
        elif lines.is_left_out(raw):
            self.left_out += 1
        else:
            self._bad()

    def _bad(self) -> None:
        self.unreadable += 1
        self.first_unreadable = self.first_unreadable or self.total

    def _message(self, before: bytes, message: lines.Message) -> None:
        """Take a message; one that cuts a line leaves its start to be joined to its end."""
        if before.strip():
            self._cut = (self._cut or b"") + before
        if self._cut is not None:
            self._messages.append(message)
            return
        slots = [b.slot for b in self._begun.values() if b.slot and b.slot.attached is None]
        if message.what == "attached" and len(slots) == 1 and slots[0]:
            slots[0].attached = message.pid
        else:
            self._put(items.Told(at_ns=self._now, message=message))

    def _attached(self) -> int | None:
        """Return the task that strace announced while it printed a line of a creating call.

        None where other calls may have created it.
        """
        others = any(begun.slot for begun in self._begun.values())
        if len(self._messages) != 1 or others or self._messages[0].what != "attached":
            return None
        return self._messages.pop().pid

    def _told(self) -> None:
        """Put the messages that have cut the line that was just taken."""
        for message in self._messages:
            self._put(items.Told(at_ns=self._now, message=message))
        self._messages.clear()

    def _line(self, line: lines.Line) -> None:
        name = line.name
        if line.tid not in self._seen:
            self._seen.add(line.tid)
            self._put(items.Seen(at_ns=self._now, tid=line.tid, name=name))
        if name is None:
            self._other(line)
        elif name in WANTED and (name != b"write" or _CGROUP.search(line.body)):
            self.calls.add(name)
            self._call(line.tid, name, line.body)
        elif name in OWN_PID and line.tid is None:
            self._own_pid(line.body)
        elif name in _UNFILTERED:
            self.unfiltered = True

    def _own_pid(self, body: bytes) -> None:
        """Learn the pid of a task whose lines don't name it from a call that returns it."""
        try:
            value = read_result(split_call(body)[1]).value
        except Unreadable:
            return
        if value and value > 0:
            self._put(items.Named(at_ns=self._now, tid=value))

    def _call(self, tid: int | None, name: bytes, body: bytes) -> None:
        unfinished = _UNFINISHED.search(body)
        if unfinished is None:
            self._finish(tid, _Begun(name, b"", self.total), body)
            return
        begun = _Begun(name, body[: unfinished.start()].rstrip(), self.total)
        if name in CREATING:
            slot = items.Call(at_ns=self._now, tid=tid, name=name)
            begun.slot = slot
            slot.attached = self._attached() if self._messages else None
            self._put(slot)
        self._begun[tid] = begun
        if unfinished[1] and tid is not None:
            self._superseded(int(unfinished[1]), tid)

    def _other(self, line: lines.Line) -> None:
        body = line.body
        resumed = _RESUMED.match(body)
        if resumed:
            self._resumed(line.tid, resumed[1], body[resumed.end() :])
        elif body.startswith(b"---"):
            if body.startswith(b"--- SIGCHLD {") and body.endswith(b" ---"):
                self._put(items.Signal(at_ns=self._now, tid=line.tid, body=body[4:-4]))
        elif end := lines.read_end(body):
            self._ended(line.tid, end)
        elif found := _SUPERSEDED.match(body):
            self._superseded(line.tid, int(found[1]))
        else:
            self._bad()

    def _ended(self, tid: int | None, end: lines.End) -> None:
        begun = self._begun.pop(tid, None)
        if begun is not None and begun.slot is not None:
            _close(begun.slot, self.total)
        self._seen.discard(tid)
        code, signal, core = end
        ended = items.Ended(at_ns=self._now, tid=tid, code=code, signal=signal, core=core)
        self._put(ended)

    def _resumed(self, tid: int | None, name: bytes, rest: bytes) -> None:
        if name not in WANTED:
            self._begun.pop(tid, None)
            return
        begun, caller = self._find_begun(tid, name)
        if begun is None and name not in CREATING:
            return  # what the call was is not in the log
        former = None
        if name in EXECUTING and caller != tid and caller is not None:
            former, caller = caller, tid
        self.calls.add(name)
        self._finish(caller, begun or _Begun(name, b"", self.total), rest, former)

    def _find_begun(self, tid: int | None, name: bytes) -> tuple[_Begun | None, int | None]:
        """Return the call that goes on, and whose it is: lines may change between pid and none."""
        for key in self._candidates(tid, name):
            begun = self._begun.get(key)
            if begun is not None and begun.name == name:
                del self._begun[key]
                if key is None and tid is not None:
                    self._put(items.Named(at_ns=self._now, tid=tid))
                return begun, tid if key is None else key
        return None, tid

    def _candidates(self, tid: int | None, name: bytes) -> Iterator[int | None]:
        yield tid
        if tid is not None:
            yield None
        if tid is None or name in EXECUTING:
            alike = [key for key, begun in self._begun.items() if begun.name == name]
            yield from alike if len(alike) == 1 else ()

    def _finish(
        self, tid: int | None, begun: _Begun, rest: bytes, former: int | None = None
    ) -> None:
        """Put a call whose end is there: ``rest`` is the text of its last line."""
        slot = begun.slot
        rest = rest.replace(b"<unfinished ...>", b"", 1)
        if _DROPPED.search(rest):  # strace let go of the task, or it was killed
            if slot is not None:
                _close(slot, self.total)
            return
        try:
            arguments, end = split_call(begun.text + rest)
            result = read_result(end)
        except Unreadable:
            self._bad()
            if slot is not None:
                _close(slot, self.total)
            return
        if slot is None:
            slot = items.Call(at_ns=self._now, tid=tid, name=begun.name)
            slot.attached = self._attached() if self._messages else None
            slot.former = former
            self._put(slot)
        slot.tid = slot.tid if slot.tid is not None else tid
        slot.arguments, slot.result, slot.left = arguments, result, self.total
        if begun.name in CREATING and result.value and begun.entered != self.total:
            self._prove_exec(slot)

    def _prove_exec(self, creation: items.Call) -> None:
        """Take a vfork's child to have executed what it began to: else vfork had not returned.

        Its parent goes on when the child has left the parent's memory, by an exec or its end
        (vfork(2); kernel/fork.c: wait_for_vfork_done).
        """
        flags = b"".join(creation.arguments)
        if creation.name != b"vfork" and b"CLONE_VFORK" not in flags:
            return
        child = creation.result.outer or creation.result.value
        self._executed(child, child, None)

    def _superseded(self, tid: int | None, former: int) -> None:
        """Take that a process goes on under its leader's tid: the exec of a thread succeeded."""
        if former not in self._begun:
            self._put(items.After(at_ns=self._now, tid=tid, task=former))
        self._executed(former, tid, former)

    def _executed(self, caller: int | None, tid: int | None, former: int | None) -> None:
        """Put the exec that a task has begun, which is known to have succeeded."""
        begun = self._begun.get(caller)
        if begun is None or begun.name not in EXECUTING:
            return
        del self._begun[caller]
        text = begun.text if begun.text.endswith(b"...") else begun.text + b", ..."
        try:
            arguments, _rest = split_call(text + b")")
        except Unreadable:
            return
        call = items.Call(at_ns=self._now, tid=tid, name=begun.name, arguments=arguments)
        call.result, call.left, call.former = Result(0), self.total, former
        self._put(call)

    def _put(self, item: items.Item) -> None:
        item.line = self.total
        self._queue.append(item)


def _is_complete(item: items.Item) -> bool:
    return not (isinstance(item, items.Call) and item.left is None)


def _close(item: items.Item, position: int) -> None:
    """Give up waiting for a call's return."""
    if isinstance(item, items.Call):
        item.left = position
