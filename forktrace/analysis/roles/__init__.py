"""Tell what each process is for: an ordered table of small rules, structure before names."""

from collections.abc import Callable

from forktrace.analysis.findings import Findings, RoleFinding
from forktrace.analysis.roles import containers, engines, helpers, monitors, runtimes
from forktrace.analysis.roles.facts import Facts, gather
from forktrace.model.launch import Launch
from forktrace.model.process import Process

Rule = Callable[[Facts, Process], RoleFinding | None]

# The first rule that answers decides. What runs in a container comes before all names: a
# container may well run a program called conmon.
RULES: tuple[Rule, ...] = (
    containers.born_in_container,
    containers.set_up_by_runtime,
    containers.held_by_monitor,
    containers.in_container_namespace,
    containers.sandboxed,
    containers.chrooted,
    engines.cleanup,
    engines.pause,
    engines.executed_itself,
    runtimes.runtime,
    monitors.holds_container,
    monitors.called_for_container,
    monitors.adopted_container,
    monitors.shim,
    monitors.sandbox,
    engines.started_monitor,
    engines.command,
    engines.daemon,
    helpers.version_query,
    helpers.known_helper,
    helpers.run_by_engine,
    helpers.hook,
    helpers.unchanged_copy,
)


def find_roles(launch: Launch, findings: Findings) -> None:
    """Give every process a role and the rule that decided it.

    Processes are taken in creation order, so a rule can ask for the role of a creator.
    """
    facts = gather(launch)
    for process in launch.inside:
        facts.roles[process.id] = _decide(facts, process)
    for process in launch.processes.values():
        if process.outside:
            facts.roles[process.id] = RoleFinding("other", "outside the trace")
    findings.roles.update(facts.roles)


def _decide(facts: Facts, process: Process) -> RoleFinding:
    for rule in RULES:
        finding = rule(facts, process)
        if finding is not None:
            return finding
    known = "no fact tells what it is for" if process.images else "its program is unknown"
    return RoleFinding("other", known)
