"""Arrange the field of a lane diagram: the x of each column, and which words have room there."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forktrace.views.fonts import fit, text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.calls import CALL_KIND
from forktrace.views.lanes.columns import Need, Note, Room, Zone, need_of, room_of
from forktrace.views.lanes.edges import Edge, reserve
from forktrace.views.lanes.fitting import (
    CALM_GAP,
    Fit,
    first_that_fits,
    needs_of,
    to_scale,
    widest_gap,
)
from forktrace.views.lanes.labels import BIRTH_KIND
from forktrace.views.lanes.moves import CGROUP_KIND
from forktrace.views.lanes.places import GOOD, Bordered, Seat, bordered, seat_notes, settle
from forktrace.views.lanes.plan import Plan
from forktrace.views.lanes.spacing import Spacing

_ROUNDING = 0.01
_CROWD = 40  # command lines beside names
_EARLY = 0.7  # of the width, that is expected to be there without texts
_TOLD_LAST = ("engine", "container")  # roles whose command lines stay in the field longest
_MANY = 150  # texts to be taken back
_WIDER = 1.3  # times the width that it has, a small picture may get to be more regular


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
    spacing = Spacing(plan, edges)
    usual = widest_gap(spacing, [], _EARLY * width, _EARLY * fill)
    early = spacing.place(max(usual, CALM_GAP), [])
    marks = Room(plan.last)
    reserve(plan, edges, marks)
    wanted = notes
    if spacing.place(style.DENSE_GAP + 1, [*fixed])[-1] > width:  # even without a word
        wanted = [note for note in notes if note.kind != "argv"]
    while True:
        seats = seat_notes(marks, wanted, early)
        paired = bordered(marks, seats)
        tried = first_that_fits(spacing, paired, width, fixed)
        if tried is not None:
            _settle(spacing, marks, seats, tried, (width, fill), fixed)
            paired = needed = bordered(marks, seats)
            break
        dropped, needed = _parted(plan, spacing, paired, width, fixed)
        gone = [group[0][0].lane for group in dropped if group[0][0].kind == "argv"]
        if not gone:
            needed = _refilled(spacing, dropped, needed, width, fixed)
            break
        some = gone[: len(gone) // 4 + 1]  # without them the others may stand better
        wanted = [note for note in wanted if note.kind != "argv" or note.lane not in some]
    needs = [*fixed, *needs_of(spacing, needed, width, fixed)]
    if plan.times:
        xs = to_scale(spacing, needs, width, plan.times[-1])
    else:
        xs = spacing.place(widest_gap(spacing, needs, width, fill), needs)
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


def _settle(
    spacing: Spacing,
    marks: Room,
    seats: list[Seat],
    fit_: Fit,
    within: tuple[float, float],
    fixed: Sequence[Need],
) -> None:
    """Let notes go back to their usual places where that costs no other its room."""
    paired = bordered(marks, seats)
    needs = [*fixed, *(need_of(note, border, fit_.limit) for note, border in paired)]
    gap = widest_gap(spacing, needs, *within)
    xs = spacing.place(gap, needs)
    for seat, (note, border) in zip(seats, paired, strict=True):
        has = int(room_of(note, border, xs) / text_width("0", note.face))
        seat.chars = max(fit_.limit, min(has, GOOD))
    most = min(within[0], max(within[1], _WIDER * fit_.width))
    calm = min(gap, CALM_GAP)
    settle(marks, seats, lambda needs: spacing.place(calm, [*fixed, *needs])[-1] <= most)


def _parted(
    plan: Plan, spacing: Spacing, notes: Bordered, width: float, fixed: Sequence[Need]
) -> tuple[list[Bordered], Bordered]:
    """Return as few notes as possible that must go, those that take most room, and the others.

    A lane's command lines go together, and before all other texts, an engine's and a container's
    after the others'; then the words at births; last go those that can't stand with the names
    instead.
    """
    for gap in (style.MIN_GAP, style.DENSE_GAP + 1):
        order = _dispensable(plan, spacing, notes, gap)
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
    return order[:low], [pair for group in order[low:] for pair in group]


def _refilled(
    spacing: Spacing, dropped: list[Bordered], kept: Bordered, width: float, fixed: Sequence[Need]
) -> Bordered:
    """Take back, of what was dropped before others that had to go, all that fits after all."""
    gap = style.DENSE_GAP + 1
    needs = [*fixed, *(need_of(note, border, note.least) for note, border in kept)]
    for group in reversed(dropped[:_MANY]):
        more = [need_of(note, border, note.least) for note, border in group]
        if spacing.place(gap, [*needs, *more])[-1] <= width:
            needs += more
            kept = [*kept, *group]
    return kept


def _dispensable(plan: Plan, spacing: Spacing, notes: Bordered, gap: float) -> list[Bordered]:
    """Group notes that stand or go together, those first that can go most easily."""
    bare = [need_of(n, b, n.least) for n, b in notes if n.kind != "argv"]
    xs = spacing.place(gap, bare)
    groups: dict[tuple[str, int], Bordered] = {}
    for i, (note, border) in enumerate(notes):
        together = ("argv", note.lane) if note.kind == "argv" else ("", i)
        groups.setdefault(together, []).append((note, border))

    def lacking(group: Bordered) -> float:
        needs = (need_of(note, border, note.least) for note, border in group)
        return max(need.px - (xs[need.right] - xs[need.left]) for need in needs)

    def rank(group: Bordered) -> tuple[int, float]:
        note, lack = group[0][0], lacking(group)
        argv = 4 if lack <= 0 else 1 if plan.lanes[note.lane].role in _TOLD_LAST else 0
        order = {"argv": argv, BIRTH_KIND: 2, CALL_KIND: 5, CGROUP_KIND: 6}
        return 3 if is_end(note) else order.get(note.kind, 7), -lack

    return sorted(groups.values(), key=rank)


def _texts(notes: Bordered, xs: Sequence[float]) -> Iterator[tuple[Note, str]]:
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
