"""Tell of ended processes: who was a zombie for long, and for whom nobody was seen to wait."""

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.model.reaps import may_have_reaped

_LASTING_NS = 50_000_000  # of a zombie, well above what a wait takes that comes at once


def find_unwaited(launch: Launch, findings: Findings) -> None:
    """Note each ended process whose real parent, a traced one, was not seen to wait for it.

    That is a zombie until its parent ends, unless the parent ignores SIGCHLD (wait(2), NOTES).
    Of a parent outside the trace it is not known what it waits for, and what dies with its PID
    namespace is no zombie.
    """
    if launch.header.detail != "syscalls":
        return
    for process in launch.inside:
        parent = launch.processes.get(launch.parent_now(process) or "")
        if parent is not None and _left_by(parent, process) and not _swept(parent, process):
            findings.unwaited[process.id] = parent.id


def lasting_zombie_ns(process: Process) -> int | None:
    """Return for how many ns a process was a zombie; None if not for long, or if it is not known.

    Long is longer than it lived, and longer than a wait takes that comes at once.
    """
    end, reap = process.exit, process.reap
    if end is None or reap is None:
        return None
    lasted = reap.at.at_ns - end.at.at_ns
    lived = end.at.at_ns - process.born.at_ns
    return lasted if lasted > max(lived, _LASTING_NS) else None


def _left_by(parent: Process, process: Process) -> bool:
    """Say whether a process ended, unreaped, while its parent was there."""
    if parent.outside or process.exit is None or process.reap is not None:
        return False
    # Where the parent had died before, somebody unknown adopted and reaped the child.
    if parent.exit is not None and parent.exit.at.seq < process.exit.at.seq:
        return False
    return not may_have_reaped(parent, process.exit.at.seq)


def _swept(parent: Process, process: Process) -> bool:
    """Say whether a process seems to have died with its PID namespace, as the first one in it did.

    That one kills all others at its own end, and ignores SIGCHLD from then on
    (kernel/pid_namespace.c, zap_pid_ns_processes).
    """
    killed = process.exit is not None and process.exit.signal == "SIGKILL"
    first = len(parent.nspid) > 1 and parent.nspid[-1] == 1
    return killed and first and parent.exit is not None
