"""Read one log or several (``strace -ff``), whatever their size, as one stream of items."""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from msgspec import Struct

from forktrace.errors import LogFormatError
from forktrace.trace.strace import items
from forktrace.trace.strace.stitch import Stitcher

_LONGEST = 16 * 1024 * 1024  # bytes; execve's arguments are 6 MB at most (fs/exec.c)
_TRIED = 1_000  # lines of which one at least must be strace's
_SUFFIX = re.compile(r"\.(\d{1,7})$")

Progress = Callable[[int], None]


class Log(Struct, frozen=True):
    """Be an open log, and what it is called."""

    name: str
    file: BinaryIO


def no_log(name: str) -> LogFormatError:
    """Return the error for a file that is no log of strace."""
    return LogFormatError(
        f"{name} is no log of strace: none of its lines is a system call with its result; "
        "make one with: strace -f -o launch.log COMMAND"
    )


def task_of(name: str) -> int | None:
    """Return whose log a file of ``strace -ff`` is: NAME.PID. None for any other name."""
    found = _SUFFIX.search(name)
    return int(found[1]) if found else None


def read_items(log: Log, stitcher: Stitcher, progress: Progress) -> Iterator[items.Item]:
    """Yield what a log tells, while it is read.

    Args:
        log: the log.
        stitcher: what joins its lines.
        progress: is told now and then how many more bytes were read.

    Raises:
        LogFormatError: it can't be read, or none of its first 1,000 lines is strace's.
    """
    unsaid = 0
    while raw := _line(log):
        stitcher.take(raw[:-1] if raw.endswith(b"\n") else raw)
        if stitcher.total == _TRIED and not stitcher.sure:
            raise no_log(log.name)
        unsaid += len(raw)
        if unsaid > 1 << 20:
            progress(unsaid)
            unsaid = 0
        yield from stitcher.ready()
    progress(unsaid)
    yield from stitcher.finish()


def _line(log: Log) -> bytes:
    try:
        return log.file.readline(_LONGEST)
    except OSError as error:
        raise LogFormatError(f"can't read the log {log.name}: {error.strerror}") from None


def merged(logs: Iterable[Iterable[items.Item]]) -> Iterator[items.Item]:
    """Yield the items of several logs in the order of their absolute times."""
    return heapq.merge(*logs, key=lambda item: item.at_ns)


def by_cause(logs: dict[int, Iterator[items.Item]]) -> Iterator[items.Item]:
    """Yield the items of logs without times so that no effect comes before its cause.

    A task's log comes after the call that created it; it is read to its end before a wait that
    returned it, and a thread's before the end of its process or an exec that took its place. What
    else happened first is not known.

    Args:
        logs: the items of each task's log, by tid; the first task's stands first, as pids do not
            tell which that is (they begin anew at pid_max).
    """
    causes = _Causes(logs)
    position = 0
    while (tid := causes.next()) is not None:
        for item in causes.read(tid):
            item.at_ns = position
            position += 1
            yield item


class _Causes:
    """Know which logs are not read yet, who was created, and which threads a process has."""

    def __init__(self, logs: dict[int, Iterator[items.Item]]) -> None:
        self._unread = dict(logs)
        self._created: list[int] = []
        self._leaders: dict[int, int] = {}

    def next(self) -> int | None:
        """Return the task whose log is to be begun: one whose creation was read, if there is."""
        self._created = [tid for tid in self._created if tid in self._unread]
        return next(iter(self._created or self._unread), None)

    def read(self, first: int) -> Iterator[items.Item]:
        """Yield a log to its end, and before each item the logs that it must come after."""
        under_way: dict[int, tuple[Iterator[items.Item], items.Item | None]] = {}
        under_way[first] = self._unread.pop(first), None
        while under_way:
            tid, (log, held) = next(reversed(under_way.items()))
            item = held or next(log, None)
            if item is None:
                del under_way[tid]
                continue
            before = next((t for t in self._before(item) if t in self._unread), None)
            if before is not None:
                under_way[tid] = log, item
                under_way[before] = self._unread.pop(before), None
                continue
            under_way[tid] = log, None
            self._note(item)
            yield item

    def _note(self, item: items.Item) -> None:
        if not isinstance(item, items.Call) or item.name not in items.CREATING:
            return
        child = item.result.outer or item.result.value
        if child is None or item.tid is None:
            return
        self._created.append(child)
        if any(b"CLONE_THREAD" in argument for argument in item.arguments):
            self._leaders[child] = self._leaders.get(item.tid, item.tid)

    def _before(self, item: items.Item) -> Iterator[int]:
        """Yield the tasks whose logs must be read before an item."""
        if isinstance(item, items.Call) and item.name in (b"wait4", b"waitpid", b"waitid"):
            yield item.result.outer or item.result.value or 0
        ends = isinstance(item, items.Ended | items.After) or (
            isinstance(item, items.Call) and item.name == b"exit_group"
        )
        if ends and item.tid not in self._leaders:
            last = item.task if isinstance(item, items.After) else 0
            threads = [t for t, leader in self._leaders.items() if leader == item.tid]
            yield from [t for t in threads if t != last]
            yield last
