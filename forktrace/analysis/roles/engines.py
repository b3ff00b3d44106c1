"""Recognise the engine itself: command, daemon, re-executions, its cleanup and its pause."""

from forktrace.analysis.findings import RoleFinding
from forktrace.analysis.roles import programs
from forktrace.analysis.roles.facts import Facts, own_image
from forktrace.model.image import Image
from forktrace.model.process import Process

_NAME = 32  # characters of a name that stands in a rule


def cleanup(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise the command that a monitor was told to run at the container's end."""
    image = own_image(process)
    source = facts.source(process)
    if image is None or not image.argv or facts.source_role(process) not in ("monitor", None):
        return None
    told = facts.monitors.get(source.id) if source else None
    if told and told.exit_command and image.argv == told.exit_command and source:
        return RoleFinding("cleanup", f"the exit command that {source.id} was given")
    pairs = zip(image.argv, image.argv[1:], strict=False)
    if programs.name_of(image) in programs.ENGINES and ("container", "cleanup") in pairs:
        after = f", run by the monitor {source.id}" if source and source.creator else ""
        if after or process.id != facts.launch.root:
            return RoleFinding("cleanup", f"called with `container cleanup`{after}")
    return None


def pause(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise what only holds a rootless engine's namespaces open.

    (podman: pkg/rootless/rootless_linux.c, create_pause_process.)
    """
    image = own_image(process)
    if image is None:
        return None
    if "_PODMAN_PAUSE" in image.env:
        return RoleFinding("helper", "pause: executed with _PODMAN_PAUSE set")
    called = programs.name_of(image) == "catatonit" and "-P" in image.argv
    if called and facts.source_role(process) in ("engine", "helper"):
        return RoleFinding("helper", "pause: catatonit -P, run by the engine")
    return None


def executed_itself(facts: Facts, process: Process) -> RoleFinding | None:
    """Let an engine's own program, executed again by a child, be the engine.

    One that is called by the name of some work and creates nobody is a helper. Not so one that
    then does what a monitor does (buildah: run_common.go, buildah-oci-runtime).
    """
    images = process.own_images
    source = facts.source(process)
    role = facts.source_role(process)
    if not images or source is None or process.id in facts.adopters:
        return None
    if role not in ("engine", "cleanup"):
        return None
    # The first image counts: crun is executed by its path, and then executes itself.
    if not programs.executes_itself(images[0]) or not _same_file(images[0], source.images[-1:]):
        return None
    told = f"{source.id} executed its own program again"
    called = _base(images[0].argv[0]) if images[0].argv else ""
    names = {_base(n) for i in source.images for n in (i.path, i.exe, *i.argv[:1]) if n}
    for_work = called and called not in names | {_base(images[0].exe or "")}
    if for_work and not facts.children.get(process.id):  # set-ipv6 (docker: pkg/reexec)
        return RoleFinding("helper", f"{told}, as {called[:_NAME]}")
    return RoleFinding(role, told)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _same_file(image: Image, others: list[Image]) -> bool:
    """Say whether nothing tells against two images being of one file."""
    return all(None in (image.exe, other.exe) or image.exe == other.exe for other in others)


def started_monitor(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise an engine by the monitor that it started for a container."""
    if process.id in facts.monitors:
        return None
    for child in facts.children.get(process.id, ()):
        if child.id in facts.confirmed and own_image(child) is not None:
            return RoleFinding("engine", f"started the monitor {child.id}")
    return None


def command(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise an engine's command by name and verb.

    Who says `run` and reports success without having created any process launched nothing,
    unless the work was a daemon's.
    """
    image = own_image(process)
    name = programs.name_of(image) if image else None
    if image is None or name not in programs.ENGINES:
        return None
    verb = programs.engine_verb(image.argv)
    if verb is None:
        return None
    idle = facts.did_nothing(process) and not programs.is_client(image)
    if verb in programs.LAUNCH_VERBS and idle:
        return None
    return RoleFinding("engine", f"{name}, called to {verb}")


def daemon(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise an engine's daemon by name, unless it ended without having done anything."""
    image = own_image(process)
    name = programs.name_of(image) if image else None
    if image is None or name not in programs.DAEMONS or facts.did_nothing(process):
        return None
    if programs.question(image.argv) is not None:
        return None
    return RoleFinding("engine", f"{name}, an engine's daemon")
