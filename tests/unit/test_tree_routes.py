"""The edges of the tree: where they run, and that they cross nothing without need."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import dist
from pathlib import Path
from xml.etree import ElementTree

import pytest

from forktrace.render.graphviz_layout import Layout, Route
from forktrace.render.tree_picture import Edge
from forktrace.render.tree_routes import bounds, route

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/tree.svg"))
SVG = "{http://www.w3.org/2000/svg}"
SOLID = ("create", "vfork", "parent", "standing")
# Who is adopted from outside stands there amid others of its generation, which have edges too.
NEEDED = {"podman-5": 1, "podman-pod": 1, "rootless": 1, "rootless-systemd": 4}

Point = tuple[float, float]


def layout(boxes: dict[str, tuple[float, float]], edges: Sequence[str] = ()) -> Layout:
    """Return what Graphviz would have drawn: boxes of 100 by 40 px, and straight edges."""
    nodes = "".join(
        f'<g id="{id_}" class="node"><path d="M{x},{y}L{x + 100},{y + 40}"/></g>'
        for id_, (x, y) in boxes.items()
    )
    lines = "".join(f'<g id="{e}" class="edge"><path d="M0,0C1,1 2,2 3,3"/></g>' for e in edges)
    svg = f'<svg viewBox="0 0 900 900" xmlns="{SVG[1:-1]}"><g transform="translate(0 0)">'
    return Layout(f"{svg}{nodes}{lines}</g></svg>")


def ways(found: list[Route]) -> dict[str, list[Point]]:
    return {r.id: list(r.points()) for r in found}


TWO = {"p1": (0.0, 100.0), "p2": (150.0, 0.0), "p3": (150.0, 200.0), "p4": (300.0, 0.0)}
TWO_EDGES = [Edge("create", "p1", "p2", True), Edge("create", "p1", "p3", True)]


def test_a_child_is_reached_from_the_middle_of_one_side_to_that_of_the_other() -> None:
    found = route(TWO_EDGES, layout(TWO), downwards=False)
    assert found[0].path == "M100,120C125,120 125,20 142,20"
    assert found[0].head == "142,22.8 150,20 142,17.2"


def test_a_tree_that_grows_downwards_is_the_same_turned() -> None:
    boxes = {"p1": (100.0, 0.0), "p2": (0.0, 90.0)}
    found = route([Edge("create", "p1", "p2", True)], layout(boxes), downwards=True)
    assert found[0].path == "M150,40C150,65 50,65 50,82"


def test_only_vfork_has_a_bar() -> None:
    edges = [Edge("vfork", "p1", "p2", True), Edge("create", "p1", "p3", True)]
    one, other = route(edges, layout(TWO), downwards=False)
    assert one.bar == "M140,24.5L140,15.5"
    assert other.bar is None


def test_an_adoption_goes_through_the_gap_where_it_crosses_nothing() -> None:
    edges = [*TWO_EDGES, Edge("create", "p2", "p4", True), Edge("reparent", "p1", "p4", False)]
    found = ways(route(edges, layout(TWO), downwards=False))
    middle = [y for x, y in found["reparent-p1-p4"] if 150 <= x <= 250]
    assert {40 < y < 200 for y in middle} == {True}
    adopted = found.pop("reparent-p1-p4")
    assert [id_ for id_, way in found.items() if crossed(adopted, way)] == []


def test_an_adoption_does_not_end_where_the_edge_of_the_creator_ends() -> None:
    edges = [*TWO_EDGES, Edge("create", "p2", "p4", True), Edge("reparent", "p1", "p4", False)]
    found = {r.id: r.head for r in route(edges, layout(TWO), downwards=False)}
    assert found["create-p2-p4"] != found["reparent-p1-p4"]


def test_neighbours_are_joined_straight_and_others_around_what_is_between() -> None:
    boxes = {"p1": (0.0, 0.0), "p2": (0.0, 54.0), "p3": (0.0, 108.0)}
    edges = [Edge("create", "p1", "p2", False), Edge("create", "p1", "p3", False)]
    near, far = ways(route(edges, layout(boxes), downwards=False)).values()
    assert {round(x, 6) for x, _ in near} == {50}
    assert max(x for x, _ in far) > 110
    assert (far[0][0], far[-1][0]) == (100, 108)


def test_it_goes_around_on_the_side_where_fewer_edges_are_in_the_way() -> None:
    boxes = {"p1": (200.0, 0.0), "p2": (200.0, 54.0), "p3": (200.0, 108.0), "p4": (400.0, 54.0)}
    edges = [Edge("create", "p2", "p4", True), Edge("create", "p1", "p3", False)]
    far = ways(route(edges, layout(boxes), downwards=False))["create-p1-p3"]
    assert min(x for x, _ in far) < 190


def test_an_edge_that_leads_back_is_graphviz_own() -> None:
    edges = [*TWO_EDGES, Edge("reparent", "p4", "p1", False)]
    found = route(edges, layout(TWO, ["reparent-p4-p1"]), downwards=False)
    assert {r.id: r.path for r in found}["reparent-p4-p1"] == "M0,0C1,1 2,2 3,3"


def test_the_bounds_hold_boxes_and_ways() -> None:
    boxes = {"p1": (0.0, 0.0), "p2": (150.0, 0.0), "p3": (300.0, 0.0)}
    edges = [Edge("create", "p1", "p2", True), Edge("create", "p2", "p3", True)]
    edges.append(Edge("reparent", "p1", "p3", False))
    given = layout(boxes)
    left, top, right, bottom = bounds(given, route(edges, given, downwards=False))
    assert (left, right) == (0, 400)
    assert top < 0 or bottom > 40


def test_a_picture_without_a_box_has_no_bounds() -> None:
    assert bounds(layout({}), []) == (0, 0, 0, 0)


def crossed(one: Sequence[Point], other: Sequence[Point]) -> int:
    """Count where two lines properly cross, segment by segment."""
    pairs = product(pairwise(one), pairwise(other))
    return sum(_cross(a, b, c, d) for (a, b), (c, d) in pairs)


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    sides = (_side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b))
    return sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0


def _side(a: Point, b: Point, point: Point) -> int:
    """Return on which side of a line a point lies; 0 if so near that it touches."""
    area = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
    return 0 if abs(area) <= 0.02 * dist(a, b) else 1 if area > 0 else -1


def drawn(path: Path, *kinds: str) -> Iterator[Route]:
    """Yield the edges of a picture; the key's samples and the bars have no curves."""
    for element in ElementTree.parse(path).iter(f"{SVG}path"):
        kind = (element.get("class") or "").removeprefix("ft-")
        if kind in kinds and "C" in element.attrib["d"]:
            yield Route(kind, element.attrib["d"], None)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_in_the_gallery_no_edge_crosses_another_without_need(path: Path) -> None:
    solid = [list(r.points())[::8] for r in drawn(path, *SOLID)]
    adopted = [list(r.points())[::8] for r in drawn(path, "reparent")]
    found = sum(crossed(one, other) for one in adopted for other in solid)
    found += sum(crossed(a, b) for i, a in enumerate(solid) for b in solid[:i])
    assert found == NEEDED.get(path.parent.name, 0)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_in_the_gallery_no_edge_runs_through_a_box(path: Path) -> None:
    boxes = [
        [float(rect.attrib[name]) for name in ("x", "y", "width", "height")]
        for rect in ElementTree.parse(path).iter(f"{SVG}rect")
        if rect.get("class") == "ft-box"
    ]
    through = [
        (x, y)
        for edge in drawn(path, *SOLID, "reparent")
        for x, y in edge.points()
        for left, top, width, height in boxes
        if left + 1 < x < left + width - 1 and top + 1 < y < top + height - 1
    ]
    assert through == []
    assert boxes


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_gallery_fits_a_page(path: Path) -> None:
    assert float(ElementTree.parse(path).getroot().attrib["width"]) <= 1600
