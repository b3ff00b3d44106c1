"""Find how long the texts of a lane diagram may be, and how wide its gaps, to fit in a width."""

from collections.abc import Sequence
from dataclasses import dataclass

from forktrace.views.lanes import style
from forktrace.views.lanes.columns import Need, need_of
from forktrace.views.lanes.places import Bordered
from forktrace.views.lanes.spacing import Spacing

_LIMITS = (44, 40, 36, 32, 28, 24, 20, 18, 16)  # characters tried for command lines
_LITTLE = 40.0  # px, of which it is a pity that a text lacks them
_HALVINGS = 30  # of the range of scales
CALM_GAP = 20  # a gap that longer texts must leave room for
_SHORT = _LIMITS[-2:]
# gap and characters, from calm to crowded
_TRIED = (
    (CALM_GAP, _LIMITS),
    (style.MIN_GAP, _SHORT),
    (style.CLOSE_GAP, _SHORT),
    (style.DENSE_GAP + 1, _SHORT),
)


@dataclass(frozen=True, slots=True)
class Fit:
    """Be a gap and a number of characters with which all fits, in ``width`` px."""

    gap: float
    limit: int
    width: float


def first_that_fits(
    spacing: Spacing, notes: Bordered, width: float, fixed: Sequence[Need]
) -> Fit | None:
    """Find room for the longest texts that fit; None if not even the shortest do."""
    for gap, limits in _TRIED:
        for limit in limits:
            needs = [need_of(note, border, limit) for note, border in notes]
            taken = spacing.place(gap, [*fixed, *needs])[-1]
            if taken <= width:
                return Fit(gap, limit, taken)
    return None


def needs_of(spacing: Spacing, notes: Bordered, width: float, fixed: Sequence[Need]) -> list[Need]:
    """Return the needs of the longest texts that fit; none where not even the shortest do."""
    found = first_that_fits(spacing, notes, width, fixed)
    if found is None:
        return []
    needs = [need_of(note, border, found.limit) for note, border in notes]
    return _with_whole(needs, spacing, notes, width, found.gap, fixed)


def _with_whole(
    needs: list[Need],
    spacing: Spacing,
    notes: Bordered,
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


def widest_gap(spacing: Spacing, needs: list[Need], width: float, fill: float) -> float:
    """Return the widest calm gap that fits in ``width``, wider still to ``fill`` px."""
    for gap in range(style.FILL_GAP, style.DENSE_GAP, -1):
        if spacing.place(gap, needs)[-1] <= (width if gap <= style.MAX_GAP else fill):
            return gap
    return style.DENSE_GAP


def to_scale(spacing: Spacing, needs: list[Need], width: float, end: int) -> list[float]:
    """Place the columns by time, at the largest scale that fits, none too close to the next."""
    gaps = (style.TIGHT, style.DENSE_GAP + 1)
    gap = next((g for g in gaps if spacing.place(g, needs)[-1] <= width), style.DENSE_GAP)
    low, high = 0.0, width / max(end, 1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if spacing.place(gap, needs, middle)[-1] <= width:
            low = middle
        else:
            high = middle
    return spacing.place(gap, needs, low)
