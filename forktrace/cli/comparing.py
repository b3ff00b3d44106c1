"""Compare a picture that was drawn before with what a trace is drawn as now."""

import html
import re
import warnings
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

from forktrace.cli import pictures
from forktrace.errors import CheckError, ForktraceError
from forktrace.model.counting import count_words
from forktrace.render import metadata
from forktrace.render.registry import find_format
from forktrace.views.words import cut, printable

_LARGEST = 200_000_000  # bytes; no picture that anybody looks at comes near it
_MOST = 60  # lines of difference that are shown
_WIDTH = 200  # characters of a line that are shown

_STORY = re.compile(r"<desc[^>]*>(.*?)</desc>", re.DOTALL)
_TEXT = re.compile(r"<text\b[^>]*>(.*?)</text>", re.DOTALL)
_SCOPE = re.compile(r'<svg\b[^>]* id="(ft[0-9a-f]+)"')
_PLACED = re.compile(r' (?:[xy]|d|height|points|transform|viewBox|width)="[^"]*"')
_TAG = re.compile(r"<[^>]*>")
_TITLE = re.compile(r"<title[^>]*>.*?</title>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.]) (?=[A-Zpx])")


def compare(document: Path, trace: Path) -> list[str]:
    """Return in which lines a picture differs from what a trace is drawn as, none if in nothing.

    Raises:
        CheckError: one of the two can't be read, or the picture can't be drawn again.
    """
    committed = _read(document)
    drawn = metadata.read(committed, shown(document))
    try:
        launch, findings = pictures.load(trace, drawn.options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = find_format("svg", drawn.view).load()(launch, findings, drawn.options)
    except ForktraceError as error:
        raise CheckError(str(error)) from error
    now = made if isinstance(made, str) else made.decode()
    if now == committed:
        return []
    heading = f"{shown(document)} is not what {shown(trace)} shows"
    return [f"{heading} ({drawn.view}):", *_difference(committed, now, drawn.view)]


def shown(path: Path) -> str:
    """Return a file's name as it can be printed."""
    return printable(str(path))


def _read(document: Path) -> str:
    try:
        if document.stat().st_size > _LARGEST:
            raise CheckError(f"{shown(document)} is too large to be a picture")
        text = document.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise CheckError(f"can't read the picture {shown(document)}: {reason}") from error
    return text


def _difference(committed: str, now: str, view: str) -> list[str]:
    """Return what is said differently; where nothing is, the first element that is drawn so."""
    for words in (_story, _labels):
        lines = list(unified_diff(words(committed), words(now), "committed", "now", "", "", 1, ""))
        if lines:
            return [*lines[:_MOST], *_more(len(lines) - _MOST)]
    if view == "tree" and _without_layout(committed) == _without_layout(now):
        return ["only the layout differs: it depends on the version of Graphviz"]
    before, after = committed.splitlines(), now.splitlines()
    lines = [
        line
        for line in unified_diff(before, after, "committed", "now", "", "", 0, "")
        if not line.startswith("@@")
    ]
    told = [cut(printable(line), _WIDTH) for line in lines[:6]]
    return ["it says the same, but is drawn differently:", *told, *_more(len(lines) - 6)]


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield f"… and {count_words(count, 'more line')}"


def _story(document: str) -> list[str]:
    """Return the sentences that tell the launch."""
    found = _STORY.search(document)
    return [_plain(s) for s in _SENTENCE.split(found[1])] if found else []


def _labels(document: str) -> list[str]:
    """Return all words in the picture, in the order of the document."""
    return [_plain(_TAG.sub("", _TITLE.sub("", found[1]))) for found in _TEXT.finditer(document)]


def _without_layout(document: str) -> str:
    """Return a document without where things stand, and without the id, which depends on that."""
    scope = _SCOPE.search(document)
    return _PLACED.sub("", document.replace(scope[1], "") if scope else document)


def _plain(text: str) -> str:
    return cut(printable(html.unescape(text)), _WIDTH)
