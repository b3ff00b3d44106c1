"""List the steps that a reader goes through a launch by: what happened, in the order of its lanes.

A step is an event that changes the process tree or what a process is. Where the kernel had moved
the children of a dying process before its death was reported, the death stands first, as in the
lanes: kernel/exit.c, exit_notify, does both at once.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from forktrace.analysis.findings import Findings
from forktrace.model.facts import Adoption, Exit, Moment
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process

StepKind = Literal["birth", "exec", "exit", "adopt", "reap", "session", "subreaper"]


@dataclass(frozen=True, slots=True)
class Step:
    """Be one step: ``at`` is its event, ``order`` what sorts it, ``other`` the second process.

    That is the creator of a birth, the new parent of an adoption, who waited of a reap.
    """

    order: float
    kind: StepKind
    process: str
    at: Moment
    other: str | None = None
    image: Image | None = None
    adoption: Adoption | None = None
    end: Exit | None = None


def find_steps(launch: Launch, findings: Findings) -> list[Step]:
    """Return all steps of a launch, in order. A snapshot has none: it is one moment."""
    if launch.header.source == "snapshot":
        return []
    bereaved = _bereaved(launch)
    steps = [s for p in launch.inside for s in _steps(launch, findings, p, bereaved)]
    steps.sort(key=lambda step: step.order)
    return steps


class StepFinder:
    """Find the step by which something was known that stands at a position in the trace."""

    def __init__(self, launch: Launch, steps: list[Step]) -> None:
        self._seen = _running_most([_last_of_the_stop(launch, s.at.seq) for s in steps])

    def at(self, seq: int) -> int:
        """Return the first step at or after an event; the number of steps where all are before."""
        return bisect_left(self._seen, seq)


def _running_most(values: list[int]) -> list[int]:
    most = -1
    return [most := max(most, value) for value in values]


def _last_of_the_stop(launch: Launch, seq: int) -> int:
    """Return the last event of the same time, read at the same stop; a log's times are coarse."""
    times = () if launch.header.source == "import" else launch.times_ns
    while seq + 1 < len(times) and times[seq + 1] == times[seq]:
        seq += 1
    return seq


def _steps(
    launch: Launch, findings: Findings, process: Process, bereaved: dict[str, int]
) -> Iterator[Step]:
    id_ = process.id
    own = process.own_images
    if not process.attached and not (id_ == launch.root and own):
        yield Step(process.born.seq, "birth", id_, process.born, process.creator)
    for image in own:
        if not (process.attached and image.at.seq <= process.born.seq):
            yield Step(image.at.seq, "exec", id_, image.at, image=image)
    for adoption in process.adoptions:
        yield Step(adoption.at.seq, "adopt", id_, adoption.at, adoption.parent, adoption=adoption)
    if process.exit is not None:
        at = process.exit.at
        order = min(at.seq, bereaved.get(id_, at.seq + 1) - 0.5)
        yield Step(order, "exit", id_, at, end=process.exit)
    if process.reap is not None:
        yield Step(process.reap.at.seq, "reap", id_, process.reap.at, process.reap.by)
    for call in process.calls:
        if call.name == "setsid" and call.error is None:
            yield Step(call.at.seq, "session", id_, call.at)
    subreaper = findings.subreapers.get(id_)
    if subreaper is not None and subreaper.at is not None:
        yield Step(subreaper.at.seq, "subreaper", id_, subreaper.at)


def _bereaved(launch: Launch) -> dict[str, int]:
    """Map who died to when a child of it was first seen with another parent."""
    first: dict[str, int] = {}
    for process in launch.inside:
        for adoption in process.adoptions:
            if adoption.death:
                seq = adoption.at.seq
                first[adoption.death] = min(seq, first.get(adoption.death, seq))
    return first
