"""Understand how a user names a moment of a launch, and say in words which one it is."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from forktrace.analysis.findings import Container, Findings
from forktrace.analysis.roles.programs import question
from forktrace.errors import UsageError
from forktrace.model.image import image_name
from forktrace.model.launch import Launch
from forktrace.model.moment import Timeline
from forktrace.model.process import Process
from forktrace.views.words import cut, duration_words, name_of, printable

FORMS = (
    "seconds (0.25, 250ms), an event's number (#120), a percentage (50%), start, end, or an event "
    "by its name: exec:NAME, exit:NAME, fork:NAME, reparent:NAME, setsid:NAME, start:container"
)
_KINDS = {
    "exec": "exec",
    "exit": "exit",
    "fork": "fork",
    "create": "fork",
    "reparent": "reparent",
    "setsid": "setsid",
}
_UNITS = {"": 1_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "µs": 1_000, "ns": 1}
_TIME = re.compile(r"([0-9]*\.?[0-9]+|[0-9]+\.)(s|ms|us|µs|ns)?", re.ASCII)
_NUMBER = re.compile(r"[#e]([0-9]{1,18})", re.ASCII)
_PERCENT = re.compile(r"([0-9]*\.?[0-9]+)%", re.ASCII)
_LONGEST = 40  # digits of a number, and characters of a name that is quoted
_NAMED = 6  # names offered where one is wrong


@dataclass(frozen=True, slots=True)
class Mark:
    """Be an event that can be named: ``kind`` as in FORMS, and the ``names`` of whom it is of."""

    seq: int
    kind: str
    process: Process
    names: frozenset[str]
    words: str


def parse_moment(text: str, launch: Launch, findings: Findings, timeline: Timeline) -> int:
    """Return the position of the event that ``text`` means, among the trace's events from 0.

    ``exec:NAME`` is the first exec of that program, ``exec:NAME:2`` the second one; NAME may be the
    id of a process ("p3"). Of the other events NAME is any program that the process ran, and
    ``fork`` is its creation, not one that it does.

    Args:
        text: one of FORMS.
        launch: the launch.
        findings: what analysis found in it, for ``start:container``.
        timeline: the launch's timeline.

    Raises:
        UsageError: it is no moment, or not one of this trace.
    """
    kind, colon, name = text.partition(":")
    if colon and kind in _KINDS:
        return _named(_KINDS[kind], kind, name, launch)
    if colon and kind == "start":
        return _started(name, findings)
    if text in ("start", "end"):
        return 0 if text == "start" else max(timeline.last, 0)
    return _measured(text, launch, timeline)


def usual_moment(launch: Launch, findings: Findings, timeline: Timeline) -> int:
    """Return the moment that is shown where none is asked for.

    It is when the first container's payload has been executed, or the program of a session in one
    that ran before (`podman exec`); without those when the most processes were alive; in a
    snapshot, which is of one time, its end.
    """
    started = [c.payload.seq for c in findings.containers if c.payload]
    sessions = [s for c in findings.containers for s in c.exec_sessions]
    started += [
        image.at.seq
        for session in sessions
        for image in launch.processes[session.process].images[-1:]
        if not image.inherited
    ]
    if started:
        return started[0]
    if launch.header.source == "snapshot":
        return max(timeline.last, 0)
    return timeline.busiest()


def _measured(text: str, launch: Launch, timeline: Timeline) -> int:
    """Return the moment for a number: of an event, per cent of the launch's time, or a time."""
    if len(text) <= _LONGEST and (found := _NUMBER.fullmatch(text)):
        number = int(found[1])
        if number > max(timeline.last, 0):
            raise UsageError(
                f"there is no event {text}: the last one of this trace is #{max(timeline.last, 0)}"
            )
        return number
    if len(text) <= _LONGEST and (found := _PERCENT.fullmatch(text)):
        share = float(found[1])
        if share > 100:
            raise UsageError(f"{text} is later than the end: give at most 100%")
        return _at_share(share / 100, launch, timeline)
    if len(text) <= _LONGEST and (found := _TIME.fullmatch(text)):
        if not launch.header.times:
            raise UsageError("this trace has no times: ask for an event by its number or name")
        return timeline.seq_at(round(float(found[1]) * _UNITS[found[2] or ""]))
    raise UsageError(f"{_quoted(text)} is no moment: ask for {FORMS}")


def _at_share(share: float, launch: Launch, timeline: Timeline) -> int:
    """Return the moment at a share of the trace's time; of its events where it has no times."""
    if not launch.header.times:
        return max(math.floor(timeline.last * share), 0)
    duration_ns = launch.end.at_ns if launch.end else timeline.time_ns(timeline.last)
    return timeline.seq_at(math.floor(duration_ns * share))


def _named(kind: str, asked: str, text: str, launch: Launch) -> int:
    marks = sorted((m for m in _marks(launch) if m.kind == kind), key=lambda mark: mark.seq)
    name, which = text, 1
    found = [mark for mark in marks if text in mark.names]
    before, colon, ordinal = text.rpartition(":")
    if not found and colon and re.fullmatch("[0-9]{1,9}", ordinal, re.ASCII):
        name, which = before, int(ordinal)
        found = [mark for mark in marks if name in mark.names]
    found = [mark for mark in found if not _only_asked(mark)] or found
    if not found:
        raise UsageError(_nobody(asked, name, marks, launch))
    if not 1 <= which <= len(found):
        raise UsageError(
            f"{asked}:{_quoted(name)} has no number {which}: "
            f"there {'is' if len(found) == 1 else 'are'} {len(found)}"
        )
    return found[which - 1].seq


