"""Keep the table of what is being traced, and the states between an announcement and a birth.

A new task is told of twice: by its creator's event, and by its own first stop. Either may come
first, or never:

* announced: the creator's event came; the first stop is awaited. It may never come (the new task
  was killed at once), so an announced task is not counted as alive.
* unannounced: the first stop came first. The task runs on; the creator's event is joined to it
  when a trace is read, and may never come (the creator was killed).
"""

from msgspec import Struct

from forktrace.capture.descriptors import Table
from forktrace.capture.proc import Snapshot


class Announcement(Struct, frozen=True):
    """Say what a creator's event told of a new task.

    ``thread_of`` is its process if it is a thread; ``parent`` its real parent by the flags, if
    that is traced; ``plain`` that it is born as its parent is in all that we sample;
    ``elsewhere`` that the flags put it in new namespaces or another cgroup. ``creator`` is who
    called fork, ``descriptors`` what it was known to have open then, which the new task inherits.
    """

    thread_of: "TracedProcess | None" = None
    parent: "TracedProcess | None" = None
    plain: bool = False
    elsewhere: bool = False
    creator: "TracedProcess | None" = None
    descriptors: Table | None = None


class TracedProcess(Struct):
    """Be a live thread group: its pid, its live threads, children, and what was last sampled.

    ``parent`` is the pid of its real parent as last known, ``parent_traced`` says whether we
    trace that; ``executed`` whether it has executed a program since its birth.
    ``creations`` counts the processes that it has created since its birth or last exec.
    ``may_trace`` says that its program names ptrace(2), ``traces`` that it was left a child to
    trace. ``adopted`` says that a traced process has adopted it, ``creator`` who called fork.
    ``descriptors`` is what is known of them, ``whole_looks`` how often all were due to be read.
    """

    pid: int
    parent: int | None
    known: Snapshot
    threads: set[int] = set()
    children: set[int] = set()
    executed: bool = False
    creations: int = 0
    parent_traced: bool = False
    may_trace: bool = False
    traces: bool = False
    adopted: bool = False
    creator: "TracedProcess | None" = None
    descriptors: Table | None = None
    whole_looks: int = 0


class TaskTable:
    """Map every live traced tid to its process, and remember announcements."""

    def __init__(self) -> None:
        self.tasks: dict[int, TracedProcess] = {}
        self._announced: dict[int, Announcement] = {}
        self._unannounced: dict[int, bool] = {}
        self._seen: set[int | tuple[int, int]] = set()

    def announce(self, tid: int, announcement: Announcement) -> None:
        """Take note of what a creator's event told of ``tid``, unless its first stop has come.

        Of a task that is known already only the creator is.
        """
        self._seen.add(tid)
        late = self.process(tid)
        if late is not None:
            late.creator = announcement.creator
        if tid in self._unannounced:
            del self._unannounced[tid]
        elif tid not in self.tasks:
            self._announced[tid] = announcement

    def is_announced(self, tid: int) -> bool:
        """Say whether a creator's event has named ``tid`` and its first stop is awaited."""
        return tid in self._announced

    def awaits_creator(self, tid: int) -> bool:
        """Say whether ``tid`` was seen, and perhaps its end, but not its creator's event."""
        return tid in self._unannounced

    @property
    def awaits_creators(self) -> bool:
        """Say whether there is any task that was seen, but not its creator's event."""
        return bool(self._unannounced)

    def was_thread(self, tid: int) -> bool | None:
        """Say whether a task that awaits its creator's event is a thread, or was one to its end.

        None if no such task was seen.
        """
        return self._unannounced.get(tid)

    def announced_processes(self) -> list[int]:
        """Return the processes, not threads, that were named by a creator and have not stopped."""
        return [tid for tid, told in self._announced.items() if told.thread_of is None]

    def take_announcement(self, tid: int) -> Announcement | None:
        """Return, at a first stop, what the creator's event told; None if it has not come yet."""
        announcement = self._announced.pop(tid, None)
        if announcement is None:
            self._unannounced[tid] = False
        return announcement

    def has_seen(self, number: int, depth: int) -> bool:
        """Say whether a traced process has or had this pid in a PID namespace of that depth.

        The tracer's namespace has depth 1.
        """
        return (number if depth == 1 else (depth, number)) in self._seen

    def note_numbers(self, process: TracedProcess) -> None:
        """Remember the pids of a process, in all PID namespaces that are known so far."""
        self._seen.add(process.pid)
        self._seen.update(enumerate((process.known.nspid or ())[1:], 2))

    def add_process(self, process: TracedProcess) -> None:
        """Enter a process, and make it a child of its parent if that is traced."""
        self.tasks[process.pid] = process
        creator = self.living_creator(process)
        if creator is not None:
            self.living_creator(creator)
        self.note_numbers(process)
        self.adopt(process)

    def adopt(self, process: TracedProcess) -> TracedProcess | None:
        """Enter ``process`` among the children of its present parent; returns that if traced."""
        parent = self.process(process.parent)
        process.parent_traced = parent is not None
        if parent is not None:
            parent.children.add(process.pid)
        return parent

    def disown(self, process: TracedProcess) -> None:
        """Take ``process`` out of its present parent's children."""
        parent = self.process(process.parent)
        if parent is not None:
            parent.children.discard(process.pid)

    def process(self, pid: int | None) -> TracedProcess | None:
        """Return the live process with that pid (not a thread's tid)."""
        found = self.tasks.get(pid) if pid is not None else None
        return found if found is not None and found.pid == pid else None

    def living_creator(self, process: TracedProcess) -> TracedProcess | None:
        """Return who created a process, or if that has ended, who created that one, and so on.

        The dead are dropped on the way, so that a chain of them is not kept for ever.
        """
        while process.creator is not None and not self.lives(process.creator):
            process.creator = process.creator.creator
        return process.creator

    def lives(self, process: TracedProcess) -> bool:
        """Say whether ``process`` has not ended (its pid may be another's by now)."""
        return self.tasks.get(process.pid) is process

    def add_thread(self, tid: int, process: TracedProcess) -> None:
        """Enter a thread that is not its group's leader."""
        self.tasks[tid] = process
        process.threads.add(tid)
        if tid in self._unannounced:
            self._unannounced[tid] = True

    def remove_thread(self, tid: int) -> TracedProcess | None:
        """Forget a thread; returns its process, None if ``tid`` was no live thread."""
        process = self.tasks.get(tid)
        if process is None or process.pid == tid:
            return None
        del self.tasks[tid]
        process.threads.discard(tid)
        return process

    def drop_threads(self, process: TracedProcess) -> None:
        """Forget all threads but the leader, also announced ones: an exec or the end took them."""
        for tid in process.threads:
            self.tasks.pop(tid, None)
        process.threads.clear()
        if self._announced:
            for tid in [t for t, p in self._announced.items() if p.thread_of is process]:
                del self._announced[tid]

    def remove_process(self, pid: int) -> TracedProcess | None:
        """Forget a process and its threads; returns it, None if ``pid`` was no live process."""
        process = self.process(pid)
        if process is None:
            return None
        self.drop_threads(process)
        del self.tasks[pid]
        self.disown(process)
        return process

    def live_pids(self) -> list[int]:
        """Return the pids of all live processes, in the order in which they were seen."""
        return [pid for pid, process in self.tasks.items() if process.pid == pid]
