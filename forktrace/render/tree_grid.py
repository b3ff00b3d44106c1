"""See the boxes that Graphviz placed as columns with channels between them.

``u`` runs along the generations (to the right, or downwards where the tree grows so), ``v`` across
them; both in px. A column is a generation, and every box of it lies in its column.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from forktrace.render.graphviz_layout import Place

_CLEAR = 12.0  # px between a line and the first or last box of a column that it passes
_WIDE = 40.0  # px; a gap between boxes from which a line has a choice where to pass


@dataclass(frozen=True, slots=True)
class Spot:
    """Be where a box stands: from ``u0`` to ``u1`` and from ``v0`` to ``v1``."""

    u0: float
    u1: float
    v0: float
    v1: float

    @property
    def v(self) -> float:
        """Return the middle of its side."""
        return (self.v0 + self.v1) / 2

    @property
    def u(self) -> float:
        """Return the middle of its top."""
        return (self.u0 + self.u1) / 2

    def beside(self, share: float) -> float:
        """Return a point of its side, ``share`` of its length (-0.5 to 0.5) off the middle."""
        return self.v + share * (self.v1 - self.v0)


class Grid:
    """Hold spots by id, columns of ids in the order of ``v``, and each box' column by id."""

    def __init__(self, places: Mapping[str, Place], *, downwards: bool) -> None:
        self.spots = {id_: _spot(place, downwards) for id_, place in places.items()}
        self.columns: list[list[str]] = []
        self.column: dict[str, int] = {}
        self.starts: list[float] = []
        self.ends: list[float] = []
        for id_ in sorted(self.spots, key=lambda id_: (self.spots[id_].u0, self.spots[id_].v0)):
            self._add(id_, self.spots[id_])
        for ids in self.columns:
            ids.sort(key=lambda id_: self.spots[id_].v0)

    def _add(self, id_: str, spot: Spot) -> None:
        if not self.columns or spot.u0 >= self.ends[-1]:
            self.columns.append([])
            self.starts.append(spot.u0)
            self.ends.append(spot.u1)
        self.columns[-1].append(id_)
        self.column[id_] = len(self.columns) - 1
        self.ends[-1] = max(self.ends[-1], spot.u1)

    def gaps(self, column: int) -> Iterator[tuple[str | None, str | None, list[float]]]:
        """Yield where a line can pass a column: the boxes on both sides, and some ``v`` between."""
        ids = self.columns[column]
        yield None, ids[0], [self.spots[ids[0]].v0 - _CLEAR]
        for before, after in pairwise(ids):
            low, high = self.spots[before].v1, self.spots[after].v0
            wide = [low + _CLEAR, high - _CLEAR] if high - low > _WIDE else []
            yield before, after, [(low + high) / 2, *wide]
        yield ids[-1], None, [self.spots[ids[-1]].v1 + _CLEAR]

    def neighbours(self, one: str, other: str) -> bool:
        """Say whether two boxes of a column stand next to each other."""
        ids = self.columns[self.column[one]]
        return other in ids and abs(ids.index(one) - ids.index(other)) == 1


def _spot(place: Place, downwards: bool) -> Spot:
    right, bottom = place.x + place.width, place.y + place.height
    if downwards:
        return Spot(place.y, bottom, place.x, right)
    return Spot(place.x, right, place.y, bottom)
