"""Tell which processes were subreapers, and since when where that was recorded."""

from dataclasses import replace

from forktrace.analysis.findings import Findings, Subreaper
from forktrace.model.launch import Launch
from forktrace.model.process import Process


def find_subreapers(launch: Launch, findings: Findings) -> None:
    """Note who called prctl(PR_SET_CHILD_SUBREAPER), and each adopter that is no init.

    An orphan goes to its nearest subreaper, else to the init of its PID namespace
    (kernel/exit.c: find_new_reaper). No file of /proc shows the attribute, so without the call
    it is inferred from an adoption; where it can't be told that the adopter is no init, nothing
    is.
    """
    for process in launch.inside:
        called = _called(process)
        if called is not None:
            findings.subreapers[process.id] = called
    for child in launch.inside:
        for adoption in child.adoptions:
            adopter = launch.processes[adoption.parent]
            known = findings.subreapers.get(adopter.id)
            if known is None and _may_be_init(adopter, child):
                continue
            if known is None or known.adopted is None:
                findings.subreapers[adopter.id] = replace(known or Subreaper(), adopted=child.id)


def _called(process: Process) -> Subreaper | None:
    """Return when a process set the attribute, and when it last cleared it (prctl(2))."""
    set_at = cleared_at = None
    for call in process.calls:
        if call.error or call.arguments.get("option") != "PR_SET_CHILD_SUBREAPER":
            continue
        if call.arguments.get("value"):
            set_at, cleared_at = set_at or call.at, None
        else:
            cleared_at = cleared_at or call.at
    return Subreaper(set_at, cleared_at) if set_at else None


def _may_be_init(adopter: Process, child: Process) -> bool:
    """Say whether the adopter is, or for all we know can be, a PID namespace's init."""
    if adopter.pid in (0, 1) or adopter.nspid[-1:] == [1]:
        return True
    # An adopter of unknown pids may be the init of a namespace below the tracer's, unless the
    # child lives in the tracer's own, whose init is pid 1.
    return not adopter.nspid and len(child.nspid) != 1
