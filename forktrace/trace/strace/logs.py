"""Read one log or several (``strace -ff``), whatever their size, as one stream of items."""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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


def merged(logs: Sequence[Iterable[items.Item]]) -> Iterator[items.Item]:
    """Yield the items of several logs in the order of their absolute times."""
    return heapq.merge(*logs, key=lambda item: item.at_ns)


def by_cause(logs: dict[int, Iterator[items.Item]]) -> Iterator[items.Item]:
    """Yield the items of logs without times so that no effect comes before its cause.

    A process' log comes after the call that created it, and is read to its end before a wait that
    returned it. What else happened first is not known.

    Args:
        logs: the items of each task's log, by tid, the first process first.
    """
    waiting: list[int] = []
    position = 0
    unread = dict(logs)
    held: dict[int, items.Item] = {}
    for first in logs:
        waiting.append(first)
        while waiting:
            tid = waiting[-1]
            log = unread.get(tid)
            item = held.pop(tid, None) or (next(log, None) if log is not None else None)
            if item is None:
                unread.pop(tid, None)
                waiting.pop()
                continue
            awaited = _awaited(item)
            if awaited in unread and awaited not in waiting:
                held[tid] = item
                waiting.append(awaited)
                continue
            item.at_ns = position
            position += 1
            yield item


def _awaited(item: items.Item) -> int | None:
    """Return the task that a wait returned."""
    if not isinstance(item, items.Call) or item.name not in (b"wait4", b"waitpid", b"waitid"):
        return None
    return item.result.outer or item.result.value
