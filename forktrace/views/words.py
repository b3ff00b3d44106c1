"""Say facts in words that every view shares: arguments, ends, names; harmless on any terminal."""

import shlex
from collections.abc import Sequence

from forktrace.model.process import Exit, Process

ELLIPSIS = "…"


def printable(text: str) -> str:
    r"""Make ``text`` harmless to show: controls, bidi marks and stray bytes become ``\x1b``, ….

    ``text`` may hold PEP 383 surrogates. The result has printable characters only, so it can
    neither steer a terminal nor break a line; escaping for a format (XML, DOT) comes after.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a PEP 383 surrogate stands for one byte
        return f"\\x{code - 0xDC00:02x}"
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def quote(argument: str) -> str:
    """Quote one argument as a shell would need it, made printable."""
    shown = printable(argument)
    return shown if shown == shlex.quote(shown) else shlex.quote(shown)


def show_argv(argv: Sequence[str], limit: int | None = None) -> str:
    """Write arguments as a shell command line, cut to ``limit`` characters with an ellipsis."""
    return cut(" ".join(quote(a) for a in _enough(argv, limit)), limit)


def _enough(argv: Sequence[str], limit: int | None) -> Sequence[str]:
    """Leave out arguments that a cut would drop anyway, as there may be 100,000."""
    return argv if limit is None else [a[: limit + 1] for a in argv[: limit // 2 + 2]]


def cut(text: str, limit: int | None) -> str:
    """Cut ``text`` to ``limit`` characters, the last one an ellipsis where something is gone."""
    if limit is None or len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)] + ELLIPSIS


def exit_words(end: Exit | None) -> str:
    """Say how a process ended: "exit 0", "SIGKILL", "SIGSEGV (core dumped)", "still running"."""
    if end is None:
        return "still running"
    if end.signal:
        return end.signal + (" (core dumped)" if end.core else "")
    return f"exit {end.code}"


def name_of(process: Process) -> str:
    """Return the short printable name of a process."""
    return printable(process.name)
