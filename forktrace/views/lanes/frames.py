"""Draw the frame around lanes in a PID namespace other than the tracer's."""

from collections.abc import Iterator
from itertools import groupby

from forktrace.model.process import Process
from forktrace.views.fonts import text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.draw import Canvas
from forktrace.views.lanes.plan import Lane, Plan
from forktrace.views.shapes import Box

_UP, _DOWN, _DOWN_TEXT = 23.0, 15.0, 23.0  # px above the first lane, below the last
_RADIUS = 7.0


def pid_namespace(process: Process) -> str | None:
    """Return what identifies a process's PID namespace, None for the tracer's own.

    That is its inode where it could be read, else how deep it is (NSpid of proc(5)).
    """
    if process.outside or len(process.nspid) < 2:
        return None
    inodes = [s.ns["pid"] for s in process.samples if s.ns and "pid" in s.ns]
    return f"inode {inodes[-1]}" if inodes else f"depth {len(process.nspid)}"


def framed(plan: Plan) -> Iterator[tuple[str, list[Lane]]]:
    """Yield each run of neighbouring lanes that share such a namespace."""
    for namespace, lanes in groupby(plan.lanes, key=lambda lane: pid_namespace(lane.process)):
        if namespace is not None:
            yield namespace, list(lanes)


def draw_frames(canvas: Canvas) -> Iterator[Box]:
    """Draw a rounded frame around each such run, as long as its lanes."""
    for namespace, lanes in framed(canvas.plan):
        left = min(canvas.x(lane.birth) for lane in lanes) - 7
        right = max(canvas.x(lane.end) + _tail(canvas, lane) for lane in lanes)
        down = _DOWN_TEXT if canvas.field.has_text(lanes[-1].index, "below") else _DOWN
        top, bottom = canvas.y(lanes[0]) - _UP, canvas.y(lanes[-1]) + down
        title = f"PID namespace ({namespace})"
        yield Box(left, top, right - left, bottom - top, "frame", _RADIUS, title)


def _tail(canvas: Canvas, lane: Lane) -> float:
    """Return the px that the exit code, or the command line above, takes right of a lane."""
    end = canvas.x(lane.end)
    reach = [16.0, canvas.x(lane.gone) - end + 8]
    for note, text in canvas.field.texts:
        if note.lane == lane.index and text and not note.leftwards:
            stop = canvas.x(note.column) + note.offset + text_width(text, note.face)
            reach.append(stop + style.LANE - end)
    return max(reach)
