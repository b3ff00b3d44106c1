"""Say what a process' state was at its own steps, however often /proc was looked at in between.

How much a trace holds of that is a matter of chance: a look at another process' step may come
before or after a change. At a process' own steps it is always looked at, so a change is told at
the first of those that follow it. A cgroup can be changed by others at any time; it is told at the
next creation or end, as whoever moves a process waits for neither of its execs.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from forktrace.analysis.findings import Container
from forktrace.analysis.stream_ends import inode, kind
from forktrace.model.descriptors import descriptors_at
from forktrace.model.facts import Descriptor, DescriptorTable, Moment, Sample
from forktrace.model.process import Process

_PASSING = ("ESRCH", "ENOENT", "EAGAIN")  # of a process that just ended
_STANDARD = (0, 1, 2)

Own = list[tuple[int, Moment, str]]  # a process' steps: observed time in ns, new moment, kind
Values = dict[str, Any]


class States:
    """Rebuild the samples of all processes, a creator before its children.

    Args:
        number: gives the new number of a pid, process group or session as of an event's position.
    """

    def __init__(self, number: Callable[[int, int], int]) -> None:
        self._number = number
        self._told: dict[str, list[tuple[int, Values]]] = {}

    def samples(
        self, process: Process, own: Own, creator: str | None, pids: tuple[int, list[int]]
    ) -> list[Sample]:
        """Return what is new at each step of a process; all that is known at the first.

        Args:
            process: the process as observed.
            own: its steps, in order.
            creator: the id of the process as observed that it was copied from.
            pids: the new pid of its real parent at birth, and its own in each PID namespace.
        """
        start, nspid = own[0][1], pids[1]
        known = self._at(creator, start.seq) if creator else {}
        changes: dict[int, Values] = {0: dict(known)}
        for sample in process.samples:
            birth = sample.at_event == "birth"  # it can come after the creator's record
            for name, value in self._values(sample).items():
                seen = _place(own, sample.at.at_ns, external=name == "cgroup")
                place = 0 if birth else seen
                changes.setdefault(place, {})[name] = value
        result = []
        current: Values = {}
        for place in sorted(changes):
            new = {k: v for k, v in changes[place].items() if current.get(k) != v}
            current |= new
            _, at, kind = own[place]
            self._told.setdefault(process.id, []).append((at.seq, dict(current)))
            made = Sample(at, _EVENTS.get(kind, "create"), **new)
            if place == 0:
                made.ppid, made.nspid = pids[0] or None, nspid or None
            if new or place == 0:
                result.append(made)
        return result

    def _at(self, id_: str, seq: int) -> Values:
        """Return what was told of a process up to a new position."""
        told = [values for at, values in self._told.get(id_, ()) if at <= seq]
        return told[-1] if told else {}

    def _values(self, sample: Sample) -> Values:
        seq = sample.at.seq
        errors = {k: v for k, v in sample.errors.items() if v not in _PASSING}
        found: Values = {
            "comm": sample.comm,
            "pgid": None if sample.pgid is None else self._number(sample.pgid, seq),
            "sid": None if sample.sid is None else self._number(sample.sid, seq),
            "tty": sample.tty,
            "cgroup": None if sample.cgroup is None else cgroup_lines(sample.cgroup),
            "ns": sample.ns,
            "errors": errors or None,
        }
        return {name: value for name, value in found.items() if value is not None}


_EVENTS = {"birth": "birth", "exec": "exec", "exit": "exit"}


def cgroup_lines(lines: Iterable[str]) -> list[str]:
    """Number v1 hierarchies by their controllers: the kernel does it anew at each boot."""
    parts = [line.split(":", 2) for line in lines]
    legacy = sorted(p[1:] for p in parts if len(p) == 3 and p[0] != "0")
    unified = [":".join(p) for p in parts if len(p) != 3 or p[0] == "0"]
    return [*(f"{i}:{':'.join(rest)}" for i, rest in enumerate(legacy, start=1)), *unified]


class Tables:
    """Rebuild the tables of descriptors: the standard streams, and what they are connected with.

    What else was open is a matter of the moment, and only told of a container's monitor and engine,
    at the moment when the payload was executed. They were looked at then, but a trace has a record
    of that only where something had changed since they were looked at before.

    Args:
        processes: all that were traced.
        containers: those that were found among them.
    """

    def __init__(self, processes: Iterable[Process], containers: Iterable[Container]) -> None:
        self._connected = {
            key
            for process in processes
            for table in process.descriptors
            for fd in _STANDARD
            if fd in table.fds
            for key in _ends(table.fds[fd])
        }
        self._payloads: defaultdict[str | None, list[Moment]] = defaultdict(list)
        for container in containers:
            if container.payload is not None:
                self._payloads[container.monitor].append(container.payload)
                self._payloads[container.engine].append(container.payload)

    def all(
        self, process: Process, moment: Callable[[DescriptorTable], Moment]
    ) -> list[DescriptorTable]:
        """Return the tables of a process, a new one at each exec and where something changed.

        What it was born with is read of it or of its creator, whichever was stopped first.

        Args:
            process: the process as observed.
            moment: gives the new moment of what a table was read at.
        """
        read = [_part(table, moment(table), _STANDARD) for table in process.descriptors]
        if process.heritage is not None and (not read or read[0].at_event != "birth"):
            born = replace(process.heritage, at=process.born, at_event="birth", whole=False)
            read.append(_part(born, moment(born), _STANDARD))
        launched = [self._when_it_ran(table, moment) for table in self._launched(process)]
        told = {table.at.seq for table in launched}
        changed = _changed(sorted(read, key=_seq))
        return sorted([*(t for t in changed if t.at.seq not in told), *launched], key=_seq)

    def _launched(self, process: Process) -> Iterator[DescriptorTable]:
        """Yield what a process had open when each payload that it launched was executed."""
        for at in self._payloads.get(process.id, ()):
            table = descriptors_at(process, at)
            if table is not None and not table.inherited:
                yield replace(table, at=at, at_event="container")

    def _when_it_ran(
        self, table: DescriptorTable, moment: Callable[[DescriptorTable], Moment]
    ) -> DescriptorTable:
        connected = {
            fd for fd, opened in table.fds.items() if not self._connected.isdisjoint(_ends(opened))
        }
        return _part(table, moment(table), connected.union(_STANDARD))


def _part(table: DescriptorTable, at: Moment, kept: Collection[int]) -> DescriptorTable:
    """Return a table with what is kept of it, at its new moment."""
    fds = {fd: opened for fd, opened in table.fds.items() if fd in kept}
    errors = {key: error for key, error in table.errors.items() if key in ("0", "1", "2", "fd")}
    return replace(table, at=at, fds=fds, errors=errors)


def _seq(table: DescriptorTable) -> int:
    return table.at.seq


def _ends(opened: Descriptor) -> Iterator[tuple[str, int]]:
    """Yield by what the two ends of a pipe, a pair of sockets or a terminal can be matched."""
    if opened.to.startswith("/dev/pts/") and opened.slave is None:
        number = opened.to.rpartition("/")[2]
        yield from [("tty", int(number))] if number.isdecimal() and len(number) < 10 else ()
    for number_or_none in (opened.tty, opened.slave):
        if number_or_none is not None:
            yield "tty", number_or_none
    what = kind(opened)
    if what in ("pipe", "socket"):
        for known in (inode(opened), opened.peer):
            if known:
                yield what, known


def _changed(found: Iterable[DescriptorTable]) -> Iterator[DescriptorTable]:
    before: dict[int, Descriptor] | None = None
    for table in found:
        streams = {fd: opened for fd, opened in table.fds.items() if fd in _STANDARD}
        if table.at_event == "exec" or streams != before:
            yield table
        before = streams


def _place(own: Own, at_ns: int, *, external: bool) -> int:
    """Return which step tells of what was seen at a time: that of the same stop, or the next."""
    last = len(own) - 1
    place = min(bisect_left(own, at_ns, key=lambda step: step[0]), last)
    while external and 0 < place < last and own[place][2] == "exec":
        place += 1
    return place
