"""Tell who holds a process' standard streams."""

from collections.abc import Iterable, Iterator, Sequence

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed, short_path
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.analysis.streams import Holder, StreamEnd
from forktrace.model.descriptors import STANDARD
from forktrace.model.process import Descriptor, DescriptorTable, Moment, Process

_NAMES = ("standard input", "standard output", "standard error")
_KINDS = {"pipe": "a pipe", "socket": "a socket", "terminal": "a terminal", "null": "/dev/null"}
_RULE = (
    "proc(5), /proc/PID/fd: two ends of a pipe have one inode; sock_diag(7) tells a socket's peer"
)
_CONNECTIONS = 8  # told of one process
_HOLDERS = 5  # named; of more, the first ones


def streams(case: Case, process: Process, at: Moment | None = None) -> list[Sentence]:
    """Say what the standard streams of a process lead to, and who holds the other ends.

    Args:
        case: the launch.
        process: whose streams.
        at: when; None for the last time that its descriptors were looked at.
    """
    if at is None:
        at = process.descriptors[-1].at if process.descriptors else process.born
    ends = case.streams.standard(process.id, at)
    return [_told(case, process, group) for group in _alike(ends)]


def connections(case: Case, container: Container) -> list[Sentence]:
    """Say through what else the engine, the monitor and the init of a container are connected."""
    ids = [i for i in (container.engine, container.monitor, container.init) if i]
    told = []
    for place, id_ in enumerate(ids):
        others = set(ids[place + 1 :])
        for end in case.findings.streams.get(id_, ()):
            held = [h for h in end.holders if h.process in others and h.fds[0] not in STANDARD]
            if end.fd not in STANDARD and held:
                told.append(_connection(case, end, held))
    return told


def held(case: Case, process: Process) -> list[Sentence]:
    """Say which other ends of a process' descriptors others hold, of containers' monitors, say."""
    told = []
    for end in case.findings.streams.get(process.id, ()):
        others = [h for h in end.holders if h.process != process.id]
        if end.fd not in STANDARD and others:
            told.append(_connection(case, end, others))
    return told[:_CONNECTIONS]


def _connection(case: Case, end: StreamEnd, held: Sequence[Holder]) -> Sentence:
    draft = Draft(case)
    _cite(case, draft, [end], held)
    what = _KINDS.get(end.kind, "a file")
    text = f"{draft.who(end.process)} has {what} open, as descriptor {end.fd}, whose other end"
    text += f" {_held_by(draft, held)}"
    bound = f" ({short_path(end.bound)})" if end.bound else ""
    return draft.told(f"{text}{bound}.", _RULE, inferred=end.certainty != "observed")


def _alike(ends: Iterable[StreamEnd]) -> list[list[StreamEnd]]:
    """Put streams together that lead to the same."""
    groups: dict[object, list[StreamEnd]] = {}
    for end in ends:
        held = tuple(h.process for h in end.holders)
        key = (end.kind, held or end.to, end.why, end.certainty)
        groups.setdefault(key, []).append(end)
    return list(groups.values())


def _told(case: Case, process: Process, group: list[StreamEnd]) -> Sentence:
    end = group[0]
    names = listed([_NAMES[e.fd] for e in group])
    several = len(group) > 1
    if end.kind == "unknown":
        why = end.why or "it was not looked at"
        text = f"Where {names} of {process.id} {'lead' if several else 'leads'} is not in this"
        return unknown(f"{text} trace, because {why}.")
    draft = Draft(case)
    held = [h for e in group for h in e.holders if h.process != process.id]
    _cite(case, draft, group, held)
    text = f"{names[0].upper()}{names[1:]} of {draft.who(process.id)} {'are' if several else 'is'}"
    if end.kind == "closed":
        return draft.inferred(f"{text} closed.", "proc(5), /proc/PID/fd")
    text += f" {_leads_to(group)}"
    if held:
        ends = "ends" if len({e.to for e in group}) > 1 else "end"
        text += f", whose other {ends} {_held_by(draft, held)}"
    elif end.kind in ("pipe", "socket", "terminal"):
        why = end.why or "nobody was seen to hold its other end"
        text += f" ({short_path(end.to or '')}); {why}"
    inferred = end.certainty == "inferred"
    return draft.told(f"{text}.", _RULE if held else "", inferred=inferred)


def _leads_to(group: Sequence[StreamEnd]) -> str:
    """Say what streams lead to: "a pipe", "two pipes", a file's path."""
    end = group[0]
    paths = {e.to for e in group}
    if len(paths) > 1:
        return f"{len(paths)} {end.kind}s"
    return _KINDS.get(end.kind) or short_path(end.to or "a file")


def _held_by(draft: Draft, held: Sequence[Holder]) -> str:
    """Say who holds something, each process with all its descriptors of it."""
    by_process: dict[str, set[int]] = {}
    for holder in held:
        by_process.setdefault(holder.process, set()).update(holder.fds)
    named = [
        f"{draft.who(id_)} (its {_descriptors(sorted(fds))})" for id_, fds in by_process.items()
    ]
    return f"{listed(named, _HOLDERS)} {'hold' if len(named) > 1 else 'holds'}"


def _descriptors(fds: Sequence[int]) -> str:
    numbers = listed([str(fd) for fd in fds])
    return f"descriptor{'s' if len(fds) > 1 else ''} {numbers}"


def _cite(case: Case, draft: Draft, ends: Iterable[StreamEnd], held: Iterable[Holder]) -> None:
    for end in ends:
        if end.seen is not None:
            draft.rests_on(opened_at(case, case.process(end.process), end.fd, end.seen))
    for holder in held:
        process = case.process(holder.process)
        for fd in holder.fds:
            draft.rests_on(opened_at(case, process, fd, holder.at))


def opened_at(case: Case, process: Process, fd: int, at: Moment) -> Moment | None:
    """Return the event that first showed what a descriptor led to at a moment.

    It may be an ancestor's, as a new process has what its creator had. None where two events
    showed the same path, so that neither is needed.
    """
    found: Moment | None = None
    wanted: Descriptor | None = None
    for table in _tables(case, process, at):
        opened = table.fds.get(fd)
        if opened is None or (wanted is not None and opened.to != wanted.to):
            break
        if wanted is not None and opened != wanted:
            return None
        found, wanted = table.at, opened
    return found


def _tables(case: Case, process: Process, at: Moment) -> Iterator[DescriptorTable]:
    """Yield what was known of the descriptors of a process, then of its ancestors, backwards."""
    here: Process | None = process
    while here is not None:
        for table in reversed(here.descriptors):
            if table.at.at_ns <= at.at_ns:
                yield table
        if here.heritage is None:
            return
        yield here.heritage
        at = here.heritage.at
        here = case.launch.processes.get(here.creator or here.parent or "")
