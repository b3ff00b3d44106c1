"""Import logs that a test writes by hand, the whole way through the trace's own format."""

from collections.abc import Sequence
from io import BytesIO
from textwrap import dedent

import msgspec

from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace import events
from forktrace.trace.reader import TraceFile
from forktrace.trace.strace.convert import Conversion
from forktrace.trace.strace.logs import Log

COMMAND = ["forktrace", "import", "x.log"]


def trace_of_logs(*logs: tuple[str, bytes]) -> TraceFile:
    """Import logs, each with its name, and read what was written back by the trace's rules."""
    sources = [Log(name, BytesIO(data)) for name, data in logs]
    decoder = msgspec.json.Decoder(events.AnyRecord)
    records = [
        decoder.decode(msgspec.json.encode(record))
        for record in Conversion(sources, COMMAND, lambda count: None).records()
    ]
    header, *between, end = records
    assert isinstance(header, events.Header)
    assert isinstance(end, events.Ended)
    others = [e for e in between if not isinstance(e, events.Header | events.Ended)]
    assert others == between
    return TraceFile(header, others, end, [])


def trace_of_log(text: str | bytes) -> TraceFile:
    data = dedent(text).lstrip("\n").encode() if isinstance(text, str) else text
    return trace_of_logs(("x.log", data))


def launch_of_log(text: str | bytes) -> Launch:
    return build_launch(trace_of_log(text))


def launch_of_logs(*logs: tuple[str, str]) -> Launch:
    return build_launch(trace_of_logs(*((name, dedent(t).encode()) for name, t in logs)))


def only(launch: Launch, pid: int) -> Process:
    """Return the one process that has a pid."""
    (found,) = [p for p in launch.inside if p.pid == pid]
    return found


def pids(processes: Sequence[Process]) -> list[int]:
    return [p.pid for p in processes]


def children(launch: Launch, pid: int) -> list[int]:
    """Return the pids of those that a process created, in order."""
    creator = only(launch, pid).id
    return [p.pid for p in launch.inside if p.creator == creator]


def summary(trace: TraceFile) -> events.LogSummary:
    assert trace.end is not None
    assert trace.end.log is not None
    return trace.end.log
