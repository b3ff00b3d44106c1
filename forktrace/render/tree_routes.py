"""Run the edges of the tree between the boxes that Graphviz placed.

An edge goes straight past a column, through a gap between its boxes, and bends in the channel
between two columns only. All bends have one shape, so two edges cross in a channel just if they
enter it in another order than they leave it: that is how crossings are counted, and avoided.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum

from forktrace.render.graphviz_layout import Layout, Route, px
from forktrace.render.tree_grid import Grid, Spot
from forktrace.render.tree_picture import Edge

HEAD = 8.0  # px
_HALF = 2.8  # px; half the width of an arrowhead
_BAR = 4.5  # px; half the length of the bar that marks vfork
_BULGE = 30.0  # px
_FRAMED = 30.0  # px between neighbours, from which a frame stands between
_CORNER = 14.0  # px from a box' corner to such an edge
_ASIDE = 0.3  # of a box' side, from its middle, where an adoption starts or ends
_CROSSING = 1000.0  # px of detour that a crossing is worth avoiding with
_SHARED = 30.0  # likewise of starting where the edges to the children start
_BETWEEN = 20.0  # likewise of passing between two boxes
_UPON = 500.0  # likewise of lying upon another adopter's line
_STEEP = 40000.0  # px; the larger, the less a steep bend costs

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Bend:
    """Be an edge's way through one channel: from ``v`` to ``to``."""

    source: str
    v: float
    to: float


@dataclass(frozen=True, slots=True)
class _Stop:
    """Be a way to a point of a column: what it costs, and through which ``v`` it came."""

    cost: float
    way: tuple[float, ...]


def route(edges: Sequence[Edge], layout: Layout, *, downwards: bool) -> list[Route]:
    """Return the ways of all edges, each as SVG path data and an arrowhead.

    Edges that lead back, to an earlier generation, stay where Graphviz drew them.

    Args:
        edges: the edges; those that rank join a box to one of the next generation.
        layout: where Graphviz put the boxes.
        downwards: the generations follow each other from top to bottom, else from left to right.
    """
    router = _Router(Grid(layout.places, downwards=downwards), downwards)
    drawn = {found.id: found for found in layout.routes}
    known = [e for e in edges if e.source in layout.places and e.target in layout.places]
    result: dict[str, Route] = {}
    for edge in sorted(known, key=lambda edge: not edge.ranks):  # what decides the places first
        found = router.run(edge) or drawn.get(edge.id)
        if found is not None:
            result[edge.id] = found
    return [result[edge.id] for edge in known if edge.id in result]


