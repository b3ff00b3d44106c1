"""Render a launch as Mermaid, which GitHub, GitLab and many editors draw: a flowchart.

Mermaid stops at 50,000 characters and 500 edges (its options maxTextSize and maxEdges), and is of
no use long before: the flowchart folds to 80 boxes. What was folded or cut is told.
"""

import re
from collections.abc import Iterable, Iterator

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.render.notices import notice
from forktrace.trace.text import decode_text
from forktrace.views.boxes import Box, Line, box_of
from forktrace.views.options import Theme, ViewOptions
from forktrace.views.palette import BACKGROUND, INK, Shade, mix, role_shade
from forktrace.views.select.words import hidden_words
from forktrace.views.tree import Row, build_tree, outside_rows
from forktrace.views.words import show_argv

MOST_CHARACTERS = 50_000
_MOST_BOXES = 80
_ROOM = 150.0  # px of our small print; Mermaid breaks lines that are wider than some 26 characters
_BETWEEN = 0.25  # of the way from light to dark, where a colour has 3:1 on either page
_TITLE = 100  # characters of the command
_SAFE = re.compile("[^\\w .,/=+…‖\N{MULTIPLICATION SIGN}-]")
_PLAIN = re.compile("\\w|[ ./…‖\N{MULTIPLICATION SIGN}]")
_ARROWS = {"create": "-->", "parent": "---", "standing": "---", "reparent": "-.->"}


def escape(text: str) -> str:
    """Make printable text one label in double quotes; what means something becomes ``#N;``.

    Mermaid turns such a code into the character (its syntax reference, "Entity codes").

    >>> escape('a "b" <i> #x')
    'a #34;b#34; #60;i#62; #35;x'
    """
    return _SAFE.sub(lambda found: f"#{ord(found[0])};", part(text))


def escape_bare(text: str) -> str:
    """Make printable text stand where Mermaid has no quotes, as in a sequence diagram.

    >>> escape_bare("end -x")
    '#101;nd #45;x'
    """
    codes = (c if _PLAIN.match(c) else f"#{ord(c)};" for c in part(text))
    # "end" closes a block, and "as" a name: no word of the text may be one of Mermaid's.
    return re.sub(r"(?i)\b(?=(?:end|as)\b)(\w)", lambda m: f"#{ord(m[1])};", "".join(codes))


def part(text: str) -> str:
    r"""Part ``$$`` and ``\n`` by a space of no width: Mermaid finds them even in its codes.

    It takes the one for a formula, the other for a line break.
    """
    return re.sub(r"\$(?=\$)|\\(?=n)", lambda found: found[0] + "\N{ZERO WIDTH SPACE}", text)


def front_matter(launch: Launch) -> list[str]:
    """Return the lines that give a diagram its title, the command (YAML, double quotes)."""
    title = show_argv([decode_text(a) for a in launch.header.command], _TITLE)
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    return ["---", f'title: "{quoted}"', "---"]


def check_size(text: str) -> None:
    """Tell the user if Mermaid will refuse a diagram for its size."""
    if len(text) > MOST_CHARACTERS:
        notice(
            f"this Mermaid diagram has {len(text):,} characters, and Mermaid refuses more than "
            f"{MOST_CHARACTERS:,} unless its maxTextSize is raised: choose less with --focus, "
            "--depth or --max-processes"
        )


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Write the flowchart: a box a process, its edges as in the other graphs.

    What Mermaid can't hold is told by a ``LeftOutWarning``.
    """
    tree = build_tree(launch, findings, options, _MOST_BOXES)
    rows: list[Row] = [*tree.rows, *outside_rows(launch, tree)]
    boxes = {row.process.id: box_of(launch, findings, row, _ROOM) for row in rows}
    if tree.selection.hidden:
        notice(f"the Mermaid flowchart folds: {hidden_words(launch, tree.selection, 'box')}")
    if options.cluster:
        notice("Mermaid's flowchart has no clusters: the boxes are not grouped")
    lines = [*front_matter(launch), "flowchart LR"]
    lines += [f'  {id_}["{_label(box)}"]:::{_class(box)}' for id_, box in boxes.items()]
    for row in rows:
        lines += [f"  {edge}" for edge in _edges(row.process, boxes)]
    lines += [f"  {style}" for style in _styles(boxes.values(), options.theme)]
    text = "\n".join(lines) + "\n"
    check_size(text)
    return text


def _label(box: Box) -> str:
    return "<br/>".join(escape(_plain(line)) for line in box.lines)


def _plain(line: Line) -> str:
    left = "".join(span.text for span in line.left)
    return f"{left}  {line.right.text}" if line.right else left


def _edges(process: Process, boxes: dict[str, Box]) -> Iterator[str]:
    creator, parent = process.creator, process.parent
    if creator in boxes:
        how = "|vfork|" if process.is_vforked else ""
        yield f"{creator} {_ARROWS['create']}{how} {process.id}"
    if parent in boxes and parent != creator:
        yield f"{parent} {_ARROWS['parent']}|real parent| {process.id}"
    for adopter in dict.fromkeys(a.parent for a in process.adoptions):
        if adopter in boxes:
            yield f"{adopter} {_ARROWS['reparent']}|adopted| {process.id}"


def _class(box: Box) -> str:
    return "outside" if box.outside else (box.role or "other").replace("-", "")


def _styles(boxes: Iterable[Box], theme: Theme) -> Iterator[str]:
    """Yield the colours of the roles in use; where the page decides, those that suit any page."""
    seen = {_class(box): box for box in boxes}
    for name, box in sorted(seen.items()):
        dashes = ",stroke-dasharray:4 3" if box.outside else ""
        yield f"classDef {name} {_colors(role_shade(box.role), theme)},text-align:left{dashes}"


def _colors(stroke: Shade, theme: Theme) -> str:
    if theme == "auto":
        return f"fill:none,stroke:{mix(stroke.dark, stroke.light, _BETWEEN)},stroke-width:2px"
    fill, line, ink = (p.dark if theme == "dark" else p.light for p in (BACKGROUND, stroke, INK))
    return f"fill:{fill},stroke:{line},stroke-width:2px,color:{ink}"
