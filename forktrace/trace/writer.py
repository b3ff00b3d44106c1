"""Write a trace as it happens: the header at once, each event within a fraction of 100 ms."""

import os
from time import monotonic_ns

import msgspec

from forktrace.trace.events import Ended, Event, Header

_FLUSH_NS = 40_000_000
_FLUSH_BYTES = 256 * 1024


class TraceWriter:
    """Append records to an open file descriptor, a JSON line each, and never raise for a full disk.

    A trace must not stop what is traced: at the first write that fails, ``error`` is set, nothing
    more is written, and the caller says so when the command has ended.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._encoder = msgspec.json.Encoder()
        self._buffer = bytearray()
        self._oldest_ns = 0
        self.error: OSError | None = None
        self.events = 0

    def header(self, header: Header) -> None:
        """Write the header, and have it in the file before this returns."""
        self._append(header)
        self.flush()

    def event(self, event: Event) -> None:
        """Keep an event, to be written at the next flush."""
        self.events += 1
        if not self._buffer:
            self._oldest_ns = monotonic_ns()
        self._append(event)
        if len(self._buffer) > _FLUSH_BYTES:
            self.flush()

    def end(self, end: Ended) -> None:
        """Write the end record and flush."""
        self._append(end)
        self.flush()

    def flush_if_due(self) -> None:
        """Flush if the oldest unwritten event is older than 40 ms."""
        if self._buffer and monotonic_ns() - self._oldest_ns > _FLUSH_NS:
            self.flush()

    @property
    def pending(self) -> bool:
        """Say whether some event is not written yet."""
        return bool(self._buffer)

    def flush(self) -> None:
        """Write what is kept. A failure is noted in ``error`` and ends all writing."""
        view = bytes(self._buffer)
        self._buffer.clear()
        while view and self.error is None:
            try:
                view = view[os.write(self._fd, view) :]
            except OSError as error:
                self.error = error

    def _append(self, record: Header | Event | Ended) -> None:
        if self.error is None:
            self._buffer += self._encoder.encode(record)
            self._buffer += b"\n"
