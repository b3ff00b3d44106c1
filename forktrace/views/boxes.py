"""Say what stands in each box of the graph view, and how large the box must be.

Sizes are in px and come from our own table of character widths, so that the layout is the same
wherever it is made, and the text fits whatever font shows it. They are added by ``fsum``: what
``sum`` makes of floats changed with Python 3.12.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Literal

from forktrace.analysis.findings import Findings, Role
from forktrace.analysis.reaping import lasting_zombie_ns
from forktrace.model.counting import count_words
from forktrace.model.image import image_name
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.fonts import Face, fit, text_width, wrap
from forktrace.views.notes import ends_words
from forktrace.views.programs import SUBCOMMANDED
from forktrace.views.select.words import within_words
from forktrace.views.source import found_ended
from forktrace.views.tree import Row
from forktrace.views.words import ELLIPSIS, duration_words, name_of, printable, program_words

Tone = Literal["ink", "muted", "role", "alert"]

PADDING = 10.0
ROOM = 196.0  # px for the text in a box: "containerd-shim-runc-v2" fits
_LEAST_BEFORE = 100.0  # px for earlier programs on the line of the last
_ARGUMENTS = 2  # lines
_MOST = 200  # characters of the arguments, more than so many lines hold
_CHARACTER = 6.6  # px of one in small print, roughly
_LEADING = 1.3  # line height, of the font size
_EARLIER = 3  # images named before the last; of more, the latest
_TIMES = "\N{MULTIPLICATION SIGN}"
_EXEC = " \N{DOUBLE VERTICAL LINE} "  # the double tick of the lanes

ID = Face(12, bold=True)
TITLE = Face(14, bold=True)
BEFORE = Face(14)
SMALL = Face(11)
CLUSTER = Face(12, bold=True)


@dataclass(frozen=True, slots=True)
class Span:
    """Be a piece of printable text. ``tone`` says what colour it takes, not which."""

    text: str
    face: Face
    tone: Tone

    @property
    def width(self) -> float:
        """Return an upper bound of the width in px."""
        return text_width(self.text, self.face)


@dataclass(frozen=True, slots=True)
class Line:
    """Be a line of a box: spans from the left edge, and at most one that ends at the right."""

    left: Sequence[Span]
    right: Span | None = None

    @property
    def width(self) -> float:
        """Return an upper bound of the width in px, with a gap before what is at the right."""
        gap = 12.0 if self.left and self.right else 0.0
        return fsum(s.width for s in self.left) + gap + (self.right.width if self.right else 0.0)

    @property
    def size(self) -> float:
        """Return the largest font size in it, in px."""
        return max(span.face.size for span in (*self.left, self.right) if span)

    @property
    def height(self) -> float:
        """Return the height in px."""
        return self.size * _LEADING


@dataclass(frozen=True, slots=True)
class Box:
    """Be the box of one row of the tree. ``several`` marks one that stands for many processes."""

    id: str
    role: Role | None
    outside: bool
    several: bool
    lines: Sequence[Line]

    @property
    def width(self) -> float:
        """Return the width in px that the longest line needs."""
        return max(line.width for line in self.lines) + 2 * PADDING

    @property
    def height(self) -> float:
        """Return the height in px."""
        return fsum(line.height for line in self.lines) + 1.4 * PADDING


def box_of(launch: Launch, findings: Findings, row: Row, room: float = ROOM) -> Box:
    """Make the box of a row: who it is, its chain of programs, arguments, and end.

    Args:
        launch: the launch.
        findings: what analysis found in it.
        row: the row.
        room: px for programs, arguments and notes; what is longer is cut.
    """
    process = row.process
    lines = [_heading(row, room), *_programs(row, room), *_arguments(row, room)]
    marks = [line for note in _marks(launch, findings, row) for line in wrap(note, SMALL, room)]
    lines += [Line([_small(mark, room)]) for mark in marks]
    if row.within:
        lines.append(Line([_small(f"{within_words(findings, row.within)} not shown", room)]))
    lines += _foot(launch, row, room)
    return Box(process.id, row.role, process.outside, row.count > 1, lines)


def _small(text: str, room: float, tone: Tone = "muted") -> Span:
    return Span(fit(text, SMALL, room), SMALL, tone)


def _heading(row: Row, room: float) -> Line:
    many = row.count > 1
    role = "outside the trace" if row.process.outside else row.role or ""
    spans = [Span(f"{row.count:,}{_TIMES}" if many else row.process.id, ID, "ink")]
    if role and role != "other":
        spans.append(Span(f"  {role}", SMALL, "role"))
    return Line(spans, None if many else _small(f"pid {row.process.pid or 'unknown'}", room))


def _programs(row: Row, most: float) -> list[Line]:
    """Write the chain of images, each executed by the one before: "podman ‖ conmon"."""
    process = row.process
    if process.outside:
        return [Line([Span(fit(name_of(process), TITLE, most), TITLE, "role")])]
    names = [printable(image_name(image)) for image in process.images] or [name_of(process)]
    chain = [n for i, n in enumerate(names) if i == 0 or n != names[i - 1]]
    last = Span(fit(chain[-1], TITLE, most), TITLE, "role")
    before = "".join(name + _EXEC for name in chain[-1 - _EARLIER : -1])
    if not before:
        return [Line([last])]
    apart = text_width(before, BEFORE) > most - last.width < _LEAST_BEFORE
    room = most if apart else most - last.width
    if text_width(before, BEFORE) > room:
        before = fit(before, BEFORE, room - text_width(_EXEC, BEFORE)) + _EXEC
    earlier = Span(before, BEFORE, "muted")
    return [Line([earlier]), Line([last])] if apart else [Line([earlier, last])]


def _arguments(row: Row, room: float) -> list[Line]:
    process = row.process
    if process.outside or not process.images:
        return []
    image = process.images[-1]
    if image.inherited:
        return [Line([_small("no exec", room)])]
    has_subcommand = row.role in SUBCOMMANDED
    shown = image if row.same_argv else replace(image, argv=[*row.argv])
    first = len(name_of(process)) + 1 + int(room / _CHARACTER)
    words = program_words(shown, _MOST, subcommand=has_subcommand, soon=first)
    arguments = words.partition(" ")[2]
    if not row.same_argv:
        arguments = f"{arguments} {ELLIPSIS}" if arguments else "arguments differ"
    if not arguments:
        return []
    return [Line([Span(t, SMALL, "ink")]) for t in wrap(arguments, SMALL, room, _ARGUMENTS)]


def _marks(launch: Launch, findings: Findings, row: Row) -> list[str]:
    process = row.process
    marks = [
        f"double fork: leaves {fork.daemon} to {fork.adopter}"
        for fork in findings.double_forks.values()
        if fork.middle == process.id
    ]
    marks += [f"adopted when {a.death} ended" for a in process.adoptions[-1:] if a.death]
    subreaper = findings.subreapers.get(process.id)
    if subreaper is not None and not process.outside:
        marks.append("subreaper (inferred)" if subreaper.inferred else "subreaper")
    if len(process.nspid) > 1 and process.nspid[-1] == 1:
        marks.append("pid 1 in its PID namespace")
    marks += [f"exec called by thread {i.tid}" for i in process.images[-1:] if i.tid]
    lasted = lasting_zombie_ns(process) if launch.header.times else None
    if lasted is not None:
        marks.append(f"a zombie for {duration_words(lasted)}")
    return marks


def _foot(launch: Launch, row: Row, room: float) -> list[Line]:
    process = row.process
    end = ends_words(launch, row.ids)
    threads = len(process.threads)
    several = threads and row.count == 1
    right = _small(f"+{count_words(threads, 'thread')}", room) if several else None
    shown = f"{end} \N{MIDDLE DOT} a zombie" if found_ended(launch, process) else end
    left = [_small(shown, room, "muted" if _calm(process, end) else "alert")] if end else []
    return [Line(left, right)] if left or right else []


def _calm(process: Process, end: str) -> bool:
    return process.exit is None or end == "exit 0" or end[:1].isdecimal()
