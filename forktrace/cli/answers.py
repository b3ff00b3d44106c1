"""Understand what ``forktrace explain`` is asked, and write the answer."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from forktrace.analysis.explain import TOPICS, Case, explain, is_question
from forktrace.analysis.passes import analyse
from forktrace.cli.messages import say
from forktrace.cli.outputs import write_file
from forktrace.cli.terminal import terminal_options
from forktrace.errors import UsageError
from forktrace.model.build import build_launch
from forktrace.render import explain_markdown, explain_text
from forktrace.trace.reader import read_trace
from forktrace.trace.store import latest_trace
from forktrace.views.explain import build_parts
from forktrace.views.explain_heading import heading
from forktrace.views.options import ViewOptions

_EXTENSIONS = {".md": "markdown", ".txt": "text"}
_RENDERERS = {"markdown": explain_markdown.render_parts, "text": explain_text.render_parts}


@dataclass(frozen=True, slots=True)
class Asked:
    """Be what is asked: a trace file, and the question about it, None for the story."""

    trace: Path
    question: str | None


def understand(first: str | None, second: str | None) -> Asked:
    """Tell a trace from a question, where only one word was given.

    A topic or an edge is a question, a file that exists is a trace, and so is what looks like the
    path of one; anything else is the name of a process.

    Raises:
        NoTraceError: no trace is named and there is no latest one.
    """
    if first is None:
        return Asked(latest_trace(), None)
    if second is not None:
        return Asked(Path(first), second)
    if not is_question(first) and (os.path.lexists(first) or _looks_like_path(first)):
        return Asked(Path(first), None)
    return Asked(latest_trace(), first)


def _looks_like_path(word: str) -> bool:
    return "/" in word or word.endswith(".jsonl")


def find_form(name: str | None, path: str | None) -> str:
    """Return the form of an answer, from ``--format`` or the file's extension.

    Raises:
        UsageError: neither tells.
    """
    if name is not None:
        return name
    if path is None or path == "-":
        return "text"
    found = _EXTENSIONS.get(Path(path).suffix.lower())
    if found is None:
        raise UsageError(
            f"the output {path!r} ends neither in .md nor in .txt: add --format text or markdown"
        )
    return found


def answer(asked: Asked, form: str, path: str | None, *, events: bool, force: bool) -> None:
    """Write the answer to standard output, or into a file.

    Raises:
        TraceFormatError: the trace can't be read.
        NoProcessError: nothing in it is called as the question says.
        OutputError: the file can't be written.
    """
    trace = read_trace(asked.trace)
    launch = build_launch(trace)
    sections = explain(Case(launch, analyse(launch)), asked.question)
    parts = build_parts(sections, trace.events if events else None)
    to_terminal = path is None or path == "-"
    options = terminal_options(1) if to_terminal else ViewOptions()
    made = _RENDERERS[form](heading(launch, asked.question), parts, options)
    if path is None or path == "-":
        sys.stdout.buffer.write(made.encode())
        sys.stdout.buffer.flush()
    else:
        write_file(Path(path), made.encode(), force=force)
    for warning in launch.warnings:
        say(warning)


def topic_list() -> str:
    """Return the topics, one a line, with what each asks."""
    widest = max(map(len, TOPICS))
    return "".join(f"{t.name.ljust(widest)}  {t.question}?\n" for t in TOPICS.values())
