"""Find who was reaped by whom, from the waits that the detail "syscalls" records."""

from collections import defaultdict

from forktrace.model.process import Call, Process, Reap


def find_reaps(processes: dict[str, Process]) -> None:
    """Set ``reap`` on each process that a recorded wait returned.

    A wait returns a pid of the caller's PID namespace, and pids are reused: meant is the one
    that ended last before the wait returned, among those not reaped before.

    Args:
        processes: all processes by id.
    """
    ended: defaultdict[tuple[int, int], list[Process]] = defaultdict(list)
    for process in processes.values():
        for level, pid in enumerate(process.nspid or [process.pid]):
            ended[level, pid].append(process)
    for waiter, call in _waits(processes):
        level = max(len(waiter.nspid), 1) - 1
        meant = call.arguments["reaped"]
        candidates = ended.get((level, meant), []) if isinstance(meant, int) else []
        reaped = _latest(candidates, call.at.seq)
        if reaped is not None:
            reaped.reap = Reap(call.at, waiter.id)


def _waits(processes: dict[str, Process]) -> list[tuple[Process, Call]]:
    found = [
        (process, call)
        for process in processes.values()
        for call in process.calls
        if "reaped" in call.arguments
    ]
    return sorted(found, key=lambda pair: pair[1].at.seq)


def _latest(candidates: list[Process], seq: int) -> Process | None:
    """Return the one that ended last before ``seq`` and is not reaped yet."""
    waiting = [(p.exit.at.seq, p) for p in candidates if p.exit and p.reap is None]
    before = [pair for pair in waiting if pair[0] < seq]
    return max(before, key=lambda pair: pair[0])[1] if before else None
