"""Find double forks: a process made by one that exits at once, so that another adopts it.

What makes it more than any orphan:

1. The middle process created the daemon and was its parent (no CLONE_PARENT: a runtime's stages
   are siblings), ended by itself (a killed parent leaves plain orphans), and executed nothing
   after the fork.
2. The daemon was adopted because of that end, and not by the middle's own creator or parent.
   There it would stay in the same hands: `crun create` leaves a container's init to conmon,
   which called it and is a subreaper for just that.
3. The daemon is no PID namespace's init: a runtime leaves one behind without daemonising it.
4. Either the middle process made nothing else and was itself forked by a process of the trace
   (conmon's first half), or the daemon ends in another session than the middle began in
   (setsid, as daemon(3) has it). A shell that leaves a background job shows neither.

In a chain of such forks only the last process is the daemon, the others were middle processes.
"""

from collections import Counter

from forktrace.analysis.findings import DoubleFork, Findings
from forktrace.model.derive import ANY_ADOPTER
from forktrace.model.history import History
from forktrace.model.launch import Launch
from forktrace.model.process import Process


def find_double_forks(launch: Launch, findings: Findings) -> None:
    """Note each daemon that a double fork made."""
    sessions = History(launch, "sid")
    offspring = Counter(p.creator for p in launch.inside if p.creator and not _only_tried(p))
    found = [
        fork
        for process in launch.inside
        if (fork := _double_fork(launch, process, offspring, sessions)) is not None
    ]
    middles = {fork.middle for fork in found}
    findings.double_forks.update((f.daemon, f) for f in found if f.daemon not in middles)


def kept_forks(launch: Launch) -> list[DoubleFork]:
    """Return what has the shape of a double fork, but left the daemon in the same hands.

    That is, its adopter had created the middle process, or was its parent, or may be one of these.
    """
    found = []
    for process in launch.inside:
        left = _left(launch, process)
        if left is not None and left.origin is not None and _keeps(launch, left):
            found.append(left)
    return found


def _keeps(launch: Launch, fork: DoubleFork) -> bool:
    """Say whether a daemon went to who had created the middle process, or was its parent."""
    middle = launch.processes[fork.middle]
    if launch.processes[fork.adopter].stand_in == ANY_ADOPTER:
        return True
    return fork.adopter in (middle.creator, middle.parent)


def _left(launch: Launch, daemon: Process) -> DoubleFork | None:
    """Return a process with who made it and ended, and who adopted it for that."""
    middle = launch.processes.get(daemon.creator or "")
    if middle is None or daemon.parent != middle.id or not _left_by(middle, daemon):
        return None
    adopter = next((a.parent for a in daemon.adoptions if a.death == middle.id), None)
    return DoubleFork(middle.creator, middle.id, daemon.id, adopter) if adopter else None


def _double_fork(
    launch: Launch, daemon: Process, offspring: Counter[str], sessions: History
) -> DoubleFork | None:
    left = _left(launch, daemon)
    if left is None or _keeps(launch, left):
        return None
    middle = launch.processes[left.middle]
    if len(daemon.nspid) > 1 and daemon.nspid[-1] == 1:
        return None
    made_for_it = middle.creator is not None and offspring[middle.id] == 1
    began = sessions.at(middle.id, middle.born.at_ns)
    if not made_for_it and began in (None, sessions.last(daemon.id)):
        return None
    return left


def _only_tried(process: Process) -> bool:
    """Say whether a process was made by vfork, and ended without executing anything.

    Go's programs, since Go 1.23, so try whether clone can give a pidfd before they first start
    another (checkClonePidfd in syscall/exec_linux.go).
    """
    return process.is_vforked and process.exit is not None and not process.own_images


def _left_by(middle: Process, daemon: Process) -> bool:
    """Say whether the middle process just ended after the fork, by itself."""
    executed_later = any(
        not image.inherited and image.at.seq > daemon.born.seq for image in middle.images
    )
    return middle.exit is not None and middle.exit.signal is None and not executed_later
