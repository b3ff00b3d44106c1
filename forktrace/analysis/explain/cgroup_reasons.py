"""Tell why a container's monitor and init are in the cgroups where they are."""

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed, short_path
from forktrace.analysis.explain.places import (
    by_hierarchy,
    last_path,
    manager,
    path_evidence,
    places,
    telling_hierarchy,
)
from forktrace.analysis.explain.residence import residence
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.explain.sessions import no_signals
from forktrace.analysis.explain.units import end_of_unit
from forktrace.analysis.findings import CgroupStay, Container
from forktrace.model.image import Image, image_name
from forktrace.model.process import Process

_CONMON = "podman: libpod/oci_conmon_linux.go, moveConmonToCgroupAndSignal"
_UNIT = f"{_CONMON}; since 1.8.0"
_BUG = "containers/common: cgroups_linux.go, AddPid, in podman 4.2 to 5.8"
_MANAGER = "OCI runtime command line, --systemd-cgroup"
_WRITES = 4  # told of one process
_SETTINGS = ("no-conmon", "disabled", "split")


def cgroups_of(case: Case, container: Container, *, brief: bool = False) -> list[Sentence]:
    """Tell where engine, monitor and init of a container ended, and why; ``brief``: less of why."""
    ids = [i for i in (container.engine, container.monitor, container.init) if i]
    hierarchy = telling_hierarchy(case, ids)
    if hierarchy is None:
        why = "no cgroup of them was read"
        missing = unknown(f"The cgroups of {listed(ids)} are not in this trace, because {why}.")
        return [missing, *writes(case)]
    told = []
    for id_ in ids:
        told += residence(case, case.process(id_), hierarchy)
        if id_ == container.monitor:
            told += _monitor(case, container, hierarchy)
    if container.init is None or brief:
        return told
    return told + _payload(case, container, hierarchy)


def writes(case: Case) -> list[Sentence]:
    """Tell of the writes of pids to cgroups, where no look at a process shows what they did."""
    told = []
    for id_, found in case.writes.of.items():
        for write in found[:_WRITES]:
            call = next(c for c in case.process(write.by).calls if c.at == write.at)
            draft = Draft(case)
            draft.rests_on(write.at)
            whose = "its own pid" if write.by == id_ else f"the pid of {draft.who(id_)}"
            path = short_path(str(call.arguments["path"]))
            told.append(draft.observed(f"{draft.who(write.by)} wrote {whose} to {path}."))
    return told


def travels(case: Case, container: Container) -> list[Sentence]:
    """Tell of each move of those from which monitor and init descend, in every hierarchy."""
    line = [i for end in (container.monitor, container.init) if end for i in case.line(end)]
    movers = [i for i in dict.fromkeys(line) if any(s.how != "inherited" for s in case.stays(i))]
    return [sentence for id_ in movers for sentence in places(case, case.process(id_))]


def apart_from_engine(case: Case, container: Container) -> list[Sentence]:
    """Say whether a container's monitor is in its engine's cgroup and session."""
    if container.monitor is None or container.engine is None:
        return []
    engine, monitor = case.process(container.engine), case.process(container.monitor)
    hierarchy = telling_hierarchy(case, [engine.id, monitor.id])
    told = _monitor(case, container, hierarchy) if hierarchy is not None else []
    return [*told, *end_of_unit(case, container), *no_signals(case, engine, monitor)]


def _monitor(case: Case, container: Container, hierarchy: str) -> list[Sentence]:
    here = last_path(case, case.process(container.monitor or ""), hierarchy)
    engine = case.process(container.engine) if container.engine else None
    there = last_path(case, engine, hierarchy) if engine else None
    if engine is None or here is None or there is None:
        return []
    tell = _stayed if here.path == there.path else _left
    return [tell(case, container, engine, here, there)]


def _left(
    case: Case, container: Container, engine: Process, here: CgroupStay, there: CgroupStay
) -> Sentence:
    """Say that an engine gives its monitor a cgroup of its own."""
    draft, who, whose = _pair(case, container, engine, here, there)
    image = _engine_image(engine)
    if image is not None and image_name(image) == "podman" and "libpod" in here.path:
        text = f"{who} is not in the cgroup of {whose}: unless INVOCATION_ID is set, podman gives"
        text += " conmon a cgroup of its own, so that it outlives the unit or session of"
        return draft.inferred(f"{text} {engine.id}.", _UNIT)
    text = f"{who} is not in the cgroup of {whose}: killing all that is in the cgroup of"
    text += f" {engine.id} does not reach {container.monitor}"
    return draft.inferred(f"{text}.", "cgroups(7)")


