"""Recognise what works for an engine, and copies of a process that go on in its program."""

from forktrace.analysis.findings import RoleFinding
from forktrace.analysis.roles import programs
from forktrace.analysis.roles.facts import Facts, own_image
from forktrace.model.process import Process

_MACHINERY = frozenset({"engine", "cleanup", "monitor", "runtime", "helper", "init-stage"})


def version_query(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise a program that is only asked for its version or features."""
    image = own_image(process)
    source = facts.source(process)
    if image is None or facts.source_role(process) not in _MACHINERY or source is None:
        return None
    asked = programs.question(image.argv)
    if asked is None:
        return None
    return RoleFinding("helper", f"{source.id} only asked it for its {asked}")


def known_helper(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise the network and id-mapping helpers that an engine is known to run."""
    image = own_image(process)
    source = facts.source(process)
    if image is None or facts.source_role(process) not in _MACHINERY or source is None:
        return None
    name = programs.name_of(image)
    purposes = (
        (programs.NETWORK_HELPERS, "network"),
        (programs.ID_MAP_HELPERS, "id mapping"),
        (programs.NAMESPACE_HELPERS, "namespaces"),
    )
    purpose = next((what for names, what in purposes if name in names), None)
    if name == "conmonrs" and image.argv[1:2] == ["pause"]:  # conmon-rs: pause.rs
        purpose = "namespaces"
    if purpose is None:
        return None
    return RoleFinding("helper", f"{purpose}: {name}, run by {source.id}")


def run_by_engine(facts: Facts, process: Process) -> RoleFinding | None:
    """Let any other program that an engine or its helper runs be a helper.

    Not so for `podman unshare` and `buildah unshare`, which run a command of the user's.
    """
    image = own_image(process)
    source = facts.source(process)
    if image is None or source is None:
        return None
    role = facts.source_role(process)
    if role not in ("engine", "cleanup", "helper"):
        return None
    if role == "engine" and programs.engine_verb(source.argv) == "unshare":
        return None
    return RoleFinding("helper", f"run by the {role} {source.id}")


def hook(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise a program that a runtime runs beside the container.

    (OCI runtime specification: poststart and poststop hooks.)
    """
    image = own_image(process)
    source = facts.source(process)
    if image is None or source is None or facts.source_role(process) != "runtime":
        return None
    return RoleFinding("helper", f"a hook or helper, run by the runtime {source.id}")


def unchanged_copy(facts: Facts, process: Process) -> RoleFinding | None:
    """Give a fork that executed nothing the role of the process it is a copy of."""
    source = facts.source(process)
    role = facts.source_role(process)
    if own_image(process) is not None or source is None or role is None or not process.images:
        return None
    return RoleFinding(role, f"a copy of {source.id} that executed nothing")
