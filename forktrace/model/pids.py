"""Know which process a pid means at one point of a trace.

The kernel frees a pid once the tracer has been told of the process' end, so between two ``exit``
records a pid means one process. But a new process is told of twice, by its creator's event and by
its own first stop, and either may come first, late, or never:

* announced: the creator's event came, the first stop has not. Where it never comes, the process
  was killed before it ran.
* unannounced: the first stop came, the creator's event has not. It may come after the process
  has ended, even after its pid was given to another; or never, if the creator was killed.
"""

from collections import defaultdict

from forktrace.model.process import Process


class PidTable:
    """Map pids to processes, in each state that a process can be in."""

    def __init__(self) -> None:
        self.live: dict[int, Process] = {}
        self.ended: dict[int, Process] = {}
        self.announced: dict[int, Process] = {}
        self._unannounced: defaultdict[int, list[Process]] = defaultdict(list)

    def living(self, pid: int) -> Process | None:
        """Return the process that has the pid now; one that was only announced is alive then."""
        found = self.live.get(pid)
        if found is None and pid in self.announced:
            found = self.live[pid] = self.announced.pop(pid)
        return found

    def latest(self, pid: int) -> Process | None:
        """Return the process that has the pid, or had it last."""
        return self.live.get(pid) or self.ended.get(pid)

    def begin(self, process: Process, *, unannounced: bool) -> None:
        """Enter a process at its first stop."""
        self.live[process.pid] = process
        if unannounced:
            self._unannounced[process.pid].append(process)

    def end(self, process: Process) -> None:
        """Free the pid of a process."""
        self.live.pop(process.pid, None)
        self.ended[process.pid] = process

    def claim(self, pid: int, creator: Process, ppids: set[int] | None) -> Process | None:
        """Take the unannounced process that a late creator's event is about.

        It is the oldest whose observed parent fits. Failing that it is the one alive: a pid in
        use can't be anybody else's, and the parent may have died before our first look.

        Args:
            pid: the child's pid.
            creator: who called fork; it must be older than the child.
            ppids: the parents that the clone flags allow, None if any.
        """
        waiting = self._unannounced.get(pid)
        if not waiting:
            return None
        younger = [p for p in waiting if p.born.seq > creator.born.seq]
        fitting = [p for p in younger if ppids is None or first_ppid(p) in {None, *ppids}]
        alive = [p for p in younger if self.live.get(pid) is p]
        found = next(iter(fitting + alive), None)
        if found is not None:
            self._unannounced[pid].remove(found)
        return found


def first_ppid(process: Process) -> int | None:
    """Return the real parent's pid as it was read at the first stop, None if it was not."""
    first = process.samples[0] if process.samples else None
    return first.ppid if first and first.at_event == "birth" else None
