"""Write a launch as Chrome trace JSON, which ui.perfetto.dev opens.

The format is Google's "Trace Event Format": a process of the launch is a process there, each
program that it ran a slice ("X"). Exec, exit, creation and adoption are instants ("i"), and from
instant to instant of the last two leads an arrow ("s" to "f"). Its pids must be unique, but the
kernel reuses them: the number of the id stands for the pid (p3 is 3, x1 a number above all), and
the pid is in the name. Times are in µs.
"""

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from forktrace.analysis.findings import Findings
from forktrace.model.facts import Moment
from forktrace.model.image import image_name
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.text import decode_text
from forktrace.views.lanes.edges import birth_word
from forktrace.views.options import ViewOptions
from forktrace.views.words import exit_words, name_of, printable, show_argv

_ARGUMENTS = 4000  # characters shown when a slice is selected
_SHORTEST_NS = 1  # of a program that another replaced at once, by a coarse clock

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
            yield from self._birth(process)
            yield from self._instants(process)
            yield from self._threads(process)
            yield from self._adoptions(process)

    def _event(self, process: Process, kind: str, at_ns: int, **more: Any) -> Event:
        number = self._numbers[process.id]
        return {"ph": kind, "pid": number, "tid": number, "ts": at_ns / 1000, **more}

    def _names(self, process: Process) -> Iterator[Event]:
        name = name_of(process)
        told = process.pid == 0 or name == f"pid {process.pid}"
        pid = "" if told else f" (pid {process.pid})"
        role = self._findings.roles.get(process.id)
        what = "outside the trace" if process.outside else role.role if role else "other"
        labels = {
            "process_name": {"name": f"{process.id} {name}{pid}"},
            "process_labels": {"labels": what},
            "process_sort_index": {"sort_index": self._numbers[process.id]},
            "thread_name": {"name": name},
        }
        for label, args in labels.items():
            yield self._event(process, "M", 0, name=label, args=args)

    def _slices(self, process: Process) -> Iterator[Event]:
        """Yield a slice for each program, from its exec to the next or to the end."""
        start, end = self._life(process)
        if not process.images or process.outside:
            args = {"argv": show_argv(process.argv, _ARGUMENTS)}
            yield self._slice(process, name_of(process), start, end, args)
            return
        since = max(start, process.images[0].at.at_ns)
        if since > start:
            yield self._slice(process, "before its first exec", start, since, {})
        for image, following in zip_longest(process.images, process.images[1:]):
            until = max(following.at.at_ns if following else end, since + _SHORTEST_NS)
            args = {"argv": show_argv(image.argv, _ARGUMENTS)}
            if image.path:
                args["path"] = printable(image.path[:_ARGUMENTS])
            yield self._slice(process, printable(image_name(image)), since, until, args)
            since = until

    def _slice(
        self, process: Process, name: str, since: int, until: int, args: dict[str, str]
    ) -> Event:
        role = self._findings.roles.get(process.id)
        lasts = max(until - since, _SHORTEST_NS) / 1000
        category = role.role if role else "outside"
        return self._event(process, "X", since, dur=lasts, name=name, cat=category, args=args)

    def _instants(self, process: Process) -> Iterator[Event]:
        for image in process.images:
            if not image.inherited and not process.outside:
                name = f"exec {printable(image_name(image))}"
                yield self._instant(process, name, image.at.at_ns, "exec")
        if process.exit is not None:
            name = printable(exit_words(process.exit))
            yield self._instant(process, name, process.exit.at.at_ns, "exit")

    def _instant(self, process: Process, name: str, at_ns: int, category: str) -> Event:
        return self._event(process, "i", at_ns, name=name, s="t", cat=category)

    def _threads(self, process: Process) -> Iterator[Event]:
        for thread in process.threads:
            self._tids += 1
            since = thread.at.at_ns
            until = thread.ended.at_ns if thread.ended else self._life(process)[1]
            lasts = max(until - since, _SHORTEST_NS) / 1000
            name, tid = f"thread {thread.tid}", {"tid": self._tids}
            yield self._event(process, "M", 0, name="thread_name", args={"name": name}) | tid
            yield self._event(process, "X", since, dur=lasts, name=name, cat="thread") | tid

    def _birth(self, process: Process) -> Iterator[Event]:
        creator = self._launch.processes.get(process.creator or "")
        if creator is None or process.creation is None:
            return
        how = birth_word(process.creation) or "created"
        reached = self._within(process, process.born)
        # The child's first stop may be recorded before its creator's event.
        left = min(self._within(creator, process.creation.at), reached)
        yield self._instant(creator, f"{how} {process.id}", left, "create")
        yield from self._arrow(how, (creator, left), (process, reached))

    def _adoptions(self, process: Process) -> Iterator[Event]:
        for adoption in process.adoptions:
            adopter = self._launch.processes[adoption.parent]
            left = self._within(process, adoption.at)
            reached = max(self._within(adopter, adoption.at), left)
            yield self._instant(process, f"adopted by {adopter.id}", left, "adopt")
            yield self._instant(adopter, f"adopts {process.id}", reached, "adopt")
            yield from self._arrow("adopted by", (process, left), (adopter, reached))

    def _arrow(
        self, name: str, source: tuple[Process, int], target: tuple[Process, int]
    ) -> Iterator[Event]:
        """Yield an arrow between two moments.

        The format wants each end within a slice. Perfetto ties it to what began last on
        the track: an instant (or the first slice) of the same time stands before it for that.
        """
        self._arrows += 1
        shared = {"name": name, "cat": "arrow", "id": self._arrows}
        yield self._event(source[0], "s", source[1], **shared)
        yield self._event(target[0], "f", target[1], **shared, bp="e")

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
