"""Tell how an OCI runtime makes a container's first process, leaves it, and lets it go."""

from forktrace.analysis.explain.births import parent_evidence
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, label
from forktrace.analysis.explain.phrases import command_line, creating, listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.analysis.roles import programs
from forktrace.model.facts import Moment
from forktrace.model.image import Image, image_name
from forktrace.model.process import Process

_START = "OCI runtime specification, start"
_FIFO = "runc: standard_init_linux.go; crun: container.c: container_init"
_FIFO_USERS = ("runc", "crun")


def stages(case: Case, container: Container) -> list[Process]:
    """Return the processes from the one that the runtime created to the container's init."""
    line = [case.process(id_) for id_ in case.line(container.init or "")] if container.init else []
    for place, process in enumerate(line):
        if process.id in container.runtimes or case.role(process.id) == "runtime":
            return line[place + 1 :]
    return []


def made_by_runtime(case: Case, container: Container) -> list[Sentence]:
    """Tell of the creations from the runtime to the container's init, and of their parent."""
    chain = stages(case, container)
    if not chain or any(p.creation is None for p in chain):
        return []
    draft = Draft(case)
    chain = [case.process(chain[0].creator or ""), *chain]
    text = draft.who(chain[0].creator or chain[0].id)
    for place, process in enumerate(chain if chain[0].creation else chain[1:]):
        assert process.creation is not None
        draft.rests_on(process.creation.at)
        verb, by = creating(process.creation)
        text += f"{', which' if place else ''} {verb} {draft.who(process.id)}{by}"
    return [draft.observed(f"{text}."), *_siblings(case, chain)]


def _siblings(case: Case, chain: list[Process]) -> list[Sentence]:
    """Say whose children those are that CLONE_PARENT made."""
    made = [p for p in chain if p.creation and "CLONE_PARENT" in p.creation.flags]
    parents = {p.parent for p in made}
    if not made or len(parents) != 1 or None in parents:
        return []
    draft = Draft(case)
    for process in made:
        draft.rests_on(process.creation.at if process.creation else None)
        draft.rests_on(*parent_evidence(process))
    parent = draft.who(made[0].parent or "")
    names = listed([p.id for p in made])
    kind = "children" if len(made) > 1 else "a child"
    verb = "were" if len(made) > 1 else "was"
    text = f"By CLONE_PARENT {names} {verb} born as {kind} of {parent}, not of who created them."
    inferred = any(p.parent_inferred for p in made)
    return [draft.told(text, "kernel/fork.c: copy_process", inferred=inferred)]


def own_pid(case: Case, init: Process) -> list[Sentence]:
    """Say which pid a container's process has in there."""
    shown = [s.at for s in init.samples if s.nspid]
    if len(init.nspid) < 2 or not shown:
        return []
    draft = Draft(case)
    draft.rests_on(*shown if len(shown) == 1 else ())
    name, own = draft.who(init.id), init.nspid[-1]
    text = (
        f"{name} has pid {own} in the container's PID namespace, and {init.pid} in {case.tracer}'s"
    )
    return [draft.observed(f"{text}.", "proc(5), NSpid")]


def payload(case: Case, process: Process) -> Image | None:
    """Return what a container's process executed that is not its runtime's own program."""
    found = case.contained.get(process.id)
    if found is not None and found.init == process.id and found.payload is not None:
        at = found.payload
        return next((i for i in process.own_images if i.at.seq == at.seq), None)
    return next((i for i in process.own_images if not programs.executes_itself(i)), None)


def until_payload(case: Case, process: Process) -> list[Sentence]:
    """Say what a container's first process was until it executed what the user asked for."""
    image = payload(case, process)
    if image is None:
        return []
    before = [i for i in process.images if i.at.seq < image.at.seq]
    if not before:
        return []
    draft = Draft(case)
    draft.rests_on(image.at)
    was = command_line(before[-1].argv) if before[-1].argv else image_name(before[-1])
    name = draft.who(process.id)
    text = f"{name} ran {was} until it executed {command_line(image.argv)} itself"
    return [draft.observed(f"{text}: same process, same pid {process.pid}, another program.")]


def executor_below(case: Case, container: Container) -> Process | None:
    """Return who executed what the user asked for, where that is not the first process."""
    if container.payload is None or container.init is None:
        return None
    others = (case.process(id_) for id_ in container.members if id_ != container.init)
    return next((p for p in others if _image_at(p, container.payload) is not None), None)


def _image_at(process: Process, at: Moment) -> Image | None:
    return next((image for image in process.own_images if image.at == at), None)


def payload_below(case: Case, container: Container) -> list[Sentence]:
    """Say who executed what the user asked for where that is not the first process."""
    process = executor_below(case, container)
    image = _image_at(process, container.payload) if process and container.payload else None
    if process is None or image is None or container.init is None:
        return []
    draft = Draft(case)
    draft.rests_on(image.at, process.creation.at if process.creation else None)
    text = f"{draft.who(container.init)} stays as the first process of the container;"
    text += f" {draft.who(process.id)}"
    text += f", which {draft.who(process.creator)} created," if process.creator else ""
    return [draft.observed(f"{text} executed {command_line(image.argv)}.")]


def started(case: Case, container: Container) -> list[Sentence]:
    """Tell what the runtime's start does: it lets the waiting init execute its payload."""
    init = case.launch.processes.get(container.init or "")
    image = payload(case, init) if init else None
    starts = [case.process(id_) for id_ in container.runtimes]
    called = [p for p in starts if programs.runtime_verb(p.argv) == "start"]
    if init is None or image is None or not called:
        return []
    start = called[0]
    ran = start.own_images[-1] if start.own_images else None
    if ran is None or ran.at.seq > image.at.seq:
        return []
    draft = Draft(case)
    draft.rests_on(image.at, start.creation.at if start.creation else None)
    by = f", which {draft.who(start.creator)} ran," if start.creator else ""
    gate = " at the exec fifo" if label(case, start).split(" ")[0] in _FIFO_USERS else ""
    text = (
        f"{draft.who(start.id)}{by} let {draft.who(init.id)} go, which had waited{gate}: its exec"
    )
    return [draft.inferred(f"{text} came after {start.id} had begun.", f"{_START}; {_FIFO}")]
