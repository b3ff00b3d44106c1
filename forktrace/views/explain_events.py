"""Write an event of a trace in one compact line, with the field names of the trace file."""

from collections.abc import Iterator, Sequence

import msgspec

from forktrace.trace import events
from forktrace.trace.text import Raw, decode_text
from forktrace.views.words import cut, printable, show_argv

_VALUE = 60  # characters of a field
_LINE = 200  # characters of all fields


def event_line(number: int, trace: Sequence[events.Event]) -> str:
    """Return "21  0.263147 s  reparent pid=285 ppid=1 …"; the number past the last is the end's."""
    if number >= len(trace):
        return f"{number}  end of the trace"
    event = trace[number]
    tag = str(event.__struct_config__.tag)
    told = " ".join(_fields(event))
    return f"{number}  {event.at_ns / 1e9:.6f} s  {tag} {cut(told, _LINE)}".rstrip()


def _fields(record: msgspec.Struct) -> Iterator[str]:
    """Yield the fields that an event has, its state's among them, but for its time."""
    for name, default in _defaults(record):
        value = getattr(record, name)
        if name == "at_ns" or value == default or value is None:
            continue
        if isinstance(value, events.State):
            yield from _fields(value)
        else:
            yield f"{name}={_words(name, value)}"


def _defaults(record: msgspec.Struct) -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(record):
        yield field.name, field.default


def _words(name: str, value: object) -> str:
    if isinstance(value, Raw):
        value = decode_text(value)
    if name == "argv" and isinstance(value, list):
        return show_argv([decode_text(a) for a in value[:20]], _VALUE)
    if name == "cgroup" and isinstance(value, list):
        return _cgroups([decode_text(line) for line in value[:64]])
    if name == "fds" and isinstance(value, dict):
        return cut(",".join(f"{n}:{_to(d)}" for n, d in list(value.items())[:8]), 2 * _VALUE)
    if isinstance(value, dict):
        value = ",".join(f"{k}:{v}" for k, v in list(value.items())[:16])
    if isinstance(value, list):
        value = ",".join(str(v) for v in value[:32])
    return cut(printable(str(value)[: 4 * _VALUE]), _VALUE)


def _to(descriptor: events.Descriptor) -> str:
    return printable(decode_text(descriptor.to)[:_VALUE])


def _cgroups(lines: list[str]) -> str:
    """Return one of the lines, cgroup v2's or systemd's if there is one, and count the others."""
    told = next((line for line in lines if line.startswith("0::")), None)
    told = next((line for line in lines if ":name=systemd:" in line), told) or "".join(lines[:1])
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return cut(printable(told[: 4 * _VALUE]), 2 * _VALUE) + more
