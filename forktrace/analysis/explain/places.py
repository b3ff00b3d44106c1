"""Tell in which cgroups a process was, how it came there, and why."""

from collections.abc import Callable, Sequence

from forktrace.analysis.cgroup_writes import Write, last_name
from forktrace.analysis.command_lines import runtime_call
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed, short_path
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import CgroupStay, Container
from forktrace.analysis.hierarchies import paths, rank, telling
from forktrace.model.facts import Moment, Sample
from forktrace.model.process import Process

_MOVES = "cgroups(7)"
_TIMED = ("seen", "outside", "first")  # those of which a sentence says when
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
        why = _UNTOLD if not case.imported else "a log of calls lacks it"
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
    where = f" {in_hierarchies(names)}" if total > 1 else ""
    return [_stay(case, process, group, place, where) for place in range(len(group[0]))]


def in_hierarchies(names: Sequence[str], limit: int = 12) -> str:
    """Name hierarchies, the best known first: "(in the hierarchies cgroup v2 and memory)"."""
    ordered = sorted(names, key=rank)
    if len(ordered) == 1:
        return f"(in the {ordered[0] or 'cgroup v2'} hierarchy)"
    return f"(in the hierarchies {listed([name or 'cgroup v2' for name in ordered], limit)})"


def _stay(
    case: Case, process: Process, group: Sequence[list[CgroupStay]], place: int, where: str
) -> Sentence:
    stay = group[0][place]
    draft = Draft(case)
    for stays in group:
        draft.rests_on(*evidence(case, process, stays[place]))
    who, path = draft.who(process.id), short_path(stay.path)
    if stay.how == "inherited":
        draft.rests_on(process.creation.at if process.creation else None)
        of = f", that of its creator {draft.who(process.creator)}" if process.creator else ""
        text = f"{who} was born in the cgroup {path}{where}{of}."
        return draft.told(text, _MOVES, inferred=stay.inferred)
    if stay.how == "first":
        when = case.when(stay.since)
        return draft.observed(f"{who} was in the cgroup {path}{where} at the first look, {when}.")
    preposition = "in" if stay.how == "clone" else "to"
    text, inferred = moved(case, draft, process, stay, f"{preposition} the cgroup {path}{where}")
    return draft.told(f"{who} {text}.", _MOVES, inferred=inferred)


def moved(
    case: Case, draft: Draft, process: Process, stay: CgroupStay, there: str = "there"
) -> tuple[str, bool]:
    """Say how a stay that was not inherited came about, and whether that is inferred.

    Args:
        case: the launch.
        draft: the sentence in the making, of which this is the predicate ("was moved there by …").
        process: whose stay.
        stay: one that is neither inherited nor the first that is known.
        there: what to call the place.
    """
    by = f" by {draft.who(stay.by)}" if stay.by else ""
    if stay.how == "clone":
        return f"was created {there}{by}, with CLONE_INTO_CGROUP", False
    if stay.how == "write" and stay.by == process.id:
        return f"moved itself {there}, by writing its own pid", stay.inferred
    if stay.how == "write":
        how = f"{by}, which wrote its pid there" if by else " by a write of its pid"
        return f"was moved {there}{how}", stay.inferred
    when = f"at {case.when(stay.since)}"
    if stay.not_before is not None:
        when = f"between {case.when(stay.not_before)} and {case.when(stay.since)}"
    if stay.how == "outside":
        text = f"was moved {there} {when} by a process outside the trace, as the writes of all"
        return f"{text} traced ones are recorded and none did it{_scope(stay)}", True
    return f"was moved {there} {when}; by whom was not recorded", stay.inferred


def _scope(stay: CgroupStay) -> str:
    """Say who makes a unit, where the path is one's."""
    if not stay.path.rpartition("/")[2].endswith((".scope", ".service")):
        return ""
    return " (systemd does that for a unit, when asked over D-Bus)"


def evidence(case: Case, process: Process, stay: CgroupStay) -> list[Moment]:
    """Return the event that shows how a stay began.

    A write to a cgroup through another mount is none, as it may be of any hierarchy.
    """
    if stay.how == "write" and stay.path.rpartition("/")[2] in case.written_elsewhere:
        return []
    return path_evidence(case, process, stay) if stay.how == "inherited" else [stay.since]


def path_evidence(case: Case, process: Process, stay: CgroupStay) -> list[Moment]:
    """Return the event that shows that a process was there at all.

    A write that would have moved it there counts too, had it not been there already. Mounts differ,
    so a name decides which cgroup a write is one to.
    """
    name = last_name(stay.path)
    return only_sign(
        case,
        process,
        lambda sample: paths(sample.cgroup or ()).get(stay.hierarchy) == stay.path,
        lambda write: last_name(write.directory) == name,
    )


def only_sign(
    case: Case, process: Process, shows: Callable[[Sample], bool], leads: Callable[[Write], bool]
) -> list[Moment]:
    """Return the one look at a process or an ancestor, or write that moved one of them, that tells.

    Where there are several, none is needed.

    Args:
        case: the launch.
        process: whose cgroup.
        shows: says whether a look tells what is asked for.
        leads: says whether a write does.
    """
    at: Process | None = process
    shown: set[Moment] = set()
    while at is not None and len(shown) < 2:
        if at.creation and "CLONE_PARENT" in at.creation.flags:
            return []  # shown by its creator as well as by itself
        shown |= {sample.at for sample in at.samples if shows(sample)}
        shown |= {w.at for w in case.writes.of.get(at.id, ()) if leads(w)}
        source = None if at.attached else at.creator or at.parent
        at = case.launch.processes.get(source or "")
    return list(shown) if len(shown) == 1 else []


def last_path(case: Case, process: Process, hierarchy: str) -> CgroupStay | None:
    """Return the last place of a process in a hierarchy."""
    stays = by_hierarchy(case, process).get(hierarchy)
    return stays[-1] if stays else None


def telling_hierarchy(case: Case, ids: Sequence[str]) -> str | None:
    """Return the hierarchy that sets these processes apart most; of equal ones the best known."""
    found: dict[str, dict[str, str]] = {}
    for id_ in ids:
        for hierarchy, stays in by_hierarchy(case, case.process(id_)).items():
            found.setdefault(hierarchy, {})[id_] = stays[-1].path
    return telling(found)


def manager(case: Case, container: Container) -> tuple[str, Process] | None:
    """Return the cgroup manager that the runtime was told, and the runtime's invocation."""
    for id_ in container.runtimes:
        process = case.process(id_)
        images = process.own_images
        call = runtime_call(images[-1].argv) if images else None
        if call is not None and call.verb in ("create", "run", "restore"):
            systemd = "--systemd-cgroup" in images[-1].argv
            return ("systemd" if systemd else "cgroupfs"), process
    return None
