"""Read from the SVG of Graphviz where it put the boxes, and how the edges run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum
from xml.etree import ElementTree

from forktrace.errors import MissingToolError

_SVG = "{http://www.w3.org/2000/svg}"
_STEPS = 40  # of a curve
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Place:
    """Be where a box stands, in px from the top left corner of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """Be an edge: its id in the DOT text, SVG path data, and the points of its arrowhead.

    ``bar`` is the path of the stroke before the arrowhead that marks a vfork.
    """

    id: str
    path: str
    head: str | None
    bar: str | None = None

    def points(self) -> Iterator[tuple[float, float]]:
        """Yield points along the edge, near enough to each other to see what it runs through.

        Graphviz draws a start point and cubic Bézier curves, three points each.
        """
        flat = numbers(self.path)
        corners = list(zip(flat[::2], flat[1::2], strict=True))
        for i in range(0, len(corners) - 3, 3):
            curve = corners[i : i + 4]
            for step in range(_STEPS + 1):
                yield _on_curve(curve, step / _STEPS)


def _on_curve(corners: list[tuple[float, float]], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    pairs = list(zip(weights, corners, strict=True))
    return fsum(w * x for w, (x, _) in pairs), fsum(w * y for w, (_, y) in pairs)


class Layout:
    """Be a drawing of Graphviz: places by node id, clusters, routes, and the whole size in px.

    Raises:
        MissingToolError: this is no SVG of the kind that Graphviz writes.
    """

    def __init__(self, svg: str) -> None:
        self.places: dict[str, Place] = {}
        self.routes: list[Route] = []
        self.clusters: dict[str, Place] = {}
        try:
            root = ElementTree.fromstring(svg)
            _, _, self.width, self.height = numbers(root.attrib["viewBox"])
            graph = next(root.iter(f"{_SVG}g"))
            self._dx, self._dy = numbers(graph.attrib["transform"].partition("translate")[2])
            for group in graph.iter(f"{_SVG}g"):
                self._take(group)
        except (ElementTree.ParseError, KeyError, StopIteration, ValueError) as error:
            raise MissingToolError(
                f"can't read what Graphviz drew ({type(error).__name__}): install another version "
                "of Graphviz, or choose the view lanes"
            ) from error

    def _take(self, group: ElementTree.Element) -> None:
        what = group.get("class", "").partition(" ")[0]
        id_ = group.get("id", "")
        paths = list(group.iter(f"{_SVG}path"))
        polygons = list(group.iter(f"{_SVG}polygon"))
        if what == "node":
            self.places[id_] = self._bounds([*paths, *polygons])
        elif what == "cluster":
            self.clusters[id_] = self._bounds([*paths, *polygons])
        elif what == "edge" and paths:
            heads = [self._moved(polygon.attrib["points"]) for polygon in polygons]
            bar = f"M{heads[1]}Z" if len(heads) > 1 else None
            way = self._moved(paths[0].attrib["d"])
            self.routes.append(Route(id_, way, heads[0] if heads else None, bar))

    def _bounds(self, outlines: list[ElementTree.Element]) -> Place:
        points = [n for o in outlines for n in numbers(o.get("d") or o.attrib["points"])]
        xs, ys = points[::2], points[1::2]
        left, top = min(xs), min(ys)
        return Place(left + self._dx, top + self._dy, max(xs) - left, max(ys) - top)

    def _moved(self, data: str) -> str:
        """Shift coordinates, of which Graphviz writes absolute pairs only, to our corner."""
        shifts = [self._dx, self._dy]

        def move(match: re.Match[str]) -> str:
            shifts.reverse()
            return px(float(match[0]) + shifts[1])

        return _NUMBER.sub(move, data)


def numbers(text: str) -> list[float]:
    """Return the numbers in an SVG attribute."""
    return [float(n) for n in _NUMBER.findall(text)]


def px(number: float) -> str:
    """Write a length with one decimal at most."""
    shown = f"{number:.1f}".removesuffix(".0")
    return "0" if shown == "-0" else shown
