"""Make a trace of logs of strace: its header, events and end, as far as the logs tell them."""

from collections.abc import Iterator, Sequence

from forktrace import __version__
from forktrace.errors import LogFormatError
from forktrace.trace import events
from forktrace.trace.strace import items, logs
from forktrace.trace.strace.importer import Importer
from forktrace.trace.strace.stitch import Stitcher
from forktrace.trace.text import Text, encode_text

_MOST_KEPT = 20_000  # events before the command is known


class Conversion:
    """Turn logs into the records of a trace; ``summary`` says afterwards what they lacked.

    Args:
        sources: one log, or the files of ``strace -ff``.
        command: stands in the header where the log begins with no exec.
        progress: is told now and then how many more bytes were read.
    """

    def __init__(
        self, sources: Sequence[logs.Log], command: Sequence[Text], progress: logs.Progress
    ) -> None:
        self._sources = sources
        self._command = list(command)
        self._progress = progress
        self._separate = len(sources) > 1
        whose = [logs.task_of(s.name) for s in sources]
        self._tids = whose if self._separate else [None]
        separate = frozenset(tid for tid in self._tids if tid is not None)
        self._stitchers = [Stitcher(tid) for tid in self._tids]
        self._importer = Importer(separate, whose[0])

    def records(self) -> Iterator[events.AnyRecord]:
        """Yield the records of the trace, the header first.

        Raises:
            LogFormatError: no log of strace, or several that don't belong together.
        """
        importer = self._importer
        early: list[events.Event] = []
        header: events.Header | None = None
        for item in self._items():
            importer.take(item)
            if header is None:
                early += importer.made
                importer.made.clear()
                command = _command(early)
                if command is None and len(early) < _MOST_KEPT:
                    continue
                header = self._header(command)
                yield header
                yield from early
                early = []
            if importer.made:
                yield from importer.made
                importer.made.clear()
        importer.finish()
        early += importer.made
        importer.made.clear()
        self._check()
        if header is None:
            yield self._header(_command(early))
        yield from early
        yield events.Ended(at_ns=importer.now, reason="log", left=importer.left, log=self.summary)

    @property
    def summary(self) -> events.LogSummary:
        """Return what the logs hold, so far as they were read."""
        stitchers = self._stitchers
        first = next((s for s in stitchers if s.first_unreadable), None)
        calls = set().union(*(s.calls for s in stitchers))
        return events.LogSummary(
            lines=sum(s.total for s in stitchers),
            unreadable=sum(s.unreadable for s in stitchers) + self._importer.unreadable,
            first_unreadable=first.first_unreadable if first else None,
            left_out=sum(s.left_out for s in stitchers),
            unassigned=self._importer.unassigned,
            unannounced=self._importer.unannounced,
            calls=sorted(name.decode() for name in calls),
            unfiltered=any(s.unfiltered for s in stitchers),
            ordered=not self._separate or self._merges_by_time(),
            first_by_elimination=self._importer.first.by_elimination,
        )

    def _items(self) -> Iterator[items.Item]:
        read = [
            logs.read_items(source, stitcher, self._progress)
            for source, stitcher in zip(self._sources, self._stitchers, strict=True)
        ]
        if not self._separate:
            return read[0]
        for source, tid in zip(self._sources, self._tids, strict=True):
            if tid is None:
                raise LogFormatError(
                    f"{source.name} is not named like a file of strace -ff, NAME.PID: import "
                    "logs of different runs one by one"
                )
        opened = [_begun(items) for items in read]
        if self._merges_by_time():
            return logs.merged(again for _, again in opened)
        begun = {tid: log for tid, log in zip(self._tids, opened, strict=True) if tid is not None}
        first_ones = sorted(begun, key=lambda tid: (not begun[tid][0], tid))
        return logs.by_cause({tid: begun[tid][1] for tid in first_ones})

    def _merges_by_time(self) -> bool:
        kinds = {s.clock.kind for s in self._stitchers if s.total}
        return kinds in ({"unix"}, {"day"})

    def _check(self) -> None:
        """Raise LogFormatError unless one line at least was certainly strace's."""
        if not any(s.sure for s in self._stitchers):
            raise logs.no_log(self._sources[0].name)

    def _header(self, command: list[Text] | None) -> events.Header:
        kind = self._stitchers[0].clock.kind
        return events.Header(
            format="forktrace",
            version=events.VERSION,
            forktrace=__version__,
            command=command or self._command,
            started_ns=self._importer.origin_ns if kind == "unix" else None,
            detail="events",
            source="import",
            times=self._merges_by_time() if self._separate else kind != "none",
        )


def _begun(found: Iterator[items.Item]) -> tuple[bool, Iterator[items.Item]]:
    """Read the first item now, so that the log's kind of times is known.

    Returns whether the log begins with an exec, as that of the command that strace started does,
    and all its items.
    """
    first = next(found, None)

    def again() -> Iterator[items.Item]:
        if first is not None:
            yield first
        yield from found

    executes = isinstance(first, items.Seen) and first.name in items.EXECUTING
    return executes, again()


def _command(found: Sequence[events.Event]) -> list[Text] | None:
    """Return the arguments of the root's first exec; none if the log begins with no exec."""
    root = next((e.pid for e in found if isinstance(e, events.Started)), None)
    begins = any(isinstance(e, events.Started) and e.root for e in found)
    if root is not None and not begins:
        return []
    execs = (e for e in found if isinstance(e, events.Executed) and e.pid == root)
    first = next(execs, None)
    return None if first is None else first.argv or [first.path or encode_text(b"?")]