def _nobody(asked: str, name: str, marks: list[Mark], launch: Launch) -> str:
    """Say that no event has that name, and which names would do."""
    if not marks:
        return f"this trace has no {asked} event" + _why_none(asked, launch)
    names = list(
        dict.fromkeys(n for mark in marks for n in sorted(mark.names, key=_programs_first))
    )
    near = get_close_matches(name[:_LONGEST], names[:10_000], _NAMED)
    listed = ", ".join(f"{asked}:{cut(printable(n), _LONGEST)}" for n in (near or names)[:_NAMED])
    return f"no {asked} event of this trace is of {_quoted(name)}; there is: {listed}"


def _programs_first(name: str) -> tuple[bool, str]:
    return re.fullmatch("p[0-9]+", name) is not None, name


def _why_none(asked: str, launch: Launch) -> str:
    if asked == "reparent" and launch.header.detail == "minimal":
        return ": with --detail minimal adoptions were not looked at"
    return ""


def _only_asked(mark: Mark) -> bool:
    """Say whether an exec is a mere question, like `conmon --version`."""
    images = (i for i in mark.process.images if i.at.seq == mark.seq and mark.kind == "exec")
    return any(question(image.argv) for image in images)


def _started(name: str, findings: Findings) -> int:
    """Return the moment when a container's payload was executed."""
    kind, colon, wanted = name.partition(":")
    if kind != "container":
        raise UsageError(f"nothing called {_quoted(kind)} starts: ask for start:container")
    started = [c for c in findings.containers if c.payload is not None]
    fitting = [c for c in started if not colon or _is_called(c, wanted)]
    if fitting and fitting[0].payload:
        return fitting[0].payload.seq
    if not started:
        raise UsageError("no container was seen to start in this trace")
    listed = ", ".join(printable(c.name or (c.id or c.key)[:12]) for c in started[:_NAMED])
    raise UsageError(
        f"no container that was started is called {_quoted(wanted)}; there is: {listed}"
    )


def _is_called(container: Container, wanted: str) -> bool:
    by_id = container.id is not None and len(wanted) > 2 and container.id.startswith(wanted)
    return by_id or wanted in (container.name, container.key)


def _quoted(text: str) -> str:
    return f"'{cut(printable(text), _LONGEST)}'"


def _marks(launch: Launch) -> Iterator[Mark]:
    """Yield all events that can be named."""
    for process in launch.inside:
        id_ = process.id
        names = frozenset({id_, *(image_name(image) for image in process.images)})
        if process.creation is not None:
            by = f" by {process.creation.creator}" if process.creation.creator else ""
            yield Mark(process.born.seq, "fork", process, names, f"{_who(process)} was created{by}")
        for image in process.images:
            if not image.inherited and not (process.attached and image.at == process.born):
                program = image_name(image)
                words = f"{id_} (pid {process.pid}) executed {cut(printable(program), _LONGEST)}"
                yield Mark(image.at.seq, "exec", process, frozenset({id_, program}), words)
        yield from _changes(launch, process, names)


def _who(process: Process) -> str:
    return f"{process.id} {cut(name_of(process), _LONGEST)} (pid {process.pid})"


def _changes(launch: Launch, process: Process, names: frozenset[str]) -> Iterator[Mark]:
    """Yield what happened to a process later than its birth, other than an exec."""
    who = _who(process)
    for adoption in process.adoptions:
        adopter = launch.processes[adoption.parent]
        words = f"{_who(adopter)} adopted {who}"
        yield Mark(adoption.at.seq, "reparent", process, names, words)
    if process.exit is not None:
        how = f"by {process.exit.signal}" if process.exit.signal else f"with {process.exit.code}"
        yield Mark(process.exit.at.seq, "exit", process, names, f"{who} ended {printable(how)}")
    session = next((c for c in process.calls if c.name == "setsid" and c.error is None), None)
    led = next((s for s in process.samples if s.sid == process.pid), None)
    if session is not None:
        yield Mark(session.at.seq, "setsid", process, names, f"{who} called setsid")
    elif led is not None:
        words = f"{who} was seen to lead a session"
        yield Mark(led.at.seq, "setsid", process, names, words)


def moment_words(launch: Launch, timeline: Timeline, seq: int) -> str:
    """Say which moment it is: its event's number, time, and what happened."""
    if timeline.last < 0:
        return "this trace has no events"
    marks = [mark.words for mark in _marks(launch) if mark.seq == seq]
    happened = marks[0] if marks else _other_words(launch, seq)
    words = f"after event #{seq} of #0 to #{timeline.last}"
    if launch.header.times:
        words += f", at {duration_words(timeline.time_ns(seq))}"
    return f"{words}: {happened}" if happened else words


def _other_words(launch: Launch, seq: int) -> str:
    """Say what the event was of that has no name to be asked for; "" where that is not kept."""
    for process in launch.processes.values():
        who = _who(process)
        if process.born.seq == seq or any(image.at.seq == seq for image in process.images):
            return f"{who} was first seen"
        if any(seq in (t.at.seq, t.ended and t.ended.seq) for t in process.threads):
            return f"a thread of {who}"
        call = next((call for call in process.calls if call.at.seq == seq), None)
        if call is not None:
            return f"{who} called {cut(printable(call.name), _LONGEST)}"
        looks = [s.at.seq for s in process.samples] + [d.at.seq for d in process.descriptors]
        if seq in looks:
            return f"{who} was looked at"
    return ""
