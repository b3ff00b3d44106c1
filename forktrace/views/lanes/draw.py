"""Draw lanes and the lines between them as plain shapes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import copysign
from typing import Literal

from forktrace.analysis.findings import Role
from forktrace.views.fonts import text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.calls import (
    draw_bracket,
    draw_diamond,
    session_title,
    subreaper_title,
)
from forktrace.views.lanes.columns import Zone
from forktrace.views.lanes.edges import SWING, Edge
from forktrace.views.lanes.field import Field
from forktrace.views.lanes.labels import exec_title, is_alert
from forktrace.views.lanes.moves import CGROUP_KIND
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.notes import ends_words
from forktrace.views.shapes import Box, Curve, Dot, Label, Line, Mark, Polygon
from forktrace.views.source import found_ended

_LIFT: dict[Zone, float] = {"above": -11.0, "beside": 4.0, "below": 17.0}  # of a baseline
ZOMBIE = "zombie"
_STARTS: Literal["start"] = "start"
_ENDS: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class Canvas:
    """Know where everything stands.

    ``left`` is the field's left edge, ``ys`` are the lanes' lines, ``rows`` their upper and lower
    edges.
    """

    plan: Plan
    field: Field
    left: float
    ys: tuple[float, ...]
    rows: tuple[tuple[float, float], ...]

    def x(self, column: int) -> float:
        """Return the x of a column."""
        return self.left + self.field.xs[column]

    def y(self, lane: Lane) -> float:
        """Return the y of a lane's line."""
        return self.ys[lane.index]


def kind_of(role: Role | None) -> str:
    """Return the class that colours a role."""
    return role or "other"


def draw_guide(canvas: Canvas, lane: Lane) -> Iterator[Mark]:
    """Draw the faint line that leads the eye from a name to where its lane begins."""
    start, end = canvas.left - style.GUTTER + 6, _start(canvas, lane) - 8
    for note, text in canvas.field.texts:
        if text and note.lane == lane.index and note.zone == "beside" and note.leftwards:
            end = canvas.x(note.column) + note.offset - text_width(text, note.face) - 5
    if end > start + 20:
        yield Line(start, canvas.y(lane), end, canvas.y(lane), "guide")


def _start(canvas: Canvas, lane: Lane) -> float:
    return canvas.x(lane.birth) - (style.LANE / 2 if lane.birth else 0)


def draw_lane(canvas: Canvas, lane: Lane) -> Iterator[Mark]:
    """Draw a lane from birth to end, with its exec ticks and its cross."""
    y = canvas.y(lane)
    for start, end, role, thin in _stretches(canvas.plan, lane):
        height = style.THIN if thin else style.LANE
        left = _start(canvas, lane) if start == lane.birth else canvas.x(start)
        kind = "outside" if lane.process.outside else f"lane {kind_of(role)}"
        if lane.count > 1:
            kind = kind.replace("lane", "lane-many", 1)
            yield Line(left, y, canvas.x(end), y, kind)
        else:
            yield Box(left, y - height / 2, canvas.x(end) - left, height, kind)
    for column, image in lane.execs:
        x = canvas.x(column)
        for side in (-2.0, 2.0):
            yield Line(x + side, y - 8, x + side, y + 8, "exec", exec_title(image))
    for column in lane.sessions:
        yield from draw_bracket(canvas.x(column), y, session_title(lane))
    if lane.subreaper is not None:
        title = subreaper_title(canvas.plan, lane)
        yield draw_diamond(canvas.x(lane.subreaper), y, title)
    yield from _end(canvas, lane)


def _stretches(plan: Plan, lane: Lane) -> Iterator[tuple[int, int, Role | None, bool]]:
    """Yield the pieces of a lane: first and last column, role, and if it waits in vfork.

    While a process still runs its creator's program it has its creator's colour.
    """
    waits = _waits(plan, lane)
    inherited = _inherited_role(plan, lane)
    first = lane.execs[0][0] if lane.execs else lane.birth
    cuts = {lane.birth, lane.end, first, *(c for wait in waits for c in wait)}
    inner = sorted(c for c in cuts if lane.birth <= c <= lane.end)
    for start, end in pairwise(inner):
        role = inherited if start < first else lane.role
        yield start, end, role, any(a <= start and end <= b for a, b in waits)


def _inherited_role(plan: Plan, lane: Lane) -> Role | None:
    creator = plan.lane_of(lane.process.creator)
    return creator.role if creator is not None else None


