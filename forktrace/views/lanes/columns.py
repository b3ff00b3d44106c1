"""Find the x of each column, so that every note has room and the whole stays narrow.

Columns are like pegs on a line that may move apart but not pass each other: a note needs two of
them to be some px apart. The narrowest arrangement follows in one sweep from left to right.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from forktrace.views.fonts import Face, text_width

Zone = Literal["above", "beside", "below"]

_ZONES: tuple[Zone, ...] = ("above", "beside", "below")
_NONE: Mapping[int, float] = {}
APART = 6.0  # px more between two notes
PAD = 6.0  # px between a note and what it must not touch


@dataclass(frozen=True, slots=True)
class Span:
    """Be the width that something takes in one zone of a lane, in px from its column.

    Of the text of a ``note`` it is the least width.
    """

    column: int
    left: float
    right: float
    note: "Note | None" = None


@dataclass(slots=True)
class Note:
    """Ask for text near a column of a lane, in the zone above, beside or below the lane's line.

    It starts ``offset`` px right of the column; with a negative offset it ends so far left of it.
    ``words`` gives the text for a number of characters, at least ``least``, at most ``most``.
    ``elsewhere`` are other places where it can stand: a zone, and if it ends at its column there.
    """

    lane: int
    zone: Zone
    column: int
    offset: float
    face: Face
    kind: str
    words: Callable[[int], str]
    least: int = 12
    most: int = 12
    title: str | None = None
    elsewhere: tuple[tuple[Zone, bool], ...] = ()

    @property
    def leftwards(self) -> bool:
        """Say whether the text ends at its column."""
        return self.offset < 0

    @property
    def places(self) -> "list[Note]":
        """Return the note at each place where it can stand, the usual one first."""
        reach = abs(self.offset)
        return [
            self,
            *(
                replace(self, zone=zone, offset=-max(reach, 1.0) if leftwards else reach)
                for zone, leftwards in self.elsewhere
            ),
        ]

    def nearer(self, border: Span, span: Span) -> Span:
        """Return which of two this note runs into first, ``border`` if it can't into the other."""
        if self.leftwards:
            ahead = span.column < self.column
            closer = (span.column, span.right) > (border.column, border.right)
        else:
            ahead = span.column > self.column
            closer = (span.column, span.left) < (border.column, border.left)
        return span if ahead and closer else border

    def width(self, limit: int) -> float:
        """Return the width in px of the text for ``limit`` characters."""
        return text_width(self.words(max(self.least, min(limit, self.most))), self.face)


def fixed(text: str) -> Callable[[int], str]:
    """Make the words of a note that is written whole or not at all."""
    return lambda _limit: text


@dataclass(frozen=True, slots=True)
class Need:
    """Demand that column ``right`` stands at least ``px`` right of column ``left``."""

    left: int
    right: int
    px: float


class Room:
    """Know what stands in each zone of each lane, and so how far a note can reach."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._taken: dict[tuple[int, Zone], list[Span]] = {}

    def only(self, lane: int) -> "Room":
        """Return what stands on one lane, to be filled apart."""
        result = Room(self._last)
        for zone in _ZONES:
            if (lane, zone) in self._taken:
                result._taken[lane, zone] = [*self._taken[lane, zone]]
        return result

    def take(self, lane: int, zone: Zone, span: Span) -> None:
        """Reserve a span."""
        self._taken.setdefault((lane, zone), []).append(span)

    def border(self, note: Note) -> Span:
        """Return what a note would run into first: a mark, or the field's edge."""
        border = Span(0, 0, 0) if note.leftwards else Span(self._last, 0, 0)
        for span in self._taken.get((note.lane, note.zone), ()):
            border = note.nearer(border, span)
        return border


def need_of(note: Note, border: Span, limit: int) -> Need:
    """Return how far apart a note's column and what borders it must stand."""
    width = abs(note.offset) + note.width(limit) + PAD
    if note.leftwards:
        return Need(border.column, note.column, width + border.right)
    return Need(note.column, border.column, width - border.left)


def room_of(note: Note, border: Span, xs: Sequence[float]) -> float:
    """Return the px that a note can take where the columns stand at ``xs``."""
    if note.leftwards:
        return xs[note.column] + note.offset - PAD - xs[border.column] - border.right
    return xs[border.column] + border.left - PAD - xs[note.column] - note.offset


def narrowest(
    gaps: Sequence[float], needs: Iterable[Need], rigid: Mapping[int, float] = _NONE
) -> list[float]:
    """Return the x of each column: as far left as the gaps before them and the needs permit.

    Args:
        gaps: the least px before each column; the first is that of the field's left edge.
        needs: what must stand further apart.
        rigid: columns that keep their place beside the column before them, and the px to it,
            more only where something between those two needs it.
    """
    apart, wanted = _without_rigid(needs, dict(rigid))
    xs: list[float] = [gaps[0]]
    for column in range(1, len(gaps)):
        if column in apart:
            xs.append(xs[-1] + apart[column])
        else:
            places = [xs[need.left] + need.px for need in wanted.get(column, ())]
            xs.append(max(xs[-1] + gaps[column], *places) if places else xs[-1] + gaps[column])
    return xs


def _without_rigid(
    needs: Iterable[Need], apart: dict[int, float]
) -> tuple[dict[int, float], dict[int, list[Need]]]:
    """Turn each need that ends at a rigid column into one of the column that can move."""
    wanted: dict[int, list[Need]] = {}
    ordered = sorted(needs, key=lambda need: need.left, reverse=True)  # inner ones first
    for need in ordered:
        right, px = need.right, need.px
        while right in apart and right - 1 > need.left:
            px -= apart[right]
            right -= 1
        if right in apart:
            apart[right] = max(apart[right], px)
        else:
            wanted.setdefault(right, []).append(Need(need.left, right, px))
    return apart, wanted
