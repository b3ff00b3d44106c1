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
        self._times: dict[str, list[int]] = {}
        self._values: dict[str, list[Any]] = {}
        for process in launch.processes.values():
            self._follow(process, name)

    def _follow(self, process: Process, name: str) -> None:
        found = [
            (sample.at.at_ns, value)
            for sample in process.samples
            if (value := getattr(sample, name)) is not None
        ]
        born_here = not (process.outside or process.attached)
        if born_here and process.parent in self._times:
            born_ns = process.born.at_ns
            found.insert(0, (born_ns, self.at(process.parent, born_ns)))
        self._times[process.id] = [at_ns for at_ns, _ in found]
        self._values[process.id] = [value for _, value in found]

    def at(self, id_: str, at_ns: int) -> Any:
        """Return the value that a process had at a moment, None where that is not known."""
        position = bisect_right(self._times[id_], at_ns)
        return self._values[id_][position - 1] if position else None

    def last(self, id_: str) -> Any:
        """Return the last known value of a process."""
        return self._values[id_][-1] if self._values[id_] else None
