"""Recognise the invocations of an OCI runtime."""

from forktrace.analysis.findings import RoleFinding
from forktrace.analysis.roles import programs
from forktrace.analysis.roles.facts import Facts
from forktrace.model.process import Process


def runtime(facts: Facts, process: Process) -> RoleFinding | None:
    """Recognise a runtime by the path that a monitor was given, else by its name, and a verb.

    A name does not count for a `create` that reports success and has created nothing.
    """
    images = process.own_images
    if not images:
        return None
    named_by = next((m for i in images if (m := facts.runtimes.get(i.path or ""))), None)
    name = next((n for i in images if (n := programs.name_of(i)) in programs.RUNTIMES), None)
    if named_by is None and name is None:
        return None
    verb = programs.runtime_verb(images[-1].argv)
    if verb is None:
        return None
    if verb in programs.SETUP_VERBS and facts.did_nothing(process):
        return None
    facts.verbs[process.id] = verb
    if named_by is not None:
        return RoleFinding("runtime", f"the runtime that {named_by}'s -r names, called to {verb}")
    return RoleFinding("runtime", f"{name}, an OCI runtime, called to {verb}")
