"""Find where each process was in every cgroup hierarchy, since when, and who moved it there.

A process is born in its creator's cgroup (cgroups(7)), unless clone3 puts it elsewhere. That it
was moved is seen when /proc/PID/cgroup is read next; who did it is known only where the write to
the cgroup's file was recorded (detail "syscalls"). Where all such writes of all traced processes
were recorded, and none was this one, it was somebody outside the trace, as systemd is when it is
asked over D-Bus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from forktrace.analysis.cgroup_writes import Write, Writes, find_writes, hierarchy_of, last_name
from forktrace.analysis.findings import CgroupStay, Findings
from forktrace.analysis.hierarchies import paths
from forktrace.analysis.stays import State, Stays, as_parent
from forktrace.model.facts import Moment, Sample
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process

_UNEXPLAINED = ("seen", "outside")
_DELETED = " (deleted)"  # what the kernel adds to the path of a cgroup that was removed


def find_cgroups(launch: Launch, findings: Findings) -> None:
    """Note where each process was, and how it came there."""
    search = _Search(launch, find_writes(launch))
    for process in launch.processes.values():
        search.follow(process)
    findings.cgroups = search.stays


class _Step(NamedTuple):
    """Be one thing that tells of a process' cgroup; of a sample ``shown`` is what it showed.

    ``upcoming`` is what the next look shows; at an exec that may be what was seen before.
    """

    what: Sample | Write | Image
    shown: State | None
    upcoming: State


class _Search:
    def __init__(self, launch: Launch, writes: Writes) -> None:
        self.stays: Stays[CgroupStay] = Stays(launch, _inherited)
        self._launch = launch
        self._writes = writes
        self._all_recorded = _all_writes_recorded(launch)

    def follow(self, process: Process) -> None:
        """Follow one process, whose creator was followed before."""
        self.stays.bear(process)
        writes = self._writes.of.get(process.id, ())
        samples = [s for s in process.samples if s.cgroup]
        if as_parent(process, "cgroup"):
            later = paths(samples[0].cgroup or ()) if samples else {}
            for name, path in self.stays.unlike_creator(process, later).items():
                stay = CgroupStay(name, path, process.born, "inherited", inferred=True)
                self.stays.change(process.id, name, path, stay)
        if not samples and not writes:
            return
        looked = None if process.outside or process.attached else process.born
        doubtful: set[str] = set()
        for step in _steps(process, samples, writes):
            if isinstance(step.what, Write):
                doubtful |= self._written(process, step.what, step.upcoming)
                continue
            if step.shown is not None and isinstance(step.what, Sample):
                self._sampled(process, step.what, step.shown, looked, doubtful)
            looked = step.what.at

    def _sampled(
        self,
        process: Process,
        sample: Sample,
        shown: State,
        looked: Moment | None,
        doubtful: set[str],
    ) -> None:
        """Note what a sample shows to have changed."""
        before = self.stays.now(process.id)
        changed = {
            name: path
            for name, path in shown.items()
            if path not in (before.get(name), f"{before.get(name)}{_DELETED}")
        }
        found = []
        for name, path in changed.items():
            stay = self._born_there(process, sample, name, path, before.get(name))
            if stay is None:
                how = self._how(name, path, doubtful)
                stay = CgroupStay(name, path, sample.at, how, None, looked)
            found.append(stay)
        for stay in sorted(found, key=lambda s: s.since.seq):
            self.stays.change(process.id, stay.hierarchy, stay.path, stay)

    def _how(self, name: str, path: str, doubtful: set[str]) -> Literal["outside", "seen"]:
        unclear = name in doubtful or last_name(path) in self._writes.unclear
        return "outside" if self._all_recorded and not unclear else "seen"

    def _born_there(
        self, process: Process, sample: Sample, name: str, path: str, before: str | None
    ) -> CgroupStay | None:
        """Return the stay of a process that was not moved: it was where it was found before."""
        creation = process.creation
        read_at_birth = sample.at_event == "birth" and sample is process.samples[0]
        if process.outside or process.attached or creation is None or creation.creator is None:
            return CgroupStay(name, path, sample.at, "first") if before is None else None
        if read_at_birth and name == "" and "CLONE_INTO_CGROUP" in creation.flags:
            return CgroupStay(name, path, process.born, "clone", creation.creator)
        if read_at_birth:
            there = self.stays.at(creation.creator, creation.at.at_ns).get(name) == path
            return CgroupStay(name, path, process.born, "inherited", inferred=not there)
        if before is None:
            return CgroupStay(name, path, sample.at, "first")
        if self._came_with_creator(process, sample, name, path):
            return CgroupStay(name, path, process.born, "inherited", inferred=True)
        return None

    def _came_with_creator(self, process: Process, sample: Sample, name: str, path: str) -> bool:
        """Say whether the creator may have been where the process is when it was born.

        The creator was moved too, between two looks at it, and the birth lies between the two.
        """
        creator = process.creator or ""
        if self.stays.last(process.id, name) is not None:
            return False
        moved = self.stays.last(creator, name)
        if moved is None or moved.path != path or moved.how not in _UNEXPLAINED:
            return False
        early = moved.not_before is None or moved.not_before.seq <= process.born.seq
        return early and process.born.seq <= moved.since.seq

    def _written(self, process: Process, write: Write, upcoming: State) -> set[str]:
        """Note a recorded move; return the hierarchies of which it left open where it went."""
        now = self.stays.now(process.id)
        known = {**upcoming, **now}
        name, path = hierarchy_of(write.directory, known)
        if name is not None:
            path = _path(write, path, upcoming.get(name))
            if path is None:
                return {name}
            if path == now.get(name) or not self._without_effect(process, name, write, upcoming):
                self._move(process, name, path, write)
            return set()
        changing = {
            n: p for n, p in upcoming.items() if p != now.get(n) and _fits(write.directory, p)
        }
        for hierarchy, to in changing.items():
            self._move(process, hierarchy, to, write)
        there = any(_fits(write.directory, path) for path in now.values())
        return set() if changing or there else set(known)

    def _without_effect(self, process: Process, name: str, write: Write, upcoming: State) -> bool:
        """Say whether the next look found a process where it was before a write.

        The file was an ordinary one then, in a folder that is no cgroup's: crun 1.8 makes such
        folders where the v2 hierarchy is not mounted.
        """
        now = self.stays.now(process.id)
        if name not in upcoming or upcoming[name] != now.get(name):
            return False
        later = (w for w in self._writes.of[process.id] if w.at.seq > write.at.seq)
        return not any(hierarchy_of(w.directory, now)[0] == name for w in later)

    def _move(self, process: Process, name: str, path: str, write: Write) -> None:
        if self.stays.now(process.id).get(name) != path:
            stay = CgroupStay(name, path, write.at, "write", write.by)
            self.stays.change(process.id, name, path, stay)
            return
        # It was seen there already. A write is recorded at its return: it had begun before.
        last = self.stays.last(process.id, name)
        if last is None or last.since.seq <= write.previous:
            return
        if last.how in _UNEXPLAINED or last.inferred:
            truth = replace(last, how="write", by=write.by, not_before=None, inferred=True)
            self.stays.correct(process.id, last, truth)


def _inherited(process: Process, key: str, value: Any) -> CgroupStay:
    return CgroupStay(key, value, process.born, "inherited")


def _all_writes_recorded(launch: Launch) -> bool:
    """Say whether every write that a process below the traced command made was recorded."""
    if launch.header.detail != "syscalls" or launch.header.source in ("snapshot", "import"):
        return False
    return not any(p.untraced or p.taken_over for p in launch.inside)


def _steps(process: Process, samples: Sequence[Sample], writes: Sequence[Write]) -> list[_Step]:
    """Return what tells of a process' cgroup, in order; every exec that it made was a look."""
    failed = {s.at.seq for s in process.samples if "cgroup" in s.errors}
    images = (i for i in process.images if not i.inherited and i.at.seq not in failed)
    steps: list[Sample | Write | Image] = sorted(
        [*samples, *images, *writes], key=lambda step: step.at.seq
    )
    found: list[_Step] = []
    upcoming: State = {}
    for what, seen in reversed(list(zip(steps, _seen(steps), strict=True))):
        shown = seen if isinstance(what, Sample) else None
        found.append(_Step(what, shown, upcoming))
        if seen and not isinstance(what, Write):
            upcoming = seen
    return found[::-1]


def _seen(steps: Sequence[Sample | Write | Image]) -> Iterator[State]:
    """Yield what was last seen at each step: an exec that shows nothing new shows the same."""
    seen: State = {}
    for step in steps:
        seen = paths(step.cgroup or ()) if isinstance(step, Sample) else seen
        yield seen


def _path(write: Write, told: str | None, upcoming: str | None) -> str | None:
    """Return the path to which a write moved, as the tracer sees it; None if that is unknown.

    What is seen next there is the best witness, if it agrees. Else the path below the mount is
    the tracer's too, unless the writer was in a container.
    """
    if upcoming is not None and (
        write.directory.endswith(upcoming)
        or (told not in (None, "/") and upcoming.endswith(told or ""))
    ):
        return upcoming
    if told is not None and not write.nested:
        return told
    return upcoming if upcoming is not None and _fits(write.directory, upcoming) else None


def _fits(directory: str, path: str) -> bool:
    """Say whether a directory may be a cgroup, as far as its name tells."""
    return path != "/" and last_name(directory) == last_name(path)
