"""Colour and measure text for a terminal: rich knows the width of characters and the codes."""

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.style import Style

from forktrace.views.words import ELLIPSIS

# The terminal's own sixteen colours, as they suit its background, be it light or dark. The hues
# follow those of the pictures.
_STYLES = {
    "engine": Style.parse("cyan"),
    "cleanup": Style.parse("cyan"),
    "monitor": Style.parse("yellow"),
    "runtime": Style.parse("green"),
    "init-stage": Style.parse("green"),
    "helper": Style.parse("dim"),
    "other": Style.parse("dim"),
    "outside": Style.parse("dim"),
    "container": Style.parse("bold magenta"),
    "title": Style.parse("bold"),
    "note": Style.parse("italic"),
    "quiet": Style.parse("dim"),
    "bad": Style.parse("bold red"),
    "running": Style.parse("bold blue"),
}


def paint(style: str, text: str, *, color: bool) -> str:
    """Return ``text`` in a style: a role, or "title", "note", "quiet", "bad", "running"."""
    if not color or style not in _STYLES:
        return text
    return _STYLES[style].render(text, color_system=ColorSystem.STANDARD)


def columns(text: str) -> int:
    """Return how many columns a text takes; a Chinese character takes two."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, room: int) -> str:
    """Pad or cut to ``room`` columns."""
    if text.isascii() and len(text) <= room:
        return text.ljust(room)
    if cell_len(text) > room:
        text = set_cell_size(text, room - 1) + ELLIPSIS
    return set_cell_size(text, room)
