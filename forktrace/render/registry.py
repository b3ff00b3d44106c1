"""List the output formats, each known by its extension, and find one for an output.

A renderer is a function ``(launch, findings, options) -> str | bytes``. It is imported only when
it is used, so that listing formats costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from forktrace.errors import UsageError

if TYPE_CHECKING:  # this module is read before a command starts: networkx must not be
    from forktrace.analysis.findings import Findings
    from forktrace.model.launch import Launch
    from forktrace.views.options import ViewOptions

    Renderer = Callable[[Launch, Findings, ViewOptions], str | bytes]


class Format(Struct, frozen=True):
    """Describe one way to write a launch: ``target`` is ``module:function``.

    ``view`` tells formats apart that share an extension; the first listed is the default.
    """

    name: str
    extensions: tuple[str, ...]
    view: str
    target: str
    summary: str

    def load(self) -> Renderer:
        """Import the renderer."""
        module, _, function = self.target.partition(":")
        renderer: Renderer = getattr(import_module(module), function)
        return renderer


FORMATS = (
    Format(
        "svg", ("svg",), "lanes", "forktrace.render.svg:render", "lane diagram, a lane a process"
    ),
    Format("svg", ("svg",), "tree", "forktrace.render.tree_svg:render", "the graph, by Graphviz"),
    Format("dot", ("dot", "gv"), "tree", "forktrace.render.dot:render", "the graph for Graphviz"),
    Format("text", ("txt",), "tree", "forktrace.render.text:render", "the process tree as text"),
    Format(
        "markdown",
        ("md",),
        "report",
        "forktrace.render.report_markdown:render",
        "a table of the processes, and the story",
    ),
    Format(
        "markdown",
        ("md",),
        "story",
        "forktrace.render.explain_markdown:render",
        "the story in words",
    ),
    Format("html", ("html",), "page", "forktrace.render.html:render", "an interactive page"),
    Format("json", ("json",), "graph", "forktrace.render.graph_json:render", "node-link graph"),
    Format("png", ("png",), "lanes", "forktrace.render.image:lanes_png", "lane diagram, as pixels"),
    Format("png", ("png",), "tree", "forktrace.render.image:tree_png", "the graph, as pixels"),
    Format("pdf", ("pdf",), "lanes", "forktrace.render.image:lanes_pdf", "lane diagram, a page"),
    Format("pdf", ("pdf",), "tree", "forktrace.render.image:tree_pdf", "the graph, a page"),
    Format("mermaid", ("mmd",), "tree", "forktrace.render.mermaid:render", "flowchart for Mermaid"),
    Format(
        "mermaid",
        ("mmd",),
        "sequence",
        "forktrace.render.mermaid_sequence:render",
        "sequence diagram for Mermaid",
    ),
    Format(
        "graphml", ("graphml",), "graph", "forktrace.render.graphml:render", "for Gephi, yEd, …"
    ),
    Format(
        "perfetto",
        ("perfetto.json", "trace.json"),
        "timeline",
        "forktrace.render.perfetto:render",
        "Chrome trace, for ui.perfetto.dev",
    ),
)


# The trace itself, which no renderer makes: its format's name and extension.
TRACE_NAME, TRACE_EXTENSION = "trace", "jsonl"


def extension_of(name: str) -> str:
    """Return the extension of a file's name that tells its format, in small letters.

    It is the longest one that a format has ("perfetto.json" before "json"), else what follows the
    last dot; "" if there is none.
    """
    lowered = name.lower()
    known = [e for f in FORMATS for e in f.extensions if lowered.endswith(f".{e}")]
    if known:
        return max(known, key=len)
    stem, dot, last = lowered.rpartition(".")
    return last if stem and dot else ""


def find_format(name: str, view: str | None = None) -> Format:
    """Return the format called ``name`` (or with that extension), in ``view`` if given.

    Raises:
        UsageError: there is no such format, or it has no such view.
    """
    named = [f for f in FORMATS if name == f.name or name in f.extensions]
    if not named:
        known = dict.fromkeys(word for f in FORMATS for word in (f.name, *f.extensions))
        words = ", ".join((*known, TRACE_NAME, TRACE_EXTENSION))
        raise UsageError(f"no output format is called {name!r}; there are: {words}")
    fitting = [f for f in named if view in (None, f.view)]
    if not fitting:
        views = ", ".join(f.view for f in named)
        raise UsageError(f"format {name!r} has no view {view!r}; it has: {views}")
    return fitting[0]
