"""Find the path that matters to a container or a process."""

from collections.abc import Iterable

from forktrace.analysis.findings import Container, Findings
from forktrace.errors import UsageError
from forktrace.model.image import image_name
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.select.scene import Scene
from forktrace.views.select.selection import Pass, Selection, keep
from forktrace.views.words import cut, printable

_CONTAINER = "container"
_SHOWN = 40  # characters of what was asked for, in an error


def focus_on(target: str) -> Pass:
    """Make a pass that keeps the path to ``target``, and what is below it.

    Raises (the pass does):
        UsageError: there is no such container or process.
    """

    def focus(scene: Scene, selection: Selection) -> Selection:
        return keep(scene, selection, path_to(scene, target))

    return focus


def path_to(scene: Scene, target: str) -> set[str]:
    """Return who made, adopted, runs and watches over the target, and all below the target.

    Args:
        scene: the launch.
        target: "container" (the first), "container:NAME" (or its id, or the start of that),
            a process' id ("p4"), a pid, or the name of a program.

    Raises:
        UsageError: there is no such container or process.
    """
    launch, findings = scene.launch, scene.findings
    if target == _CONTAINER or target.startswith(f"{_CONTAINER}:"):
        container = _container(findings, target.partition(":")[2])
        wanted = [*_around(container), *scene.with_below(container.members)]
    else:
        found = _processes(launch, target)
        ids = {process.id for process in found}
        wanted = [*scene.with_below(ids)]
        for container in findings.containers:
            if ids & {container.init, *container.members}:
                wanted += [i for i in (container.monitor, *container.runtimes) if i]
    return _with_line(launch, wanted)


def _container(findings: Findings, name: str) -> Container:
    fitting = [c for c in findings.containers if not name or _is_called(c, name)]
    if fitting:
        return fitting[0]
    if findings.containers:
        known = ", ".join(cut(printable(c.name or c.id or c.key), 24) for c in findings.containers)
        raise UsageError(
            f"no container is called {_quoted(name)} in this trace; it has: {cut(known, 200)}"
        )
    raise UsageError(
        "no container was recognised in this trace: focus on a process (p3, a pid, a program)"
    )


def _is_called(container: Container, name: str) -> bool:
    return name in (container.name, container.key) or (container.id or "").startswith(name)


def _around(container: Container) -> list[str]:
    """Return who launched a container and keeps it, and its sessions."""
    sessions = [i for s in container.exec_sessions for i in (s.process, s.monitor)]
    parts = [container.engine, container.monitor, *container.runtimes, container.init, *sessions]
    return [id_ for id_ in parts if id_]


def _processes(launch: Launch, target: str) -> list[Process]:
    processes = launch.processes
    if target in processes:
        return [processes[target]]
    found = [p for p in processes.values() if target == str(p.pid) or target in _names(p)]
    if not found:
        raise UsageError(
            f"no process {_quoted(target)} in this trace: "
            "give an id (p3), a pid or the name of a program, as 'forktrace show' lists them"
        )
    return found


def _names(process: Process) -> set[str]:
    return {process.name, *(image_name(image) for image in process.images if not image.inherited)}


def _quoted(text: str) -> str:
    return repr(cut(printable(text), _SHOWN))


def _with_line(launch: Launch, ids: Iterable[str]) -> set[str]:
    """Add who created, was the parent of, or adopted any of these, and so on up to the root."""
    result: set[str] = set()
    stack = list(ids)
    while stack:
        id_ = stack.pop()
        process = launch.processes.get(id_)
        if id_ in result or process is None:
            continue
        result.add(id_)
        stack += [i for i in (process.creator, process.parent) if i]
        stack += [i for a in process.adoptions for i in (a.parent, a.previous) if i]
    return result
