"""Tell which process a container is, or why it is not in the trace."""

from forktrace.analysis.explain.absent import sessions, unmade
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.ends import end
from forktrace.analysis.explain.phrases import cut, listed
from forktrace.analysis.explain.places import telling_hierarchy
from forktrace.analysis.explain.residence import residence
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.analysis.roles import programs
from forktrace.model.counting import count_words
from forktrace.model.image import image_name
from forktrace.model.process import Process

_ONE_BY_ONE = 5
_DAEMONS = {
    "docker": ("dockerd", "-p $(pidof dockerd) -p $(pidof containerd)"),
    "podman": ("`podman system service`", "-p PID of that service"),
}
_CLIENT = "docker(1): the client asks a daemon over a socket"


def where(case: Case) -> list[Sentence]:
    """Say which processes the containers are, else why there is none."""
    found = [c for c in case.findings.containers if c.init]
    told = [s for c in found[:_ONE_BY_ONE] for s in (*container_is(case, c), *_state(case, c))]
    for container in case.findings.containers[: _ONE_BY_ONE * 2]:
        told += [*sessions(case, container), *unmade(case, container)]
    if len(found) > _ONE_BY_ONE:
        more = count_words(len(found) - _ONE_BY_ONE, "more container")
        told.append(unknown(f"{more} of this trace are not told of here, one by one."))
    return told or _nowhere(case)


def container_is(case: Case, container: Container) -> list[Sentence]:
    """Say which process a container is, and whose child."""
    init = case.process(container.init or "")
    draft = Draft(case)
    text = f"{named(container)} is {draft.who(init.id)} ({case.pid(init)})"
    parent = case.launch.parent_now(init)
    if parent:
        draft.rests_on(*(a.at for a in init.adoptions[-1:]))
        text += f", a child of {draft.who(parent)}"
    inside = [id_ for id_ in container.members if id_ != init.id]
    text += f", with {count_words(len(inside), 'more process', 'more processes')}" * bool(inside)
    return [draft.inferred(f"{text}.", "analysis/containers.py")]


def _state(case: Case, container: Container) -> list[Sentence]:
    """Say in which cgroup a container is, and how it ended."""
    init = case.process(container.init or "")
    hierarchy = telling_hierarchy(case, [i for i in (container.engine, init.id) if i])
    told = residence(case, init, hierarchy) if hierarchy is not None else []
    return [*told, *end(case, init)]


def named(container: Container) -> str:
    """Name a container by its name or id."""
    if container.name:
        return f"Container {cut(container.name, 40)}"
    return f"Container {cut(container.id, 13)}" if container.id else "A container without an id"


def _nowhere(case: Case) -> list[Sentence]:
    clients = [p for p in case.with_role("engine") if _is_client(p)]
    if clients:
        return [s for p in clients[:3] for s in _elsewhere(case, p)]
    engines = case.with_role("engine")
    if engines:
        names = listed([p.id for p in engines])
        why = f"neither {names} nor what it created made a process of a container"
        if case.partial:
            why = f"the log does not show that {names}, or what it created, made a process of one"
        return [unknown(f"A container is not in this trace, because {why}.")]
    why = "no container engine, monitor or OCI runtime was recognised in it"
    return [unknown(f"A container is not in this trace, because {why}.")]


def _is_client(process: Process) -> bool:
    """Say whether a process was to have a daemon make a container."""
    image = process.own_images[-1] if process.own_images else None
    if image is None or not programs.is_client(image):
        return False
    return programs.engine_verb(image.argv) in programs.MAKING_VERBS


def _elsewhere(case: Case, process: Process) -> list[Sentence]:
    docker = image_name(process.own_images[-1]) == "docker"
    daemon, pids = _DAEMONS["docker" if docker else "podman"]
    draft = Draft(case)
    draft.rests_on(process.own_images[-1].at)
    name = draft.who(process.id)
    text = f"{name} is a client: it asks {daemon} over a socket for the container, which is made"
    text += f" outside this trace, so that no process of it descends from {process.id}"
    told = [draft.inferred(f"{text}.", _CLIENT)]
    why = f"it is made elsewhere; `forktrace attach {pids}` before the next run shows it"
    return [*told, unknown(f"The container is not in this trace, because {why}.")]
