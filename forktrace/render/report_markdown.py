"""Write a launch as a Markdown report: a table of the processes, then the story in words."""

from collections.abc import Iterator

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.render import explain_markdown
from forktrace.render.markdown import code, escape
from forktrace.views.notes import ends_words
from forktrace.views.options import ViewOptions
from forktrace.views.programs import row_program
from forktrace.views.select.words import hidden_words, within_words
from forktrace.views.tree import Row, build_tree

_MOST_ROWS = 200  # a longer table is no help to anybody
_CHARS = 60  # of a program with its arguments
_NO_EXEC = " (no exec)"
_TIMES = "\N{MULTIPLICATION SIGN}"
_COLUMNS = ("Process", "Pid", "Role", "Creator", "Real parent", "Program", "End", "What is odd")


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Write title and summary as the story has them, the table, and the story itself."""
    story = explain_markdown.render(launch, findings, options)
    head, gap, rest = story.partition("\n## ")
    table = "\n".join(_table(launch, findings, options))
    return f"{head.rstrip()}\n\n## Processes\n\n{table}\n{gap}{rest}"


def _table(launch: Launch, findings: Findings, options: ViewOptions) -> Iterator[str]:
    tree = build_tree(launch, findings, options, _MOST_ROWS)
    yield _row(*_COLUMNS)
    yield _row(*("---" for _ in _COLUMNS))
    for row in tree.rows:
        yield _row(*_cells(launch, findings, row))
    if tree.selection.hidden:
        yield from ("", escape(hidden_words(launch, tree.selection, "row")))


def _cells(launch: Launch, findings: Findings, row: Row) -> Iterator[str]:
    process = row.process
    several = f"{row.count:,} {_TIMES} " if row.count > 1 else ""
    first = "forktrace" if process.id == launch.root else "unknown"
    parents = [process.parent or first, *(adoption.parent for adoption in process.adoptions)]
    notes = [*row.notes, *([within_words(findings, row.within)] if row.within else [])]
    words = row_program(row, _CHARS)
    inherited = any(image.inherited for image in process.images[-1:])
    executed = words.removesuffix(_NO_EXEC) if inherited else words
    creator = process.creator or ""
    yield f"{several}{process.id}"
    yield str(process.pid) if process.pid and row.count == 1 else ""
    yield escape("outside" if process.outside else row.role or "")
    yield f"{creator} (vfork)" if creator and process.is_vforked else creator
    yield "" if process.outside else escape(" → ".join(dict.fromkeys(parents)))
    yield _code(executed) + escape(words[len(executed) :])
    yield escape(ends_words(launch, row.ids))
    yield escape("; ".join(notes))


def _code(text: str) -> str:
    # Even in a code span a table's cell ends at a bar (GitHub Flavored Markdown, tables).
    return code(text).replace("|", "\\|")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
