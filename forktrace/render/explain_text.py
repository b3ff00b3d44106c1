"""Render an answer for the terminal: headings, and sentences wrapped to its width."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from forktrace.views.explain import Item, Part
from forktrace.views.options import ViewOptions

_WIDTH = 80
_NARROWEST = 40
_BULLET = "- "
_INDENT = "    "
_BOLD, _DIM, _ITALIC, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[0m"


def render_parts(heading: Sequence[str], parts: Sequence[Part], options: ViewOptions) -> str:
    """Write the heading's lines and the parts, in ``options.width`` columns (at least 40)."""
    page = _Page(max(options.width or _WIDTH, _NARROWEST), color=options.color)
    lines = [line for text in heading for line in page.wrapped(text, "", "")]
    if lines:
        lines[0] = page.paint(_BOLD, lines[0])
    for part in parts:
        lines += ["", *page.part(part)]
    return "".join(line.rstrip() + "\n" for line in lines).lstrip("\n")


class _Page:
    """Know the width and whether colours are wanted."""

    def __init__(self, width: int, *, color: bool) -> None:
        self._width = width
        self._color = color

    def part(self, part: Part) -> Iterator[str]:
        """Yield the lines of a part."""
        if part.title:
            for line in self.wrapped(part.title, "", ""):
                yield self.paint(_BOLD, line)
        for item in part.items:
            yield from self._item(item)

    def _item(self, item: Item) -> Iterator[str]:
        text = f"{item.text} {item.mark}".rstrip()
        lines = list(self.wrapped(text, _BULLET, " " * len(_BULLET)))
        if item.mark and lines[-1].endswith(item.mark):
            kept = lines[-1].removesuffix(item.mark)
            lines[-1] = kept + self.paint(_ITALIC, item.mark)
        yield from lines
        for event in item.events:
            yield self.paint(_DIM, _fit(f"{_INDENT}{event}", self._width))
        if item.rule:
            for line in self.wrapped(f"rule: {item.rule}", _INDENT, _INDENT):
                yield self.paint(_DIM, line)

    def wrapped(self, text: str, first: str, following: str) -> Iterator[str]:
        """Break between words; one that is wider than a line goes on in the next."""
        line = first
        empty = True
        room = self._width - cell_len(following)
        for word in text.split(" "):
            for place, piece in enumerate(_pieces(word, room)):
                space = "" if empty or place else " "
                if not empty and cell_len(line) + cell_len(space + piece) > self._width:
                    yield line
                    line, space = following, ""
                line += space + piece
                empty = False
        yield line

    def paint(self, style: str, text: str) -> str:
        """Add a style where colours are wanted."""
        return f"{style}{text}{_PLAIN}" if self._color and text else text


def _pieces(word: str, room: int) -> list[str]:
    """Break a word into pieces of at most ``room`` columns, a path behind a slash where it can."""
    pieces = []
    while cell_len(word) > room:
        most = set_cell_size(word, room).rstrip(" ") or word[0]
        slash = most.rfind("/") + 1
        piece = most[:slash] if slash > len(most) // 2 else most
        pieces.append(piece)
        word = word[len(piece) :]
    return [*pieces, word]


def _fit(text: str, room: int) -> str:
    """Cut to ``room`` columns; a Chinese character takes two."""
    return text if cell_len(text) <= room else set_cell_size(text, room - 1) + "…"
