"""Word and draw what only recorded system calls tell: sessions, subreapers, who was not reaped."""

from collections.abc import Callable, Iterator

from forktrace.views.calls import zombie_words
from forktrace.views.lanes import style
from forktrace.views.lanes.columns import Note, Zone, fixed
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.shapes import Line, Mark, Polygon
from forktrace.views.words import duration_words

CALL_KIND = "word call"  # of a text that the legend explains too
_REACH = 8.0  # px of a bracket above and below the lane
_SERIF = 4.0
_RADIUS = 6.0  # px of the diamond


def session_note(lane: Lane, column: int) -> Note:
    """Make the text at a bracket."""
    title = session_title(lane)
    return _word(lane, column, "setsid", title)


def _word(lane: Lane, column: int, text: str, title: str) -> Note:
    return Note(
        lane.index,
        "below",
        column,
        1,
        style.WORD,
        CALL_KIND,
        fixed(text),
        title=title,
        elsewhere=(("below", True), ("above", False), ("above", True)),
    )


def session_title(lane: Lane) -> str:
    """Say what setsid did (setsid(2))."""
    return f"{lane.process.id} called setsid: it leads a new session, without a terminal"


def subreaper_note(plan: Plan, lane: Lane, column: int) -> Note:
    """Make the text at a diamond."""
    title = subreaper_title(plan, lane)
    return _word(lane, column, "subreaper", title)


def subreaper_title(plan: Plan, lane: Lane) -> str:
    """Say since when a process was a subreaper, how long, and whom it adopted first."""
    found = plan.findings.subreapers[lane.process.id]
    words = f"{lane.process.id} called prctl(PR_SET_CHILD_SUBREAPER, 1)"
    if found.until is not None:
        times = plan.launch.header.times
        when = f" {duration_words(found.until.at_ns)} after the start" if times else " later"
        words += f", and took it back{when}"
    return words + (f"; it adopted {found.adopted}" if found.adopted else "; it adopted nobody")


def unwaited_notes(plan: Plan) -> Iterator[Note]:
    """Yield a text for each process whose parent was not seen to wait for it."""
    text = fixed("wait unseen")
    for lane in plan.lanes:
        words = zombie_words(plan.launch, plan.findings, lane.process)
        if words is not None and lane.gone > lane.end:
            title = f"{lane.process.id}: {words}"
            yield _at_end(lane, 0, text, title)


def zombie_notes(plan: Plan) -> Iterator[Note]:
    """Yield a word for each process that stayed a zombie for long."""
    for lane in plan.lanes:
        if lane.lasting_zombie and lane.gone > lane.end:
            title = f"{lane.process.id} has ended, but its parent has not waited for it yet"
            words = fixed("zombie")
            yield _at_end(lane, 6, words, title)


def _at_end(lane: Lane, offset: float, words: Callable[[int], str], title: str) -> Note:
    below: tuple[tuple[Zone, bool], ...] = (("below", True),)
    return Note(
        lane.index,
        "below",
        lane.end,
        offset,
        style.WORD,
        "word",
        words,
        title=title,
        elsewhere=below,
    )


def draw_bracket(x: float, y: float, title: str | None = None) -> Iterator[Mark]:
    """Draw an opening bracket around a lane."""
    top, bottom = y - _REACH, y + _REACH
    yield Line(x, top, x, bottom, "session", title)
    for end in (top, bottom):
        yield Line(x, end, x + _SERIF, end, "session", title)


def draw_diamond(x: float, y: float, title: str | None = None) -> Mark:
    """Draw a hollow diamond on a lane."""
    corners = ((x - _RADIUS, y), (x, y - _RADIUS), (x + _RADIUS, y), (x, y + _RADIUS))
    return Polygon(corners, "subreaper", title)