class _Router:
    """Find ways one after the other, each knowing those before it."""

    def __init__(self, grid: Grid, downwards: bool) -> None:
        self._grid = grid
        self._downwards = downwards
        self._bends: list[list[_Bend]] = [[] for _ in grid.columns]
        self._joined: set[tuple[str, str]] = set()  # neighbours with an edge in the gap between
        self._passing: list[list[tuple[str, float]]] = [[] for _ in grid.columns]
        self._heads: set[str] = set()  # boxes at whose middle an edge ends
        self._tails: set[str] = set()

    def run(self, edge: Edge) -> Route | None:
        """Return the way of an edge, None if it leads back."""
        source, target = (self._grid.column[id_] for id_ in (edge.source, edge.target))
        if source == target:
            return self._within(edge)
        if source > target:
            return None
        if edge.ranks and target == source + 1:
            ends = [self._grid.spots[id_].v for id_ in (edge.source, edge.target)]
            self._heads.add(edge.target)
            self._tails.add(edge.source)
            return self._along(edge, ends)
        return self._along(edge, self._cheapest(edge, source, target))

    def _within(self, edge: Edge) -> Route:
        """Lead from a box to another one of its generation."""
        source, target = self._grid.spots[edge.source], self._grid.spots[edge.target]
        if self._grid.neighbours(edge.source, edge.target):
            self._joined |= {(edge.source, edge.target), (edge.target, edge.source)}
            start, end = (source.v1, target.v0) if source.v < target.v else (source.v0, target.v1)
            # A frame's name may stand between them, from the left.
            u = source.u if abs(end - start) < _FRAMED else source.u1 - _CORNER
            return self._written(edge, [_straight((u, start), (u, end))])
        return self._written(edge, [self._around(edge, source, target)])

    def _around(self, edge: Edge, source: Spot, target: Spot) -> Sequence[Point]:
        """Lead around what stands between, on the side where fewer edges are in the way."""
        toward = _ASIDE if source.v < target.v else -_ASIDE
        out, back = source.beside(toward), target.beside(-toward)
        column = self._grid.column[edge.source]
        low, high = sorted((out, back))
        behind = sum(low < bend.v < high for bend in self._bends[column])
        before = sum(low < bend.to < high for bend in self._bends[column - 1]) if column else 0
        if before < behind:
            beyond = self._grid.starts[column] - _BULGE
            return ((source.u0, out), (beyond, out), (beyond, back), (target.u0, back))
        beyond = self._grid.ends[column] + _BULGE
        return ((source.u1, out), (beyond, out), (beyond, back), (target.u1, back))

    def _along(self, edge: Edge, way: Sequence[float]) -> Route:
        """Write a way that passes the columns at these ``v``, and remember it."""
        grid = self._grid
        source, target = grid.spots[edge.source], grid.spots[edge.target]
        first = grid.column[edge.source]
        pieces = []
        at = (source.u1, way[0])
        for i, v in enumerate(way[1:]):
            column = first + i
            self._bends[column].append(_Bend(edge.source, at[1], v))
            left, right = (grid.ends[column], at[1]), (grid.starts[column + 1], v)
            pieces += [_straight(at, left), _bend(left, right)]
            at = right
            if i < len(way) - 2:
                self._passing[column + 1].append((edge.source, v))
                at = (grid.ends[column + 1], v)
                pieces.append(_straight(right, at))
        pieces.append(_straight(at, (target.u0, at[1])))
        return self._written(edge, pieces)

    def _cheapest(self, edge: Edge, first: int, last: int) -> Sequence[float]:
        """Choose through which gaps to go: the fewest crossings, then the shortest way."""
        stops = {v: _Stop(cost, (v,)) for v, cost in self._starts(edge.source)}
        for column in range(first + 1, last + 1):
            ends = self._ends(edge.target) if column == last else self._passes(edge, column)
            stops = {v: self._reach(edge, column - 1, v, cost, stops) for v, cost in ends}
        return min(stops.values(), key=lambda stop: (stop.cost, stop.way)).way

    def _reach(
        self, edge: Edge, channel: int, v: float, cost: float, stops: dict[float, _Stop]
    ) -> _Stop:
        return min(
            (
                _Stop(stop.cost + cost + self._bent(edge, channel, at, v), (*stop.way, v))
                for at, stop in stops.items()
            ),
            key=lambda stop: (stop.cost, stop.way),
        )

    def _bent(self, edge: Edge, channel: int, at: float, to: float) -> float:
        """Return what a bend costs. Ways of the same start may join, and part again."""
        crossed = sum(
            (at - bend.v) * (to - bend.to) < 0
            for bend in self._bends[channel]
            if bend.source != edge.source or bend.v != at
        )
        rise = abs(to - at)
        return _CROSSING * crossed + rise + rise * rise / _STEEP

    def _starts(self, id_: str) -> Iterator[tuple[float, float]]:
        spot = self._grid.spots[id_]
        yield spot.v, _SHARED if id_ in self._tails else 0.0
        yield from ((spot.beside(share), 0.0) for share in (_ASIDE, -_ASIDE))

    def _ends(self, id_: str) -> Iterator[tuple[float, float]]:
        spot = self._grid.spots[id_]
        if id_ not in self._heads:
            yield spot.v, 0.0
        yield from ((spot.beside(share), 0.0) for share in (_ASIDE, -_ASIDE))

    def _passes(self, edge: Edge, column: int) -> Iterator[tuple[float, float]]:
        """Yield where a column can be passed, each with what that costs."""
        others = [v for source, v in self._passing[column] if source != edge.source]
        for before, after, places in self._grid.gaps(column):
            cost = _BETWEEN if before and after else 0.0
            cost += _CROSSING if (before, after) in self._joined else 0.0
            yield from ((v, cost + _UPON * (v in others)) for v in places)

    def _written(self, edge: Edge, pieces: Sequence[Sequence[Point]]) -> Route:
        """Write an edge as SVG has it, with an arrowhead where one belongs."""
        kept = [piece for piece in pieces if piece[0] != piece[-1]]
        if edge.kind in ("parent", "standing") or not kept:
            return Route(edge.id, self._path(kept), None)
        before, tip = kept[-1][-2:]
        length = fsum(abs(b - a) for a, b in zip(before, tip, strict=True))
        du, dv = ((b - a) / length for a, b in zip(before, tip, strict=True))
        base = (tip[0] - HEAD * du, tip[1] - HEAD * dv)
        kept[-1] = (*kept[-1][:-1], base)
        corners = [_off(base, dv, du, _HALF), tip, _off(base, dv, du, -_HALF)]
        bar = None
        if edge.kind == "vfork":
            at = (base[0] - 2 * du, base[1] - 2 * dv)
            bar = f"M{self._pair(_off(at, dv, du, _BAR))}L{self._pair(_off(at, dv, du, -_BAR))}"
        return Route(edge.id, self._path(kept), " ".join(map(self._pair, corners)), bar)

    def _path(self, pieces: Sequence[Sequence[Point]]) -> str:
        """Write curves that follow each other."""
        if not pieces:
            return ""
        points = [point for piece in pieces for point in piece[1:]]
        return f"M{self._pair(pieces[0][0])}C{' '.join(map(self._pair, points))}"

    def _pair(self, point: Point) -> str:
        u, v = point
        return f"{px(v)},{px(u)}" if self._downwards else f"{px(u)},{px(v)}"


def _straight(start: Point, end: Point) -> tuple[Point, ...]:
    return (start, start, end, end) if start == end else (start, *_thirds(start, end), end)


def _thirds(start: Point, end: Point) -> Iterator[Point]:
    for share in (1 / 3, 2 / 3):
        u, v = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        yield u, v


def _bend(start: Point, end: Point) -> tuple[Point, ...]:
    middle = (start[0] + end[0]) / 2
    return (start, (middle, start[1]), (middle, end[1]), end)


def _off(point: Point, du: float, dv: float, by: float) -> Point:
    return (point[0] + du * by, point[1] + dv * by)


def bounds(layout: Layout, routes: Sequence[Route]) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom end of all that is drawn, in px."""
    frames = [*layout.places.values(), *layout.clusters.values()]
    ways = [point for found in routes for point in found.points()]
    xs = [*(f.x for f in frames), *(f.x + f.width for f in frames), *(x for x, _ in ways)]
    ys = [*(f.y for f in frames), *(f.y + f.height for f in frames), *(y for _, y in ways)]
    return min(xs, default=0), min(ys, default=0), max(xs, default=0), max(ys, default=0)
