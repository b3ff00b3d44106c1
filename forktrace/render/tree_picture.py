"""Say what the graph view shows: its boxes and their order, the edges, the frames.

Boxes stand in generations, each box next to its real parent at birth.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.text import decode_text
from forktrace.views.boxes import PADDING, ROOM, Box, box_of
from forktrace.views.clusters import find_groups
from forktrace.views.containers import SEPARATOR
from forktrace.views.notes import closing_notes, summary_lines
from forktrace.views.options import ViewOptions
from forktrace.views.select.words import hidden_words
from forktrace.views.tree import Row, Tree, build_tree, outside_rows
from forktrace.views.words import show_argv

GAP_ALONG, GAP_ACROSS = 46, 14  # px between a box and its child, and between siblings

MAX_BOXES = 150  # Graphviz takes minutes for thousands, and nobody reads them
_WIDE = 1560  # px, which leaves a page of 1,600 its margins
_LEAST_ROOM = 150.0  # px for the text in a box; with less a tree grows downwards instead
_TITLE = 120  # characters of the command


class Edge(NamedTuple):
    """Be an edge of the picture. ``ranks`` says if it decides where the child stands."""

    kind: str
    source: str
    target: str
    ranks: bool

    @property
    def id(self) -> str:
        """Return what the edge is called in the DOT text and in the SVG made of it."""
        return f"{self.kind}-{self.source}-{self.target}"


class Cluster(NamedTuple):
    """Be a frame around boxes that share something; ``label`` says what."""

    id: str
    label: str
    boxes: Sequence[str]
    is_container: bool

    @property
    def lines(self) -> Sequence[str]:
        """Return the label in lines, so that it is not much wider than a box."""
        return self.label.split(SEPARATOR)


class Picture:
    """Be what the graph shows: boxes, all of one width, and the edges between them."""

    def __init__(
        self, launch: Launch, findings: Findings, options: ViewOptions | None = None
    ) -> None:
        self.launch = launch
        self._findings = findings
        self.tree: Tree = build_tree(launch, findings, options, MAX_BOXES)
        self._depth = max((row.depth for row in self.tree.rows), default=0) + 1
        rows = _in_order(_by_families(self.tree.rows), outside_rows(launch, self.tree))
        self.boxes: dict[str, Box] = {
            row.process.id: box_of(launch, findings, row, self._room()) for row in rows
        }
        self.width = max((box.width for box in self.boxes.values()), default=0.0)
        self.clusters = _clusters(launch, findings, rows, options)
        self.edges = [
            edge
            for row in rows
            for edge in _edges(row.process)
            if edge.source in self.boxes and edge.target in self.boxes
        ]

    @property
    def title(self) -> str:
        """Return the command, cut where it is long."""
        return show_argv([decode_text(a) for a in self.launch.header.command], _TITLE)

    @property
    def caption(self) -> list[str]:
        """Return the lines under the title: how large, how long, and what is not shown."""
        notes = [*summary_lines(self.launch), *closing_notes(self.launch, self._findings)]
        if self.tree.selection.hidden:
            notes.append(hidden_words(self.launch, self.tree.selection, "box"))
        return notes

    def _room(self) -> float:
        """Return how wide text in a box may be, so that all generations fit beside each other."""
        room = (_WIDE - (self._depth - 1) * GAP_ALONG) / self._depth - 2 * PADDING
        return min(room, ROOM) if room >= _LEAST_ROOM else ROOM

    @property
    def clustered(self) -> dict[str, Cluster]:
        """Return the cluster that each box is in, by the box' id."""
        return {id_: cluster for cluster in self.clusters for id_ in cluster.boxes}

    @property
    def downwards(self) -> bool:
        """Say if the tree grows downwards: if it is deeper than wide, and too deep for a page."""
        widest = max(Counter(row.depth for row in self.tree.rows).values(), default=0)
        rightwards = self._depth * (self.width + GAP_ALONG) - GAP_ALONG
        return rightwards > _WIDE + 2 * PADDING and widest * (self.width + GAP_ACROSS) < rightwards


def _clusters(
    launch: Launch, findings: Findings, rows: Sequence[Row], options: ViewOptions | None
) -> list[Cluster]:
    """Return the groups asked for that have a box; in each are boxes of just its processes."""
    by = options.cluster if options else None
    if by is None:
        return []
    inside = []
    for group in find_groups(launch, findings, by):
        boxes = [row.process.id for row in rows if group.ids.issuperset(row.ids)]
        if boxes:
            inside.append((group, boxes))
    return [
        Cluster(f"group{i}", group.label, tuple(boxes), by == "container")
        for i, (group, boxes) in enumerate(inside, start=1)
    ]


def _by_families(rows: Sequence[Row]) -> list[Row]:
    """Put who was adopted from among siblings behind them, with those who made it their sibling.

    The line from the adopter would cross others' lines where siblings stand on both sides. All
    else stays in creation order.
    """
    below: dict[int, list[Row]] = {}
    for row in rows:
        below.setdefault(id(row.above), []).append(row)
    result: list[Row] = []
    stack = below.get(id(None), [])[::-1]
    while stack:
        row = stack.pop()
        result.append(row)
        siblings = below.get(id(row), [])
        stay = [i for i, child in enumerate(siblings) if not child.process.adoptions]
        between = siblings[min(stay, default=0) : max(stay, default=0)]
        last = {child.process.id for child in between if child.process.adoptions}
        for child in reversed(siblings):
            if child.process.id in last and child.process.creator is not None:
                last.add(child.process.creator)
        stack += sorted(siblings, key=lambda child: child.process.id in last)[::-1]
    return result


def _in_order(rows: Sequence[Row], outside: Sequence[Row]) -> list[Row]:
    """Put adopters that have no other row first or last: where fewer boxes stand in their way."""
    first: list[Row] = []
    last: list[Row] = []
    for adopter in outside:
        before = after = 0
        for at, row in enumerate(rows):
            if any(a.parent == adopter.process.id for a in row.process.adoptions):
                before += sum(other.depth == row.depth for other in rows[:at])
                after += sum(other.depth == row.depth for other in rows[at + 1 :])
        (first if before < after else last).append(adopter)
    return [*first, *rows, *last]


def _edges(process: Process) -> Iterator[Edge]:
    """Yield how a process came to where it is: found there, created, born under, adopted."""
    creator, parent = process.creator, process.parent
    if parent and parent != creator:
        yield Edge("standing" if process.attached else "parent", parent, process.id, ranks=True)
    if creator:
        kind = "vfork" if process.is_vforked else "create"
        yield Edge(kind, creator, process.id, ranks=parent in (None, creator))
    for adopter in dict.fromkeys(a.parent for a in process.adoptions):
        yield Edge("reparent", adopter, process.id, ranks=False)
