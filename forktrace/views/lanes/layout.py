"""Put the whole lane diagram together, as plain shapes."""

from itertools import accumulate, chain, pairwise
from typing import NamedTuple

from forktrace.analysis.findings import Findings
from forktrace.errors import UsageError
from forktrace.model.launch import Launch
from forktrace.views.fonts import text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.caption import command_of, draw_caption, draw_title
from forktrace.views.lanes.clock import column_times, draw_axis
from forktrace.views.lanes.draw import (
    ZOMBIE,
    Canvas,
    draw_edge,
    draw_edge_ends,
    draw_guide,
    draw_lane,
    draw_notes,
    kind_of,
)
from forktrace.views.lanes.edges import Edge, find_edges
from forktrace.views.lanes.field import Aside, Field, arrange
from forktrace.views.lanes.frames import Frame, draw_frames, find_frames, name_needs
from forktrace.views.lanes.labels import lane_title, make_notes
from forktrace.views.lanes.legend import draw_legend
from forktrace.views.lanes.names import draw_name, has_third, names_width
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.lanes.planning import make_plan
from forktrace.views.notes import ends_words
from forktrace.views.options import ViewOptions
from forktrace.views.select.choose import asked_for, folded, limited
from forktrace.views.select.limits import MAX_ROWS
from forktrace.views.select.scene import by_creator
from forktrace.views.select.selection import Selection, apply
from forktrace.views.shapes import Box, Group, Line, Mark, Picture
from forktrace.views.source import found_ended
from forktrace.views.story import tell

_AXIS = 34.0  # px that the axis of time takes
_ATTEMPTS = 4  # to find how wide the names are: that depends on what the field has no room for


def lay_out(launch: Launch, findings: Findings, options: ViewOptions) -> Picture:
    """Lay out a launch as lanes, at most ``options.width`` px wide where that is possible.

    Above some sixty processes alike ones and ended subtrees are folded, and the caption says so.

    Raises:
        UsageError: what the user asked to see is not in the trace.
    """
    return lay_out_lanes(launch, findings, options)[0]


def lay_out_lanes(
    launch: Launch, findings: Findings, options: ViewOptions
) -> tuple[Picture, Canvas]:
    """Do the same, and also return where each lane and column stands in the picture.

    Raises:
        UsageError: what the user asked to see is not in the trace.
    """
    passes = [*asked_for(options), *folded(options), *limited(options, MAX_ROWS)]
    selection = apply(by_creator(launch, findings), passes)
    most = float(options.width or style.WIDTH)
    if options.time:
        _require_times(launch)
    plan, edges, frames, left, field = _arrangement(launch, findings, selection, options)
    command = command_of(plan)
    titled = min(text_width(command, style.TITLE) + 2 * style.MARGIN, style.TITLE_WIDTH)
    least = min(max(style.LEAST_WIDTH, titled), most)
    width = max(left + field.width + _right_margin(plan), least)
    header, top = draw_title(plan, command, width)
    axis: list[Mark] = []
    if plan.times:
        axis = list(draw_axis(plan.times, [left + x for x in field.xs], top + _AXIS - 8))
        top += _AXIS
    ys, rows = _rows(plan, field, frames, top)
    canvas = Canvas(plan, field, left, ys, rows)
    bottom = rows[-1][1] if rows else top
    legend, y = draw_legend(plan, edges, frames, bottom + 34, width)
    caption, y = draw_caption(plan, field, y + 10, width)
    picture = Picture(width, y + 8, command, tell(launch, findings))
    picture.items += [Box(0, 0, width, y + 8, "page"), *header, *axis]
    picture.items += draw_frames(canvas, frames, edges, width)
    picture.items += chain.from_iterable(draw_guide(canvas, lane) for lane in plan.lanes)
    picture.items += chain.from_iterable(draw_edge(canvas, edge) for edge in edges)
    picture.items += (_group(canvas, lane) for lane in plan.lanes)
    picture.items += chain.from_iterable(draw_edge_ends(canvas, edge) for edge in edges)
    rule = Line(style.MARGIN, bottom + 10, width - style.MARGIN, bottom + 10, "rule")
    picture.items += [rule, *legend, *caption]
    return picture, canvas


def _require_times(launch: Launch) -> None:
    if launch.header.source == "snapshot":
        raise UsageError("a snapshot is one moment: leave --time out")
    if not launch.header.times:
        raise UsageError("this trace has no times, only an order of events: leave --time out")