def _waits(plan: Plan, lane: Lane) -> list[tuple[int, int]]:
    """Return the columns between which a process waits for a child that it made with vfork."""
    waits = []
    for child in plan.lanes:
        if child.process.creator == lane.process.id and child.process.is_vforked:
            until = child.execs[0][0] if child.execs else child.end
            waits.append((child.birth, until))
    return waits


def _end(canvas: Canvas, lane: Lane) -> Iterator[Mark]:
    x, y = canvas.x(lane.end), canvas.y(lane)
    if lane.process.outside or lane.unseen:
        return
    if lane.end == canvas.plan.last:
        role = kind_of(lane.role)
        yield Polygon(((x, y - 6), (x + 9, y), (x, y + 6)), f"onward {role}")
        words = ends_words(canvas.plan.launch, lane.row.ids)
        yield Label(x + 14, y + 4, words, style.WORD, "word")
        return
    failed = is_alert(ends_words(canvas.plan.launch, lane.row.ids))
    kind = "cross alert" if failed and lane.process.exit else "cross"
    yield Line(x - 5, y - 5, x + 5, y + 5, kind)
    yield Line(x - 5, y + 5, x + 5, y - 5, kind)
    start, gone = _after_end(canvas, lane), canvas.x(lane.gone)  # not through the exit code
    if found_ended(canvas.plan.launch, lane.process):
        yield Label(gone + 14, y + 4, ZOMBIE, style.WORD, "word")
    if start < gone:
        yield Line(gone, y, start, y, f"zombie {kind_of(lane.role)}")


def _after_end(canvas: Canvas, lane: Lane) -> float:
    """Return the x right of a lane's cross and of the words beside it."""
    words = [
        note.offset + text_width(text, note.face)
        for note, text in canvas.field.texts
        if text and (note.lane, note.zone, note.column) == (lane.index, "beside", lane.end)
    ]
    return canvas.x(lane.end) + max(words, default=2.0) + 5


def draw_notes(canvas: Canvas, lane: Lane) -> Iterator[Mark]:
    """Draw the texts beside a lane's marks, and the tick where it was seen in another cgroup."""
    y = canvas.y(lane)
    for note, text in canvas.field.texts:
        if note.lane != lane.index:
            continue
        x = canvas.x(note.column)
        if note.kind == CGROUP_KIND:
            tick = x + copysign(style.CGROUP if text else style.CGROUP_TIGHT, note.offset)
            reach = -17 if note.zone == "above" else 17
            yield Line(tick, y, tick, y + reach, "cgroup", note.title)
        if text:
            start = x + note.offset
            anchor = _ENDS if note.leftwards else _STARTS
            line = y + _LIFT[note.zone]
            yield Label(start, line, text, note.face, note.kind, anchor, note.title)


def draw_edge(canvas: Canvas, edge: Edge) -> Iterator[Mark]:
    """Draw a line between lanes, without what stands on the lanes."""
    x = canvas.x(edge.column) + edge.shift
    y1, y2 = canvas.y(edge.source), canvas.y(edge.target)
    down = 1.0 if y2 > y1 else -1.0
    if edge.kind == "adopt":
        reach = (y2 - y1) * 0.55
        end = y2 - down * (style.LANE / 2 + 7)
        yield Curve(
            (x, y1),
            (x, y1 + reach),
            (x + SWING, end - reach),
            (x + SWING, end),
            "adopt",
            edge.title,
        )
        return
    end = y2 - down * (style.LANE / 2 + (0 if edge.kind in ("tie", "stand") else 7))
    yield Line(x, y1, x, end, edge.kind, edge.title)


def draw_edge_ends(canvas: Canvas, edge: Edge) -> Iterator[Mark]:
    """Draw an edge's dot and arrowhead, which stand on top of the lanes."""
    x = canvas.x(edge.column) + edge.shift
    y1, y2 = canvas.y(edge.source), canvas.y(edge.target)
    down = 1.0 if y2 > y1 else -1.0
    tip = y2 - down * style.LANE / 2
    if edge.kind == "create":
        yield Dot(x, y1, 3.6, "create-dot")
        yield _arrowhead(x, tip, down, "create-head")
    elif edge.kind == "stand":
        yield Dot(x, y2, 2.6, "stand-dot")
    elif edge.kind == "tie":
        yield Dot(x, y1, 2.6, "tie-dot")
    elif edge.kind == "reap":
        yield _arrowhead(x, tip, down, "reap-head")
    else:
        yield Dot(x, y1, 3.6, "adopt-dot")
        yield _arrowhead(x + SWING, tip, down, "adopt-head")


def _arrowhead(x: float, tip: float, down: float, kind: str) -> Polygon:
    base = tip - down * 8
    return Polygon(((x - 4, base), (x + 4, base), (x, tip)), kind)
