"""Render a launch as a tree for the terminal: one line a process, and words for what is odd.

The lines are laid out here and not by rich's Tree, which takes minutes for deep or large ones;
rich measures the text and writes the colours.
"""

from collections.abc import Iterable, Iterator

from forktrace.analysis.findings import Findings
from forktrace.model.counting import count_words
from forktrace.model.launch import Launch
from forktrace.render.terminal_style import columns, fit, paint
from forktrace.trace.text import decode_text
from forktrace.views.notes import closing_notes, ends_words, summary_lines
from forktrace.views.options import ViewOptions
from forktrace.views.programs import row_program
from forktrace.views.select.limits import MAX_ROWS
from forktrace.views.select.words import hidden_words, within_words
from forktrace.views.tree import Row, Tree, build_tree
from forktrace.views.words import show_argv

_WIDTH = 80
_NARROWEST = 60
_GAP = "  "
_TIMES = "\N{MULTIPLICATION SIGN}"
_LEVEL = 3  # columns that a level of the tree takes
_LEAST_PROGRAM = 24  # columns that a deep tree's guides leave to the program

_GREY = ("helper", "other", "outside")


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Draw the tree in ``options.width`` columns, with colours only if ``options.color``.

    Programs that are too long are cut; only the notes under a process wrap. A width below 60 is
    taken as 60. More than 60 rows are folded, unless ``options`` says how many there may be.
    """
    page = _Page(launch, findings, build_tree(launch, findings, options, MAX_ROWS), options)
    return "".join(line.rstrip() + "\n" for line in page.lines())


class _Page:
    """Lay out a tree: id, role, guides with the program, then pid and end in their columns."""

    def __init__(
        self, launch: Launch, findings: Findings, tree: Tree, options: ViewOptions
    ) -> None:
        self._launch = launch
        self._findings = findings
        self._tree = tree
        self._color = options.color
        self._by_default = options.by_default
        self._width = max(options.width or _WIDTH, _NARROWEST)
        rows = tree.rows
        roles = {_role(row) for row in rows}
        self._ids = _widest(_id(row) for row in rows)
        self._roles = _widest(roles) + len(_GAP) if roles - {"", "other"} else 0
        self._pids = _widest(_pid(row) for row in rows)
        self._ends = _widest(ends_words(launch, row.ids) for row in rows)
        self._left = self._ids + len(_GAP) + self._roles
        room = self._width - self._left - self._pids - self._ends - 2 * len(_GAP)
        self._levels = max((room - _LEAST_PROGRAM) // _LEVEL, 1)
        self._middle = room
        self._middle = max(map(self._needed, rows), default=0)

    def lines(self) -> Iterator[str]:
        """Yield the page line by line."""
        command = [decode_text(a) for a in self._launch.header.command]
        title = show_argv(command, self._width)
        yield self._paint("title", fit(title, min(columns(title), self._width)))
        for summary in summary_lines(self._launch):
            yield from self._wrapped(summary)
        rows = self._tree.rows
        yield from [""] if rows else []
        for i, row in enumerate(rows):
            is_parent = i + 1 < len(rows) and rows[i + 1].above is row
            yield self._row(row)
            yield from self._notes(row, is_parent=is_parent)
        footer = list(self._footer())
        yield from ["", *footer] if footer else []

    def _footer(self) -> Iterator[str]:
        notes = closing_notes(self._launch, self._findings)
        if self._tree.selection.hidden:
            hidden = hidden_words(self._launch, self._tree.selection, "row")
            notes.append(f"{hidden}; --all shows each" if self._by_default else hidden)
        if any(row.depth > self._levels for row in self._tree.rows):
            notes.append("+N: that many levels deeper than there is room to show")
        for note in notes:
            yield from self._wrapped(note)

    def _row(self, row: Row) -> str:
        role, guides, tail = _role(row), self._guides(row), self._tail(row)
        room = self._middle - len(guides) - len(tail)
        program = fit(row_program(row, room), room)
        name, space, arguments = program.partition(" ")
        name = self._paint(role if role not in _GREY else "", name)
        end = ends_words(self._launch, row.ids)
        return "".join(
            (
                self._paint("quiet", _id(row).ljust(self._ids)) + _GAP,
                self._paint(role, role.ljust(self._roles)) if self._roles else "",
                self._paint("quiet", guides),
                name + space + arguments,
                self._paint("quiet", tail) + _GAP,
                self._paint("quiet", _pid(row).rjust(self._pids)) + _GAP,
                self._paint(_end_style(end), end),
            )
        )

    def _notes(self, row: Row, *, is_parent: bool) -> Iterator[str]:
        """Yield the notes of a row, below its program and between the guides of its children."""
        notes = "; ".join(row.notes)
        if not notes:
            return
        guides = self._guides(row, below=True) + ("│  " if is_parent else "   ")
        room = self._width - self._left - len(guides)
        for line in _wrap(notes, room):
            yield " " * self._left + self._paint("quiet", guides) + self._paint("note", line)

    def _tail(self, row: Row) -> str:
        """Count threads and what is not shown, next to the columns on the right."""
        threads = len(row.process.threads) if row.count == 1 else 0
        parts = [
            f"+{count_words(threads, 'thread')}" if threads else "",
            within_words(self._findings, row.within) if row.within else "",
        ]
        return "".join(f"  {part}" for part in parts if part)

    def _needed(self, row: Row) -> int:
        """Return how wide a row's middle column is, with its program cut to the room there is."""
        aside = len(self._guides(row)) + len(self._tail(row))
        return aside + min(columns(row_program(row, self._middle - aside)), self._middle - aside)

    def _guides(self, row: Row, *, below: bool = False) -> str:
        """Draw the lines that lead to a row, or those that pass ``below`` it.

        Where there is no room for all levels, the nearest are drawn after the others' number.
        """
        guides: list[str] = []
        at: Row | None = row
        while at is not None and at.depth > 0 and len(guides) < self._levels:
            guides.append("   " if at.last else "│  ")
            at = at.above
        if guides and not below:
            guides[0] = "└─ " if row.last else "├─ "
        left_out = row.depth - len(guides)
        number = f"+{left_out} " if left_out else ""
        return (" " * len(number) if below else number) + "".join(reversed(guides))

    def _wrapped(self, words: str) -> Iterator[str]:
        for line in _wrap(words, self._width):
            yield self._paint("quiet", line)

    def _paint(self, style: str, text: str) -> str:
        return paint(style, text, color=self._color)


def _wrap(words: str, room: int) -> Iterator[str]:
    """Break between words; one that is wider than ``room`` columns is cut."""
    line: list[str] = []
    used = 0
    for word in words.split(" "):
        width = columns(word)
        if line and used + 1 + width > room:
            yield " ".join(line)
            line, used = [], 0
        line.append(word if width <= room else fit(word, room))
        used += min(width, room) + (len(line) > 1)
    yield " ".join(line)


def _widest(texts: Iterable[str]) -> int:
    return max(map(columns, texts), default=0)


def _id(row: Row) -> str:
    return f"{row.count:,}{_TIMES}" if row.count > 1 else row.process.id


def _pid(row: Row) -> str:
    return "" if row.count > 1 else str(row.process.pid or "?")


def _role(row: Row) -> str:
    return "outside" if row.process.outside else row.role or ""


def _end_style(end: str) -> str:
    if end in ("exit 0", "end unseen"):
        return "quiet"
    return "running" if end == "running" else "bad"
