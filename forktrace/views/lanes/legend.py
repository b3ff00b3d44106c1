"""Draw the legend, of just those marks that a picture has."""

from collections.abc import Callable, Iterator

from forktrace.analysis.findings import Role
from forktrace.views.fonts import text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.calls import draw_bracket, draw_diamond
from forktrace.views.lanes.draw import kind_of
from forktrace.views.lanes.edges import Edge
from forktrace.views.lanes.frames import Frame
from forktrace.views.lanes.labels import role_word
from forktrace.views.lanes.plan import Plan
from forktrace.views.palette import role_shade
from forktrace.views.shapes import Box, Curve, Dot, Label, Line, Mark, Polygon

_SAMPLE = 26.0  # px for the drawn mark
_ROW = 24.0
_BETWEEN = 26.0

Draw = Callable[[float, float], list[Mark]]
Entry = tuple[str, Draw]


def draw_legend(
    plan: Plan, edges: list[Edge], frames: list[Frame], top: float, width: float
) -> tuple[list[Mark], float]:
    """Draw the legend in rows of at most ``width`` px; return it and the y below it."""
    marks: list[Mark] = []
    x, y = style.MARGIN, top
    for text, draw in _entries(plan, edges, frames):
        needed = _SAMPLE + 8 + text_width(text, style.LEGEND)
        if x > style.MARGIN and x + needed > width - style.MARGIN:
            x, y = style.MARGIN, y + _ROW
        marks += draw(x, y)
        marks.append(Label(x + _SAMPLE + 8, y + 4, text, style.LEGEND, "legend"))
        x += needed + _BETWEEN
    return marks, y + _ROW


def _entries(plan: Plan, edges: list[Edge], frames: list[Frame]) -> Iterator[Entry]:
    yield from _roles(plan)
    kinds = {edge.kind for edge in edges}
    lanes = [lane for lane in plan.lanes if not lane.process.outside]
    held = [frame for frame in frames if frame.container is not None]
    apart = bool(held) and all(frame.namespace for frame in held)
    held_words = "a container" + (", in a PID namespace of its own" if apart else "")
    marks: list[tuple[bool, str, Draw]] = [
        (len(lanes) < len(plan.lanes), "outside the trace", _lane("outside")),
        ("create" in kinds, "created (dot: who called)", _create),
        (
            any(lane.process.is_vforked for lane in lanes if lane.birth),
            "thin: a thread waits in vfork until the child execs or ends",
            _thin,
        ),
        (bool(held), held_words, _container),
        (len(held) < len(frames), "in a PID namespace of its own", _frame),
        ("stand" in kinds, "real parent, of what ran already", _stand),
        ("tie" in kinds, "real parent, where it is not the creator", _tie),
        (any(lane.execs for lane in lanes), "exec: another program, same process", _exec),
        (any(lane.process.exit for lane in lanes), "end, with exit code or signal", _cross),
        (any(lane.gone > lane.end for lane in lanes), "zombie: not waited for yet", _zombie),
        ("reap" in kinds, "waited for: exit status taken", _reap),
        ("adopt" in kinds, "adopted: the old parent died", _adopt),
        (any(lane.sessions for lane in lanes), "setsid: leads a new session", _bracket),
        (
            any(lane.subreaper is not None for lane in lanes),
            "becomes a subreaper: adopts orphans below it",
            _diamond,
        ),
        (bool(plan.moves), _cgroup_words(plan), _cgroup),
        (any(lane.count > 1 for lane in lanes), "several alike in one lane", _many),
    ]
    yield from ((text, draw) for used, text, draw in marks if used)


def _cgroup_words(plan: Plan) -> str:
    exact = {placed.move.exact for placed in plan.moves}
    if exact == {True}:
        return "moved to another cgroup"
    return (
        "moved to, or first seen in, another cgroup"
        if True in exact
        else ("first seen in another cgroup")
    )


def _roles(plan: Plan) -> Iterator[Entry]:
    """Yield an entry a colour, as some roles share one."""
    shared: dict[object, dict[str, Role]] = {}
    for lane in plan.lanes:
        if lane.role is not None:
            shared.setdefault(role_shade(lane.role), {})[role_word(lane)] = lane.role
    if [*shared.values()] == [{"other": "other"}]:
        return  # nothing to tell apart
    for words in shared.values():
        yield ", ".join(words), _lane(f"lane {kind_of(next(iter(words.values())))}")


