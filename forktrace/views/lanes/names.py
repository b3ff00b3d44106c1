"""Draw the column of names at the left of the lanes."""

from collections.abc import Iterator

from forktrace.views.fonts import Face, fit, text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.commands import command_words
from forktrace.views.lanes.field import Aside
from forktrace.views.lanes.labels import (
    badge,
    detail_line,
    end_title,
    exec_title,
    is_alert,
    lane_title,
    name_line,
)
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.notes import ends_words
from forktrace.views.shapes import Box, Label, Mark
from forktrace.views.words import ELLIPSIS

_WIDEST = 280.0  # px for the whole column
_WIDEST_ASIDE = 190.0  # px that a few command lines there may widen it to
_WIDEST_CROWDED = 400.0  # the same where the command lines stand there
_MANY = 8  # lanes of what ran before the trace
_LEADING = 14.0
_THEN = " → "
_SPACE = 6.0
_PILL = 10.0  # px that a badge's frame adds to its text
_PILLS_APART = 4.0
END_KIND = "badge-end"  # of an end that stands with the name


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
    return max(first + _pills_width(plan, lane, aside), *below)


def _id_width(plan: Plan) -> float:
    return _SPACE + max(text_width(lane.process.id, style.ID) for lane in plan.lanes)


def _pills_width(plan: Plan, lane: Lane, aside: Aside) -> float:
    widths = [_pill_width(text, kind) for text, kind in _pills(plan, lane, aside)]
    return sum(width + _PILLS_APART for width in widths) + (_PILLS_APART if widths else 0.0)


def _pill_width(text: str, kind: str) -> float:
    return text_width(text, style.FACES[kind.split()[0]]) + _PILL


def _pills(plan: Plan, lane: Lane, aside: Aside) -> list[tuple[str, str]]:
    """Return what stands right of a name, from right to left, each with its class.

    First how a process ended, where the field has no room for that at its cross.
    """
    end = ends_words(plan.launch, lane.row.ids) if lane.index in aside.ends else ""
    more = badge(plan, lane, with_birth=lane.index in aside.births)
    pills = [(end, f"{END_KIND} alert" if is_alert(end) else END_KIND), (more, "badge")]
    return [(text, kind) for text, kind in pills if text]


def has_third(plan: Plan, lane: Lane, aside: Aside) -> bool:
    """Say whether three lines name a lane."""
    return len(_below(plan, lane, aside)) > 1


def _below(plan: Plan, lane: Lane, aside: Aside) -> list[tuple[str, Face, str]]:
    """Return the lines under the name: what a process is, and what it was called.

    The latter where the field has no room for it, and of what ran before the trace, which has no
    exec there. If there are very many of those they stand alone.
    """
    detail = (detail_line(lane), style.DETAIL, "detail")
    moved = lane.index in aside.commands
    words = _commands(lane)
    stands = lane.process.attached and words != [lane.name]
    if not words or not (moved or stands):
        return [detail]
    commands = (_THEN.join(words), style.DETAIL_ARGV, "detail-argv")
    alone = aside.crowded if moved else _many_stand(plan)
    return [commands] if alone else [detail, commands]


def _commands(lane: Lane) -> list[str]:
    images = lane.process.own_images
    return [*dict.fromkeys(command_words(lane, image, style.MOST_CHARS) for image in images)]


def join_commands(commands: list[str], width: float) -> str:
    """Join command lines, the earlier ones shortened where ``width`` px have no room for all.

    What a process ran last tells most: as much as possible of it is seen.
    """
    *earlier, last = commands
    line = _THEN.join(commands)
    if not earlier or text_width(line, style.DETAIL_ARGV) <= width:
        return line
    names = _THEN.join(f"{words.partition(' ')[0]} {ELLIPSIS}" for words in earlier)
    least = names + _THEN + last[: style.LEAST_CHARS]
    start = names if text_width(least, style.DETAIL_ARGV) <= width else ELLIPSIS
    return start + _THEN + last


def draw_name(plan: Plan, lane: Lane, y: float, width: float, aside: Aside) -> Iterator[Mark]:
    """Draw the lines that name a lane, right and left edge ``width`` px apart."""
    process = lane.process
    title = lane_title(plan, lane)
    yield Label(style.MARGIN, y - 2, process.id, style.ID, "id", title=title)
    start = style.MARGIN + _id_width(plan)
    room = style.MARGIN + width - start - _pills_width(plan, lane, aside)
    name = fit(name_line(lane), style.NAME, room)
    yield Label(start, y - 2, name, style.NAME, "name", title=title)
    for i, (text, face, kind) in enumerate(_below(plan, lane, aside)):
        if kind == "detail-argv":
            title = exec_title(process.images[-1])
            text = join_commands(_commands(lane), width)
        line = y + 13 + i * _LEADING
        yield Label(style.MARGIN, line, fit(text, face, width), face, kind, title=title)
    yield from _draw_pills(plan, lane, y, style.MARGIN + width, aside)


def _draw_pills(plan: Plan, lane: Lane, y: float, right: float, aside: Aside) -> Iterator[Mark]:
    for text, kind in _pills(plan, lane, aside):
        width, name = _pill_width(text, kind), kind.split()[0]
        title = end_title(plan, lane) if name == END_KIND else None
        yield Box(right - width, y - 14, width, 15, f"{name}-frame", radius=7.5)
        middle = right - width / 2
        yield Label(middle, y - 3, text, style.FACES[name], kind, "middle", title)
        right -= width + _PILLS_APART
