"""Know the terminal that something is written to, if it is one."""

import os
import shutil

from forktrace.views.options import ViewOptions


def terminal_options(fd: int) -> ViewOptions:
    """Return width and colour for what is written to descriptor ``fd`` (no-color.org)."""
    tty = os.isatty(fd)
    color = tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return ViewOptions(width=_width(fd) if tty else None, color=color)


def _width(fd: int) -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(fd).columns or 80
    except OSError:
        return shutil.get_terminal_size().columns