def _stayed(
    case: Case, container: Container, engine: Process, here: CgroupStay, there: CgroupStay
) -> Sentence:
    """Say why a monitor is still in its engine's cgroup, as far as the trace tells."""
    draft, who, whose = _pair(case, container, engine, here, there)
    text = f"{who} is in the cgroup of {whose}"
    image = _engine_image(engine)
    if image is None or image_name(image) != "podman":
        return draft.inferred(f"{text}, as nobody moved it out.", "cgroups(7)")
    alike = [i.at for i in engine.own_images if (i.env, i.argv) == (image.env, image.argv)]
    draft.rests_on(*alike if len(alike) == 1 else ())
    setting = next((s for s in _SETTINGS if f"--cgroups={s}" in image.argv), None)
    if setting is not None:
        return draft.inferred(f"{text}, as --cgroups={setting} asked for.", _CONMON)
    if "INVOCATION_ID" in image.env:
        text += f": INVOCATION_ID is set in the environment of {engine.id}, from which podman"
        text += " concludes that it runs in a systemd unit, and leaves conmon there"
        return draft.inferred(f"{text}.", _UNIT)
    told = manager(case, container)
    if told is not None and told[0] == "cgroupfs" and _container_alone_left(case, container):
        text += f" (its runtime, {draft.who(told[1].id)}, was called without --systemd-cgroup)"
        text += _unset(case, engine, image)
        text += ". That looks like a bug of podman 4.2 to 5.8: with cgroupfs as its manager it"
        text += " makes a cgroup for conmon and never writes the pid into it. `podman --version`"
        text += " and an empty cgroup named conmon beside the container's would tell"
        return draft.inferred(f"{text}.", _BUG)
    text += f"{_unset(case, engine, image)}; nothing in this trace tells why it was not moved"
    return draft.inferred(f"{text}.", _CONMON)


def _unset(case: Case, engine: Process, image: Image) -> str:
    """Say that INVOCATION_ID was not set, where the environment was looked at."""
    if case.imported or "argv" in image.errors:
        return ""
    return f", although INVOCATION_ID is not set in the environment of {engine.id}"


def _container_alone_left(case: Case, container: Container) -> bool:
    """Say whether the container has a cgroup v2 of its own alone, and its monitor none at all."""
    engine, monitor, init = (
        _paths(case, id_) for id_ in (container.engine, container.monitor, container.init)
    )
    if engine != monitor or "" not in engine:
        return False
    return [name for name in engine if engine[name] != init.get(name)] == [""]


def _paths(case: Case, id_: str | None) -> dict[str, str]:
    """Return the last path of a process in each hierarchy."""
    stays = by_hierarchy(case, case.process(id_)) if id_ else {}
    return {name: those[-1].path for name, those in stays.items()}


def _pair(
    case: Case, container: Container, engine: Process, here: CgroupStay, there: CgroupStay
) -> tuple[Draft, str, str]:
    draft = Draft(case)
    monitor = case.process(container.monitor or "")
    draft.rests_on(*path_evidence(case, monitor, here), *path_evidence(case, engine, there))
    return draft, draft.who(monitor.id), draft.who(engine.id)


def _engine_image(engine: Process) -> Image | None:
    images = engine.own_images
    return images[-1] if images else None


def _payload(case: Case, container: Container, hierarchy: str) -> list[Sentence]:
    """Say after what the container's cgroup is named, and who was asked to make it."""
    init = case.process(container.init or "")
    here = last_path(case, init, hierarchy)
    if here is None:
        return []
    told = []
    if container.id and container.id in here.path:
        draft = Draft(case)
        draft.rests_on(*path_evidence(case, init, here))
        text = f"The cgroup of {draft.who(init.id)} is named after the container's id: it is the"
        text += " container's own, where its limits are set"
        told.append(draft.inferred(f"{text}.", "cgroups(7)"))
    how = manager(case, container)
    if how is not None and _is_elsewhere(case, container, here):
        draft = Draft(case)
        draft.rests_on(how[1].creation.at if how[1].creation else None)
        by = f", which {draft.who(how[1].creator)} ran," if how[1].creator else ""
        runtime = f"{draft.who(how[1].id)}{by}"
        text = f"{runtime} was called with --systemd-cgroup: it asks systemd over D-Bus for a scope"
        if how[0] == "cgroupfs":
            text = f"{runtime} was called without --systemd-cgroup: it makes the cgroup itself"
        told.append(draft.inferred(f"{text}.", _MANAGER))
    return told


def _is_elsewhere(case: Case, container: Container, here: CgroupStay) -> bool:
    """Say whether a container is in another cgroup than its engine."""
    engine = case.process(container.engine) if container.engine else None
    there = last_path(case, engine, here.hierarchy) if engine else None
    return there is None or there.path != here.path
