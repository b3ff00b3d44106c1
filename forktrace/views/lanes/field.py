"""Arrange the field of a lane diagram: the x of each column, and which words have room there."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forktrace.views.fonts import fit, text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.calls import CALL_KIND
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
from forktrace.views.lanes.edges import Edge, reserve
from forktrace.views.lanes.labels import BIRTH_KIND
from forktrace.views.lanes.moves import CGROUP_KIND
from forktrace.views.lanes.plan import Plan
from forktrace.views.lanes.spacing import Spacing

_LIMITS = (44, 40, 36, 32, 28, 24, 20, 18, 16, 14, 12)  # characters tried for command lines
_ROUNDING = 0.01
_LITTLE = 40.0  # px, of which it is a pity that a text lacks them
_HALVINGS = 30  # of the range of scales
_CROWD = 40  # command lines beside names
_EARLY = 0.7  # of the width, that is expected to be there without texts
_CALM_GAP = 20  # a gap that longer texts must leave room for


_COMMANDS_APART = 14.0  # px that keep two command lines from being read as one
_UNUSUAL = 0.8  # is what room at another place than the usual one is worth
_GOOD = 28  # characters of a command line with which its first place is good enough
_SHORT = _LIMITS[-4:]
# gap and characters, from calm to crowded
_TRIED = ((_CALM_GAP, _LIMITS[:-2]), (style.MIN_GAP, _SHORT), (style.DENSE_GAP + 1, _SHORT))


@dataclass(frozen=True, slots=True)
class Aside:
    """Be what stands with the names, as the field has no room: by the index of the lane.

    ``commands`` are lanes whose command lines do, ``ends`` those whose exit code does,
    ``births`` those where the word does that says how their process was made.
    """

    commands: frozenset[int] = frozenset()
    ends: frozenset[int] = frozenset()
    births: frozenset[int] = frozenset()

    @property
    def crowded(self) -> bool:
        """Say whether that are so many that a line more for each would make a wallpaper."""
        return len(self.commands) > _CROWD


@dataclass(frozen=True, slots=True)
class Field:
    """Be the arranged columns, counted from the field's left edge, and each note's text.

    A note that found no room has the text "".

    ``aside`` is what stands with the names instead.
    """

    xs: tuple[float, ...]
    texts: tuple[tuple[Note, str], ...]
    aside: "Aside"

    @property
    def width(self) -> float:
        """Return the width of the field in px."""
        return self.xs[-1]

    def has_text(self, lane: int, zone: Zone) -> bool:
        """Say whether something is written in a zone of a lane."""
        return any(text and (n.lane, n.zone) == (lane, zone) for n, text in self.texts)


def arrange(
    plan: Plan,
    edges: list[Edge],
    notes: list[Note],
    width: float,
    fill: float,
    fixed: Sequence[Need] = (),
) -> Field:
    """Place the columns in at most ``width`` px, if that is possible at all.

    Long command lines are cut before columns are pressed together; if the shortest ones do not
    fit either, those that take most room are left to the names. If even that is not enough, other
    texts go there too, and what has no place there is written only where it happens to have room.

    Args:
        plan: lanes and columns.
        edges: the lines between lanes.
        notes: the texts.
        width: the most px.
        fill: the px up to which wider gaps are better than an empty place.
        fixed: what else must stand apart, whatever the texts.
    """
    spacing = Spacing(plan)
    usual = _widest_gap(spacing, [], _EARLY * width, _EARLY * fill)
    early = spacing.place(max(usual, _CALM_GAP), [])
    marks = Room(plan.last)
    reserve(plan, edges, marks)
    wanted = notes
    if spacing.place(style.DENSE_GAP + 1, [*fixed])[-1] > width:  # even without a word
        wanted = [note for note in notes if note.kind != "argv"]
    while True:
        paired = _with_borders(marks.copy(), wanted, early)
        found = _needs(spacing, paired, width, fixed)
        if found is not None:
            break
        dropped, needed = _parted(spacing, paired, width, fixed)
        gone = [note.lane for note in dropped if note.kind == "argv"]
        if not gone:
            found = _needs(spacing, needed, width, fixed) or []
            break
        some = gone[: len(gone) // 4 + 1]  # without them the others may stand better
        wanted = [note for note in wanted if note.kind != "argv" or note.lane not in some]
    needs = [*fixed, *found]
    if plan.times:
        xs = _to_scale(spacing, needs, width, plan.times[-1])
    else:
        xs = spacing.place(_widest_gap(spacing, needs, width, fill), needs)
    texts = tuple(_texts(paired, xs))
    return Field(tuple(xs), texts, _aside(notes, texts))


def _aside(notes: list[Note], texts: Sequence[tuple[Note, str]]) -> Aside:
    """Find the lanes with a command line, or an exit code, that is not written."""
    commands = Counter(note.lane for note in notes if note.kind == "argv")
    commands -= Counter(note.lane for note, text in texts if text and note.kind == "argv")
    lost = [note for note, text in texts if not text]
    ends = {note.lane for note in lost if is_end(note)}
    births = {note.lane for note in lost if note.kind == BIRTH_KIND}
    return Aside(frozenset(commands), frozenset(ends), frozenset(births))


def is_end(note: Note) -> bool:
    """Say whether a note is an exit code or a signal."""
    return note.kind.split()[0] == "end"


def _with_borders(room: Room, notes: list[Note], xs: Sequence[float]) -> list[tuple[Note, Span]]:
    """Find what each note would run into, and put those that can move where more room is.

    ``room`` holds the marks and takes the notes, ``xs`` is where the columns would stand if there
    were no notes.
    """
    placed: list[Note] = []
    used: set[tuple[int, Zone, int, bool]] = set()

    def is_best(place: Note) -> tuple[bool, float]:
        enough = min(room_of(place, room.border(place), xs), place.width(_GOOD))
        usual = (place.zone, place.offset) == (note.zone, note.offset)
        return _side(place) not in used, enough if usual else enough * _UNUSUAL

    # First those that can't move, last those that can also stand with the names.
    for note in sorted(notes, key=lambda n: (len(n.places) > 1, n.kind == "argv")):
        place = max(note.places, key=is_best)
        used.add(_side(place))
        room.take(place.lane, place.zone, _span(place))
        placed.append(place)
    return [(note, room.border(note)) for note in placed]


def _span(place: Note) -> Span:
    """Return what a note takes at least."""
    width = place.width(place.least) + (_COMMANDS_APART if place.kind == "argv" else 0)
    if place.leftwards:
        return Span(place.column, place.offset - width, 0, place)
    return Span(place.column, place.offset - APART, place.offset + width, place)


def _side(place: Note) -> tuple[int, Zone, int, bool]:
    """Return what no two notes can share: a side of a column, in a zone of a lane."""
    return place.lane, place.zone, place.column, place.leftwards


def _needs(
    spacing: Spacing, notes: list[tuple[Note, Span]], width: float, fixed: Sequence[Need]
) -> list[Need] | None:
    """Return the needs of the longest texts that fit; None if not even the shortest do."""
    for gap, limits in _TRIED:
        for limit in limits:
            needs = [need_of(note, border, limit) for note, border in notes]
            if spacing.place(gap, [*fixed, *needs])[-1] <= width:
                return _with_whole(needs, spacing, notes, width, gap, fixed)
    return None


def _parted(
    spacing: Spacing, notes: list[tuple[Note, Span]], width: float, fixed: Sequence[Need]
) -> tuple[list[Note], list[tuple[Note, Span]]]:
    """Return as few notes as possible that must go, those that take most room, and the others.

    A lane's command lines go together, and before all other texts; then the words at births;
    last go those that can't stand with the names instead.
    """
    for gap in (style.MIN_GAP, style.DENSE_GAP + 1):
        order = _dispensable(spacing, notes, gap)
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            kept = [pair for group in order[middle:] for pair in group]
            needs = [need_of(note, border, note.least) for note, border in kept]
            if spacing.place(gap, [*fixed, *needs])[-1] <= width:
                high = middle
            else:
                low = middle + 1
        if all(group[0][0].kind == "argv" for group in order[:low]):
            break
    dropped = [group[0][0] for group in order[:low]]
    return dropped, [pair for group in order[low:] for pair in group]


def _dispensable(
    spacing: Spacing, notes: list[tuple[Note, Span]], gap: float
) -> list[list[tuple[Note, Span]]]:
    """Group notes that stand or go together, those first that can go most easily."""
    bare = [need_of(n, b, n.least) for n, b in notes if n.kind != "argv"]
    xs = spacing.place(gap, bare)
    groups: dict[tuple[str, int], list[tuple[Note, Span]]] = {}
    for i, (note, border) in enumerate(notes):
        together = ("argv", note.lane) if note.kind == "argv" else ("", i)
        groups.setdefault(together, []).append((note, border))

    def lacking(group: list[tuple[Note, Span]]) -> float:
        needs = (need_of(note, border, note.least) for note, border in group)
        return max(need.px - (xs[need.right] - xs[need.left]) for need in needs)

    def rank(group: list[tuple[Note, Span]]) -> tuple[int, float]:
        note, lack = group[0][0], lacking(group)
        order = {"argv": 0 if lack > 0 else 3, BIRTH_KIND: 1, CALL_KIND: 4, CGROUP_KIND: 5}
        return 2 if is_end(note) else order.get(note.kind, 6), -lack

    return sorted(groups.values(), key=rank)


def _with_whole(
    needs: list[Need],
    spacing: Spacing,
    notes: list[tuple[Note, Span]],
    width: float,
    gap: float,
    fixed: Sequence[Need],
) -> list[Need]:
    """Give those texts that lack least the room to stand there whole, as long as there is any."""
    lacking = [
        (whole.px - need.px, i, whole)
        for i, (need, (note, border)) in enumerate(zip(needs, notes, strict=True))
        if 0 < (whole := need_of(note, border, note.most)).px - need.px <= _LITTLE
    ]
    for _, i, whole in sorted(lacking, key=lambda item: item[:2]):
        wider = [*needs[:i], whole, *needs[i + 1 :]]
        if spacing.place(gap, [*fixed, *wider])[-1] <= width:
            needs = wider
    return needs


def _widest_gap(spacing: Spacing, needs: list[Need], width: float, fill: float) -> float:
    """Return the widest calm gap that fits in ``width``, wider still to ``fill`` px."""
    for gap in range(style.FILL_GAP, style.DENSE_GAP, -1):
        if spacing.place(gap, needs)[-1] <= (width if gap <= style.MAX_GAP else fill):
            return gap
    return style.DENSE_GAP


def _to_scale(spacing: Spacing, needs: list[Need], width: float, end: int) -> list[float]:
    """Place the columns by time, at the largest scale that fits, none too close to the next."""
    calm = spacing.place(style.TIGHT, needs)[-1] <= width
    gap = style.TIGHT if calm else style.DENSE_GAP
    low, high = 0.0, width / max(end, 1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if spacing.place(gap, needs, middle)[-1] <= width:
            low = middle
        else:
            high = middle
    return spacing.place(gap, needs, low)


def _texts(notes: list[tuple[Note, Span]], xs: Sequence[float]) -> Iterator[tuple[Note, str]]:
    """Yield each note with its text, as long as there is room for it.

    Of two that face each other the first leaves the other its least width, that one takes the
    rest.
    """
    taken: dict[int, float] = {}
    for note, border in notes:
        room = room_of(note, border, xs) + _ROUNDING
        other = border.note
        if other is not None and other.leftwards != note.leftwards:
            least = other.width(other.least)
            room -= taken.get(id(other), least) - least
        text = _longest(note, room)
        taken[id(note)] = text_width(text, note.face)
        yield note, text


def _longest(note: Note, room: float) -> str:
    """Return the text of a note as long as its room permits, "" where there is none."""
    limit = min(note.most, max(note.least, int(room / text_width("0", note.face))))
    text = note.words(limit)
    if text_width(text, note.face) <= room:
        return text
    shorter = fit(text, note.face, room) if note.least < note.most else ""
    return shorter if len(shorter) >= note.least else ""
