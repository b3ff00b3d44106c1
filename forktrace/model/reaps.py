"""Find who was reaped by whom, from the waits that the detail "syscalls" records."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from forktrace.model.facts import Call, Reap
from forktrace.model.process import Process

EndOrWait = tuple[Process, Call | None]  # who ended, with None; who called a wait, with that


def find_reaps(ends_and_waits: Iterable[EndOrWait]) -> None:
    """Set ``reap`` on each process that a recorded wait returned.

    A wait returns a pid of the caller's PID namespace, and pids are reused: meant is the one
    that ended last before the wait returned, among those not reaped before.

    Args:
        ends_and_waits: who ended and which waits returned a pid, in the order of the trace.
    """
    unreaped: defaultdict[tuple[int, int], list[Process]] = defaultdict(list)
    for process, wait in ends_and_waits:
        if wait is None:
            for level, pid in enumerate(process.nspid or (process.pid,)):
                unreaped[level, pid].append(process)
            continue
        level = max(len(process.nspid), 1) - 1
        meant = wait.arguments["reaped"]
        candidates = unreaped.get((level, meant), []) if isinstance(meant, int) else []
        while candidates and candidates[-1].reap is not None:  # under its pid of another level
            candidates.pop()
        if candidates:
            candidates.pop().reap = Reap(wait.at, process.id)


def may_have_reaped(parent: Process, ended: int, until: int | None = None) -> bool:
    """Say whether a wait of ``parent`` that tells nobody's pid may have been for a child.

    That is a waitid without a siginfo, for any child.

    Args:
        parent: who waits.
        ended: the number of the event of the child's end.
        until: the number of the last event that counts; None for all.
    """
    at = bisect_right(parent.untold_waits, ended)
    return at < len(parent.untold_waits) and (until is None or parent.untold_waits[at] <= until)
