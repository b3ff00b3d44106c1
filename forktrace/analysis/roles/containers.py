"""Recognise what runs in a container, and the stages that set it up, by what they did."""

from forktrace.analysis.findings import RoleFinding
from forktrace.analysis.roles import programs
from forktrace.analysis.roles.facts import Facts, own_image
from forktrace.model.image import Image
from forktrace.model.process import Process


def born_in_container(facts: Facts, process: Process) -> RoleFinding | None:
    """Let what a container's process created belong to the container.

    What its first process created before it executed the payload is a hook that the runtime
    calls in there (OCI runtime specification, createContainer and startContainer hooks).
    """
    source = facts.source(process)
    if source is None or facts.role(source) != "container":
        return None
    if process.attached:
        return RoleFinding("container", f"child of {source.id}, which is in the container")
    payload = facts.payloads.get(source.id)
    if payload is not None and process.born.seq < payload.at.seq:
        return RoleFinding("helper", f"a hook: {source.id} ran it before its payload")
    return RoleFinding("container", f"created by {source.id}, which is in the container")


def set_up_by_runtime(facts: Facts, process: Process) -> RoleFinding | None:
    """Tell apart what a runtime makes: the container's first process, its stages, and hooks."""
    source = facts.source(process)
    runtime_id = _runtime_above(facts, source)
    if source is None or runtime_id is None:
        return None
    runtime = facts.launch.processes[runtime_id]
    call = f"{runtime.id} (runtime {facts.verbs[runtime_id]})"
    payload = payload_image(process, runtime)
    reason = _why_container(facts, process, runtime, payload)
    if reason is not None:
        facts.payloads[process.id] = payload
        _note_pid_namespace(facts, process)
        return RoleFinding("container", reason.format(call=call))
    if payload is None and _is_probe(process, source, runtime):
        return None
    if payload is None:
        facts.setups[process.id] = runtime_id
        enters = facts.verbs[runtime_id] == "exec"
        purpose = "enter the container" if enters else "set the container up"
        return RoleFinding(
            "init-stage", f"made by {call} to {purpose}, and ran no program of its own"
        )
    return RoleFinding("helper", f"a hook or helper: {call} ran it while setting up")


