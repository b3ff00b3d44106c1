"""Write a picture as SVG: one element a line, attributes sorted, nothing that changes by itself."""

from collections.abc import Iterator
from hashlib import sha256

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.render import metadata
from forktrace.render.svg_style import PREFIX, style_sheet
from forktrace.render.xml import escape
from forktrace.views.lanes.layout import lay_out
from forktrace.views.options import Theme, ViewOptions
from forktrace.views.shapes import Box, Curve, Dot, Group, Label, Line, Mark, Picture, Polygon

_DIGITS = 10  # of the hash that tells the ids of several pictures in one page apart


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Draw the lane diagram of a launch as an SVG document."""
    about = metadata.element("lanes", options)
    return write_svg(lay_out(launch, findings, options), options.theme, about, options.width)


def write_svg(
    picture: Picture, theme: Theme = "auto", about: str = "", most: int | None = None
) -> str:
    """Write a picture as a whole SVG document that needs no script, font or other file.

    Args:
        picture: what to draw.
        theme: its colours.
        about: the ``<metadata>`` element, "" for none.
        most: the px to which a wider picture is scaled down.
    """
    scope = "ft" + sha256("\n".join(_body(picture, "")).encode()).hexdigest()[:_DIGITS]
    width, height = _number(picture.width), _number(picture.height)
    scale = min(1.0, (most or picture.width) / picture.width)
    opening = {
        "xmlns": "http://www.w3.org/2000/svg",
        "aria-labelledby": f"{scope}-title {scope}-desc",
        "height": _number(picture.height * scale),
        "id": scope,
        "role": "img",
        "viewBox": f"0 0 {width} {height}",
        "width": _number(picture.width * scale),
    }
    classes = {name for mark in picture.marks for name in mark.kind.split()}
    lines = [
        _tag("svg", opening, close=False),
        f'<title id="{scope}-title">{escape(picture.title)}</title>',
        f'<desc id="{scope}-desc">{escape(picture.story)}</desc>',
        *([about] if about else []),
        "<style>",
        *style_sheet(scope, theme, classes),
        "</style>",
        *_body(picture, f"{scope}-"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _body(picture: Picture, prefix: str) -> Iterator[str]:
    for item in picture.items:
        if isinstance(item, Group):
            yield _tag("g", {"class": item.kind, "id": prefix + item.name}, close=False)
            if item.title:
                yield f"<title>{escape(item.title)}</title>"
            yield from map(_mark, item.marks)
            yield "</g>"
        else:
            yield _mark(item)


def _mark(mark: Mark) -> str:
    name, attributes, text = _element(mark)
    title = None if isinstance(mark, Dot) else mark.title
    return _tag(name, {"class": mark.kind, **attributes}, text, title)


def _element(mark: Mark) -> tuple[str, dict[str, str], str]:
    """Return an element's name, attributes and text."""
    match mark:
        case Line(x1, y1, x2, y2):
            ends = {"x1": x1, "x2": x2, "y1": y1, "y2": y2}
            return "line", {name: _number(value) for name, value in ends.items()}, ""
        case Box(x, y, width, height, _, radius):
            sides = {"x": x, "y": y, "width": width, "height": height}
            numbers = {name: _number(value) for name, value in sides.items()}
            return "rect", numbers | ({"rx": _number(radius)} if radius else {}), ""
        case Dot(x, y, radius):
            return "circle", {"cx": _number(x), "cy": _number(y), "r": _number(radius)}, ""
        case Curve(start, control1, control2, end):
            path = f"M{_point(start)}C{_point(control1)} {_point(control2)} {_point(end)}"
            return "path", {"d": path}, ""
        case Polygon(points):
            return "polygon", {"points": " ".join(map(_point, points))}, ""
        case Label(x, y, text, _, _, anchor):
            anchored = {} if anchor == "start" else {"text-anchor": anchor}
            return "text", {"x": _number(x), "y": _number(y), **anchored}, text


def _tag(
    name: str,
    attributes: dict[str, str],
    text: str = "",
    title: str | None = None,
    *,
    close: bool = True,
) -> str:
    if "class" in attributes:
        prefixed = " ".join(PREFIX + part for part in attributes["class"].split())
        attributes = {**attributes, "class": prefixed}
    written = "".join(f' {key}="{escape(value)}"' for key, value in sorted(attributes.items()))
    if not close:
        return f"<{name}{written}>"
    content = (f"<title>{escape(title)}</title>" if title else "") + escape(text)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _point(point: tuple[float, float]) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    """Write a coordinate with one decimal at most."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
