"""Choose where each note of a lane diagram stands: above or below its lane, right or left of it.

Where room is scarce each stands where it has most of it. Then those that need not be elsewhere go
back to their usual places, so that a reader finds like things at like places.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from forktrace.views.lanes.columns import (
    APART,
    Need,
    Note,
    Room,
    Span,
    Zone,
    need_of,
    room_of,
)
from forktrace.views.lanes.moves import CGROUP_KIND

_COMMANDS_APART = 14.0  # px that keep two command lines from being read as one
_UNUSUAL = 0.8  # is what room at another place than the usual one is worth
GOOD = 28  # characters of a command line with which a place is good enough
_MANY = 300  # notes of which none goes back: a picture of so many is never calm
_CALM = frozenset((CGROUP_KIND,))  # what reads as well at any place

Bordered = list[tuple[Note, Span]]  # each note at its place, and what it would run into


@dataclass(slots=True)
class Seat:
    """Be a note as it is wanted, the place that it has, and how many characters it needs there."""

    wanted: Note
    place: Note
    chars: int = GOOD


def seat_notes(marks: Room, notes: Iterable[Note], xs: Sequence[float]) -> list[Seat]:
    """Give each note the place with most room.

    Args:
        marks: what no note may touch.
        notes: the notes.
        xs: where the columns would stand if there were no notes.
    """
    lanes: dict[int, list[Note]] = {}
    # First those that can't move, last those that can also stand with the names.
    for note in sorted(notes, key=lambda n: (len(n.places) > 1, n.kind == "argv")):
        lanes.setdefault(note.lane, []).append(note)
    return [seat for lane, some in lanes.items() for seat in _seat_lane(marks.only(lane), some, xs)]


def _seat_lane(room: Room, notes: list[Note], xs: Sequence[float]) -> list[Seat]:
    seats: list[Seat] = []
    used: set[tuple[Zone, int, bool]] = set()

    def worth(place: Note, note: Note) -> tuple[bool, bool, float]:
        enough = min(room_of(place, room.border(place), xs), place.width(GOOD))
        usual = (place.zone, place.offset) == (note.zone, note.offset)
        kept = not _takes_room(place, room, seats, xs)
        return _side(place) not in used, kept, enough if usual else enough * _UNUSUAL

    for note in notes:
        place = max(note.places, key=lambda place: worth(place, note))
        used.add(_side(place))
        room.take(place.lane, place.zone, _span(place))
        seats.append(Seat(note, place))
    return seats


def _takes_room(place: Note, room: Room, seats: list[Seat], xs: Sequence[float]) -> bool:
    """Say whether a note that has a place would lack room there because of another."""
    span = _span(place)
    for other in (seat.place for seat in seats if seat.place.zone == place.zone):
        border = room.border(other)
        least = other.width(other.least)
        if room_of(other, border, xs) >= least > room_of(other, other.nearer(border, span), xs):
            return True
    return False


def bordered(marks: Room, seats: Iterable[Seat]) -> Bordered:
    """Return each note at its place, and what it would run into there."""
    lanes: dict[int, list[Note]] = {}
    for seat in seats:
        lanes.setdefault(seat.place.lane, []).append(seat.place)
    return [pair for lane, places in lanes.items() for pair in _borders(marks.only(lane), places)]


def _borders(room: Room, places: list[Note]) -> Bordered:
    for place in places:
        room.take(place.lane, place.zone, _span(place))
    return [(place, room.border(place)) for place in places]


def settle(marks: Room, seats: list[Seat], fits: Callable[[list[Need]], bool]) -> None:
    """Let each note go back towards its usual place, if all still have the room they need.

    Args:
        marks: what no note may touch.
        seats: where they stand.
        fits: says whether needs can be met.
    """
    if len(seats) > _MANY:
        return
    lanes = _by_lane(seats)
    needs = {lane: _needs_on(marks, some) for lane, some in lanes.items()}
    for seat in _in_turn(seats):
        lane, before = seat.wanted.lane, seat.place
        for place in _nearer(seat, lanes[lane]):
            seat.place = place
            tried = needs | {lane: _needs_on(marks, lanes[lane])}
            if fits(_flat(tried)):
                needs = tried
                break
            seat.place = before


def _in_turn(seats: list[Seat]) -> list[Seat]:
    """Order the notes that may go back: command lines after what they may have made way for.

    Short ones are the first, so that as many as possible go back.
    """

    def rank(seat: Seat) -> tuple[bool, float, int]:
        note = seat.wanted
        return note.kind == "argv", note.width(GOOD), note.column

    return sorted((seat for seat in seats if seat.wanted.kind not in _CALM), key=rank)


def _by_lane(seats: list[Seat]) -> dict[int, list[Seat]]:
    lanes: dict[int, list[Seat]] = {}
    for seat in seats:
        lanes.setdefault(seat.wanted.lane, []).append(seat)
    return lanes


def _flat(needs: dict[int, list[Need]]) -> list[Need]:
    return [need for some in needs.values() for need in some]


def _nearer(seat: Seat, neighbours: list[Seat]) -> list[Note]:
    """Return the free places that come before the one that a note has."""
    used = {_side(other.place) for other in neighbours if other is not seat}
    sides = [_side(place) for place in seat.wanted.places]
    before = seat.wanted.places[: sides.index(_side(seat.place))]
    return [place for place in before if _side(place) not in used]


def _needs_on(marks: Room, seats: list[Seat]) -> list[Need]:
    """Return what the notes of one lane need."""
    found = zip(bordered(marks, seats), seats, strict=True)
    return [need_of(note, border, seat.chars) for (note, border), seat in found]


def _span(place: Note) -> Span:
    """Return what a note takes at least."""
    width = place.width(place.least) + (_COMMANDS_APART if place.kind == "argv" else 0)
    if place.leftwards:
        return Span(place.column, place.offset - width, 0, place)
    return Span(place.column, place.offset - APART, place.offset + width, place)


def _side(place: Note) -> tuple[Zone, int, bool]:
    """Return what no two notes of a lane can share: a side of a column, in a zone."""
    return place.zone, place.column, place.leftwards
