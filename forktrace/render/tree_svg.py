"""Render a launch as an SVG of its graph, laid out by Graphviz.

Graphviz says where boxes stand and how edges run; the text in the boxes, the colours and the key
are set here. So they are those of the other pictures, follow the reader's dark mode, and are the
same whichever Graphviz made the layout.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from math import fsum

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.render import metadata
from forktrace.render.dot import write_dot
from forktrace.render.graphviz_layout import Layout, Place, Route, px
from forktrace.render.graphviz_tools import dot_to_svg
from forktrace.render.tree_picture import Cluster, Picture
from forktrace.render.tree_routes import HEAD, bounds, route
from forktrace.render.tree_style import style_sheet
from forktrace.render.xml import escape
from forktrace.views.boxes import CLUSTER, PADDING, SMALL, Box, Line, Span
from forktrace.views.fonts import Face, fit, wrap
from forktrace.views.options import ViewOptions
from forktrace.views.story import tell
from forktrace.views.words import cut, show_argv

_MARGIN = 16.0
_NARROWEST = 640.0
_TITLE = Face(16, bold=True)
_CAPTION = Face(12)
_BASELINE = 0.95  # of the font size, from the top of a line
_LEADING = 1.3  # lines of a cluster's name, of the font size
_CLEAR = 5.0  # px between a cluster's name and an edge
_STEP = 6.0  # px from one place tried for it to the next
_STACK = 5.0  # px between the outlines of a box that stands for several
_SAMPLE = 34.0  # px that a sample in the key takes
_HOVER = 2000  # characters of the arguments shown on hover

_BACK_TO_FRONT = ("standing", "parent", "create", "vfork", "reparent")
_KEY = {
    "create": "created",
    "vfork": "created by vfork: a thread waits until the child execs or ends",
    "standing": "real parent, of what ran already",
    "parent": "real parent, where it is not the creator",
    "reparent": "adopted: the old parent died (arrow: to the child)",
}
_EXEC_WORDS = "\N{DOUBLE VERTICAL LINE}  exec: another program, same process"
_TITLE_LINES = 3


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Draw the graph; ``options.width`` scales it to so many px.

    Raises:
        MissingToolError: no Graphviz is here (the message says how to get one), or it failed.
    """
    picture = Picture(launch, findings, options)
    layout = Layout(dot_to_svg(write_dot(picture, dark=False, titled=False)))
    body = _Body(picture, layout)
    width = body.width
    scope = "ft" + sha256("\n".join(body.lines).encode()).hexdigest()[:10]
    scale = (options.width or width) / width
    opening = {
        "aria-labelledby": f"{scope}-title {scope}-desc",
        "height": px(body.height * scale),
        "id": scope,
        "role": "img",
        "viewBox": f"0 0 {px(width)} {px(body.height)}",
        "width": px(width * scale),
        "xmlns": "http://www.w3.org/2000/svg",
    }
    lines = [
        _open("svg", opening),
        _tag("title", {"id": f"{scope}-title"}, f"Process graph of {cut(picture.title, 80)}"),
        _tag("desc", {"id": f"{scope}-desc"}, tell(launch, findings)),
        metadata.element("tree", options),
        "<style>",
        *style_sheet(scope, options.theme, {_kind_of(box) for box in picture.boxes.values()}),
        "</style>",
        _tag("rect", {"class": "ft-page", "height": px(body.height), "width": px(width)}),
        *body.lines,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


class _Body:
    """Write what is seen, from top to bottom: title and caption, graph, key."""

    def __init__(self, picture: Picture, layout: Layout) -> None:
        self._routes = route(picture.edges, layout, downwards=picture.downwards)
        self._left, self._top, self._right, self._bottom = bounds(layout, self._routes)
        self.width = max(self._right - self._left + 2 * _MARGIN, _NARROWEST)
        self._y = _MARGIN
        self.lines = [
            *self._heading(picture),
            *self._graph(picture, layout),
            *self._key(picture),
        ]
        self.height = self._y + _MARGIN

    def _heading(self, picture: Picture) -> Iterator[str]:
        room = self.width - 2 * _MARGIN
        titles = wrap(picture.title, _TITLE, room, _TITLE_LINES)
        spans = [Span(line, _TITLE, "ink") for line in titles]
        notes = [line for note in picture.caption for line in wrap(note, _CAPTION, room)]
        spans += [Span(line, _CAPTION, "muted") for line in notes]
        for span in spans:
            yield _text(span, _MARGIN, self._y + span.face.size)
            self._y += span.face.size * 1.4
        self._y += 12

    def _graph(self, picture: Picture, layout: Layout) -> Iterator[str]:
        left = (self.width - self._left - self._right) / 2
        yield _open("g", {"transform": f"translate({px(left)} {px(self._y - self._top)})"})
        for cluster in picture.clusters:
            yield from _cluster(cluster, layout.clusters[cluster.id], self._routes)
        kinds = {edge.id: edge.kind for edge in picture.edges}
        for kind in _BACK_TO_FRONT:
            for found in self._routes:
                if kinds[found.id] == kind:
                    yield from _edge(kind, found)
        for id_, box in picture.boxes.items():
            argv = picture.launch.processes[id_].argv
            hover = f"{id_}: {show_argv(argv, _HOVER)}" if argv else id_
            yield from _box(box, layout.places[id_], hover)
        yield "</g>"
        self._y += self._bottom - self._top + 16

    def _key(self, picture: Picture) -> Iterator[str]:
        """Explain the marks in use, side by side where there is room."""
        x = _MARGIN
        present = {edge.kind for edge in picture.edges}
        for kind in [kind for kind in _KEY if kind in present]:
            words = Span(_KEY[kind], SMALL, "muted")
            x = self._place(x, _SAMPLE + 8 + words.width)
            yield from _edge(kind, _sample(kind, x, self._y + 8))
            yield _text(words, x + _SAMPLE + 8, self._y + 12)
            x += _SAMPLE + 8 + words.width + 26
        executed = any(len(process.images) > 1 for process in picture.launch.inside)
        if executed:
            words = Span(_EXEC_WORDS, SMALL, "muted")
            yield _text(words, self._place(x, words.width), self._y + 12)
        self._y += 16 if executed or present else -16

    def _place(self, x: float, width: float) -> float:
        """Return where something of this width can stand: at ``x``, or on a new line."""
        if x > _MARGIN and x + width > self.width - _MARGIN:
            self._y += 18
            return _MARGIN
        return x


def _sample(kind: str, x: float, y: float) -> Route:
    """Return an edge as the key shows it."""
    end = x + _SAMPLE
    if kind in ("parent", "standing"):
        return Route(kind, f"M{px(x)},{px(y)}H{px(end)}", None)
    base = end - HEAD
    head = f"{px(base)},{px(y - 2.8)} {px(end)},{px(y)} {px(base)},{px(y + 2.8)}"
    bar = f"M{px(base - 2)},{px(y - 4.5)}V{px(y + 4.5)}" if kind == "vfork" else None
    return Route(kind, f"M{px(x)},{px(y)}H{px(base)}", head, bar)


def _edge(kind: str, way: Route) -> Iterator[str]:
    yield _tag("path", {"class": f"ft-{kind}", "d": way.path})
    if way.head:
        yield _tag("polygon", {"class": f"ft-{kind}-head", "points": way.head})
    if way.bar:
        yield _tag("path", {"class": f"ft-{kind}", "d": way.bar})


def _box(box: Box, place: Place, hover: str) -> Iterator[str]:
    yield _open("g", {"class": f"ft-{_kind_of(box)}"})
    yield _tag("title", {}, hover)
    x, y, width, height = place.x, place.y, place.width, place.height
    if box.several:
        width, height = width - _STACK, height - _STACK
        yield _outline(x + _STACK, y, width, height)
        y += _STACK
    yield _outline(x, y, width, height)
    top = y + (height - fsum(line.height for line in box.lines)) / 2
    for line in box.lines:
        yield from _line(line, x + PADDING, top, width - 2 * PADDING)
        top += line.height
    yield "</g>"


def _cluster(cluster: Cluster, place: Place, routes: Sequence[Route]) -> Iterator[str]:
    yield _open("g", {"class": "ft-container-cluster" if cluster.is_container else "ft-cluster"})
    sides = {"x": px(place.x), "y": px(place.y)}
    sides |= {"height": px(place.height), "width": px(place.width)}
    yield _tag("rect", {"class": "ft-cluster-box", "rx": "9", **sides})
    room = place.width - 2 * PADDING
    names = [Span(fit(line, CLUSTER, room), CLUSTER, "muted") for line in cluster.lines]
    x = _free_x(place, names, routes)
    for i, name in enumerate(names):
        yield _text(name, x, place.y + (1.4 + _LEADING * i) * CLUSTER.size)
    yield "</g>"


def _free_x(place: Place, names: Sequence[Span], routes: Sequence[Route]) -> float:
    """Return where a cluster's name can start so that no edge runs through it, if anywhere."""
    top, bottom = place.y, place.y + (0.6 + _LEADING * len(names)) * CLUSTER.size
    width = max(name.width for name in names)
    crossing = [x for route in routes for x, y in route.points() if top <= y <= bottom]
    x = place.x + PADDING
    while x + width <= place.x + place.width - PADDING:
        if not any(x - _CLEAR < other < x + width + _CLEAR for other in crossing):
            return x
        x += _STEP
    return place.x + PADDING


def _kind_of(box: Box) -> str:
    return "outside" if box.outside else box.role or "other"


def _outline(x: float, y: float, width: float, height: float) -> str:
    sides = {"height": px(height), "width": px(width), "x": px(x), "y": px(y)}
    return _tag("rect", {"class": "ft-box", "rx": "9", **sides})


def _line(line: Line, x: float, y: float, room: float) -> Iterator[str]:
    """Set the spans of a line one after the other, as parts of one text."""
    baseline = px(y + _BASELINE * line.size)
    if line.left:
        parts = "".join(_tag("tspan", _face(span), span.text) for span in line.left)
        at = {"x": px(x), "xml:space": "preserve", "y": baseline}  # librsvg knows no white-space
        yield f"{_open('text', at)}{parts}</text>"
    if line.right:
        at = {"text-anchor": "end", "x": px(x + room), "y": baseline}
        yield _tag("text", at | _face(line.right), line.right.text)


def _text(span: Span, x: float, baseline: float) -> str:
    return _tag("text", {"x": px(x), "y": px(baseline), **_face(span)}, span.text)


def _face(span: Span) -> dict[str, str]:
    weight = {"font-weight": "bold"} if span.face.bold else {}
    return {"class": f"ft-{span.tone}", "font-size": px(span.face.size), **weight}


def _open(name: str, attributes: dict[str, str]) -> str:
    written = "".join(f' {key}="{escape(value)}"' for key, value in sorted(attributes.items()))
    return f"<{name}{written}>"


def _tag(name: str, attributes: dict[str, str], text: str = "") -> str:
    opening = _open(name, attributes)
    return f"{opening}{escape(text)}</{name}>" if text else f"{opening[:-1]}/>"
