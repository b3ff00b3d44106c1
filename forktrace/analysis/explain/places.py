"""Tell in which cgroups a process was, how it came there, and why."""

from collections.abc import Sequence

from forktrace.analysis.cgroups import paths
from forktrace.analysis.command_lines import runtime_call
from forktrace.analysis.explain.case import Case, own_images
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed, short_path
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import CgroupStay, Container
from forktrace.model.process import Moment, Process, Sample

_MOVES = "cgroups(7)"
_TIMED = ("seen", "outside", "first")  # those of which a sentence says when
_PREFERRED = ("", "name=systemd", "memory", "pids")
_UNTOLD = "it was not read (with --detail minimal nothing of /proc is), or could not be"


def places(case: Case, process: Process) -> list[Sentence]:
    """Say in which cgroups a process was, one sentence for each stay.

    Hierarchies in which it was at the same places by the same ways share a sentence.
    """
    groups: dict[object, list[list[CgroupStay]]] = {}
    for stays in by_hierarchy(case, process).values():
        alike = tuple((s.path, s.how, s.by, s.how in _TIMED and s.since) for s in stays)
        groups.setdefault(alike, []).append(stays)
    if not groups:
        why = _UNTOLD if case.launch.header.source != "import" else "a log of calls lacks it"
        return [unknown(f"The cgroup of {process.id} is not in this trace, because {why}.")]
    moved = [g for g in groups.values() if len(g[0]) > 1 or g[0][0].path != "/"]
    return [s for group in moved or groups.values() for s in _stays(case, process, group)]


def by_hierarchy(case: Case, process: Process) -> dict[str, list[CgroupStay]]:
    """Return the stays of a process by hierarchy, in the order of time."""
    found: dict[str, list[CgroupStay]] = {}
    for stay in case.stays(process.id):
        found.setdefault(stay.hierarchy, []).append(stay)
    return found


def _stays(case: Case, process: Process, group: Sequence[list[CgroupStay]]) -> list[Sentence]:
    names = [stays[0].hierarchy for stays in group]
    total = len(by_hierarchy(case, process))
    where = f" in the {'hierarchies' if len(names) > 1 else 'hierarchy'} {_hierarchies(names)}"
    return [
        told
        for place, stay in enumerate(group[0])
        if (told := _stay(case, process, group, place, where if total > 1 else "")) and stay
    ]


def _hierarchies(names: Sequence[str]) -> str:
    return listed([name or "cgroup v2" for name in names], 12)


def _stay(
    case: Case, process: Process, group: Sequence[list[CgroupStay]], place: int, where: str
) -> Sentence | None:
    stay = group[0][place]
    draft = Draft(case)
    for stays in group:
        draft.rests_on(*evidence(case, process, stays[place]))
    who, path = draft.who(process.id), short_path(stay.path)
    if stay.how == "inherited":
        draft.rests_on(process.creation.at if process.creation else None)
        of = f" of {draft.who(process.creator)}, its creator," if process.creator else ""
        text = f"{who} was born in the cgroup{of} {path}{where}."
        return draft.told(text, _MOVES, inferred=stay.inferred)
    if stay.how == "first":
        when = case.when(stay.since)
        return draft.observed(f"{who} was in the cgroup {path}{where} at the first look, {when}.")
    how, inferred = moved(case, draft, process, stay)
    there = how.replace("there", f"to {path}{where}", 1)
    return draft.told(f"{who} was {there}.", _MOVES, inferred=inferred)


def moved(case: Case, draft: Draft, process: Process, stay: CgroupStay) -> tuple[str, bool]:
    """Say how a stay that was not inherited came about ("moved there by …"), and if inferred."""
    if stay.how == "clone":
        return "created there by CLONE_INTO_CGROUP", False
    if stay.how == "write":
        by = f" by {draft.who(stay.by)}" if stay.by else ""
        by = " by itself" if stay.by == process.id else by
        return f"moved there{by}, by a write of its pid", stay.inferred
    when = f"at {case.when(stay.since)}"
    if stay.not_before is not None:
        when = f"between {case.when(stay.not_before)} and {case.when(stay.since)}"
    if stay.how == "outside":
        text = (
            f"moved there {when} by a process outside the trace, as the writes of all traced ones"
        )
        return f"{text} are recorded{_scope(stay)}", True
    return f"moved there {when}, by whom was not recorded", stay.inferred


def _scope(stay: CgroupStay) -> str:
    """Say who makes a unit, where the path is one's."""
    if not stay.path.rpartition("/")[2].endswith((".scope", ".service")):
        return ""
    return " (systemd does that for a unit, asked over D-Bus)"


def evidence(case: Case, process: Process, stay: CgroupStay) -> list[Moment]:
    """Return the event that shows how a stay began.

    A write to a cgroup through another mount is none, as it may be of any hierarchy.
    """
    if stay.how == "write" and stay.path.rpartition("/")[2] in case.written_elsewhere:
        return []
    return path_evidence(case, process, stay) if stay.how == "inherited" else [stay.since]


def path_evidence(case: Case, process: Process, stay: CgroupStay) -> list[Moment]:
    """Return the event that shows that a process was there at all.

    That can be a look at the process or an ancestor, or a write that moved one of them: where there
    are several, none is needed.
    """
    at: Process | None = process
    shown: set[Moment] = set()
    while at is not None and len(shown) < 2:
        if at.creation and "CLONE_PARENT" in at.creation.flags:
            return []  # shown by its creator as well as by itself
        shown |= {sample.at for sample in at.samples if _shows(sample, stay)}
        shown |= {s.since for s in case.stays(at.id) if s.how == "write" and _same(s, stay)}
        source = None if at.attached else at.creator or at.parent
        at = case.launch.processes.get(source or "")
    return list(shown) if len(shown) == 1 else []


def _same(one: CgroupStay, other: CgroupStay) -> bool:
    return (one.hierarchy, one.path) == (other.hierarchy, other.path)


def _shows(sample: Sample, stay: CgroupStay) -> bool:
    return paths(sample.cgroup or ()).get(stay.hierarchy) == stay.path


def last_path(case: Case, process: Process, hierarchy: str) -> CgroupStay | None:
    """Return the last place of a process in a hierarchy."""
    stays = by_hierarchy(case, process).get(hierarchy)
    return stays[-1] if stays else None


def telling_hierarchy(case: Case, ids: Sequence[str]) -> str | None:
    """Return the hierarchy that sets these processes apart most; of equal ones the best known."""
    counts: dict[str, set[str]] = {}
    for id_ in ids:
        for hierarchy, stays in by_hierarchy(case, case.process(id_)).items():
            counts.setdefault(hierarchy, set()).add(stays[-1].path)
    rank = {name: place for place, name in enumerate(_PREFERRED)}
    ordered = sorted(counts, key=lambda h: (-len(counts[h]), rank.get(h, len(rank)), h))
    return ordered[0] if ordered else None


def manager(case: Case, container: Container) -> tuple[str, Process] | None:
    """Return the cgroup manager that the runtime was told, and the runtime's invocation."""
    for id_ in container.runtimes:
        process = case.process(id_)
        images = own_images(process)
        call = runtime_call(images[-1].argv) if images else None
        if call is not None and call.verb in ("create", "run", "restore"):
            systemd = "--systemd-cgroup" in images[-1].argv
            return ("systemd" if systemd else "cgroupfs"), process
    return None
