"""Tell which processes must have been subreapers."""

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process


def find_subreapers(launch: Launch, findings: Findings) -> None:
    """Note each adopter that is not the init of its PID namespace.

    An orphan goes to its nearest subreaper, else to the init of its PID namespace
    (kernel/exit.c: find_new_reaper). No file of /proc shows PR_SET_CHILD_SUBREAPER, so this is
    inferred from an adoption; where it can't be told that the adopter is no init, nothing is.
    """
    for child in launch.inside:
        for adoption in child.adoptions:
            adopter = launch.processes[adoption.parent]
            if not _may_be_init(adopter, child):
                findings.subreapers.setdefault(adopter.id, child.id)


def _may_be_init(adopter: Process, child: Process) -> bool:
    """Say whether the adopter is, or for all we know can be, a PID namespace's init."""
    if adopter.pid in (0, 1) or adopter.nspid[-1:] == [1]:
        return True
    # An adopter of unknown pids may be the init of a namespace below the tracer's, unless the
    # child lives in the tracer's own, whose init is pid 1.
    return not adopter.nspid and len(child.nspid) != 1
