"""Render a launch as DOT, the graph language of Graphviz.

Each box stands next to its real parent at birth; edges that say something else (who created,
who adopted) don't move boxes (``constraint=false``).
"""

from collections.abc import Sequence
from math import ceil

import graphviz

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.render.tree_picture import GAP_ACROSS, GAP_ALONG, Cluster, Edge, Picture
from forktrace.views.boxes import CLUSTER, PADDING, Box, Line
from forktrace.views.fonts import text_width
from forktrace.views.options import ViewOptions
from forktrace.views.palette import (
    BACKGROUND,
    GREY,
    INK,
    MUTED,
    PANEL,
    TINT,
    Shade,
    mix,
    role_shade,
)

_POINTS = 72  # per inch; a point of Graphviz is a px of ours
_FONT = "Helvetica,Arial,sans-serif"
_SPARE = 40  # px beside a cluster's name, so that it can make way for an edge
_SHORT = 150  # px of a name that ends before an edge at the right of a box below it

_STYLES = {
    "create": {"style": "solid", "penwidth": "1.5"},
    "vfork": {"style": "solid", "penwidth": "1.5", "arrowhead": "normaltee"},
    "parent": {"style": "solid", "penwidth": "0.8", "arrowhead": "none"},
    "standing": {"style": "dashed", "penwidth": "0.8", "arrowhead": "none"},
    "reparent": {"style": "dashed", "penwidth": "1.8"},
}
_COLORS = {"create": MUTED, "vfork": MUTED, "parent": GREY, "standing": GREY, "reparent": INK}


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
    clusters = picture.clustered
    for id_ in picture.boxes:
        cluster = clusters.get(id_)
        if cluster is None:
            _node(graph, picture, id_, dark)
        elif id_ == cluster.boxes[0]:
            with graph.subgraph(name=f"cluster_{cluster.id}") as part:
                part.attr(**_cluster(cluster, dark))
                if not titled:
                    part.attr(label=_room(cluster))
                for member in cluster.boxes:
                    _node(part, picture, member, dark)
    ports = "sn" if picture.downwards else "ew"
    for edge in _in_turn(picture):
        attributes = _STYLES[edge.kind] | {"id": edge.id, "class": edge.kind}
        attributes["color"] = _shade(_COLORS[edge.kind], dark)
        if edge.ranks:
            attributes |= dict(zip(("tailport", "headport"), ports, strict=True))
        else:
            attributes["constraint"] = "false"
        graph.edge(edge.source, edge.target, **attributes)
    source: str = graph.source
    return source


def _in_turn(picture: Picture) -> Sequence[Edge]:
    """Return the edges in the order that has Graphviz draw them in creation order.

    It turns around the order of those within a cluster where generations follow to the right.
    """
    if picture.downwards:
        return picture.edges
    place = picture.clustered
    within = [
        e for e in picture.edges if e.source in place and place.get(e.target) is place[e.source]
    ]
    inside = {edge.id for edge in within}
    return [*(e for e in picture.edges if e.id not in inside), *reversed(within)]


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


def _layout(picture: Picture) -> dict[str, str]:
    return {
        "rankdir": "TB" if picture.downwards else "LR",
        "ranksep": f"{GAP_ALONG / _POINTS:.3f}",
        "nodesep": f"{GAP_ACROSS / _POINTS:.3f}",
        "ordering": "out",  # siblings in creation order
        "bgcolor": "transparent",
        "fontname": _FONT,
        "fontsize": "12",
    }


def _box(box: Box, width: float, dark: bool) -> dict[str, str]:
    shade = role_shade(box.role)
    tint = mix(_shade(shade, dark), _shade(BACKGROUND, dark), TINT)
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
        "label": escape_label(*cluster.lines),
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
    name = max(text_width(line, CLUSTER) for line in cluster.lines)
    width = ceil(name + 2 * PADDING + max(_SPARE, name - _SHORT))
    height = ceil((0.5 + 1.3 * len(cluster.lines)) * CLUSTER.size)
    size = f'BORDER="0" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
    return f"<<TABLE {size}><TR><TD></TD></TR></TABLE>>"


def _plain(line: Line) -> str:
    left = "".join(span.text for span in line.left)
    return f"{left}   {line.right.text}".strip() if line.right else left


def _shade(shade: Shade, dark: bool) -> str:
    return shade.dark if dark else shade.light
