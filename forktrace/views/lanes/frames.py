"""Draw the frames around the lanes of a container, and around those in a PID namespace."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from forktrace.analysis.findings import Container
from forktrace.views.containers import container_title, container_words
from forktrace.views.fonts import fit, text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.columns import Need
from forktrace.views.lanes.draw import Canvas
from forktrace.views.lanes.edges import Edge
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.namespaces import pid_namespaces
from forktrace.views.select.limits import containers_of
from forktrace.views.shapes import Box, Label, Mark

_UP, _DOWN, _DOWN_TEXT = 23.0, 15.0, 23.0  # px above the first lane, below the last
_RADIUS = 7.0
_APART = 3.0  # px between a container's frame and the edges of its rows
_CLEAR = 12.0  # px between a frame's name and a line
_MOST = 200.0  # px that a name may move a line
_NAME_UP = 14.0  # px from a frame's upper edge to its name's baseline


@dataclass(frozen=True, slots=True)
class Frame:
    """Be neighbouring lanes that belong together: in a container, or in a PID namespace.

    ``namespace`` says which, of a container's frame only where all its lanes are in one that
    reaches no further.
    """

    lanes: tuple[Lane, ...]
    container: Container | None = None
    namespace: str | None = None

    @property
    def indices(self) -> set[int]:
        """Return the indices of its lanes."""
        return {lane.index for lane in self.lanes}


def find_frames(plan: Plan) -> list[Frame]:
    """Return the containers' frames, then those of PID namespaces other than the tracer's.

    A container whose lanes don't stand together has several, each around no lane of others.
    Where both kinds are the same lanes there is one frame.
    """
    owner = containers_of(plan.findings)
    by_key = {container.key: container for container in plan.findings.containers}
    inner = pid_namespaces(plan.launch)
    spaces = list(_runs(plan, lambda lane: inner.get(lane.process.id)))
    frames = []
    for key, lanes in _runs(plan, lambda lane: _shared(lane, owner)):
        same = next((space for space, others in spaces if others == lanes), None)
        frames.append(Frame(lanes, by_key[key], same))
    framed = [frame.lanes for frame in frames]
    frames += [Frame(lanes, None, space) for space, lanes in spaces if lanes not in framed]
    return frames


def _runs(plan: Plan, what: Callable[[Lane], str | None]) -> Iterator[tuple[str, tuple[Lane, ...]]]:
    for found, lanes in groupby(plan.lanes, key=what):
        if found is not None:
            yield found, tuple(lanes)


def _shared(lane: Lane, owner: dict[str, str]) -> str | None:
    """Return the container that all who share a lane are in."""
    keys = {owner.get(id_) for id_ in lane.row.ids}
    return keys.pop() if len(keys) == 1 else None


def name_needs(frames: list[Frame], edges: list[Edge], names: float) -> list[Need]:
    """Keep the lines that cross a frame's upper edge right of its name.

    Args:
        frames: the frames.
        edges: the lines between lanes.
        names: the px up to the field's left edge, which the name has in any case.
    """
    needs = []
    for frame in frames:
        columns = [edge.column for edge in _crossing(frame, edges)]
        if frame.container is not None and columns:
            px = text_width(container_words(frame.container), style.FRAME) - names + 2 * _CLEAR
            needs.append(Need(0, min(columns), min(px, _MOST)))
    return [need for need in needs if need.px > 0]


def _crossing(frame: Frame, edges: list[Edge]) -> list[Edge]:
    first = frame.lanes[0].index
    return [edge for edge in edges if edge.rows[0] < first <= edge.rows[1]]


def draw_frames(
    canvas: Canvas, frames: list[Frame], edges: list[Edge], width: float
) -> Iterator[Mark]:
    """Draw the frames, those of containers behind the others, in a page of ``width`` px."""
    for frame in frames:
        if frame.container is None:
            yield _namespace(canvas, frame)
        else:
            yield _container(canvas, frame, frame.container, width)
            yield _name(canvas, frame, frame.container, edges, width)


def _container(canvas: Canvas, frame: Frame, container: Container, width: float) -> Box:
    """Draw a frame around whole rows, so that the names are in it too."""
    top, bottom = canvas.rows[frame.lanes[0].index][0], canvas.rows[frame.lanes[-1].index][1]
    left, right = style.MARGIN - style.FRAME_OUT, width - style.MARGIN + style.FRAME_OUT
    height = bottom - top - 2 * _APART
    title = _title(frame, container)
    return Box(left, top + _APART, right - left, height, "container-frame", _RADIUS, title)


def _name(
    canvas: Canvas, frame: Frame, container: Container, edges: list[Edge], width: float
) -> Label:
    """Write a frame's name at its upper edge, as far as no line between lanes crosses it."""
    first = frame.lanes[0].index
    crossing = [canvas.x(edge.column) + edge.shift - _CLEAR for edge in _crossing(frame, edges)]
    room = min([*crossing, width - style.MARGIN]) - style.MARGIN
    words = fit(container_words(container), style.FRAME, room)
    y = canvas.rows[first][0] + _APART + _NAME_UP
    title = _title(frame, container)
    return Label(style.MARGIN, y, words, style.FRAME, "frame-name", title=title)


def _title(frame: Frame, container: Container) -> str:
    space = f"; a PID namespace of its own ({frame.namespace})" if frame.namespace else ""
    return container_title(container) + space


def _namespace(canvas: Canvas, frame: Frame) -> Box:
    """Draw a frame as long as its lanes."""
    lanes = frame.lanes
    left = min(canvas.x(lane.birth) - _head(canvas, lane) for lane in lanes) - 7
    right = max(canvas.x(lane.end) + _tail(canvas, lane) for lane in lanes)
    down = _DOWN_TEXT if canvas.field.has_text(lanes[-1].index, "below") else _DOWN
    top, bottom = canvas.y(lanes[0]) - _UP, canvas.y(lanes[-1]) + down
    title = f"PID namespace ({frame.namespace})"
    return Box(left, top, right - left, bottom - top, "frame", _RADIUS, title)


def _head(canvas: Canvas, lane: Lane) -> float:
    """Return the px that words take left of where a lane begins."""
    birth = canvas.x(lane.birth)
    reach = [0.0]
    for note, text in canvas.field.texts:
        if note.lane == lane.index and text and note.leftwards:
            reach.append(birth - canvas.x(note.column) - note.offset + text_width(text, note.face))
    return max(reach)


def _tail(canvas: Canvas, lane: Lane) -> float:
    """Return the px that the exit code, or the command line above, takes right of a lane."""
    end = canvas.x(lane.end)
    reach = [16.0, canvas.x(lane.gone) - end + 8]
    for note, text in canvas.field.texts:
        if note.lane == lane.index and text and not note.leftwards:
            stop = canvas.x(note.column) + note.offset + text_width(text, note.face)
            reach.append(stop + style.LANE - end)
    return max(reach)
