"""Say above an answer which launch it is about, and what was asked."""

from forktrace.analysis.explain import TOPICS
from forktrace.model.launch import Launch
from forktrace.trace.text import decode_text
from forktrace.views.notes import summary_lines
from forktrace.views.words import printable, show_argv

_COMMAND = 200  # characters of the command line


def heading(launch: Launch, question: str | None) -> list[str]:
    """Return the lines above an answer: the command, how large it was, and the question."""
    command = show_argv([decode_text(a) for a in launch.header.command], _COMMAND)
    lines = [command, *summary_lines(launch)]
    if question in TOPICS:
        lines.append(f"{question}: {TOPICS[question].question}?")
    elif question is not None:
        lines.append(f"about {printable(question[:_COMMAND])}")
    return lines
