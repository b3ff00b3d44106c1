"""Recognise what watches over a container: conmon, a shim, a sandbox tool that waits."""

from forktrace.analysis.findings import RoleFinding
from forktrace.analysis.roles import programs
from forktrace.analysis.roles.containers import held_by, is_sandbox, other_namespaces
from forktrace.analysis.roles.facts import Facts, own_image
from forktrace.model.process import Process


def holds_container(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise conmon by what it was told, and by a container that ran below it already."""
    held = held_by(facts, process) if process.id in facts.monitors else None
    if held is None:
        return None
    where = other_namespaces(held, process)
    return RoleFinding(
        "monitor", f"called with a container's -c, -b and -r; its child {held.id} is in {where}"
    )


def called_for_container(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise conmon by the runtime that its -r names and that was executed below it.

    Where that was not seen, the name conmon helps, if it did anything at all. What it forks
    without executing a program is the monitor too: conmon's second half.
    """
    image = own_image(process)
    source = facts.source(process)
    if image is None:
        if facts.role(source) != "monitor" or source is None or process.id not in facts.monitors:
            return None
        return RoleFinding("monitor", f"forked by the monitor {source.id}, goes on in its program")
    if process.id not in facts.monitors:
        return None
    half = _first_half(facts, process)
    if process.id in facts.confirmed:
        ran = facts.confirmed[process.id]
        return RoleFinding("monitor", f"its -r names the runtime that {ran} executed{half}")
    if programs.name_of(image) == "conmon" and not facts.did_nothing(process):
        return RoleFinding("monitor", f"conmon, called with a container's -c, -b and -r{half}")
    return None


def adopted_container(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise who calls a runtime and takes over what it leaves behind."""
    runtime = facts.adopters.get(process.id)
    if runtime is None:
        return None
    return RoleFinding("monitor", f"called the runtime {runtime} and adopted what that left")


def shim(_facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise containerd's shim and conmon-rs by name and arguments.

    `shim … start` and `shim … delete` only start and stop a shim.
    """
    image = own_image(process)
    if image is None:
        return None
    name = programs.name_of(image)
    if name.startswith("containerd-shim") and "-id" in image.argv:
        verb = programs.verb(image.argv, ("start", "delete"))
        if verb:
            return RoleFinding("helper", f"{name}, called to {verb} the shim")
        return RoleFinding(
            "monitor", f"{name}, called with -id, to neither start nor delete a shim"
        )
    if name == "conmonrs" and any(a.startswith("--runtime") for a in image.argv):
        return RoleFinding("monitor", "conmonrs, called with --runtime")
    return None


def sandbox(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise the half of a sandbox tool that stays outside and waits."""
    if not is_sandbox(facts, process):
        return None
    held = held_by(facts, process)
    if held is not None:
        return RoleFinding("monitor", f"{process.name} with {held.id} below it in other namespaces")
    return RoleFinding("monitor", f"{process.name} that created a child in new namespaces")


def _first_half(facts: Facts, process: Process) -> str:
    """Say so where a monitor's process only made the one that goes on."""
    second = facts.children.get(process.id, [])
    if process.exit is None or len(second) != 1 or own_image(second[0]) is not None:
        return ""
    return f"; it created {second[0].id}, which goes on, and ended"
