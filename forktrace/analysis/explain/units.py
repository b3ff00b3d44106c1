"""Tell what the end of a systemd unit means for a container that was launched in it."""

from dataclasses import dataclass

from forktrace.analysis.cgroup_writes import last_name
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft
from forktrace.analysis.explain.main_pid import notifier, notifier_evidence
from forktrace.analysis.explain.phrases import listed, short_name
from forktrace.analysis.explain.places import last_path, only_sign
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.analysis.hierarchies import SYSTEMD, V2, paths
from forktrace.model.facts import Moment, Sample
from forktrace.model.process import Process

_HIERARCHIES = (V2, SYSTEMD)  # those in which systemd has its units
_UNITS = (".service", ".scope")
_RULE = "systemd.kill(5), KillMode="


def end_of_unit(case: Case, container: Container) -> list[Sentence]:
    """Say what the end of a unit means where engine and monitor are both in its cgroup."""
    engine = case.process(container.engine or "")
    monitor = case.process(container.monitor or "")
    for hierarchy in _HIERARCHIES:
        here, there = (last_path(case, p, hierarchy) for p in (engine, monitor))
        unit = _service(here.path) if here is not None else None
        if here is None or there is None or unit is None or not _below(there.path, unit):
            continue
        return [_ends(case, container, _Unit(hierarchy, unit), engine, monitor)]
    return []


@dataclass(frozen=True, slots=True)
class _Unit:
    """Be a unit's cgroup: a hierarchy, and the path there."""

    hierarchy: str
    path: str

    def holds(self, sample: Sample) -> bool | None:
        """Say whether a look shows a process in the unit; None where it shows no cgroup there."""
        path = paths(sample.cgroup or ()).get(self.hierarchy)
        return None if path is None else _below(path, self.path)

    def evidence(self, case: Case, process: Process, *, inside: bool = True) -> list[Moment]:
        """Return the one event that shows a process in the unit, or outside of it."""
        return only_sign(
            case,
            process,
            lambda sample: self.holds(sample) is inside,
            lambda write: (last_name(self.path) in write.directory.split("/")) is inside,
        )


def _service(path: str) -> str | None:
    """Return the cgroup of the innermost unit in a path, None where that is no service."""
    parts = path.split("/")
    units = [place for place, part in enumerate(parts) if part.endswith(_UNITS)]
    found = "/".join(parts[: units[-1] + 1]) if units else ""
    return found if found.endswith(".service") else None


def _below(path: str, unit: str) -> bool:
    """Say whether a cgroup is a unit's or below it: systemd ends the whole subtree."""
    return path == unit or path.startswith(f"{unit}/")


def _ends(
    case: Case, container: Container, unit: _Unit, engine: Process, monitor: Process
) -> Sentence:
    """Say whose end is the end of the unit, and who else goes then."""
    draft = Draft(case)
    draft.rests_on(*unit.evidence(case, monitor), *unit.evidence(case, engine))
    main, doomed = engine, [monitor.id]
    condition = f"if {engine.id} is the unit's main process"
    if notifier(engine) is not None:
        draft.rests_on(*notifier_evidence(engine))
        main, doomed = monitor, []
        condition = f"once {monitor.id} is the unit's main process, as podman's MAINPID message"
        condition += f" says (NOTIFY_SOCKET is set for {engine.id})"
    inside, outside = _init(case, container, draft, unit)
    doomed += inside
    text = f"{draft.who(engine.id)} and {draft.who(monitor.id)} are in the cgroup of"
    text += f" {short_name(last_name(unit.path))}: {condition}, systemd ends all that is left"
    text += f" there when {main.id} ends"
    text += f", {listed(doomed)} too" if doomed else ""
    return draft.inferred(f"{text}, unless KillMode= says otherwise{outside}.", _RULE)


def _init(case: Case, container: Container, draft: Draft, unit: _Unit) -> tuple[list[str], str]:
    """Name a container's init as one that goes with a unit, else say why it does not."""
    init = case.process(container.init) if container.init else None
    stay = last_path(case, init, unit.hierarchy) if init is not None else None
    if init is None or stay is None:
        return [], ""
    inside = _below(stay.path, unit.path)
    draft.rests_on(*unit.evidence(case, init, inside=inside))
    if inside:
        return [draft.who(init.id)], ""
    return [], f", but not {draft.who(init.id)}, which is in another cgroup"
