"""Know where each row and each column of a lane diagram stands, for a page that moves them."""

from dataclasses import dataclass, replace

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.views.lanes import layout, style
from forktrace.views.lanes.edges import find_edges
from forktrace.views.lanes.frames import find_frames
from forktrace.views.lanes.plan import make_plan
from forktrace.views.options import ViewOptions
from forktrace.views.page_steps import Step
from forktrace.views.select.choose import asked_for, limited
from forktrace.views.select.limits import MAX_ROWS
from forktrace.views.select.scene import by_creator
from forktrace.views.select.selection import apply
from forktrace.views.shapes import Box, Group, Line, Picture

MOST_PROCESSES = 500  # lanes that stand in the page as a picture
WIDTH = 1180  # px: the names and words can be read beside the other panels


@dataclass(frozen=True, slots=True)
class PageRow:
    """Be a lane: its process, its line, and the upper and lower edge of its row, in px."""

    process: str
    top: float
    y: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PageLanes:
    """Be a lane diagram with its rows, and its columns as (x, number of the step)."""

    picture: Picture
    rows: tuple[PageRow, ...]
    columns: tuple[tuple[float, int], ...]


def whole(launch: Launch, options: ViewOptions) -> ViewOptions:
    """Return the options by which every lane of a small launch has a row of its own."""
    count = sum(1 for _ in launch.inside)
    most = options.max_processes or (MOST_PROCESSES if count <= MOST_PROCESSES else None)
    return replace(options, max_processes=most, width=options.width or WIDTH)


def lay_out_page(
    launch: Launch, findings: Findings, options: ViewOptions, steps: list[Step]
) -> PageLanes:
    """Lay out the lanes, and find out where their rows and columns stand.

    Raises:
        UsageError: what the user asked to see is not in the trace.
    """
    picture = layout.lay_out(launch, findings, options)
    passes = [*asked_for(options), *limited(options, MAX_ROWS)]
    plan = make_plan(launch, findings, apply(by_creator(launch, findings), passes))
    if options.time:
        plan.times = layout.column_times(launch, [event.order for event in plan.events])
    edges, frames = find_edges(plan), find_frames(plan)
    left, field = layout._arranged(plan, edges, frames, float(options.width or style.WIDTH))
    ys, spans = layout._rows(plan, field, frames, 0.0)
    shift = _first_line(picture) - ys[0] if ys else 0.0
    rows = tuple(
        PageRow(lane.process.id, top + shift, y + shift, bottom + shift)
        for lane, y, (top, bottom) in zip(plan.lanes, ys, spans, strict=True)
    )
    number = {(s.order, s.kind, s.process): i for i, s in enumerate(steps)}
    columns = []
    for column, event in plan.numbered():
        key = (event.order, event.kind, plan.lanes[event.lane].process.id)
        if key in number:
            columns.append((left + field.xs[column], number[key]))
    return PageLanes(picture, rows, tuple(columns))


def _first_line(picture: Picture) -> float:
    """Return the y of the first lane's line."""
    for item in picture.items:
        for mark in item.marks if isinstance(item, Group) else ():
            kind = mark.kind.split()[0]
            if isinstance(mark, Box) and kind in ("lane", "outside"):
                return mark.y + mark.height / 2
            if isinstance(mark, Line) and kind == "lane-many":
                return mark.y1
    return 0.0
