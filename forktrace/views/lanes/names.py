"""Draw the column of names at the left of the lanes."""

from collections.abc import Iterator

from forktrace.views.fonts import Face, fit, text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.commands import command_words
from forktrace.views.lanes.field import Aside
from forktrace.views.lanes.labels import (
    badge,
    detail_line,
    exec_title,
    lane_title,
    name_line,
)
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.shapes import Box, Label, Mark

_WIDEST = 280.0  # px for the whole column
_WIDEST_ASIDE = 190.0  # px that a few command lines there may widen it to
_WIDEST_CROWDED = 400.0  # the same where the command lines stand there
_MANY = 8  # lanes of what ran before the trace
_LEADING = 14.0
_SPACE = 6.0
_PILL = 14.0  # px that a badge's frame adds to its text


def names_width(plan: Plan, aside: Aside) -> float:
    """Return the px that the longest name needs, within bounds."""
    widest = max((_width(plan, lane, aside) for lane in plan.lanes), default=0.0)
    return min(widest, _WIDEST_CROWDED if aside.crowded or _many_stand(plan) else _WIDEST)


def _many_stand(plan: Plan) -> bool:
    """Say whether much ran before the trace, so that names alone tell what it was."""
    return sum(lane.process.attached for lane in plan.lanes) > _MANY


def _width(plan: Plan, lane: Lane, aside: Aside) -> float:
    first = _id_width(plan) + text_width(name_line(lane), style.NAME)
    below = [text_width(text, face) for text, face, _ in _below(plan, lane, aside)]
    if len(below) > 1:
        below[-1] = min(below[-1], _WIDEST_ASIDE)
    return max(first + _badge_width(plan, lane, aside), *below)


def _id_width(plan: Plan) -> float:
    return _SPACE + max(text_width(lane.process.id, style.ID) for lane in plan.lanes)


def _badge_width(plan: Plan, lane: Lane, aside: Aside) -> float:
    text = _badge_words(plan, lane, aside)
    return text_width(text, style.BADGE) + _PILL + 8 if text else 0.0


def _badge_words(plan: Plan, lane: Lane, aside: Aside) -> str:
    born, ended = lane.index in aside.births, lane.index in aside.ends
    return badge(plan, lane, with_birth=born, with_end=ended)


def has_third(plan: Plan, lane: Lane, aside: Aside) -> bool:
    """Say whether three lines name a lane."""
    return len(_below(plan, lane, aside)) > 1


def _below(plan: Plan, lane: Lane, aside: Aside) -> list[tuple[str, Face, str]]:
    """Return the lines under the name: what a process is, and what it was called.

    The latter where the field has no room for it, and of what ran before the trace, which has no
    exec there. If there are very many of those they stand alone.
    """
    detail = (detail_line(lane), style.DETAIL, "detail")
    images = lane.process.own_images
    moved = lane.index in aside.commands
    words = dict.fromkeys(command_words(lane, image, style.MOST_CHARS) for image in images)
    stands = lane.process.attached and [*words] != [lane.name]
    if not words or not (moved or stands):
        return [detail]
    commands = (" → ".join(words), style.DETAIL_ARGV, "detail-argv")
    alone = aside.crowded if moved else _many_stand(plan)
    return [commands] if alone else [detail, commands]


def draw_name(plan: Plan, lane: Lane, y: float, width: float, aside: Aside) -> Iterator[Mark]:
    """Draw the lines that name a lane, right and left edge ``width`` px apart."""
    process = lane.process
    title = lane_title(plan, lane)
    yield Label(style.MARGIN, y - 2, process.id, style.ID, "id", title=title)
    start = style.MARGIN + _id_width(plan)
    room = style.MARGIN + width - start - _badge_width(plan, lane, aside)
    name = fit(name_line(lane), style.NAME, room)
    yield Label(start, y - 2, name, style.NAME, "name", title=title)
    for i, (text, face, kind) in enumerate(_below(plan, lane, aside)):
        if kind == "detail-argv":
            title = exec_title(process.images[-1])
        line = y + 13 + i * _LEADING
        yield Label(style.MARGIN, line, fit(text, face, width), face, kind, title=title)
    yield from _badge(plan, lane, y, style.MARGIN + width, aside)


def _badge(plan: Plan, lane: Lane, y: float, right: float, aside: Aside) -> Iterator[Mark]:
    text = _badge_words(plan, lane, aside)
    if not text:
        return
    width = text_width(text, style.BADGE) + _PILL
    yield Box(right - width, y - 14, width, 15, "badge-frame", radius=7.5)
    yield Label(right - width / 2, y - 3, text, style.BADGE, "badge", "middle")
