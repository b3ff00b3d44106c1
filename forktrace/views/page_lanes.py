"""Know where each row and each column of a lane diagram stands, for a page that moves them."""

from dataclasses import dataclass, replace

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.views.lanes.layout import lay_out_lanes
from forktrace.views.options import ViewOptions
from forktrace.views.page_steps import Step
from forktrace.views.shapes import Picture

MOST_PROCESSES = 500  # lanes that stand in the page as a picture
WIDTH = 1180  # px: names and words can be read beside the other panels


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
    """Lay out the lanes, and say where their rows and columns stand.

    Raises:
        UsageError: what the user asked to see is not in the trace.
    """
    picture, canvas = lay_out_lanes(launch, findings, options)
    rows = tuple(
        PageRow(lane.process.id, top, canvas.y(lane), bottom)
        for lane, (top, bottom) in zip(canvas.plan.lanes, canvas.rows, strict=True)
    )
    number = {(s.order, s.kind, s.process): i for i, s in enumerate(steps)}
    columns = []
    for column, event in canvas.plan.numbered():
        key = (event.order, event.kind, canvas.plan.lanes[event.lane].process.id)
        if key in number:
            columns.append((canvas.x(column), number[key]))
    return PageLanes(picture, rows, tuple(columns))
