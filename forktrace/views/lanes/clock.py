"""Know when the columns of a lane diagram were, and draw the axis of wall time."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.fonts import text_width
from forktrace.views.lanes import style
from forktrace.views.shapes import Label, Line, Mark
from forktrace.views.words import duration_words

_MOST_TICKS = 14
_APART = 8.0  # px between the texts at two ticks
_EVERY = (1, 2, 5, 10, 20, 50)  # of so many ticks one has a text
_MINUTE = 60_000_000_000  # ns
_SLACK = 0.5  # px that an interval may be wider than the scale says
STRETCHED = "axis-stretched"


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

    Columns close in time stand further apart than the scale says: the axis is dashed there, and a
    tick stands where its time lies between those of the two columns beside it.
    """
    for stretched, run in groupby(_intervals(times, xs), key=lambda interval: interval[0]):
        parts = list(run)
        yield Line(parts[0][1], y, parts[-1][2], y, STRETCHED if stretched else "axis")
    ticks = [(_x_at(at_ns, times, xs), _tick_words(at_ns)) for at_ns in _ticks(times[-1])]
    yield from (Line(x, y - 5, x, y, "axis") for x, _ in ticks)
    told = next((ticks[::n] for n in _EVERY if _have_room(ticks[::n])), ticks[:1])
    yield from (Label(x, y - 9, text, style.WORD, "word", "middle") for x, text in told)


def _intervals(times: Sequence[int], xs: Sequence[float]) -> list[tuple[bool, float, float]]:
    """Return from where to where there is an interval, and if that is wider than the scale says."""
    lasting = [after - before for before, after in pairwise(times)]
    widths = [right - left for left, right in pairwise(xs)]
    scale = min((px / ns for px, ns in zip(widths, lasting, strict=True) if ns), default=0.0)
    return [
        (width > scale * ns + _SLACK, left, left + width)
        for width, ns, left in zip(widths, lasting, xs, strict=False)
    ]


def is_stretched(times: Sequence[int], xs: Sequence[float]) -> bool:
    """Say whether columns stand further apart than the scale of their axis says."""
    return any(stretched for stretched, _, _ in _intervals(times, xs))


def _tick_words(at_ns: int) -> str:
    if at_ns >= _MINUTE:  # as the ticks before it, and not as minutes
        return f"{at_ns / 1e9:,.0f} s"
    return duration_words(at_ns) if at_ns else "0"


def _have_room(ticks: Sequence[tuple[float, str]]) -> bool:
    """Say whether the texts of ticks can stand beside each other."""
    ends = [(x, text_width(text, style.WORD) / 2) for x, text in ticks]
    return all(x + half + _APART <= y - other for (x, half), (y, other) in pairwise(ends))


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