def held_by_monitor(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise a container that ran already: what a monitor has below it in other namespaces."""
    source = facts.source(process)
    if not process.attached or source is None or facts.role(source) != "monitor":
        return None
    where = other_namespaces(process, source)
    if where is None:
        return None
    facts.payloads[process.id] = None
    _note_pid_namespace(facts, process)
    return RoleFinding("container", f"child of the monitor {source.id}, in {where}")


def in_container_namespace(facts: Facts, process: Process) -> RoleFinding | None:
    """Let what lives in a container's own PID namespace belong to the container."""
    namespaces = (s.ns["pid"] for s in process.samples if s.ns and "pid" in s.ns)
    first = next((f for n in namespaces if (f := facts.pid_namespaces.get(n))), None)
    if first is None:
        return None
    return RoleFinding("container", f"in the PID namespace of {first}")


def sandboxed(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise the child that a sandbox tool (bubblewrap, say) creates in new namespaces.

    One that leaves its own child behind was a stage on the way (nspawn.c: outer_child).
    """
    source = facts.source(process)
    tool = _sandbox_above(facts, source)
    if source is None or tool is None or not new_namespaces(process):
        return None
    left = (a.death == process.id for c in facts.children.get(process.id, ()) for a in c.adoptions)
    if own_image(process) is None and any(left):
        facts.sandbox_stages[process.id] = tool
        return RoleFinding(
            "init-stage", f"created by {source.id} in new namespaces, on the way to its container"
        )
    facts.payloads[process.id] = None
    _note_pid_namespace(facts, process)
    return RoleFinding("container", f"created by {source.id} in new namespaces")


def chrooted(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise what buildah runs with the isolation "chroot", which is no runtime's work.

    (buildah: chroot/run_common.go, runUsingChrootExecMain.)
    """
    source = facts.source(process)
    image, above = own_image(process), own_image(source) if source else None
    if image is None or above is None or source is None or facts.role(source) != "engine":
        return None
    if above.argv[:1] != ["buildah-chroot-exec"] or programs.executes_itself(image):
        return None
    facts.payloads[process.id] = image
    return RoleFinding("container", f"run by {source.id}, buildah-chroot-exec, in a chroot")


def _sandbox_above(facts: Facts, source: Process | None) -> str | None:
    """Return the sandbox tool that a child of ``source`` may have been made by."""
    if source is None:
        return None
    if facts.role(source) == "monitor":
        return source.id if _named_sandbox(source) else None
    return facts.sandbox_stages.get(source.id)


def is_sandbox(facts: Facts, process: Process) -> bool:
    """Say whether a process is a sandbox tool that does have a child in other namespaces."""
    return _named_sandbox(process) and (
        held_by(facts, process) is not None
        or any(new_namespaces(child) for child in facts.children.get(process.id, ()))
    )


def held_by(facts: Facts, process: Process) -> Process | None:
    """Return a child that ran already, in other namespaces than this process; None if none did."""
    standing = facts.standing.get(process.id, ())
    return next((child for child in standing if other_namespaces(child, process)), None)


def other_namespaces(process: Process, parent: Process) -> str | None:
    """Say in which other namespaces than its parent's a process ran when the trace began.

    Those of an unreadable process are unknown, but for PID namespaces: /proc/PID/status, which
    all may read, tells of each that is deeper than the parent's. Kinds that runtimes and
    sandboxes give any container are asked for: a network namespace alone makes none.
    """
    if len(process.nspid) > len(parent.nspid) > 0:
        return "another PID namespace"
    own, others = _first_namespaces(process), _first_namespaces(parent)
    known = [kind for kind in ("pid", "mnt") if kind in own and kind in others]
    differing = [kind for kind in known if own[kind] != others[kind]]
    if not differing:
        return None
    return "another PID namespace" if "pid" in differing else "another mount namespace"


def _first_namespaces(process: Process) -> dict[str, int]:
    return next((s.ns for s in process.samples if s.ns), {})


def _named_sandbox(process: Process) -> bool:
    """Say whether a process is a sandbox tool, or a copy of one: lxc-start forks to the background.

    It then writes "[lxc monitor] PATH NAME" over its arguments (lxccontainer.c: do_lxcapi_start).
    """
    if not process.images:
        return False
    image = process.images[-1]
    titled = image.argv[:1] and image.argv[0].startswith("[lxc monitor] ")
    return bool(titled) or programs.name_of(image) in programs.SANDBOXES


def new_namespaces(process: Process) -> bool:
    """Say whether a process was created in namespaces of its own."""
    flags = process.creation.flags if process.creation else []
    return any(flag.startswith("CLONE_NEW") for flag in flags)


def _runtime_above(facts: Facts, source: Process | None) -> str | None:
    """Return the runtime invocation that a child of ``source`` may be setting up for."""
    if source is None:
        return None
    if facts.role(source) == "runtime":
        return source.id if facts.verbs.get(source.id) in programs.SETUP_VERBS else None
    return facts.setups.get(source.id)


def payload_image(process: Process, runtime: Process | None = None) -> Image | None:
    """Return the first image that is not the runtime's own.

    Args:
        process: whose images.
        runtime: the invocation that it sets a container up for, if that is known.
    """
    program = own_image(runtime) if runtime else None
    before: list[str] | None = None
    for image in process.own_images:
        cloned_again = before is not None and image.argv == before
        itself = programs.executes_itself(image) and not _another_file(image, program)
        if not (itself or cloned_again):
            return image
        before = image.argv
    return None


def _another_file(image: Image, program: Image | None) -> bool:
    """Say whether what /proc/PID/exe led to was another program than the runtime.

    dockerd's hooks are called so (moby: libnetwork/osl/sandbox_linux_linux.go). A runtime's sealed
    copy has a file of its own: a memfd, or what it has mounted over itself.
    """
    numbered = (image.path or "").startswith("/proc/") and image.path != "/proc/self/exe"
    if program is None or not numbered or None in (image.exe, program.exe):
        return False
    return image.exe != program.exe and not (image.exe or "").startswith("/memfd:")


def _why_container(
    facts: Facts, process: Process, runtime: Process, payload: Image | None
) -> str | None:
    """Return the fact by which a process is the container's first, None if it is not."""
    left = next((a for a in process.adoptions if a.death == runtime.id), None)
    early = payload is not None and runtime.exit and payload.at.seq < runtime.exit.at.seq
    if left is not None and not early:  # a hook that stays behind has executed before
        return f"left by {{call}}, which had set it up, to {left.parent}"
    deeper = len(process.nspid) > max(len(runtime.nspid), 1)
    if deeper and process.nspid[-1] == 1 and not _given_up(process, runtime, payload):
        return "pid 1 of the PID namespace that {call} made"
    if payload is None:
        return None
    if process.creator in facts.setups:
        return "the stage of {call} that executed the payload"
    if new_namespaces(process):
        return "created by {call} in new namespaces"
    if facts.verbs[runtime.id] == "exec":
        return "executed by {call} in a container that runs"
    return None if early or runtime.exit is None else "executed the payload after {call} had ended"


def _given_up(process: Process, runtime: Process, payload: Image | None) -> bool:
    """Say whether a process ended before it executed a payload, under the runtime's eyes."""
    if payload is not None or process.exit is None:
        return False
    return runtime.exit is None or process.exit.at.seq < runtime.exit.at.seq


def _is_probe(process: Process, source: Process, runtime: Process) -> bool:
    """Say whether this is no stage: Go forks once to try out CLONE_PIDFD.

    (go: src/os/pidfd_linux.go, checkPidfd.)
    """
    return source is runtime and process.is_vforked and not process.own_images


def _note_pid_namespace(facts: Facts, process: Process) -> None:
    if len(process.nspid) < 2 or process.nspid[-1] != 1:
        return
    for sample in process.samples:
        if sample.ns and "pid" in sample.ns:
            facts.pid_namespaces[sample.ns["pid"]] = process.id
            return
