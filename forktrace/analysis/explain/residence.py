"""Tell in one sentence in which cgroup a process ended, and through whose move."""

from forktrace.analysis.explain.case import Case, descent
from forktrace.analysis.explain.draft import Draft
from forktrace.analysis.explain.phrases import short_path
from forktrace.analysis.explain.places import by_hierarchy, evidence, in_hierarchies, moved
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import CgroupStay
from forktrace.model.process import Process

_HIERARCHIES = 3  # named one by one; of more, how many
_RULE = "cgroups(7): a new process is where its creator is"


def residence(case: Case, process: Process, hierarchy: str) -> list[Sentence]:
    """Say where a process ended in a hierarchy, and how it, or who it descends from, got there."""
    stays = by_hierarchy(case, process).get(hierarchy)
    if not stays:
        return []
    mover, stay, line = origin(case, process, stays[-1])
    draft = Draft(case)
    draft.rests_on(*(moment for heir in line for moment in descent(heir)))
    path = short_path(stays[-1].path) + _alike(case, process, hierarchy)
    text = f"{draft.who(process.id)} ended up in the cgroup {path}"
    if stay.how == "inherited":
        draft.rests_on(process.creation.at if process.creation else None)
        of = draft.who(process.creator) if process.creator else "its parent"
        return [draft.inferred(f"{text}, in which it was born to {of}.", _RULE)]
    draft.rests_on(*evidence(case, mover, stay))
    if stay.how == "first":
        it = "it" if mover is process else f"{draft.who(mover.id)}, from which it descends,"
        text += f", where the first look found {it} at {case.when(stay.since)}"
        return [draft.observed(f"{text}.")]
    it = "it" if mover is process else f"{draft.who(mover.id)}, from which it descends,"
    how, inferred = moved(case, draft, mover, stay)
    return [draft.told(f"{text}: {it} {how}.", _RULE, inferred=inferred)]


def _alike(case: Case, process: Process, hierarchy: str) -> str:
    """Name the hierarchies in which a process came to the same cgroup by the same way.

    Nothing is said where it ended up in the same cgroup in all of them.
    """
    found = by_hierarchy(case, process)
    if len({stays[-1].path for stays in found.values()}) < 2:
        return ""
    same = [name for name in found if _way(case, process, name) == _way(case, process, hierarchy)]
    return f" {in_hierarchies([name[:40] for name in same], _HIERARCHIES)}"


def _way(case: Case, process: Process, hierarchy: str) -> tuple[object, ...]:
    """Return where a process ended up in a hierarchy, and who it was whose move led there."""
    last = by_hierarchy(case, process)[hierarchy][-1]
    mover, stay, _ = origin(case, process, last)
    return last.path, mover.id, stay.how, stay.by


def origin(
    case: Case, process: Process, stay: CgroupStay
) -> tuple[Process, CgroupStay, list[Process]]:
    """Return who came to be in a cgroup otherwise than by birth, that stay, and its heirs."""
    at = process
    line: list[Process] = []
    while stay.how == "inherited":
        found = _before(case, at, stay)
        if found is None:
            break
        line.append(at)
        at, stay = found
    return at, stay, line


def _before(case: Case, process: Process, stay: CgroupStay) -> tuple[Process, CgroupStay] | None:
    """Return whom a process has its cgroup from, and the stay there that it was born in."""
    at_ns = (process.creation.at if process.creation else process.born).at_ns
    for id_ in (process.creator, process.parent):
        stays = case.stays(id_) if id_ else ()
        same = [s for s in stays if (s.hierarchy, s.path) == (stay.hierarchy, stay.path)]
        before = [s for s in same if s.since.at_ns <= at_ns]
        if id_ and before:
            return case.process(id_), before[-1]
    return None
