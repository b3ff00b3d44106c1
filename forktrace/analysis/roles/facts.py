"""Gather once what the rules of roles ask for again and again."""

from collections import defaultdict
from dataclasses import dataclass, field

from forktrace.analysis.findings import Role, RoleFinding
from forktrace.analysis.roles import programs
from forktrace.analysis.roles.programs import MonitorArguments
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process


@dataclass(slots=True)
class Facts:
    """Be a launch with what follows from it, and the roles of all older processes.

    Attributes:
        roles: what was decided so far, by id.
        sources: who created each process, by its id; its parent where that was not seen.
        children: who was created by whom, by the creator's id.
        standing: who ran already when the trace began, by the id of the parent at that time.
        monitors: the arguments of each process that was called as a monitor is.
        runtimes: for each path that such arguments name as runtime, the id of that monitor.
        confirmed: for each such monitor whose runtime was executed below it, by which process.
        adopters: for each process that took over what a runtime it had called left behind, that
            runtime's id.
        verbs: what each runtime invocation was told to do.
        setups: for each process that a runtime made to set a container up, that runtime's id.
        sandbox_stages: for each process through which a sandbox tool makes its container, that
            tool's id.
        payloads: for each container's first process, its first image in the container.
        pid_namespaces: the container's first process, by its PID namespace's inode.
    """

    launch: Launch
    roles: dict[str, RoleFinding] = field(default_factory=dict)
    sources: dict[str, Process | None] = field(default_factory=dict)
    children: dict[str, list[Process]] = field(default_factory=lambda: defaultdict(list))
    standing: dict[str, list[Process]] = field(default_factory=lambda: defaultdict(list))
    monitors: dict[str, MonitorArguments] = field(default_factory=dict)
    runtimes: dict[str, str] = field(default_factory=dict)
    confirmed: dict[str, str] = field(default_factory=dict)
    adopters: dict[str, str] = field(default_factory=dict)
    verbs: dict[str, str] = field(default_factory=dict)
    setups: dict[str, str] = field(default_factory=dict)
    sandbox_stages: dict[str, str] = field(default_factory=dict)
    payloads: dict[str, Image | None] = field(default_factory=dict)
    pid_namespaces: dict[int, str] = field(default_factory=dict)

    def source(self, process: Process) -> Process | None:
        """Return who created a process; its parent where that was not seen."""
        return self.sources[process.id]

    def role(self, process: Process | None) -> Role | None:
        """Return what was decided for an older process."""
        finding = self.roles.get(process.id) if process else None
        return finding.role if finding else None

    def source_role(self, process: Process) -> Role | None:
        """Return the role of who created a process, if it ran the program of that role by then.

        A shell's children are not an engine's because the shell went on to execute podman. One
        that executes the same again, as podman does in a new user namespace, was it before too.
        """
        source = self.source(process)
        image = own_image(source) if source else None
        if source is not None and image is not None and image.at.seq > process.born.seq:
            before = [i for i in source.images if i.at.seq < process.born.seq]
            if not before or before[-1].argv != image.argv:
                return None
        return self.role(source)

    def did_nothing(self, process: Process) -> bool:
        """Say whether a process reported success without having created any other."""
        return bool(process.exit and process.exit.code == 0) and not self.children.get(process.id)


def own_image(process: Process) -> Image | None:
    """Return the last program that a process executed itself."""
    last = process.images[-1] if process.images else None
    return None if last is None or last.inherited else last


def gather(launch: Launch) -> Facts:
    """Collect the facts of a launch that no role is needed for."""
    facts = Facts(launch)
    known = launch.processes
    facts.sources = {i: known.get(p.creator or p.parent or "") for i, p in known.items()}
    for process in launch.inside:
        if process.creator:
            facts.children[process.creator].append(process)
        elif process.attached and process.parent:
            facts.standing[process.parent].append(process)
        _note_monitor(facts, process)
    for process in launch.inside:
        _confirm_monitor(facts, process)
        _note_adopters(facts, process)
    for id_, arguments in facts.monitors.items():
        if id_ in facts.confirmed or _is_conmon(launch.processes[id_]):
            facts.runtimes.setdefault(arguments.runtime, id_)
    return facts


def _note_monitor(facts: Facts, process: Process) -> None:
    image = own_image(process)
    arguments = programs.monitor_arguments(image.argv) if image else None
    source = facts.source(process)
    if image is None and process.images and source is not None:
        arguments = facts.monitors.get(source.id)  # conmon's second half is a fork of the first
    if arguments is not None:
        facts.monitors[process.id] = arguments


def _is_conmon(process: Process) -> bool:
    return programs.name_of(process.images[-1]) == "conmon"


def _confirm_monitor(facts: Facts, process: Process) -> None:
    """See whether a process executed the runtime that a monitor above it was told to call."""
    image, above = own_image(process), facts.source(process)
    if image is None or above is None or above.id not in facts.monitors:
        return
    if programs.runtime_verb(image.argv) not in programs.SETUP_VERBS or facts.did_nothing(process):
        return
    paths = {image.path for image in process.own_images}
    while above is not None and above.id in facts.monitors and above.id not in facts.confirmed:
        if facts.monitors[above.id].runtime not in paths:
            return
        facts.confirmed[above.id] = process.id
        above = facts.source(above)


def _note_adopters(facts: Facts, process: Process) -> None:
    """See whether a process was left by a runtime to whoever had called that runtime."""
    for adoption in process.adoptions:
        left_by = facts.launch.processes.get(adoption.death or "")
        image = own_image(left_by) if left_by else None
        if left_by is None or image is None or adoption.parent != left_by.creator:
            continue
        known = programs.name_of(image) in programs.RUNTIMES
        if known and programs.runtime_verb(image.argv) in programs.SETUP_VERBS:
            facts.adopters.setdefault(adoption.parent, left_by.id)
