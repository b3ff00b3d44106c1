"""Know how far apart marks must stand that would else be read as one, where there is room."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from forktrace.views.lanes import style
from forktrace.views.lanes.columns import Need
from forktrace.views.lanes.edges import Edge
from forktrace.views.lanes.plan import Lane, Plan

_CROSS = 5.0  # px that a cross takes left and right of its column
_HEAD = 4.0  # the same of an arrowhead
_CLEAR = 10.0  # px between a line and a cross that it runs past, and between two arrowheads
_SEEN = 20.0  # px of a container's own program, however short it ran
_AFTER_BRACKET = 13.0
_BESIDE_MOVE = 2 * style.CGROUP  # the tick is a mark too, beside its column


def clearances(plan: Plan, edges: Sequence[Edge]) -> list[Need]:
    """Return what should stand apart, whatever the texts."""
    return [
        *_own_programs(plan),
        *_after_brackets(plan),
        *_beside_moves(plan),
        *_past_crosses(plan, edges),
        *_between_heads(edges),
    ]


def _own_programs(plan: Plan) -> Iterator[Need]:
    """Yield the room in which it is seen that a container ran something."""
    for lane in plan.lanes:
        if lane.role == "container" and lane.execs and lane.execs[-1][0] < lane.end < plan.last:
            yield Need(lane.execs[-1][0], lane.end, _SEEN)


def _after_brackets(plan: Plan) -> Iterator[Need]:
    for lane in plan.lanes:
        for column in lane.sessions:
            after = [at for at in _marks(lane) if at > column]
            yield from (Need(column, at, _AFTER_BRACKET) for at in after[:1])


def _beside_moves(plan: Plan) -> Iterator[Need]:
    """Yield the room for a tick, so that one between two execs is none of their strokes."""
    for move in plan.moves:
        after = [at for at in _marks(move.lane) if at > move.column > 0]
        before = [at for at in _marks(move.lane) if at < move.column]
        yield from (Need(move.column, at, _BESIDE_MOVE) for at in after[:1])
        yield from (Need(at, move.column, _BESIDE_MOVE) for at in before[-1:])


def _marks(lane: Lane) -> list[int]:
    """Return the columns with a mark of a lane's own, in order."""
    return sorted({*(at for at, _ in lane.execs), *lane.sessions, lane.end})


def _past_crosses(plan: Plan, edges: Sequence[Edge]) -> Iterator[Need]:
    """Yield what a line needs that runs past a cross in the column beside its own."""
    ends = {lane.end: lane.index for lane in plan.lanes if 0 < lane.end < plan.last}
    for edge in edges:
        top, bottom = edge.rows
        if edge.kind == "adopt":
            continue  # it begins where a parent ends, and that may be seen
        if top < ends.get(edge.column - 1, -1) < bottom:
            yield Need(edge.column - 1, edge.column, _CROSS + _CLEAR - edge.shift)
        if top < ends.get(edge.column + 1, -1) < bottom:
            yield Need(edge.column, edge.column + 1, _CROSS + _CLEAR + edge.shift)


def _between_heads(edges: Sequence[Edge]) -> Iterator[Need]:
    """Yield what two waits of one process need."""
    reaps = [edge for edge in edges if edge.kind == "reap"]
    for before, after in pairwise(reaps):
        if before.target is after.target:
            yield Need(before.column, after.column, 2 * _HEAD + _CLEAR)
