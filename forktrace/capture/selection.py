"""Choose which of the processes that run are meant: some with all below them, or all.

Source: proc(5).
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from forktrace.capture import proc
from forktrace.capture.proc import Snapshot
from forktrace.errors import NoProcessError

_PF_KTHREAD = 0x00200000  # <linux/sched.h>


class Stat(Struct, frozen=True):
    """Hold what /proc/PID/stat tells: ``started`` is in clock ticks since the boot.

    ``exit_code`` is a wait status, 0 also where we may not know it.
    """

    state: bytes
    ppid: int
    tty: int
    flags: int
    started: int
    exit_code: int

    @property
    def kernel(self) -> bool:
        """Say whether this is a thread of the kernel."""
        return bool(self.flags & _PF_KTHREAD)


def select(pids: Sequence[int], *, descendants: bool = True) -> dict[int, Stat]:
    """Return the processes to record, parents before their children.

    Args:
        pids: the processes asked for; nothing means all but the kernel's own.
        descendants: add all that stand below them.

    Raises:
        NoProcessError: one of ``pids`` is no process that can be seen.
    """
    stats = {pid: stat for pid in _listed() if (stat := read_stat(pid)) is not None}
    for pid in pids:
        if pid not in stats:
            raise NoProcessError(_no_process(pid))
    parents = {pid: stat.ppid for pid, stat in stats.items()}
    if not pids:
        chosen = {pid for pid, stat in stats.items() if not stat.kernel}
    elif descendants:
        chosen = set(_with_descendants(pids, parents))
    else:
        chosen = set(pids)
    ages = {pid: stats[pid].started for pid in chosen}
    return {pid: stats[pid] for pid in walk(parents, ages)}


def _with_descendants(pids: Iterable[int], parents: dict[int, int]) -> Iterator[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, ppid in parents.items():
        children[ppid].append(pid)
    pending = list(pids)
    while pending:
        pid = pending.pop()
        yield pid
        pending += children.pop(pid, ())


def walk(parents: dict[int, int], ages: dict[int, int]) -> Iterator[int]:
    """Yield the pids of ``ages``, each after its parent if that is among them, oldest first.

    Args:
        parents: the parent of each pid.
        ages: when each process to be yielded started.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid in sorted(ages, key=lambda pid: (-ages[pid], -pid)):
        children[parents[pid] if parents[pid] in ages else 0].append(pid)
    pending = children.pop(0, [])
    left = set(ages)
    while left:
        # Parents that were read at different moments could stand in a circle: cut it anywhere.
        pid = pending.pop() if pending else min(left)
        if pid in left:
            left.discard(pid)
            yield pid
            pending += children.pop(pid, ())


def _no_process(pid: int) -> str:
    now = Snapshot()
    proc.read_status(pid, now)
    if now.tgid not in (None, pid):
        return f"{pid} is a thread of process {now.tgid}: give that pid"
    return f"no process has the pid {pid} here: 'ps ax' lists those that run"


def _listed() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208


def read_stat(pid: int) -> Stat | None:
    """Read /proc/PID/stat, None where the process is gone."""
    try:
        data = proc.read_file(f"/proc/{pid}/stat")
    except OSError:
        return None
    # comm stands in brackets and may itself hold any byte, brackets too
    fields = data[data.rindex(b")") + 2 :].split()
    numbers = [int(f) for f in fields[1:]]
    return Stat(
        state=fields[0],
        ppid=numbers[0],
        tty=numbers[3],
        flags=numbers[5],
        started=numbers[18],
        exit_code=numbers[48],
    )
