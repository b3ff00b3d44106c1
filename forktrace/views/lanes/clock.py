"""Know when the columns of a lane diagram were, and draw the axis of wall time."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from forktrace.model.launch import Launch
from forktrace.model.process import Moment, Process
from forktrace.views.fonts import text_width
from forktrace.views.lanes import style
from forktrace.views.shapes import Label, Line, Mark
from forktrace.views.words import duration_words

_MOST_TICKS = 14
_APART = 8.0  # px between the texts at two ticks


def column_times(launch: Launch, orders: Sequence[float]) -> list[int]:
    """Return when each column was, in ns, from the field's left edge to its right one.

    Args:
        launch: the launch.
        orders: the places of the columns' events in the trace, in order.
    """
    moments = sorted(_moments(launch))
    seqs = [seq for seq, _ in moments]
    times = [0]
    for order in orders:
        place = bisect_right(seqs, order + 0.5) - 1  # a death may stand just before its adoption
        times.append(max(times[-1], moments[place][1] if place >= 0 else 0))
    end = launch.end.at_ns if launch.end else moments[-1][1] if moments else 0
    return [*times, max(end, times[-1])]


def _moments(launch: Launch) -> Iterator[tuple[int, int]]:
    for process in launch.inside:
        yield from ((at.seq, at.at_ns) for at in _moments_of(process))


def _moments_of(process: Process) -> Iterator[Moment]:
    yield process.born
    yield from (image.at for image in process.images)
    yield from (adoption.at for adoption in process.adoptions)
    yield from (call.at for call in process.calls)
    if process.exit is not None:
        yield process.exit.at
    if process.reap is not None:
        yield process.reap.at


def draw_axis(times: Sequence[int], xs: Sequence[float], y: float) -> Iterator[Mark]:
    """Draw an axis at ``y``, for columns that were at ``times`` (ns) and stand at ``xs`` (px).

    Columns close in time stand further apart than the scale says, so a tick stands where its
    time lies between those of the two columns beside it.
    """
    yield Line(xs[0], y, xs[-1], y, "axis")
    free = xs[0] - style.GUTTER
    for at_ns in _ticks(times[-1]):
        x = _x_at(at_ns, times, xs)
        yield Line(x, y - 5, x, y, "axis")
        text = duration_words(at_ns) if at_ns else "0"
        left = x - text_width(text, style.WORD) / 2
        if left >= free:
            yield Label(x, y - 9, text, style.WORD, "word", "middle")
            free = x + text_width(text, style.WORD) / 2 + _APART


def _ticks(end: int) -> Iterator[int]:
    """Yield round times up to the end: 1, 2 or 5 times a power of ten apart."""
    steps = (factor * 10**power for power in range(19) for factor in (1, 2, 5))
    step = next(step for step in steps if end <= step * _MOST_TICKS)
    yield from range(0, end + 1, step)


def _x_at(at_ns: int, times: Sequence[int], xs: Sequence[float]) -> float:
    for (before, after), (left, right) in zip(pairwise(times), pairwise(xs), strict=True):
        if before <= at_ns <= after and after > before:
            return left + (right - left) * (at_ns - before) / (after - before)
    return xs[0]
