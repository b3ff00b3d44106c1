"""Measure text with a built-in table, so that a layout is the same on every machine.

The widths are an upper bound: those of DejaVu Sans and DejaVu Sans Mono, the widest fonts of the
stacks named here, in thousandths of the font size. Text drawn in Arial, Segoe UI or San Francisco
comes out narrower than measured, never wider.
"""

from dataclasses import dataclass

SANS_STACK = 'ui-sans-serif, system-ui, Arial, "DejaVu Sans", sans-serif'
MONO_STACK = 'Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace'

_MONO = 603
_ANY = 1450  # bound for a character that the tables lack: fallback fonts, ideographs, symbols
_MONO_COVERED = ((0x00, 0x590), (0x2000, 0x2C00))  # what DejaVu Sans Mono draws in one cell

# fmt: off
_SANS_ASCII = (
    318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337,
    637, 637, 637, 637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 531,
    1000, 685, 687, 699, 771, 632, 576, 775, 752, 295, 295, 656, 558, 863, 749, 788,
    604, 788, 695, 635, 611, 732, 685, 989, 686, 611, 686, 391, 337, 391, 838, 500,
    500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612,
    635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838,
)
_BOLD_ASCII = (
    349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 523, 838, 380, 416, 380, 366,
    696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 581,
    1000, 774, 763, 734, 831, 684, 684, 821, 837, 373, 373, 775, 638, 996, 837, 851,
    733, 851, 771, 721, 683, 813, 774, 1104, 771, 725, 726, 458, 366, 458, 838, 500,
    500, 675, 716, 593, 716, 679, 436, 716, 712, 343, 343, 666, 343, 1042, 712, 688,
    716, 716, 494, 596, 479, 712, 652, 924, 646, 652, 583, 712, 366, 712, 838,
)
# fmt: on
TIMES = "\N{MULTIPLICATION SIGN}"
_PUNCTUATION = {"…": 1000, "·": 380, TIMES: 838, "→": 838, "“": 658, "”": 658}


@dataclass(frozen=True, slots=True)
class Face:
    """Be a way to set text: ``size`` in px."""

    size: float
    bold: bool = False
    mono: bool = False


def text_width(text: str, face: Face) -> float:
    """Return an upper bound of the width of ``text`` in px."""
    advance = _mono_advance if face.mono else _bold_advance if face.bold else _sans_advance
    return sum(map(advance, text)) * face.size / 1000


def fit(text: str, face: Face, room: float) -> str:
    """Cut ``text`` so that it is at most ``room`` px wide, with an ellipsis where it was cut."""
    room += 0.01  # sums of widths are not exact
    text = text[: int(room) + 1]  # no character is narrower than a pixel
    if text_width(text, face) <= room:
        return text
    while text and text_width(text + "…", face) > room:
        text = text[:-1]
    return text + "…" if text else ""


def wrap(text: str, face: Face, room: float, most: int | None = None) -> list[str]:
    """Break ``text`` at spaces into lines of at most ``room`` px, and at most ``most`` lines.

    Where the last of them has no room for all that is left, it ends with an ellipsis.
    """
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_width(f"{lines[-1]} {word}", face) <= room:
            lines[-1] += f" {word}"
        elif len(lines) == most:
            lines[-1] = _ended(lines[-1], face, room)
            break
        else:
            lines.append(fit(word, face, room))
    return lines


def _ended(line: str, face: Face, room: float) -> str:
    """End a line with an ellipsis, in place of its last words where there is no room for it."""
    line = line.removesuffix("…").rstrip()
    while " " in line and text_width(f"{line} …", face) > room:
        line = line.rpartition(" ")[0]
    return fit(f"{line} …", face, room)


def _mono_advance(char: str) -> int:
    code = ord(char)
    return _MONO if any(low <= code < high for low, high in _MONO_COVERED) else _ANY


def _sans_advance(char: str) -> int:
    return _listed(char, _SANS_ASCII)


def _bold_advance(char: str) -> int:
    return _listed(char, _BOLD_ASCII)


def _listed(char: str, ascii_widths: tuple[int, ...]) -> int:
    code = ord(char)
    if 32 <= code < 127:
        return ascii_widths[code - 32]
    return _PUNCTUATION.get(char, _ANY)
