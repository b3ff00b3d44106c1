"""Describe in the trace who is outside of it, but became the parent of somebody inside."""

from collections.abc import Iterable

from forktrace.capture import proc, sampler
from forktrace.capture.proc import Snapshot
from forktrace.trace import events
from forktrace.trace.text import encode_text
from forktrace.trace.writer import TraceWriter


class Outsiders:
    """Write each process outside the trace once.

    Args:
        writer: where events go.
        known: pids that need no description: forktrace's own, and 0, the kernel's.
    """

    def __init__(self, writer: TraceWriter, known: Iterable[int]) -> None:
        self._writer = writer
        self._known = set(known)

    def enter(self, pid: int) -> None:
        """Take note of a process that is recorded in another way."""
        self._known.add(pid)

    def describe(self, at_ns: int, pid: int) -> None:
        """Write what /proc shows of a process, if that has not been done before."""
        if pid in self._known:
            return
        self._known.add(pid)
        now = _read(pid)
        argv = _arguments(pid, now)
        self._writer.event(
            events.Outside(
                at_ns=at_ns,
                pid=pid,
                argv=[encode_text(a) for a in argv] if argv else None,
                state=sampler.whole(now),
            )
        )


def _read(pid: int) -> Snapshot:
    now = Snapshot()
    proc.read_status(pid, now)
    proc.read_cgroup(pid, now)
    proc.read_namespaces(pid, now)
    return now


def _arguments(pid: int, into: Snapshot) -> list[bytes]:
    try:
        return proc.read_cmdline(pid)
    except OSError as error:
        into.fail("argv", error)
        return []
