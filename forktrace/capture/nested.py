"""Let go of what another tracer in the tree wants to trace, as a task has one tracer only.

A debugger forks a child that asks to be traced by its parent (ptrace(PTRACE_TRACEME)), and then
executes the program. While we trace that child the request fails with EPERM. So we watch the
system calls of such children, and detach at the entry of that call: it then succeeds.

Only children of programs that name ptrace(2) among their dynamic symbols are watched, as this
costs two stops a system call, and only until they execute something. A program on a file system
that a process serves is not read, as that process may be one that we have stopped.
"""

import os
from collections.abc import Callable

from forktrace.capture import elf
from forktrace.capture.file_systems import served_by_a_process
from forktrace.capture.gateway import PtraceError, Tracee
from forktrace.capture.releasing import Releaser
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.trace.text import Text
from forktrace.trace.writer import TraceWriter


class TracerPrograms:
    """Know which programs may be tracers, each looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Text, int | None], bool] = {}

    def has(self, process: TracedProcess, exe: Text | None) -> bool:
        """Say whether the program that ``process`` has just executed, ``exe``, may be one."""
        if exe is None:
            return False
        key = exe, (process.known.ns or {}).get("mnt")
        if key not in self._known:
            self._known[key] = _names_ptrace(process.pid)
        return self._known[key]


def _names_ptrace(pid: int) -> bool:
    try:
        if served_by_a_process(pid, "exe"):
            return False
        fd = os.open(f"/proc/{pid}/exe", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return elf.names_function(fd, b"ptrace")
    except OSError:
        return False
    finally:
        os.close(fd)


class Nested(Releaser):
    """Watch the children of tracers; ``watched`` has those that are to stop at system calls."""

    def __init__(
        self, writer: TraceWriter, table: TaskTable, tracee: Tracee, now: Callable[[], int]
    ) -> None:
        super().__init__(writer, table, tracee, now)
        self.watched: set[int] = set()

    def begin(self, tid: int) -> None:
        """Watch a new task from its first stop on, if it may ask to be traced."""
        process = self._table.process(tid)
        if process is not None and process.may_trace and not process.executed:
            self.watched.add(tid)

    def end(self, tid: int) -> None:
        """Watch a task no more: it has executed something, or ended."""
        self.watched.discard(tid)

    def _asks(self, tid: int) -> bool:
        try:
            return self._tracee.asks_to_be_traced(tid)
        except PtraceError:  # it was killed, or the kernel (before 5.3) can't tell
            return False

    def release(self, tid: int) -> bool:
        """Detach from a watched task at a system call if that asks to be traced."""
        process = self._table.process(tid)
        if process is None or process.threads or not self._asks(tid):
            return False
        self._let_go(tid)
        self.watched.discard(tid)
        parent = self._table.process(process.parent)
        if parent is not None:
            parent.traces = True
        return True
