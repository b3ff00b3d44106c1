"""Run the passes, each of which adds to the findings what it can tell from the launch."""

from collections.abc import Callable

from forktrace.analysis.adoption import find_subreapers
from forktrace.analysis.cgroups import find_cgroups
from forktrace.analysis.containers import find_containers
from forktrace.analysis.double_fork import find_double_forks
from forktrace.analysis.findings import Findings
from forktrace.analysis.namespaces import find_namespaces
from forktrace.analysis.reaping import find_unwaited
from forktrace.analysis.roles import find_roles
from forktrace.analysis.signals import find_senders
from forktrace.analysis.streams import find_streams
from forktrace.model.launch import Launch
from forktrace.trace.collector import collector_paused
from forktrace.trace.reader import Report, no_report

PASSES: tuple[Callable[[Launch, Findings], None], ...] = (
    find_subreapers,
    find_double_forks,
    find_roles,
    find_containers,
    find_streams,
    find_cgroups,
    find_namespaces,
    find_unwaited,
    find_senders,
)


def analyse(launch: Launch, report: Report = no_report) -> Findings:
    """Return what all passes find in a launch, which stays as it is.

    Args:
        launch: where to look.
        report: is called now and then with the part that is done, from 0 to 1.
    """
    findings = Findings()
    with collector_paused():
        for done, run_pass in enumerate(PASSES):
            report(done / len(PASSES))
            run_pass(launch, findings)
    return findings
