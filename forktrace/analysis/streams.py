"""Tell who holds the other end of a process' stdin, stdout and stderr at a moment.

found = Streams(launch).other_end("p7", 1, moment)   # or holders(launch, "p7", 1, moment)
found.holders[0].process, found.holders[0].fds, found.certainty, found.why
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from forktrace.analysis import stream_ends
from forktrace.analysis.findings import Certainty, Findings, Holder, StreamEnd, StreamKind
from forktrace.model.descriptors import STANDARD, descriptors_at, is_unreadable
from forktrace.model.facts import Descriptor, DescriptorTable, Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process

_MOST_CONTAINERS = 100  # whose streams the pass looks for, each among all processes
_FOREVER = 2**63

_INHERITED = "it was read of the process that created this one, not of itself"
_NOT_LOOKED_AT = "it was not looked at"
_NOBODY = (
    "nobody in the trace was seen to hold its other end then: it is closed, held outside the "
    "trace, or under a number that was not looked at"
)
_NO_PEER = "it was no connected UNIX socket, of which alone the kernel tells the other end"
_HOLDER_INHERITED = "who holds its other end was read of the process that created that one"
_NUMBER_ALONE = (
    "the terminal was told by its number alone, or who holds its other end was read of the process "
    "that created that one"
)


class _Span(NamedTuple):
    """Say that a process had a table from ``start`` until before ``end`` (ns)."""

    start: int
    end: int
    process: Process
    at: Moment
    inherited: bool


class Streams:
    """Know who held what in a launch; make it once to ask often.

    Args:
        launch: where to look.
    """

    def __init__(self, launch: Launch) -> None:
        self._processes = launch.processes
        self._order = {id_: place for place, id_ in enumerate(launch.processes)}
        self._spans: dict[int, list[_Span] | None] = {}
        self._tables: dict[stream_ends.Key, list[dict[int, Descriptor]]] = defaultdict(list)
        for process in launch.inside:
            self._follow(process)

    def _follow(self, process: Process) -> None:
        """Enter when a process had which table. Unchanged tables are one object for many."""
        tables = [(t.at.at_ns, t, False) for t in process.descriptors]
        if process.heritage is not None:
            tables.insert(0, (process.born.at_ns, process.heritage, True))
        gone = process.exit.at.at_ns if process.exit else _FOREVER
        ends = [start for start, _, _ in tables[1:]] + [gone]
        for (start, table, inherited), end in zip(tables, ends, strict=False):
            spans = self._spans_of(table)
            if spans is not None:
                spans.append(_Span(start, end, process, table.at, inherited))

    def _spans_of(self, table: DescriptorTable) -> "list[_Span] | None":
        """Return who had what is in a table, and when; None if there is nothing to look for."""
        known = id(table.fds)
        if known not in self._spans:
            keys = {key for opened in table.fds.values() for key in stream_ends.keys(opened)}
            self._spans[known] = [] if keys else None
            for key in keys:
                self._tables[key].append(table.fds)
        return self._spans[known]

    def other_end(self, process_id: str, fd: int, at: Moment) -> StreamEnd:
        """Say what a process' descriptor led to at a moment, and who held the other end.

        Args:
            process_id: the id of a process of the launch.
            fd: 0 stdin, 1 stdout, 2 stderr; others are known only of some processes.
            at: the moment; what was read at the same time or before counts.

        Raises:
            KeyError: there is no such process.
        """
        table = descriptors_at(self._processes[process_id], at)
        opened = table.fds.get(fd) if table else None
        if table is None or opened is None:
            return _absent(process_id, fd, table)
        kind = stream_ends.kind(opened)
        found, why = self._holders(kind, opened, table.errors.get(str(fd)), at)
        certainty, why = _certainty(kind, table, found, why)
        return StreamEnd(
            process_id,
            fd,
            kind,
            opened.to,
            opened.access,
            table.at,
            found,
            certainty,
            why,
            opened.bound,
        )

    def connections(self, process_id: str, at: Moment) -> tuple[StreamEnd, ...]:
        """Say the same of all that a process was known to have open and that others held as well.

        So an engine's connection with a monitor's socket is found. Raises KeyError.
        """
        table = descriptors_at(self._processes[process_id], at)
        ends = (self.other_end(process_id, fd, at) for fd in (table.fds if table else ()))
        return tuple(e for e in ends if any(h.process != process_id for h in e.holders))

    def standard(self, process_id: str, at: Moment) -> tuple[StreamEnd, ...]:
        """Say the same of stdin, stdout and stderr. Raises KeyError."""
        return tuple(self.other_end(process_id, fd, at) for fd in STANDARD)

    def past_holders(self, process_id: str, fd: int, at: Moment) -> tuple[Holder, ...]:
        """Say which other processes had held the other end before, but not at a moment any more.

        Only of pipes and sockets, as numbers of terminals are used again. Raises KeyError.
        """
        table = descriptors_at(self._processes[process_id], at)
        opened = table.fds.get(fd) if table else None
        kind = stream_ends.kind(opened) if opened else None
        if opened is None or kind not in ("pipe", "socket"):
            return ()
        found, _ = self._holders(kind, opened, None, at, past=True)
        last = {h.process: h for h in found if h.process != process_id and not h.inferred}
        return tuple(last.values())

    def _holders(
        self,
        kind: StreamKind,
        opened: Descriptor,
        error: str | None,
        at: Moment,
        *,
        past: bool = False,
    ) -> tuple[tuple[Holder, ...], str]:
        """Return who holds the other end, or has held it, and why nobody is found if so."""
        inode = stream_ends.inode(opened)
        if kind == "pipe":
            return self._find(inode, "pipe", at, stream_ends.opposite(opened), past=past), _NOBODY
        if kind == "socket":
            found = self._find(opened.peer or None, "socket", at, stream_ends.anything, past=past)
            found = found or self._find(inode, "towards", at, stream_ends.anything, past=past)
            return found, _why_no_peer(opened, error)
        if kind == "terminal":
            number, other = stream_ends.slave(opened), "master"
            if opened.tty is not None:
                number, other = opened.tty, "slave"
            return self._find(number, other, at, stream_ends.same_devpts(opened)), _NOBODY
        return (), ""

    def _find(
        self,
        number: int | None,
        what: str,
        at: Moment,
        match: stream_ends.Match,
        *,
        past: bool = False,
    ) -> tuple[Holder, ...]:
        """Return who had a matching descriptor open; ``match`` says None where that is inferred.

        ``past``: until before that moment.
        """
        if number is None:
            return ()
        certain: list[Holder] = []
        inferred: list[Holder] = []
        key = (what, number)
        for fds in self._tables.get(key, ()):
            matching = [(fd, match(o)) for fd, o in fds.items() if key in stream_ends.keys(o)]
            sure = tuple(fd for fd, matches in matching if matches)
            likely = sure or tuple(fd for fd, matches in matching if matches is None)
            if not likely:
                continue
            for span in self._spans[id(fds)] or ():
                if span.end <= at.at_ns if past else span.start <= at.at_ns < span.end:
                    guessed = span.inherited or not sure
                    holder = Holder(span.process.id, likely, span.at, guessed)
                    (certain if sure else inferred).append(holder)
        return tuple(sorted(certain or inferred, key=lambda h: self._order[h.process]))


def holders(launch: Launch, process_id: str, fd: int, at: Moment) -> StreamEnd:
    """Answer one question as ``Streams.other_end`` does."""
    return Streams(launch).other_end(process_id, fd, at)


def find_streams(launch: Launch, findings: Findings) -> None:
    """Find what the streams of each container's init, monitor and engine led to when it ran.

    Of their other descriptors those count whose other end another process of the trace held.
    """
    asked = list(_asked(findings))
    if not asked:
        return
    streams = Streams(launch)
    for id_, at in asked:
        others = (end for end in streams.connections(id_, at) if end.fd not in STANDARD)
        findings.streams[id_] = (*streams.standard(id_, at), *others)


def _asked(findings: Findings) -> Iterator[tuple[str, Moment]]:
    for container in findings.containers[:_MOST_CONTAINERS]:
        for id_ in (container.init, container.monitor, container.engine):
            if id_ is not None and container.payload is not None:
                yield id_, container.payload


def _why_no_peer(opened: Descriptor, error: str | None) -> str:
    if opened.peer:
        return _NOBODY
    if opened.peer == 0:
        return "the other side had not accepted the connection yet"
    return f"the kernel would not tell its other end ({error})" if error else _NO_PEER


def _absent(process_id: str, fd: int, table: DescriptorTable | None) -> StreamEnd:
    """Say of a descriptor that is in no table if it was closed, unreadable, or not looked at."""
    if table is None:
        return StreamEnd(process_id, fd, "unknown", why=_NOT_LOOKED_AT)
    error = table.errors.get("fd") if is_unreadable(table) else table.errors.get(str(fd))
    if error is not None:
        why = f"reading it gave {error}"
        return StreamEnd(process_id, fd, "unknown", seen=table.at, why=why)
    looked_at = not table.partial and (fd in STANDARD or table.whole) and not table.errors.get("fd")
    if not looked_at:
        return StreamEnd(process_id, fd, "unknown", seen=table.at, why=_NOT_LOOKED_AT)
    certainty: Certainty = "inferred" if table.inherited else "observed"
    why = _INHERITED if table.inherited else ""
    return StreamEnd(process_id, fd, "closed", seen=table.at, certainty=certainty, why=why)


def _certainty(
    kind: StreamKind, table: DescriptorTable, found: Iterable[Holder], nobody: str
) -> tuple[Certainty, str]:
    """Return how certain an answer is, and why it is no more than that."""
    holders_ = list(found)
    if kind in ("pipe", "socket", "terminal"):
        if not holders_:
            return "unknown", nobody
        if all(h.inferred for h in holders_):
            return "inferred", _NUMBER_ALONE if kind == "terminal" else _HOLDER_INHERITED
    if table.inherited:
        return "inferred", _INHERITED
    return "observed", ""
