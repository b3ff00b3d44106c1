"""Tell who holds a process' standard streams."""

from collections.abc import Iterable, Iterator, Sequence

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed, short_path
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container, Holder, StreamEnd
from forktrace.model.descriptors import STANDARD
from forktrace.model.facts import Descriptor, DescriptorTable, Moment
from forktrace.model.process import Process

_NAMES = ("standard input", "standard output", "standard error")
_KINDS = {"pipe": "a pipe", "socket": "a socket", "terminal": "a terminal", "null": "/dev/null"}
_RULE = (
    "proc(5), /proc/PID/fd: two ends of a pipe have one inode; sock_diag(7) tells a socket's peer"
)
_NUMBERS = {2: "two", 3: "three"}  # there are three standard streams
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
    groups = _alike(case.streams.standard(process.id, at))
    told = [_unknown(process, group) for group in groups if group[0].kind == "unknown"]
    for inferred in (False, True):
        alike = [g for g in groups if g[0].kind != "unknown" and _inferred(g) is inferred]
        if alike:
            told.append(_told(case, process, alike, at, inferred=inferred))
    return told


def connections(case: Case, container: Container) -> list[Sentence]:
    """Say through what else the engine, the monitor and the init of a container are connected."""
    ids = [i for i in (container.engine, container.monitor, container.init) if i]
    line = case.line(container.monitor or container.init or ids[0]) if ids else []
    inner = {i for i in line if case.role(i) == "engine"}.difference(ids)
    told = []
    for place, id_ in enumerate(ids):
        others = {*ids[place + 1 :], *inner}
        for end in case.findings.streams.get(id_) or _others(case, id_, container.payload):
            held = [h for h in end.holders if h.process in others and h.fds[0] not in STANDARD]
            if end.fd not in STANDARD and held:
                told.append(_connection(case, end, held))
    return told


def _others(case: Case, id_: str, at: Moment | None) -> tuple[StreamEnd, ...]:
    """Return what others hold the other end of; of an exec session nobody has looked for it."""
    return case.streams.connections(id_, at) if at is not None else ()


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
    at = f" (address {short_path(end.bound)})" if end.bound else ""
    text = f"{draft.who(end.process)} has {what} open as descriptor {end.fd}{at}, whose other end"
    text += f" is held by {_holding(draft, held)}"
    return draft.told(f"{text}.", _RULE, inferred=end.certainty != "observed")


def _alike(ends: Iterable[StreamEnd]) -> list[list[StreamEnd]]:
    """Put streams together that lead to the same."""
    groups: dict[object, list[StreamEnd]] = {}
    for end in ends:
        held = tuple(h.process for h in end.holders)
        key = (end.kind, held or end.to, end.why, end.certainty)
        groups.setdefault(key, []).append(end)
    return list(groups.values())


def _inferred(group: Sequence[StreamEnd]) -> bool:
    return group[0].certainty == "inferred"


def _unknown(process: Process, group: Sequence[StreamEnd]) -> Sentence:
    why = group[0].why or "it was not looked at"
    names = listed([_NAMES[e.fd] for e in group])
    text = f"Where {names} of {process.id} {'lead' if len(group) > 1 else 'leads'} is not in this"
    return unknown(f"{text} trace, because {why}.")


def _told(
    case: Case,
    process: Process,
    groups: Sequence[Sequence[StreamEnd]],
    at: Moment,
    *,
    inferred: bool,
) -> Sentence:
    """Say in one sentence what streams lead to, those that lead to the same together."""
    draft = Draft(case)
    of = f" of {draft.who(process.id)}"
    clauses = []
    for place, group in enumerate(groups):
        names = listed([_NAMES[e.fd] for e in group])
        end = _end(case, draft, group, at)
        clauses.append(f"{names}{of if place == 0 else ''} {_leading(group)} {end}")
    text = "; ".join(clauses)
    held = any(h.process != process.id for g in groups for e in g for h in e.holders)
    rule = _RULE if held else "proc(5), /proc/PID/fd" if inferred else ""
    return draft.told(f"{text[0].upper()}{text[1:]}.", rule, inferred=inferred)


def _leading(group: Sequence[StreamEnd]) -> str:
    if group[0].kind == "closed":
        return "are" if len(group) > 1 else "is"
    return "lead to" if len(group) > 1 else "leads to"


def _end(case: Case, draft: Draft, group: Sequence[StreamEnd], at: Moment) -> str:
    """Say what streams that lead to the same are, and who holds the other ends."""
    end = group[0]
    held = [h for e in group for h in e.holders if h.process != end.process]
    _cite(case, draft, group, held)
    if end.kind == "closed":
        return "closed"
    text = _leads_to(group)
    if held:
        ends = "ends are" if len({e.to for e in group}) > 1 else "end is"
        return f"{text}, whose other {ends} held by {_holding(draft, held)}"
    if end.kind not in ("pipe", "socket", "terminal"):
        return text
    text += f" ({short_path(end.to or '')}), and {end.why}"
    past = case.streams.past_holders(end.process, end.fd, at)
    _cite(case, draft, group, past)
    return f"{text}; before that, it was held by {_holding(draft, past)}" if past else text


def _leads_to(group: Sequence[StreamEnd]) -> str:
    """Say what streams lead to: "a pipe", "two pipes", a file's path."""
    end = group[0]
    paths = {e.to for e in group}
    if len(paths) > 1:
        return f"{_NUMBERS[len(paths)]} {end.kind}s"
    return _KINDS.get(end.kind) or short_path(end.to or "a file")


def _holding(draft: Draft, held: Sequence[Holder]) -> str:
    """Name who holds something, or has held it, each process with all its descriptors of it."""
    by_process: dict[str, set[int]] = {}
    for holder in held:
        by_process.setdefault(holder.process, set()).update(holder.fds)
    named = [f"{draft.who(id_)} ({_descriptors(sorted(fds))})" for id_, fds in by_process.items()]
    return listed(named, _HOLDERS)


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
