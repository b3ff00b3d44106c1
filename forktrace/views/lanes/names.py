"""Draw the column of names at the left of the lanes."""

from collections.abc import Iterator

from forktrace.views.fonts import Face, fit, text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.labels import (
    badge,
    command_words,
    detail_line,
    exec_title,
    lane_title,
    name_line,
)
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.shapes import Box, Label, Mark

_WIDEST = 250.0  # px for the whole column
_WIDEST_DENSE = 400.0  # the same where the command lines stand there
_SPACE = 6.0
_PILL = 14.0  # px that a badge's frame adds to its text


def names_width(plan: Plan, dense: bool) -> float:
    """Return the px that the longest name needs, within bounds."""
    widest = max((_width(plan, lane, dense) for lane in plan.lanes), default=0.0)
    commands = dense or any(lane.process.attached for lane in plan.lanes)
    return min(widest, _WIDEST_DENSE if commands else _WIDEST)


def _width(plan: Plan, lane: Lane, dense: bool) -> float:
    first = _id_width(plan) + text_width(name_line(lane), style.NAME)
    text, face, _ = _second(lane, dense)
    return max(first + _badge_width(plan, lane, dense), text_width(text, face))


def _id_width(plan: Plan) -> float:
    return _SPACE + max(text_width(lane.process.id, style.ID) for lane in plan.lanes)


def _badge_width(plan: Plan, lane: Lane, dense: bool) -> float:
    text = badge(plan, lane, dense)
    return text_width(text, style.BADGE) + _PILL + 8 if text else 0.0


def _second(lane: Lane, dense: bool) -> tuple[str, Face, str]:
    """Return the second line: what a process is, or what it was called.

    The latter where the field is full, and of what ran before the trace, which has no exec there.
    """
    images = [image for image in lane.process.images if not image.inherited]
    if images and (dense or lane.process.attached):
        words = [command_words(lane, image, style.MOST_CHARS) for image in images]
        return " → ".join(dict.fromkeys(words)), style.DETAIL_ARGV, "detail-argv"
    return detail_line(lane), style.DETAIL, "detail"


def draw_name(plan: Plan, lane: Lane, y: float, width: float, dense: bool) -> Iterator[Mark]:
    """Draw the two lines that name a lane, right and left edge ``width`` px apart."""
    process = lane.process
    title = lane_title(plan, lane)
    yield Label(style.MARGIN, y - 2, process.id, style.ID, "id", title=title)
    start = style.MARGIN + _id_width(plan)
    room = style.MARGIN + width - start - _badge_width(plan, lane, dense)
    name = fit(name_line(lane), style.NAME, room)
    yield Label(start, y - 2, name, style.NAME, "name", title=title)
    text, face, kind = _second(lane, dense)
    if kind == "detail-argv":
        title = exec_title(process.images[-1])
    yield Label(style.MARGIN, y + 13, fit(text, face, width), face, kind, title=title)
    yield from _badge(plan, lane, y, style.MARGIN + width, dense)


def _badge(plan: Plan, lane: Lane, y: float, right: float, dense: bool) -> Iterator[Mark]:
    text = badge(plan, lane, dense)
    if not text:
        return
    width = text_width(text, style.BADGE) + _PILL
    yield Box(right - width, y - 14, width, 15, "badge-frame", radius=7.5)
    yield Label(right - width / 2, y - 3, text, style.BADGE, "badge", "middle")
