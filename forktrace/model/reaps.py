"""Find who was reaped by whom, from the waits that the detail "syscalls" records."""

from collections import defaultdict

from forktrace.model.process import Call, Process, Reap


def find_reaps(processes: dict[str, Process]) -> None:
    """Set ``reap`` on each process that a recorded wait returned.

    A wait returns a pid of the caller's PID namespace, and pids are reused: meant is the one
    that ended last before the wait returned, among those not reaped before. So ends and waits are
    taken in their order.

    Args:
        processes: all processes by id.
    """
    waits = _waits(processes)
    if not waits:
        return
    ended = _ends(processes)
    taken = 0
    unreaped: defaultdict[tuple[int, int], list[Process]] = defaultdict(list)
    for waiter, call in waits:
        while taken < len(ended) and ended[taken][0] < call.at.seq:
            _, process = ended[taken]
            taken += 1
            for level, pid in enumerate(process.nspid or [process.pid]):
                unreaped[level, pid].append(process)
        level = max(len(waiter.nspid), 1) - 1
        meant = call.arguments["reaped"]
        candidates = unreaped.get((level, meant), []) if isinstance(meant, int) else []
        while candidates and candidates[-1].reap is not None:  # under its pid of another level
            candidates.pop()
        if candidates:
            candidates.pop().reap = Reap(call.at, waiter.id)


def _ends(processes: dict[str, Process]) -> list[tuple[int, Process]]:
    """Return who ended, in that order, each with the position of its end in the trace."""
    found = [(process.exit.at.seq, process) for process in processes.values() if process.exit]
    return sorted(found, key=lambda pair: pair[0])


def _waits(processes: dict[str, Process]) -> list[tuple[Process, Call]]:
    """Return the waits that returned a pid, in their order, each with who called it."""
    found = [
        (process, call)
        for process in processes.values()
        for call in process.calls
        if "reaped" in call.arguments
    ]
    return sorted(found, key=lambda pair: pair[1].at.seq)
