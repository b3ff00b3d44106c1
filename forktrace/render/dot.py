"""Render a launch as DOT, the graph language of Graphviz.

Each box stands next to its real parent at birth; edges that say something else (who created,
who adopted) don't move boxes (``constraint=false``).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import graphviz

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.text import decode_text
from forktrace.views.boxes import Box, Line, box_of
from forktrace.views.notes import closing_notes, summary_lines
from forktrace.views.options import ViewOptions
from forktrace.views.palette import BACKGROUND, GREY, INK, MUTED, Shade, role_shade
from forktrace.views.tree import Row, Tree, build_tree, outside_rows
from forktrace.views.words import count_words, show_argv

MAX_BOXES = 150  # Graphviz takes minutes for thousands, and nobody reads them
_POINTS = 72  # per inch; a point of Graphviz is a px of ours
_FONT = "Helvetica,Arial,sans-serif"
_GAP_ALONG, _GAP_ACROSS = 46, 14  # px between a box and its child, and between siblings
_WIDE = 1600  # px; a tree that would be wider grows downwards instead
_TITLE = 120  # characters of the command
_TINT = 0.07  # of the role's colour in its box

_STYLES = {
    "create": {"style": "solid", "penwidth": "1.5"},
    "parent": {"style": "solid", "penwidth": "0.8", "arrowhead": "none"},
    "reparent": {"style": "dashed", "penwidth": "1.8"},
}
_COLORS = {"create": MUTED, "parent": GREY, "reparent": INK}


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


class Picture:
    """Be what the graph shows: boxes, all of one width, and the edges between them."""

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self.launch = launch
        self.tree: Tree = build_tree(launch, findings, MAX_BOXES)
        rows: list[Row] = [*self.tree.rows, *outside_rows(launch, self.tree)]
        self.boxes: dict[str, Box] = {r.process.id: box_of(launch, findings, r) for r in rows}
        self.width = max((box.width for box in self.boxes.values()), default=0.0)
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
        notes = [*summary_lines(self.launch), *closing_notes(self.launch)]
        if self.tree.folded:
            alike = count_words(self.tree.folded, "process shares", "processes share")
            notes.append(f"{alike} the box of a sibling that did the same")
        if self.tree.hidden:
            notes.append(
                f"{count_words(self.tree.hidden, 'process', 'processes')} deeper down left out"
            )
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
    picture = Picture(launch, findings)
    return write_dot(picture, dark=options.theme == "dark", titled=True)


def write_dot(picture: Picture, *, dark: bool, titled: bool) -> str:
    """Write a picture in DOT; without its title and caption if not ``titled``."""
    graph = graphviz.Digraph("forktrace")
    graph.attr("graph", **_layout(picture))
    if titled:
        label = escape_label(picture.title, *picture.caption)
        graph.attr("graph", label=label, labelloc="t", labeljust="l", fontcolor=_shade(INK, dark))
    graph.attr("node", shape="box", fixedsize="true", fontname=_FONT, fontsize="11")
    graph.attr("edge", arrowsize="0.8")
    for box in picture.boxes.values():
        lines = [_plain(line) for line in box.lines]
        graph.node(box.id, escape_label(*lines), **_box(box, picture.width, dark))
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


def _edges(process: Process) -> Iterator[Edge]:
    """Yield how a process came to where it is: created, born under, adopted."""
    creator, parent = process.creator, process.parent
    if parent and parent != creator:
        yield Edge("parent", parent, process.id, ranks=True)
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
