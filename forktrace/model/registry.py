"""Know every process of a launch, and who could be whose parent at one point of its trace."""

from collections.abc import Iterator

from forktrace.model.facts import Moment, Sample
from forktrace.model.pids import PidTable
from forktrace.model.process import Process


class Registry:
    """Give processes their ids, and find them by pid.

    ``inside`` and ``outside`` map id to process, in order of first sign; ``root`` is the id of
    the traced command; ``pids`` knows what a pid means now.

    Args:
        tracer: forktrace's own pid, which may show up as a parent.
    """

    def __init__(self, tracer: int | None) -> None:
        self.root: str | None = None
        self.tracer = tracer
        self.inside: dict[str, Process] = {}
        self.outside: dict[str, Process] = {}
        self.pids = PidTable()
        self._outside_pids: dict[int, Process] = {}

    @property
    def processes(self) -> dict[str, Process]:
        """Return all processes by id, in creation order, those outside the trace last."""
        return self.inside | self.outside

    def add(self, pid: int, at: Moment) -> Process:
        """Make a new process inside the trace."""
        process = Process(f"p{len(self.inside) + 1}", pid, at)
        self.inside[process.id] = process
        self._outside_pids.pop(pid, None)  # the pid was free again: that one is gone
        return process

    def outsider(self, at: Moment, pid: int) -> Process:
        """Return the process outside the trace that has the pid, a new one at first mention."""
        process = self._outside_pids.get(pid)
        if process is None:
            process = Process(f"x{len(self.outside) + 1}", pid, at, outside=True)
            self.outside[process.id] = self._outside_pids[pid] = process
            if pid == self.tracer:
                process.samples.append(Sample(at, "outside", comm="forktrace"))
        return process

    def parent(self, at: Moment, child: Process, ppid: int) -> Process | None:
        """Return the process that ``ppid`` means; None if it is no older than its child."""
        parent = self.pids.living(ppid)
        if parent is None:
            return self.outsider(at, ppid) if ppid != child.pid else None
        return parent if parent.born.seq < child.born.seq else None

    def parent_then(self, child: Process, pid: int) -> Process | None:
        """Return the process that ``pid`` meant when it was the child's parent."""
        current = self.current_parent(child)
        if current is not None and current.pid == pid:
            return current
        return self.pids.latest(pid) or self._outside_pids.get(pid)

    def current_parent(self, process: Process) -> Process | None:
        """Return the last known real parent."""
        id_ = process.adoptions[-1].parent if process.adoptions else process.parent
        return (self.inside.get(id_) or self.outside.get(id_)) if id_ else None

    def parent_of_creator(self, child: Process, creator: Process) -> Process | None:
        """Return who a child made with CLONE_PARENT has as parent; None if that one is gone."""
        if creator.id == self.root and self.tracer is not None:
            return self.outsider(child.born, self.tracer)
        parent = self.current_parent(creator)
        return parent if parent and parent.exit is None else None

    def allowed_ppids(self, creator: Process, flags: list[str] | None) -> set[int] | None:
        """Return the pids that a child's parent can have; None if any."""
        allowed = {creator.pid}
        if flags is not None and "CLONE_PARENT" not in flags:
            return allowed
        parent = self.current_parent(creator)
        if creator.id == self.root and self.tracer is not None:
            return allowed | {self.tracer}
        return allowed | {parent.pid} if parent else None

    def can_be(self, announced: Process, ppid: int | None) -> bool:
        """Say whether a first stop with parent ``ppid`` can be that of an announced process.

        Its parent is its creator, or whoever adopted it before the first look: an ancestor of
        the creator, or a process outside. Where it is another, the announced process never ran,
        and its pid was given to a new one.
        """
        parent = self.pids.live.get(ppid) if ppid is not None else None
        creator = self.inside.get(announced.creator or "")
        if parent is None or creator is None:
            return True
        return parent is creator or parent in self._ancestors(creator)

    def _ancestors(self, process: Process) -> Iterator[Process]:
        parent = self.current_parent(process)
        while parent is not None:
            yield parent
            parent = self.current_parent(parent)