class _Arrangement(NamedTuple):
    """Be what stands where: ``left`` is the x of the field's left edge."""

    plan: Plan
    edges: list[Edge]
    frames: list[Frame]
    left: float
    field: Field


def _arrangement(
    launch: Launch, findings: Findings, selection: Selection, options: ViewOptions
) -> _Arrangement:
    """Arrange all; leave out waits that are a matter of course if command lines then have room."""

    def attempt(*, plain_waits: bool) -> _Arrangement:
        plan = make_plan(launch, findings, selection, plain_waits=plain_waits)
        if options.time:
            plan.times = column_times(launch, [event.order for event in plan.events])
        edges, frames = find_edges(plan), find_frames(plan)
        left, field = _arranged(plan, edges, frames, float(options.width or style.WIDTH))
        return _Arrangement(plan, edges, frames, left, field)

    whole = attempt(plain_waits=True)
    if whole.field.aside == Aside():
        return whole
    calmer = attempt(plain_waits=False)
    return min(whole, calmer, key=lambda tried: _left_aside(tried, options))


def _left_aside(arrangement: _Arrangement, options: ViewOptions) -> tuple[float, int, int]:
    """Return how much too wide an arrangement is, and how many words are not at their marks."""
    plan, field = arrangement.plan, arrangement.field
    taken = arrangement.left + field.width + _right_margin(plan)
    unwritten = sum(not text for _, text in field.texts)
    over = max(0.0, taken - float(options.width or style.WIDTH))
    return over, len(field.aside.ends), unwritten + len(field.aside.commands)


def _arranged(
    plan: Plan, edges: list[Edge], frames: list[Frame], most: float
) -> tuple[float, Field]:
    """Return the x of the field's left edge, and the field."""
    notes = make_notes(plan)
    aside = Aside()
    for _ in range(_ATTEMPTS):
        left = style.MARGIN + names_width(plan, aside) + style.GUTTER
        around = left + _right_margin(plan)
        needs = name_needs(frames, edges, left - style.MARGIN)
        field = arrange(plan, edges, notes, most - around, style.LEAST_WIDTH - around, needs)
        if field.aside == aside:
            break
        aside = field.aside
    return left, field


def _right_margin(plan: Plan) -> float:
    """Return the px right of the field: more where it must be said that processes run on."""
    lasting = [p.row.ids for p in plan.lanes if p.end == plan.last and not p.process.outside]
    words = [text_width(ends_words(plan.launch, ids), style.WORD) for ids in lasting]
    if any(found_ended(plan.launch, lane.process) for lane in plan.lanes):
        words.append(text_width(ZOMBIE, style.WORD))
    return style.MARGIN + max((14 + width for width in words), default=0.0)


def _rows(
    plan: Plan, field: Field, frames: list[Frame], top: float
) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    """Return the y of each lane's line, and the upper and lower edge of its row."""
    below = {note.lane for note, text in field.texts if text and note.zone == "below"}
    above = any(text and note.zone == "above" for note, text in field.texts)
    ups = [style.UP_TEXT if above else style.UP] * len(plan.lanes)
    downs = [style.DOWN_TEXT if lane.index in below else style.DOWN for lane in plan.lanes]
    for lane in plan.lanes:
        if has_third(plan, lane, field.aside):
            downs[lane.index] = style.DOWN_THIRD
    for frame in frames:
        if frame.container is not None:
            ups[frame.lanes[0].index] += style.FRAME_TOP
            downs[frame.lanes[-1].index] += style.FRAME_BOTTOM
    edges = list(accumulate((u + d for u, d in zip(ups, downs, strict=True)), initial=top))
    ys = tuple(start + up for start, up in zip(edges, ups, strict=False))
    return ys, tuple(pairwise(edges))


def _group(canvas: Canvas, lane: Lane) -> Group:
    plan = canvas.plan
    width = canvas.left - style.GUTTER - style.MARGIN
    names = draw_name(plan, lane, canvas.y(lane), width, canvas.field.aside)
    marks: list[Mark] = [*names, *draw_lane(canvas, lane), *draw_notes(canvas, lane)]
    return Group(
        lane.process.id, f"process {kind_of(lane.role)}", lane_title(plan, lane), tuple(marks)
    )
