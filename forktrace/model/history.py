"""Follow one sampled field of every process through a launch."""

from bisect import bisect_right
from typing import Any

from forktrace.model.launch import Launch
from forktrace.model.process import Process


class History:
    """Know what a field of /proc was for each process at each moment, as far as it was sampled.

    A trace leaves out what is as it was in the sample before, or, in the first one, as it was for
    the real parent at birth: fork(2) hands these fields on. Of what ran before the trace nothing
    is left out, so what lacks could not be read.

    Args:
        launch: where to look.
        name: "pgid", "sid", "tty", "cgroup" or "ns", as ``Sample`` has them.
    """

    def __init__(self, launch: Launch, name: str) -> None:
        self._processes = launch.processes
        self._name = name
        self._times: dict[str, list[int]] = {}
        self._values: dict[str, list[Any]] = {}

    def at(self, id_: str, at_ns: int) -> Any:
        """Return the value that a process had at a moment, None where that is not known."""
        self._follow_to(id_)
        return self._at(id_, at_ns)

    def last(self, id_: str) -> Any:
        """Return the last known value of a process."""
        self._follow_to(id_)
        return self._values[id_][-1] if self._values[id_] else None

    def _at(self, id_: str, at_ns: int) -> Any:
        position = bisect_right(self._times[id_], at_ns)
        return self._values[id_][position - 1] if position else None

    def _follow_to(self, id_: str) -> None:
        """Follow a process that is asked about for the first time, and before it all above it."""
        above: list[Process] = []
        next_: str | None = id_
        while next_ is not None and next_ not in self._times:
            process = self._processes[next_]
            above.append(process)
            next_ = self._source(process)
        for process in reversed(above):
            self._follow(process)

    def _source(self, process: Process) -> str | None:
        """Return the id of the process that this one has its first value from."""
        parent = self._processes.get(process.parent or "")
        if process.outside or process.attached or parent is None or parent.outside:
            return None
        return parent.id

    def _follow(self, process: Process) -> None:
        found = [
            (sample.at.at_ns, value)
            for sample in process.samples
            if (value := getattr(sample, self._name)) is not None
        ]
        source = self._source(process)
        if source is not None:
            born_ns = process.born.at_ns
            found.insert(0, (born_ns, self._at(source, born_ns)))
        self._times[process.id] = [at_ns for at_ns, _ in found]
        self._values[process.id] = [value for _, value in found]
