"""Let go of a process that is to run on untraced, and say so in the trace."""

from collections.abc import Callable

from forktrace.capture.gateway import Tracee
from forktrace.capture.tasks import TaskTable
from forktrace.trace import events
from forktrace.trace.writer import TraceWriter


class Releaser:
    """Be the base of what lets processes go.

    Args:
        writer: where events go.
        table: the live tasks.
        tracee: the ptrace gateway of the tracing thread.
        now: returns the ns since the start of the trace.
    """

    def __init__(
        self, writer: TraceWriter, table: TaskTable, tracee: Tracee, now: Callable[[], int]
    ) -> None:
        self._writer = writer
        self._table = table
        self._tracee = tracee
        self._now = now

    def _let_go(self, pid: int, fault: str | None = None) -> None:
        """Detach from a process in a stop; ``fault`` is the signal that it is left to die of."""
        self._tracee.detach(pid)
        self._table.remove_process(pid)
        self._writer.event(events.Released(at_ns=self._now(), pid=pid, fault=fault))
