"""Tell in which namespaces a process was, where those are not its creator's."""

from collections.abc import Collection, Sequence

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft
from forktrace.analysis.explain.phrases import listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import NamespaceStay
from forktrace.model.facts import Moment
from forktrace.model.process import Process

_RULE = "namespaces(7)"
_PIDS = "pid_namespaces(7): only children enter the new one"


def namespaces(case: Case, process: Process) -> list[Sentence]:
    """Say which namespaces a process came into, and which pids it has in its PID namespaces."""
    return [*entered(case, process), *_pids(case, process)]


def entered(
    case: Case, process: Process, ways: Collection[str] = ("clone", "unshare", "setns", "seen")
) -> list[Sentence]:
    """Say which namespaces a process did not inherit, and how it came into them.

    Args:
        case: the launch.
        process: whose namespaces.
        ways: how it came into those that are told of.
    """
    groups: dict[tuple[str, str | None, Moment], list[NamespaceStay]] = {}
    for stay in case.findings.namespaces.get(process.id, ()):
        if stay.how in ways:
            groups.setdefault((stay.how, stay.by, stay.since), []).append(stay)
    return [_entered(case, process, stays) for stays in groups.values()]


def _entered(case: Case, process: Process, stays: list[NamespaceStay]) -> Sentence:
    stay = stays[0]
    draft = Draft(case)
    name = draft.who(process.id)
    kinds = listed([s.kind[:16] for s in stays], 12)
    spaces = f"{kinds} namespace{'s' if len(stays) > 1 else ''}"
    one = "" if len(stays) > 1 else "a "
    when = case.when(stay.since)
    inferred = any(s.inferred for s in stays)
    if stay.how == "clone":
        draft.rests_on(process.creation.at if process.creation else None)
        text = f"{name} was created in {one}new {spaces}, by the flags of its clone"
        return draft.told(f"{text}.", _RULE, inferred=inferred)
    if stay.how == "seen":
        draft.rests_on(stay.since)
        other = "other" if len(stays) > 1 else "another"
        if stay.since == process.born:
            text = f"{name} was born in {other} {spaces} than its creator's"
            return draft.observed(f"{text}, as /proc showed at {when}.", _PIDS)
        return draft.observed(f"At {when} {name} was in {other} {spaces} than before.", _RULE)
    joined = f"joined {'an ' if one and kinds == 'ipc' else one}"
    made = f"made {one}new " if stay.how == "unshare" else joined
    if stay.by is not None and stay.by != process.id:
        draft.rests_on(*_calls(case.process(stay.by), stay.how, process.born.seq))
        verb = "made" if stay.how == "unshare" else "joined"
        text = f"{name} was born in the {spaces} that {draft.who(stay.by)} had {verb} by"
        return draft.told(f"{text} {stay.how}.", _PIDS, inferred=inferred)
    draft.rests_on(stay.since)
    text = f"{name} {made}{spaces} by {stay.how} at {when}."
    return draft.told(text, _RULE, inferred=inferred)


def of_container(case: Case, chain: Sequence[Process]) -> list[Sentence]:
    """Say which namespaces were made or joined on the way to a container's first process.

    Args:
        case: the launch.
        chain: from the first process that the runtime created to the container's.
    """
    heir = chain[-1]
    last = {s.kind: s.inode for s in case.findings.namespaces.get(heir.id, ())}
    made: dict[tuple[str, str], list[NamespaceStay]] = {}
    for process in chain:
        for stay in case.findings.namespaces.get(process.id, ()):
            if stay.how in ("unshare", "setns") and last.get(stay.kind) == stay.inode:
                made.setdefault((stay.by or process.id, stay.how), []).append(stay)
    if made:
        return [_made(case, heir, *by, stays) for by, stays in made.items()]
    return [s for process in chain for s in entered(case, process, {"seen"})]


def _made(case: Case, heir: Process, by: str, how: str, stays: Sequence[NamespaceStay]) -> Sentence:
    draft = Draft(case)
    calls = [c.at for c in case.process(by).calls if c.name == how and not c.error]
    own = [stay.since for stay in stays if stay.since in calls]
    draft.rests_on(*own or _calls(case.process(by), how, heir.born.seq))
    kinds = list(dict.fromkeys(stay.kind[:16] for stay in stays))
    spaces = f"{listed(kinds, 12)} namespace{'s' if len(kinds) > 1 else ''}"
    verb = "made the new" if how == "unshare" else "joined the"
    who = draft.who(heir.id) if by != heir.id else "it"
    text = f"{draft.who(by)} {verb} {spaces} that {who} is in, by {how}"
    return draft.told(f"{text}.", _RULE, inferred=any(s.inferred for s in stays))


def _calls(process: Process, name: str, seq: int) -> list[Moment]:
    """Return the one call by which a process changed namespaces before an event."""
    found = [c.at for c in process.calls if c.name == name and not c.error and c.at.seq < seq]
    return found if len(found) == 1 else []


def _pids(case: Case, process: Process) -> list[Sentence]:
    if len(process.nspid) < 2 or process.outside:
        return []
    draft = Draft(case)
    shown = [s.at for s in process.samples if s.nspid]
    draft.rests_on(*shown if len(shown) == 1 else ())
    pids = listed([str(pid) for pid in process.nspid])
    text = (
        f"{draft.who(process.id)} has the pids {pids}, from {case.tracer}'s PID namespace inwards"
    )
    return [draft.observed(f"{text}.", "proc(5), NSpid")]
