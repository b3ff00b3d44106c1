"""Say things on standard error, come what may: no message is worth the command's status."""

import os
import select
import sys
from contextlib import suppress


def say(sentence: str) -> None:
    """Write one line from forktrace, with what could steer a terminal made visible."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in sentence)
    write_error(f"forktrace: {shown}\n")


def write_error(text: str) -> None:
    """Write to standard error as it is, or nowhere where that is closed, full or unread.

    Past Python's buffer: what could not be written would fail once more at exit, and change the
    exit status (CPython: flush_std_files).
    """
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    data = text.encode(encoding, "backslashreplace")
    with suppress(OSError):
        while data:
            data = data[_write(data) :]


def _write(data: bytes) -> int:
    try:
        return os.write(2, data)
    except BlockingIOError:  # a terminal that some program has left non-blocking
        select.select([], [2], [])
        return 0
