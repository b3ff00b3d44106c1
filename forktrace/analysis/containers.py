"""Find the containers of a launch: what made each, what watches over it, what runs in it.

Roles say what each process is for; this pass says of which container. It takes the processes in
creation order and hands on from each to what it created which engine, runtime invocation,
monitor and container it belongs to, so that it takes time linear in their number.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from forktrace.analysis.command_lines import RuntimeCall, engine_call, runtime_call
from forktrace.analysis.findings import Container, ExecSession, Findings, Role
from forktrace.analysis.roles import programs
from forktrace.analysis.roles.containers import payload_image
from forktrace.analysis.roles.facts import own_image
from forktrace.analysis.roles.programs import MonitorArguments
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process

_MAKING = frozenset({"create", "run", "restore"})
# Each of these tells of a container that was there, or will be; delete and state may find none.
_CONCERNING = _MAKING | {"start", "exec", "kill", "pause", "resume", "update"}
_OUTER: frozenset[Role] = frozenset({"monitor", "helper", "runtime", "cleanup"})
_INNER: frozenset[Role] = frozenset({"init-stage", "container"})


def find_containers(launch: Launch, findings: Findings) -> None:
    """Note the containers in the order in which the first sign of each was seen."""
    roles = {"monitor", "runtime", "container"}
    if not any(found.role in roles for found in findings.roles.values()):
        return
    search = _Search(launch, findings)
    for process in launch.inside:
        search.take(process)
    search.finish()
    findings.containers.extend(search.containers)


@dataclass(slots=True)
class _Known:
    """Be what a process hands on to those it creates; processes are named by their id.

    ``engine`` is the outermost one above, ``told`` what the monitor above was told, ``call`` the
    runtime invocation above, with ``runtime`` who made it.
    """

    engine: str | None = None
    monitor: str | None = None
    told: MonitorArguments | None = None
    runtime: str | None = None
    call: RuntimeCall | None = None
    container: Container | None = None


@dataclass(slots=True)
class _Search:
    launch: Launch
    findings: Findings
    containers: list[Container] = field(default_factory=list)
    by_id: dict[str, Container] = field(default_factory=dict)
    by_sandbox: dict[str, Container] = field(default_factory=dict)
    by_namespace: dict[int, Container] = field(default_factory=dict)
    known: dict[str, _Known] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    left_overs: list[tuple[str, RuntimeCall]] = field(default_factory=list)

    def take(self, process: Process) -> None:
        """See which container a process belongs to; whoever created it was taken before."""
        source = process.creator or process.parent or ""
        above = self.known.get(source) or _Known()
        role = self.findings.roles[process.id].role
        if role == "engine":
            known = _Known(engine=above.engine or process.id)
        elif role == "monitor":
            known = self._monitor(process, above)
        elif role == "runtime":
            known = self._runtime(process, above)
        elif role in _INNER:
            known = self._inside(process, above) if role == "container" else above
        elif role in _OUTER:
            known = _Known(engine=above.engine)
        else:
            return
        self.known[process.id] = known

    def finish(self) -> None:
        """Add what only the whole launch tells."""
        for id_, call in self.left_overs:
            if call.id in self.by_id:
                self.by_id[call.id].runtimes.append(id_)
        for container in self.containers:
            container.runtimes.sort(key=lambda id_: self.launch.processes[id_].born.seq)
            self._adopter(container)
        self._name()

    def _monitor(self, process: Process, above: _Known) -> _Known:
        """Take conmon, a shim, or who else watches; only conmon names its container."""
        image = own_image(process)
        told = programs.monitor_arguments(image.argv) if image else above.told
        known = _Known(above.engine, process.id, told)
        if told is None:
            known.told = _of_shim(image)
            return known
        if told.session:
            self._container(told.container)
            return known
        container = self._container(told.container, again=image is not None)
        container.engine = container.engine or above.engine
        container.monitor = process.id
        container.name = container.name or told.name
        return known

    def _runtime(self, process: Process, above: _Known) -> _Known:
        """Take an invocation of a runtime; a copy of one that executed nothing is none."""
        image = own_image(process)
        call = runtime_call(image.argv) if image else None
        known = _Known(above.engine, above.monitor, above.told, process.id, call)
        if call is None or call.id is None:
            return known
        if call.verb not in _CONCERNING and call.id not in self.by_id:
            self.left_overs.append((process.id, call))
            return known
        making = call.verb in _MAKING
        container = self._container(call.id, again=making)
        container.runtimes.append(process.id)
        if making:
            self.made.add(container.key)
            container.engine = container.engine or above.engine
            container.monitor = above.monitor or container.monitor
            known.container = container
        return known

    def _inside(self, process: Process, above: _Known) -> _Known:
        """Take a process in a container: its first one, that of an exec session, or another."""
        creator = self.launch.processes.get(process.creator or process.parent or "")
        role = self.findings.roles[creator.id].role if creator else None
        if role == "container" and above.container is not None:
            container = above.container
        elif above.call is not None and above.call.verb == "exec":
            id_ = above.call.id
            container = self._container(id_) if id_ else self._sandbox(above.runtime or "")
            container.exec_sessions.append(ExecSession(process.id, above.monitor, above.engine))
        elif above.told is not None and above.told.session:
            container = self._container(above.told.container)
            container.exec_sessions.append(ExecSession(process.id, above.monitor, above.engine))
        else:
            container = self._first(process, above)
        container.members.append(process.id)
        self._payload(container, process)
        return _Known(container=container)

    def _first(self, process: Process, above: _Known) -> Container:
        """Return the container of a process that no other of it created."""
        container = above.container
        if container is None:
            inodes = _pid_namespaces(process)
            container = next((c for n in inodes if (c := self.by_namespace.get(n))), None)
        if container is None and above.told is not None and above.told.container:
            container = self._container(above.told.container)
        if container is None:
            container = self._sandbox(above.runtime or above.monitor or process.id)
        if container.init is None:
            self._begin(container, process, above)
        return container

    def _begin(self, container: Container, process: Process, above: _Known) -> None:
        container.init = process.id
        self.made.add(container.key)
        container.monitor = container.monitor or above.monitor
        container.engine = container.engine or above.engine
        if process.nspid[-1:] == [1] and len(process.nspid) > 1:
            for inode in _pid_namespaces(process):
                self.by_namespace.setdefault(inode, container)

    def _payload(self, container: Container, process: Process) -> None:
        """Note when the payload was executed: by the first process, or by its child.

        bubblewrap's first process goes on as the init of the PID namespace (bubblewrap.c: do_init).
        """
        init = self.launch.processes.get(container.init or "")
        if init is None or init.attached or process.attached or container.payload is not None:
            return
        image = payload_image(process)
        reaper = container.id is None and process.creator == init.id and payload_image(init) is None
        if image is not None and (process is init or reaper):
            container.payload = image.at

    def _container(self, id_: str, *, again: bool = False) -> Container:
        """Return the container of an id; a new one where the last one is to be made ``again``."""
        known = self.by_id.get(id_)
        if known is None or (again and known.key in self.made):
            self.by_id[id_] = self._new(id_)
        return self.by_id[id_]

    def _sandbox(self, made_by: str) -> Container:
        """Return the container without an id that a process has made."""
        if made_by not in self.by_sandbox:
            self.by_sandbox[made_by] = self._new(None)
        return self.by_sandbox[made_by]

    def _new(self, id_: str | None) -> Container:
        container = Container(f"c{len(self.containers) + 1}", id_)
        self.containers.append(container)
        return container

    def _adopter(self, container: Container) -> None:
        """Let the monitor that adopted the first process be the container's."""
        init = self.launch.processes.get(container.init or "")
        for adoption in init.adoptions if init else ():
            if self.findings.roles[adoption.parent].role == "monitor":
                container.monitor = adoption.parent

    def _name(self) -> None:
        """Add name and image, where the engine made one container and says which.

        One that made several does not tell in argv whose image it is, except where the name that
        it gives is that of one of them. A pod's infra container is none that the user named.
        """
        by_engine: defaultdict[str, list[Container]] = defaultdict(list)
        for container in self.containers:
            if container.engine and not self._is_infra(container):
                by_engine[container.engine].append(container)
        for id_, made in by_engine.items():
            call = engine_call(self.launch.processes[id_].argv)
            if call is None:
                continue
            meant = [c for c in made if call.name and c.name == call.name] or made
            if len(meant) == 1:
                meant[0].name = meant[0].name or call.name
                meant[0].image = call.image

    def _is_infra(self, container: Container) -> bool:
        """Say whether a container only holds a pod's namespaces (`/catatonit -P` runs in it)."""
        init = self.launch.processes.get(container.init or "")
        image = own_image(init) if init else None
        return image is not None and image.argv[:2] in (["/catatonit", "-P"], ["/pause"])


def _pid_namespaces(process: Process) -> list[int]:
    return [s.ns["pid"] for s in process.samples if s.ns and "pid" in s.ns]


def _of_shim(image: Image | None) -> MonitorArguments | None:
    """Return which container a shim of docker's is for, each of which has its own.

    (moby: daemon/internal/libcontainerd; in other namespaces a shim may serve a whole pod.)
    """
    argv = image.argv if image else []
    told = dict(pairwise(argv))
    if told.get("-namespace") != "moby" or "-id" not in told:
        return None
    return MonitorArguments("", [], told["-id"])
