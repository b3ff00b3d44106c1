"""Turn the SVG pictures into PNG and PDF, by converters that ``forktrace[image]`` adds.

PNG is made by resvg, PDF by svg2pdf (in vl-convert): both draw without a browser and without a
display, with the machine's own fonts, so the bytes may differ between machines.
"""

import re
from collections.abc import Callable
from importlib import import_module
from math import sqrt
from types import ModuleType

from forktrace.analysis.findings import Findings
from forktrace.errors import MissingToolError
from forktrace.model.launch import Launch
from forktrace.render import svg, tree_svg
from forktrace.views.options import ViewOptions

_SCALE = 2.0  # pixels of a PNG for one of the SVG, so that it is sharp on any display and in print
_MOST_PIXELS = 32e6  # four bytes each in memory; resvg aborts the process where there is no room
_SIZE = re.compile(r'<svg [^>]*\bheight="([0-9.]+)"[^>]*\bwidth="([0-9.]+)"')

Draw = Callable[[Launch, Findings, ViewOptions], str]


def lanes_png(launch: Launch, findings: Findings, options: ViewOptions) -> bytes:
    """Draw the lane diagram as PNG. Raises MissingToolError."""
    return _png(svg.render, launch, findings, options)


def tree_png(launch: Launch, findings: Findings, options: ViewOptions) -> bytes:
    """Draw the graph as PNG. Raises MissingToolError, also where Graphviz lacks."""
    return _png(tree_svg.render, launch, findings, options)


def lanes_pdf(launch: Launch, findings: Findings, options: ViewOptions) -> bytes:
    """Draw the lane diagram as a PDF of one page. Raises MissingToolError."""
    return _pdf(svg.render, launch, findings, options)


def tree_pdf(launch: Launch, findings: Findings, options: ViewOptions) -> bytes:
    """Draw the graph as a PDF of one page. Raises MissingToolError, also where Graphviz lacks."""
    return _pdf(tree_svg.render, launch, findings, options)


def _png(draw: Draw, launch: Launch, findings: Findings, options: ViewOptions) -> bytes:
    converter = _converter("resvg_py", "PNG")
    drawn = draw(launch, findings, options)
    try:
        return bytes(converter.svg_to_bytes(svg_string=drawn, zoom=_scale(drawn)))
    except Exception as error:
        raise _failed("resvg", "PNG", error) from error


def _pdf(draw: Draw, launch: Launch, findings: Findings, options: ViewOptions) -> bytes:
    converter = _converter("vl_convert", "PDF")
    drawn = draw(launch, findings, options)
    try:
        return bytes(converter.svg_to_pdf(drawn))
    except Exception as error:
        raise _failed("vl-convert", "PDF", error) from error


def _converter(module: str, kind: str) -> ModuleType:
    """Import a converter before anything is drawn, so that its lack is told at once."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingToolError(
            f"{kind} pictures need a converter that is not installed: "
            "pip install 'forktrace[image]', or write SVG, which every browser shows"
        ) from error


def _scale(drawn: str) -> float:
    """Return how much larger than the SVG a PNG can be without taking all memory."""
    found = _SIZE.search(drawn)
    pixels = float(found[1]) * float(found[2]) if found else 0.0
    return _SCALE if not pixels else min(_SCALE, sqrt(_MOST_PIXELS / pixels))


def _failed(tool: str, kind: str, error: Exception) -> MissingToolError:
    reason = str(error).strip().partition("\n")[0][:200]
    shown = "".join(c if c.isprintable() else "?" for c in reason)
    return MissingToolError(f"{tool} could not make the {kind}: {shown}; write SVG in its place")
