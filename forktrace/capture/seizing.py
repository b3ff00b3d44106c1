"""Seize all threads of processes that run already, and record each process as it stands.

All is seized before any stop is served, so what a seized process creates meanwhile stands still.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from errno import ESRCH
from pathlib import Path
from time import sleep

from forktrace.capture import proc, snapshot
from forktrace.capture.denied import why_not_attached
from forktrace.capture.gateway import OPTIONS_BY_DETAIL, PtraceError, Tracee
from forktrace.capture.nested import TracerPrograms
from forktrace.capture.selection import select
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.errors import NoProcessError, PtraceDeniedError
from forktrace.trace.events import Detail
from forktrace.trace.text import Text
from forktrace.trace.writer import TraceWriter

_EPERM_ATTEMPTS, _EPERM_SECONDS = 10, 0.005


class Seizer:
    """Seize processes, write them, and enter them in the table of tasks.

    Args:
        writer: where events go.
        table: gets the tasks.
        tracee: the ptrace gateway of the tracing thread.
        detail: how much is recorded.
        started_ns: CLOCK_MONOTONIC at the trace's start.
    """

    def __init__(
        self,
        writer: TraceWriter,
        table: TaskTable,
        tracee: Tracee,
        *,
        detail: Detail,
        started_ns: int,
    ) -> None:
        self._writer = writer
        self._table = table
        self._tracee = tracee
        self._started_ns = started_ns
        self._options = OPTIONS_BY_DETAIL[detail]
        self._sampling = detail != "minimal"
        self._tracer_programs = TracerPrograms()

    def seize_all(
        self, pids: Sequence[int], *, descendants: bool, progress: Callable[[], None]
    ) -> None:
        """Seize every thread of every process, again until nothing new has come up meanwhile.

        Args:
            pids: the processes.
            descendants: add all that they have started and that still runs.
            progress: is called before each thread, as that may hang.

        Raises:
            NoProcessError: a pid is none of a process, or all of them have ended already.
            PtraceDeniedError: the kernel does not permit ptrace on one of them.
        """
        standing = snapshot.StandingRecorder(self._writer, self._started_ns)
        done = {os.getpid(), os.getppid()}  # forktrace itself may stand below one of them
        while fresh := _fresh(pids, descendants, done):
            done.update(fresh)
            seized = {pid: self._seize_process(pid, progress) for pid in fresh}
            self._record(standing, {pid: tids for pid, tids in seized.items() if tids})
        if not self._table.tasks:
            named = ", ".join(str(pid) for pid in pids)
            raise NoProcessError(f"there is nothing to trace: pid {named} has ended already")

    def _record(self, standing: snapshot.StandingRecorder, seized: dict[int, set[int]]) -> None:
        looks = {pid: snapshot.look(pid, self._started_ns) for pid in seized}
        seen = {pid: look for pid, look in looks.items() if look is not None}
        launchers = snapshot.launchers_of_containers(seen)
        for look in snapshot.parents_first(seen):
            look.threads = sorted(seized[look.pid] - {look.pid})
            standing.process(look)
            process = TracedProcess(look.pid, look.ppid, look.now, executed=True)
            if self._sampling:
                whole = look.pid in launchers
                process.descriptors = standing.descriptors(look, whole=whole)
                process.may_trace = self._tracer_programs.has(process, _exe(look))
            self._table.add_process(process)
            for tid in look.threads:
                self._table.add_thread(tid, process)

    def _seize_process(self, pid: int, progress: Callable[[], None]) -> set[int]:
        """Seize the threads of a process; returns their tids, none if the process is gone.

        None either if a seized process has created it: that one is traced from its birth, and is
        recorded, as any other, when its first stop and its creator's event are served.
        """
        if proc.tracer(pid) == os.getpid():
            return set()
        tried: set[int] = set()
        seized: set[int] = set()
        while fresh := [tid for tid in _threads(pid) if tid not in tried]:
            tried.update(fresh)
            for tid in fresh:
                progress()
                if self._seize_thread(pid, tid):
                    seized.add(tid)
        return seized

    def _seize_thread(self, pid: int, tid: int) -> bool:
        """Seize one thread. A thread that has ended is passed over.

        So is one that a seized sibling has just created: it is traced by us already. EPERM is
        also the answer for a thread that is ending, and its tid may be that of the thread whose
        exec has ended it a moment later, so it is taken for final only when it stays.
        """
        for _attempt in range(_EPERM_ATTEMPTS):
            try:
                self._tracee.seize(tid, self._options)
            except PtraceError as error:
                state, tracer = proc.state_and_tracer(tid)
                if error.errno == ESRCH or state in ("", "Z", "X"):
                    return False
                if tracer == os.getpid():
                    return True
                denied = error.errno
                sleep(_EPERM_SECONDS)
            else:
                return True
        raise PtraceDeniedError(f"pid {pid}: {why_not_attached(denied, pid)}")


def _fresh(pids: Sequence[int], descendants: bool, done: set[int]) -> list[int]:
    """Return the processes to seize that are not ``done``."""
    pids = [pid for pid in pids if pid not in done or Path(f"/proc/{pid}").exists()]
    if not pids:
        return []  # all have ended meanwhile
    return [pid for pid in select(pids, descendants=descendants) if pid not in done]


def _exe(look: snapshot.Look) -> Text | None:
    return look.image.exe if look.image is not None else None


def _threads(pid: int) -> Iterator[int]:
    try:
        names = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 (names)
    except OSError:
        return iter(())
    return (int(name) for name in names)
