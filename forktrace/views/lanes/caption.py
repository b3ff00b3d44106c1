"""Word and draw the title above the lanes and the caption below them."""

from collections.abc import Iterator

from forktrace.model.counting import count_words
from forktrace.trace.text import decode_text
from forktrace.views.containers import stream_words
from forktrace.views.fonts import fit, text_width, wrap
from forktrace.views.lanes import style
from forktrace.views.lanes.clock import is_stretched
from forktrace.views.lanes.field import Field
from forktrace.views.lanes.plan import Plan
from forktrace.views.notes import inferred_words, summary_words
from forktrace.views.remote import remote_words
from forktrace.views.select.words import hidden_words
from forktrace.views.shapes import Box, Label, Mark
from forktrace.views.source import axis_words, source_words
from forktrace.views.words import printable, show_argv

_TITLE_CHARS = 300
_LINE = 17.0
_CONTAINERS = 4  # whose streams are told


def command_of(plan: Plan) -> str:
    """Return the traced command line."""
    return show_argv([decode_text(a) for a in plan.launch.header.command], _TITLE_CHARS)


def draw_title(plan: Plan, command: str, width: float) -> tuple[list[Mark], float]:
    """Draw the command and what it came to; return the marks and the y below them."""
    marks: list[Mark] = []
    room = width - 2 * style.MARGIN
    if plan.launch.header.source == "demo":
        marks += _pill("demo", width - style.MARGIN)
        room -= 70
    shown = fit(command, style.TITLE, room)
    marks.append(Label(style.MARGIN, 40, shown, style.TITLE, "title", title=command))
    y = 61.0
    words = " · ".join(
        [*summary_words(plan.launch), axis_words(plan.launch, time=bool(plan.times))]
    )
    for line in wrap(words, style.SUBTITLE, width - 2 * style.MARGIN):
        marks.append(Label(style.MARGIN, y, line, style.SUBTITLE, "subtitle"))
        y += _LINE
    return marks, y + 3


def _pill(text: str, right: float) -> Iterator[Mark]:
    width = text_width(text, style.BADGE) + 18
    yield Box(right - width, 26, width, 19, "badge-frame", radius=9.5)
    yield Label(right - width / 2, 39, text, style.BADGE, "badge", "middle")


def draw_caption(plan: Plan, field: Field, top: float, width: float) -> tuple[list[Mark], float]:
    """Draw what a reader must know to trust the picture; return the marks and the y below."""
    marks: list[Mark] = []
    y = top
    for sentence in _sentences(plan, field):
        for line in wrap(sentence, style.CAPTION, width - 2 * style.MARGIN):
            marks.append(Label(style.MARGIN, y, line, style.CAPTION, "caption"))
            y += _LINE
    return marks, y


def _sentences(plan: Plan, field: Field) -> Iterator[str]:
    yield source_words(plan.launch)
    remote = remote_words(plan.launch, plan.findings)
    if remote:
        yield f"{remote}."
    for container in plan.findings.containers[:_CONTAINERS]:
        streams = stream_words(plan.launch, plan.findings, container)
        if streams is not None and plan.lane_of(container.init) is not None:
            yield f"Streams when the container ran: {streams}."
    if plan.selection.hidden:
        yield f"Folded: {hidden_words(plan.launch, plan.selection, 'lane')}."
    if plan.times and is_stretched(plan.times, field.xs):
        yield "Where the axis is dashed its time is stretched: events lie close there."
    if plan.plain_waits:
        waits = count_words(plan.plain_waits, "wait")
        yield f"Not drawn: {waits} of a parent right after its child had ended."
    inferred = inferred_words(plan.launch)
    if inferred:
        yield f"{inferred[0].upper()}{inferred[1:]}."
    if field.aside.commands:
        yield "Command lines that have no room at their lanes stand under the names."
    yield from (printable(warning) for warning in plan.launch.warnings[:5])
    more = len(plan.launch.warnings) - 5
    if more > 0:
        yield f"And {count_words(more, 'more warning')}."
