"""Render a launch as DOT, the graph language of Graphviz.

Each box stands next to its real parent at birth; edges that say something else (who created,
who adopted) don't move boxes (``constraint=false``).
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple

import graphviz

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.text import decode_text
from forktrace.views.boxes import CLUSTER, PADDING, Box, Line, box_of
from forktrace.views.clusters import find_groups
from forktrace.views.fonts import text_width
from forktrace.views.notes import closing_notes, summary_lines
from forktrace.views.options import ViewOptions
from forktrace.views.palette import BACKGROUND, GREY, INK, MUTED, PANEL, Shade, role_shade
from forktrace.views.select.words import hidden_words
from forktrace.views.tree import Row, Tree, build_tree, outside_rows
from forktrace.views.words import show_argv

MAX_BOXES = 150  # Graphviz takes minutes for thousands, and nobody reads them
_POINTS = 72  # per inch; a point of Graphviz is a px of ours
_FONT = "Helvetica,Arial,sans-serif"
_GAP_ALONG, _GAP_ACROSS = 46, 14  # px between a box and its child, and between siblings
_WIDE = 1600  # px; a tree that would be wider grows downwards instead
_SPARE = 40  # px beside a cluster's name, so that it can make way for an edge
_TITLE = 120  # characters of the command
_TINT = 0.07  # of the role's colour in its box

_STYLES = {
    "create": {"style": "solid", "penwidth": "1.5"},
    "parent": {"style": "solid", "penwidth": "0.8", "arrowhead": "none"},
    "standing": {"style": "dashed", "penwidth": "0.8", "arrowhead": "none"},
    "reparent": {"style": "dashed", "penwidth": "1.8"},
}
_COLORS = {"create": MUTED, "parent": GREY, "standing": GREY, "reparent": INK}


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


class Picture:
    """Be what the graph shows: boxes, all of one width, and the edges between them."""

    def __init__(
        self, launch: Launch, findings: Findings, options: ViewOptions | None = None
    ) -> None:
        self.launch = launch
        self._findings = findings
        self.tree: Tree = build_tree(launch, findings, options, MAX_BOXES)
        rows: list[Row] = [*self.tree.rows, *outside_rows(launch, self.tree)]
        self.boxes: dict[str, Box] = {r.process.id: box_of(launch, findings, r) for r in rows}
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

    @property
    def downwards(self) -> bool:
        """Say if the tree grows downwards: if it is deeper than wide, and too deep for a page."""
        deepest = max((row.depth for row in self.tree.rows), default=0) + 1
        leaves = len(self.tree.rows) - len({id(r.above) for r in self.tree.rows if r.above})
        rightwards = deepest * (self.width + _GAP_ALONG)
        return rightwards > _WIDE and leaves * (self.width + _GAP_ACROSS) < rightwards


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Write the graph in DOT, ready for ``dot`` and for other tools that read it."""
    picture = Picture(launch, findings, options)
    return write_dot(picture, dark=options.theme == "dark", titled=True)


def write_dot(picture: Picture, *, dark: bool, titled: bool) -> str:
    """Write a picture in DOT; without its title, its caption and labels if not ``titled``."""
    graph = graphviz.Digraph("forktrace")
    graph.attr("graph", **_layout(picture))
    if titled:
        label = escape_label(picture.title, *picture.caption)
        graph.attr("graph", label=label, labelloc="t", labeljust="l", fontcolor=_shade(INK, dark))
    graph.attr("node", shape="box", fixedsize="true", fontname=_FONT, fontsize="11")
    graph.attr("edge", arrowsize="0.8")
    clustered: set[str] = set()
    for cluster in picture.clusters:
        with graph.subgraph(name=f"cluster_{cluster.id}") as part:
            part.attr(**_cluster(cluster, dark))
            if not titled:
                part.attr(label=_room(cluster))
            for id_ in cluster.boxes:
                _node(part, picture, id_, dark)
        clustered.update(cluster.boxes)
    for id_ in picture.boxes:
        if id_ not in clustered:
            _node(graph, picture, id_, dark)
    ports = "sn" if picture.downwards else "ew"
    for edge in picture.edges:
        attributes = _STYLES[edge.kind] | {"id": edge.id, "class": edge.kind}
        attributes["color"] = _shade(_COLORS[edge.kind], dark)
        if edge.ranks:
            attributes |= dict(zip(("tailport", "headport"), ports, strict=True))
        else:
            attributes["constraint"] = "false"
        graph.edge(edge.source, edge.target, **attributes)
    source: str = graph.source
    return source