def _lane(kind: str) -> Draw:
    def draw(x: float, y: float) -> list[Mark]:
        return [Box(x, y - style.LANE / 2, _SAMPLE, style.LANE, kind)]

    return draw


def _create(x: float, y: float) -> list[Mark]:
    middle = x + _SAMPLE / 2
    head = Polygon(((middle - 4, y + 1), (middle + 4, y + 1), (middle, y + 9)), "create-head")
    return [
        Line(middle, y - 7, middle, y + 1, "create"),
        Dot(middle, y - 6, 3.6, "create-dot"),
        head,
    ]


def _frame(x: float, y: float) -> list[Mark]:
    return [Box(x, y - 8, _SAMPLE, 16, "frame", radius=5)]


def _container(x: float, y: float) -> list[Mark]:
    return [Box(x, y - 8, _SAMPLE, 16, "container-frame", radius=5)]


def _thin(x: float, y: float) -> list[Mark]:
    third = _SAMPLE / 3
    return [
        Box(x, y - style.LANE / 2, third, style.LANE, "lane other"),
        Box(x + third, y - style.THIN / 2, third, style.THIN, "lane other"),
        Box(x + 2 * third, y - style.LANE / 2, third, style.LANE, "lane other"),
    ]


def _tie(x: float, y: float) -> list[Mark]:
    middle = x + _SAMPLE / 2
    return [Line(middle, y - 6, middle, y + 9, "tie"), Dot(middle, y - 6, 2.6, "tie-dot")]


def _stand(x: float, y: float) -> list[Mark]:
    middle = x + _SAMPLE / 2
    return [Line(middle, y - 8, middle, y + 6, "stand"), Dot(middle, y + 6, 2.6, "stand-dot")]


def _exec(x: float, y: float) -> list[Mark]:
    middle = x + _SAMPLE / 2
    ticks = (Line(middle + s, y - 8, middle + s, y + 8, "exec") for s in (-2.0, 2.0))
    return [Box(x, y - style.LANE / 2, _SAMPLE, style.LANE, "lane other"), *ticks]


def _cross(x: float, y: float) -> list[Mark]:
    end = x + _SAMPLE - 6
    return [
        Box(x, y - style.LANE / 2, end - x, style.LANE, "lane other"),
        Line(end - 5, y - 5, end + 5, y + 5, "cross"),
        Line(end - 5, y + 5, end + 5, y - 5, "cross"),
    ]


def _adopt(x: float, y: float) -> list[Mark]:
    head = Polygon(((x + 18, y - 1), (x + 26, y - 1), (x + 22, y - 9)), "adopt-head")
    curve = Curve((x + 2, y + 8), (x + 2, y - 2), (x + 22, y + 8), (x + 22, y - 1), "adopt")
    return [curve, Dot(x + 2, y + 8, 3.0, "adopt-dot"), head]


def _zombie(x: float, y: float) -> list[Mark]:
    return [
        Box(x, y - style.LANE / 2, 8, style.LANE, "lane other"),
        Line(x + 3, y - 5, x + 13, y + 5, "cross"),
        Line(x + 3, y + 5, x + 13, y - 5, "cross"),
        Line(x + _SAMPLE, y, x + 18, y, "zombie other"),
    ]


def _reap(x: float, y: float) -> list[Mark]:
    middle = x + _SAMPLE / 2
    head = Polygon(((middle - 4, y), (middle + 4, y), (middle, y - 8)), "reap-head")
    return [Line(middle, y + 9, middle, y, "reap"), head]


def _bracket(x: float, y: float) -> list[Mark]:
    return [Box(x, y - style.LANE / 2, _SAMPLE, style.LANE, "lane other"), *draw_bracket(x + 9, y)]


def _diamond(x: float, y: float) -> list[Mark]:
    lane = Box(x, y - style.LANE / 2, _SAMPLE, style.LANE, "lane other")
    return [lane, draw_diamond(x + _SAMPLE / 2, y)]


def _cgroup(x: float, y: float) -> list[Mark]:
    middle = x + _SAMPLE / 2
    tick = Line(middle, y - 2, middle, y + 9, "cgroup")
    return [Box(x, y - 5, _SAMPLE, style.LANE, "lane other"), tick]


def _many(x: float, y: float) -> list[Mark]:
    return [Line(x, y, x + _SAMPLE, y, "lane-many other")]
