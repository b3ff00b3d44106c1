"""Define what a picture is made of: plain lines, boxes, paths and labels in px, and no format.

``kind`` holds class names ("lane engine"): what a thing is, from which a renderer takes its
colours and strokes. ``title`` is the full text behind a mark, shown on hover.
"""

from dataclasses import dataclass, field
from math import fsum
from typing import Literal, NamedTuple

from forktrace.views.fonts import Face, text_width


class Bounds(NamedTuple):
    """Be an upright rectangle, in px."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Bounds") -> bool:
        """Say whether the two share more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Line:
    """Be a straight stroke."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """Be a rectangle, with corners rounded by ``radius``."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    radius: float = 0.0
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    """Be a circle."""

    x: float
    y: float
    radius: float
    kind: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Be a cubic Bézier curve from ``start`` to ``end``, bent towards two control points."""

    start: tuple[float, float]
    control1: tuple[float, float]
    control2: tuple[float, float]
    end: tuple[float, float]
    kind: str
    title: str | None = None

    def point(self, t: float) -> tuple[float, float]:
        """Return the point at ``t``, from 0 (start) to 1 (end)."""
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        points = (self.start, self.control1, self.control2, self.end)
        return (
            fsum(w * p[0] for w, p in zip(weights, points, strict=True)),
            fsum(w * p[1] for w, p in zip(weights, points, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Polygon:
    """Be a closed shape: an arrowhead or a diamond."""

    points: tuple[tuple[float, float], ...]
    kind: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """Be one line of text; ``y`` is its baseline, ``x`` its start, middle or end, as anchored."""

    x: float
    y: float
    text: str
    face: Face
    kind: str
    anchor: Literal["start", "middle", "end"] = "start"
    title: str | None = None

    @property
    def bounds(self) -> Bounds:
        """Return the box that the text fits in, by the built-in widths."""
        width = text_width(self.text, self.face)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        top, bottom = self.y - 0.78 * self.face.size, self.y + 0.22 * self.face.size
        return Bounds(left, top, left + width, bottom)


Mark = Line | Box | Dot | Curve | Polygon | Label


@dataclass(frozen=True, slots=True)
class Group:
    """Be marks that belong together, as those of one process: ``name`` is unique in a picture."""

    name: str
    kind: str
    title: str | None
    marks: tuple[Mark, ...]


@dataclass(slots=True)
class Picture:
    """Be a whole drawing, back to front; ``title`` and ``story`` are for who can't see it."""

    width: float
    height: float
    title: str
    story: str
    items: list[Mark | Group] = field(default_factory=list)

    @property
    def marks(self) -> list[Mark]:
        """Return all marks, those inside groups too, back to front."""
        return [
            m for item in self.items for m in (item.marks if isinstance(item, Group) else [item])
        ]