def _node(graph: graphviz.Digraph, picture: Picture, id_: str, dark: bool) -> None:
    box = picture.boxes[id_]
    lines = [_plain(line) for line in box.lines]
    graph.node(id_, escape_label(*lines), **_box(box, picture.width, dark))


def escape_label(*lines: str) -> str:
    r"""Make lines of printable text one label, set flush left: the one place that escapes for DOT.

    Backslashes are doubled, as ``\N`` would be the node's name; ``&`` becomes an entity, as
    Graphviz decodes those; and the label is marked as plain text, even if it looks like HTML. The
    graphviz package quotes it then.

    >>> print(escape_label("<a\\N>", "&lt;"))
    <a\\N>\l&amp;lt;\l
    """
    escaped = (graphviz.escape(line.replace("&", "&amp;")) for line in lines)
    label: str = graphviz.nohtml("".join(f"{line}\\l" for line in escaped))
    return label


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


def _edges(process: Process) -> Iterator[Edge]:
    """Yield how a process came to where it is: found there, created, born under, adopted."""
    creator, parent = process.creator, process.parent
    if parent and parent != creator:
        yield Edge("standing" if process.attached else "parent", parent, process.id, ranks=True)
    if creator:
        yield Edge("create", creator, process.id, ranks=parent in (None, creator))
    for adopter in dict.fromkeys(a.parent for a in process.adoptions):
        yield Edge("reparent", adopter, process.id, ranks=False)


def _layout(picture: Picture) -> dict[str, str]:
    return {
        "rankdir": "TB" if picture.downwards else "LR",
        "ranksep": f"{_GAP_ALONG / _POINTS:.3f}",
        "nodesep": f"{_GAP_ACROSS / _POINTS:.3f}",
        "ordering": "out",  # siblings in creation order
        "bgcolor": "transparent",
        "fontname": _FONT,
        "fontsize": "12",
    }


def _box(box: Box, width: float, dark: bool) -> dict[str, str]:
    shade = role_shade(box.role)
    tint = mix(_shade(shade, dark), _shade(BACKGROUND, dark))
    style = "rounded,filled,dashed" if box.outside else "rounded,filled"
    return {
        "id": box.id,
        "class": "outside" if box.outside else box.role or "other",
        "style": style,
        "color": _shade(shade, dark),
        "fillcolor": tint,
        "fontcolor": _shade(INK, dark),
        "penwidth": "1.3",
        "peripheries": "2" if box.several else "1",
        "width": f"{width / _POINTS:.3f}",
        "height": f"{box.height / _POINTS:.3f}",
    }


def _cluster(cluster: Cluster, dark: bool) -> dict[str, str]:
    shade = role_shade("container") if cluster.is_container else GREY
    return {
        "id": cluster.id,
        "class": "container-cluster" if cluster.is_container else "cluster",
        "label": escape_label(cluster.label),
        "labeljust": "l",
        "labelloc": "t",
        "style": "rounded,filled",
        "color": _shade(shade, dark),
        "fillcolor": _shade(PANEL, dark),
        "fontcolor": _shade(shade, dark),
        "fontsize": "12",
        "penwidth": "1.2",
        "margin": "12",
    }


def _room(cluster: Cluster) -> str:
    """Write a label without text, as large as the one that we write there ourselves."""
    width = ceil(text_width(cluster.label, CLUSTER) + 2 * PADDING + _SPARE)
    height = ceil(1.8 * CLUSTER.size)
    size = f'BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
    return f"<<TABLE {size}><TR><TD></TD></TR></TABLE>>"


def _plain(line: Line) -> str:
    left = "".join(span.text for span in line.left)
    return f"{left}   {line.right.text}".strip() if line.right else left


def _shade(shade: Shade, dark: bool) -> str:
    return shade.dark if dark else shade.light


def mix(color: str, background: str) -> str:
    """Return the tint of ``color`` that fills a box on ``background``; both are "#rrggbb"."""
    pairs = zip(_channels(color), _channels(background), strict=True)
    return "#" + "".join(f"{round(c * _TINT + b * (1 - _TINT)):02x}" for c, b in pairs)


def _channels(color: str) -> Sequence[int]:
    return bytes.fromhex(color.lstrip("#"))
