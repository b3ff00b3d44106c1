"""Escape text for Markdown: the one place where it is done (CommonMark 0.31, with GitHub's tables).

What comes here was made printable before, so it holds no line break.
"""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$!])")
_AT_START = re.compile(r"^(\s*)([-+=])|^(\s*\d+)([.)])")  # a list, a heading's rule
_ADDRESS = re.compile(r"(?i)(www|https?|ftp|mailto|xmpp)([.:])")
_CODE = re.compile(r"`([^`]*)`")


def escape(text: str) -> str:
    r"""Make a line of text say just itself: no markup, no HTML, no link comes of it.

    >>> escape("<b>*x* http://a.b")
    '\\<b\\>\\*x\\* http\\://a.b'
    """
    text = _SPECIAL.sub(r"\\\1", text)
    text = _ADDRESS.sub(r"\1\\\2", text)
    return _AT_START.sub(lambda m: f"{m[1] or m[3] or ''}\\{m[2] or m[4]}", text)


def code(text: str) -> str:
    """Make a code span, whatever backquotes the text holds (CommonMark, code spans)."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") or not text else ""
    return f"{fence}{space}{text}{space}{fence}"


def prose(text: str) -> str:
    """Escape a sentence in which commands stand in backquotes: those become code spans."""
    parts = []
    at = 0
    for found in _CODE.finditer(text):
        parts += [escape(text[at : found.start()]), code(found[1])]
        at = found.end()
    return "".join([*parts, escape(text[at:])])
