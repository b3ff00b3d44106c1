"""Find the lines between lanes: who created whom, who is whose parent, who adopted whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from forktrace.model.facts import Creation
from forktrace.model.process import Process
from forktrace.views.lanes.columns import Room, Span, Zone
from forktrace.views.lanes.plan import Event, Lane, Plan

EdgeKind = Literal["stand", "create", "tie", "adopt", "reap"]

SWING = 20.0  # px that an adoption's curve moves right on its way
_TIE = 7.0  # px between a creation and the tie to the real parent beside it
_HALF = 5.0  # px that an arrowhead or a dot takes left and right of its line
_LEAST_TAIL = 14.0  # px of a zombie's tail that can be seen


@dataclass(frozen=True, slots=True)
class Edge:
    """Be a line at a column from one lane to another, ``shift`` px right of the column."""

    kind: EdgeKind
    column: int
    source: Lane
    target: Lane
    shift: float = 0.0
    title: str = ""

    @property
    def rows(self) -> tuple[int, int]:
        """Return the upper and the lower lane's index."""
        first, second = self.source.index, self.target.index
        return min(first, second), max(first, second)

    def spans(self) -> Iterator[tuple[int, Zone, Span]]:
        """Yield the zones of lanes that the line runs through, with the width it takes there."""
        top, bottom = self.rows
        end = self.shift + SWING if self.kind == "adopt" else self.shift
        wide = Span(self.column, self.shift - _HALF, end + _HALF)
        at_source = Span(self.column, self.shift - _HALF, self.shift + _HALF + 2)
        at_target = Span(self.column, end - _HALF - 2, end + _HALF)
        upper, lower = (
            (at_source, at_target) if self.source.index == top else (at_target, at_source)
        )
        yield top, "below", upper
        yield bottom, "above", lower
        for row in range(top + 1, bottom):
            yield from ((row, "above", wide), (row, "beside", wide), (row, "below", wide))


def find_edges(plan: Plan) -> list[Edge]:
    """Return all lines, in the order of their columns."""
    edges: list[Edge] = []
    for column, event in plan.numbered():
        lane = plan.lanes[event.lane]
        if event.kind == "stand":
            edges.extend(_standing_edges(plan, lane, column))
        elif event.kind == "birth":
            edges.extend(_birth_edges(plan, lane, column))
        elif event.kind == "adopt":
            edges.extend(_adoption_edges(plan, lane, column, event))
        elif event.kind == "reap":
            edges.extend(_reap_edges(plan, lane, column))
    return edges


def reserve(plan: Plan, edges: list[Edge], room: Room) -> None:
    """Keep notes off the lines and the zombies' tails."""
    for lane in plan.lanes:
        if lane.gone > lane.end:
            room.take(lane.index, "beside", Span(lane.gone, -_LEAST_TAIL, 0))
    for edge in edges:
        if edge.kind == "stand":  # its end stands on a lane that may be no more than a note
            room.take(edge.target.index, "beside", Span(edge.column, -_HALF, _HALF))
        for row, zone, span in edge.spans():
            room.take(row, zone, span)


def _standing_edges(plan: Plan, lane: Lane, column: int) -> Iterator[Edge]:
    """Yield the ties from a process to its children of before, each from the one above it on."""
    parent = lane.process.id
    above = lane
    for child in plan.lanes:
        if child.process.attached and child.process.parent == parent:
            title = f"{parent} was the parent of {child.process.id} when it was first looked at"
            yield Edge("stand", column, above, child, title=title)
            above = child


def _birth_edges(plan: Plan, lane: Lane, column: int) -> Iterator[Edge]:
    process = lane.process
    creator, parent = plan.lane_of(process.creator), plan.lane_of(process.parent)
    if creator is not None:
        yield Edge("create", column, creator, lane, title=birth_title(process, lane.count))
    if parent is not None and parent is not creator:
        shift = _TIE if creator is not None else 0.0
        known = "inferred from the clone flags" if process.parent_inferred else "from birth on"
        title = f"{parent.process.id} is the real parent of {process.id}, {known}"
        yield Edge("tie", column, parent, lane, shift, title)


def _adoption_edges(plan: Plan, lane: Lane, column: int, event: Event) -> Iterator[Edge]:
    adopter = plan.lane_of(event.adoption.parent) if event.adoption else None
    if adopter is not None and event.adoption is not None:
        yield Edge("adopt", column, lane, adopter, title=adoption_title(plan, lane, event))


def _reap_edges(plan: Plan, lane: Lane, column: int) -> Iterator[Edge]:
    waiter = plan.lane_of(lane.process.reap.by) if lane.process.reap else None
    if waiter is not None:
        title = f"{waiter.process.id} waited for {lane.process.id} and took its exit status"
        yield Edge("reap", column, lane, waiter, title=title)


def adoption_title(plan: Plan, lane: Lane, event: Event) -> str:
    """Say in a sentence who adopted whom and why."""
    adoption = event.adoption
    assert adoption is not None  # an "adopt" event has one
    adopter = plan.lanes[plan.index[adoption.parent]]
    words = f"{adoption.parent} {adopter.name} became the parent of {lane.process.id}"
    words += f" and of {lane.count - 1} more alike" if lane.count > 1 else ""
    if adoption.death is None:
        return f"{words} (first seen here)"
    return f"{words} when {adoption.death} died" + (" (inferred)" if adoption.inferred else "")


def birth_word(creation: Creation | None) -> str:
    """Say in a word how a process was made, as the kernel's own events tell them apart.

    vfork is any call with CLONE_VFORK (kernel/fork.c, kernel_clone); a clone that shares nothing
    with its caller and asks for nothing new is what the C library's fork() does.
    """
    if creation is None or creation.how is None:
        return ""
    if creation.is_vfork:
        return "vfork"
    plain = {"CLONE_CHILD_CLEARTID", "CLONE_CHILD_SETTID", "CLONE_PARENT_SETTID", "CLONE_PIDFD"}
    return "fork" if set(creation.flags) <= plain else creation.how


def birth_title(process: Process, count: int) -> str:
    """Say which system call made a process, with all its flags."""
    creation = process.creation
    alike = f" (and {count - 1} more alike)" if count > 1 else ""
    if creation is None or creation.how is None:
        return f"{process.creator or 'an unseen process'} created {process.id}{alike}"
    call = f"{creation.how}({' | '.join([*creation.flags, creation.exit_signal or '0'])})"
    caller = f", called by thread {creation.tid}" if creation.tid else ""
    return f"{process.creator} created {process.id}{alike}: {call}{caller}"
