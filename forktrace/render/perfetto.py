"""Write a launch as Chrome trace JSON, which ui.perfetto.dev and chrome://tracing open.

The format is Google's "Trace Event Format": a process of the launch is a process there, each
program that it ran a slice ("X"), exec and exit are instants ("i"), creation and adoption arrows
("s" to "f"). Its pids must be unique, but the kernel reuses them: the number of the id stands for
the pid (p3 is 3, x1 a number above all), and the pid is in the name. Times are in µs.
"""

import json
from collections.abc import Iterator
from typing import Any

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Moment, Process, image_name
from forktrace.trace.text import decode_text
from forktrace.views.lanes.edges import birth_word
from forktrace.views.options import ViewOptions
from forktrace.views.words import exit_words, name_of, printable, show_argv

_ARGUMENTS = 4000  # characters shown when a slice is selected
_SHORTEST = 0.001  # µs, of a program that another replaced at once

Event = dict[str, Any]


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Return the trace events, one a line. ``options`` are for pictures and not used."""
    del options
    events = _Events(launch, findings)
    lines = ",\n".join(json.dumps(event, ensure_ascii=True) for event in events.all())
    command = show_argv([decode_text(a) for a in launch.header.command], _ARGUMENTS)
    about = json.dumps({"command": command, "complete": launch.complete}, ensure_ascii=True)
    return f'{{"displayTimeUnit": "ms",\n"otherData": {about},\n"traceEvents": [\n{lines}\n]}}\n'


class _Events:
    """Make the events of one launch."""

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self._launch = launch
        self._findings = findings
        self._numbers = {id_: i for i, id_ in enumerate(launch.processes, start=1)}
        self._arrows = 0
        self._tids = len(self._numbers)
        self._end_ns = max(_last_ns(launch), 1)

    def all(self) -> Iterator[Event]:
        """Yield all events, process by process."""
        for process in self._launch.processes.values():
            yield from self._names(process)
            yield from self._slices(process)
            yield from self._instants(process)
            yield from self._threads(process)
            yield from self._birth(process)
            yield from self._adoptions(process)

    def _event(self, process: Process, kind: str, at_ns: int, **more: Any) -> Event:
        number = self._numbers[process.id]
        return {"ph": kind, "pid": number, "tid": number, "ts": at_ns / 1000, **more}

    def _names(self, process: Process) -> Iterator[Event]:
        pid = f" (pid {process.pid})" if process.pid else ""
        role = self._findings.roles.get(process.id)
        what = "outside the trace" if process.outside else role.role if role else "other"
        told = {
            "process_name": {"name": f"{process.id} {name_of(process)}{pid}"},
            "process_labels": {"labels": what},
            "process_sort_index": {"sort_index": self._numbers[process.id]},
            "thread_name": {"name": name_of(process)},
        }
        for name, args in told.items():
            yield self._event(process, "M", 0, name=name, args=args)

    def _slices(self, process: Process) -> Iterator[Event]:
        """Yield a slice for each program, from its exec to the next or to the end."""
        start, end = self._life(process)
        if not process.images or process.outside:
            args = {"argv": show_argv(process.argv, _ARGUMENTS)}
            yield self._slice(process, name_of(process), start, end, args)
            return
        starts = [max(start, i.at.at_ns) for i in process.images]
        if starts[0] > start:
            yield self._slice(process, "before its first exec", start, starts[0], {})
        for image, since, until in zip(process.images, starts, [*starts[1:], end], strict=True):
            args = {"argv": show_argv(image.argv, _ARGUMENTS)}
            if image.path:
                args["path"] = printable(image.path[:_ARGUMENTS])
            yield self._slice(process, printable(image_name(image)), since, until, args)

    def _slice(
        self, process: Process, name: str, since: int, until: int, args: dict[str, str]
    ) -> Event:
        role = self._findings.roles.get(process.id)
        lasts = max((until - since) / 1000, _SHORTEST)
        category = role.role if role else "outside"
        return self._event(process, "X", since, dur=lasts, name=name, cat=category, args=args)

    def _instants(self, process: Process) -> Iterator[Event]:
        for image in process.images:
            if not image.inherited and not process.outside:
                name = f"exec {printable(image_name(image))}"
                yield self._event(process, "i", image.at.at_ns, name=name, s="t", cat="exec")
        if process.exit is not None:
            name = printable(exit_words(process.exit))
            yield self._event(process, "i", process.exit.at.at_ns, name=name, s="t", cat="exit")

    def _threads(self, process: Process) -> Iterator[Event]:
        for thread in process.threads:
            self._tids += 1
            since = thread.at.at_ns
            until = thread.ended.at_ns if thread.ended else self._life(process)[1]
            lasts = max((until - since) / 1000, _SHORTEST)
            name = f"thread {thread.tid}"
            event = self._event(process, "X", since, dur=lasts, name=name, cat="thread")
            yield event | {"tid": self._tids}

    def _birth(self, process: Process) -> Iterator[Event]:
        creator = self._launch.processes.get(process.creator or "")
        if creator is not None and process.creation is not None:
            how = birth_word(process.creation) or "created"
            yield from self._arrow(how, creator, process.creation.at, process, process.born)

    def _adoptions(self, process: Process) -> Iterator[Event]:
        for adoption in process.adoptions:
            adopter = self._launch.processes[adoption.parent]
            yield from self._arrow("adopted by", process, adoption.at, adopter, adoption.at)

    def _arrow(
        self, name: str, source: Process, left: Moment, target: Process, reached: Moment
    ) -> Iterator[Event]:
        """Yield an arrow; both its ends must lie within a slice, or no viewer draws it."""
        self._arrows += 1
        shared = {"name": name, "cat": "arrow", "id": self._arrows}
        yield self._event(source, "s", self._within(source, left), **shared)
        at_ns = max(self._within(target, reached), self._within(source, left))
        yield self._event(target, "f", at_ns, **shared, bp="e")

    def _within(self, process: Process, at: Moment) -> int:
        start, end = self._life(process)
        return min(max(at.at_ns, start), max(end - 1, start))

    def _life(self, process: Process) -> tuple[int, int]:
        """Return from when to when a process is drawn, in ns; the whole trace if it is outside."""
        if process.outside:
            return 0, self._end_ns
        return process.born.at_ns, process.exit.at.at_ns if process.exit else self._end_ns


def _last_ns(launch: Launch) -> int:
    ended = launch.end.at_ns if launch.end else 0
    return max(ended, *launch.times_ns) if launch.times_ns else ended
