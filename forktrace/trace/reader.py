"""Read a trace file back, strictly, and say in one sentence what is wrong with a bad one."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from forktrace.errors import TraceFormatError
from forktrace.trace.collector import collector_paused
from forktrace.trace.events import FORMAT, VERSION, AnyRecord, Ended, Event, Header

# Longer than any line that capture writes: the kernel allows 6 MB of arguments at most
# (fs/exec.c: bprm_stack_limits), and JSON makes six characters of a byte at most.
_LINE_LIMIT = 64 * 1024 * 1024

# msgspec reports bad JSON and bad fields as subclasses of ValueError, and so does int() a number
# of too many digits; nesting that is too deep ends in RecursionError.
_DAMAGE = (ValueError, RecursionError)

Report = Callable[[float], None]  # takes which part of some work is done, from 0 to 1
_REPORT_LINES = 8192


def no_report(_part: float) -> None:
    """Take a report that nobody is interested in."""


@dataclass(frozen=True, slots=True)
class TraceFile:
    """Be the content of a trace file.

    ``end`` is None where the trace was cut off; ``warnings`` are sentences for the user.
    """

    header: Header
    events: list[Event]
    end: Ended | None
    warnings: list[str]


class _Opening(msgspec.Struct):
    """Be what every version's first line has, whatever else it holds."""

    event: str
    format: str
    version: int


def read_trace(path: Path | str, report: Report = no_report) -> TraceFile:
    """Read a whole trace file.

    A trace that was cut off (no end record, the last line perhaps incomplete) is read as far as
    it goes, with a warning.

    Args:
        path: the file.
        report: is called now and then.

    Raises:
        TraceFormatError: the file can't be read, is no trace, is of a newer version, or has a
            damaged line (its number is in the message).
    """
    try:
        with Path(path).open("rb") as file, collector_paused():
            return _read(str(path), file, report)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else None
        raise TraceFormatError(f"can't read the trace {path}: {reason or error}") from error


def _read(path: str, file: BinaryIO, report: Report) -> TraceFile:
    size = os.fstat(file.fileno()).st_size or 1
    header = _read_header(path, file.readline(_LINE_LIMIT))
    decoder = msgspec.json.Decoder(AnyRecord)
    events: list[Event] = []
    end: Ended | None = None
    torn = False
    lines = iter(partial(file.readline, _LINE_LIMIT), b"")
    for number, line in enumerate(lines, start=2):
        if end is not None:
            raise _damaged(path, number, "it comes after the end record")
        if number % _REPORT_LINES == 0:
            report(file.tell() / size)
        try:
            record = decoder.decode(line)
        except _DAMAGE as error:
            if not line.endswith(b"\n") and len(line) < _LINE_LIMIT:
                torn = True  # the last line: whoever wrote it was killed in the middle
                break
            raise _damaged(path, number, str(error) or "nested too deeply") from error
        if isinstance(record, Header):
            raise _damaged(path, number, "a second header")
        if isinstance(record, Ended):
            end = record
        else:
            events.append(record)
    return TraceFile(header, events, end, _warnings(path, len(events), end, torn))


def _read_header(path: str, line: bytes) -> Header:
    if not line:
        raise TraceFormatError(f"{path} is empty: a trace begins with a header line")
    try:
        opening = msgspec.json.decode(line, type=_Opening)
    except _DAMAGE as error:
        raise _no_trace(path) from error
    if opening.event != "header" or opening.format != FORMAT or opening.version < 1:
        raise _no_trace(path)
    if opening.version > VERSION:
        raise TraceFormatError(
            f"{path} is a trace of version {opening.version}, but this forktrace reads up to "
            f"version {VERSION}: upgrade forktrace to read it"
        )
    try:
        return msgspec.json.decode(line, type=Header)
    except _DAMAGE as error:
        raise _damaged(path, 1, str(error)) from error


def _no_trace(path: str) -> TraceFormatError:
    return TraceFormatError(
        f"{path} is no forktrace trace: its first line is not a trace's header; "
        "make one with: forktrace run -o launch.jsonl -- COMMAND"
    )


def _damaged(path: str, number: int, reason: str) -> TraceFormatError:
    shown = "".join(c if c.isprintable() else "?" for c in reason[:200])  # may quote the file
    return TraceFormatError(
        f"{path}, line {number} is damaged ({shown}): record the trace again, "
        "or cut the file off before that line to see what came earlier"
    )


def _warnings(path: str, count: int, end: Ended | None, torn: bool) -> list[str]:
    if end is not None:
        return []
    last = ", the last line is incomplete" if torn else ""
    return [
        f"{path} was cut off after {count} events (no end record{last}): what followed is unknown"
    ]
