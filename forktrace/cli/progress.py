"""Show on a terminal how far a longer piece of work has come.

Nothing is shown where standard error is no terminal, nor before half a second has gone by; what
was shown is wiped away at the end, so that nothing of it stays among the output.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from forktrace.trace.reader import Report, no_report

if TYPE_CHECKING:
    from rich.progress import Progress

_AFTER_SECONDS = 0.5
_STDERR = 2


@contextmanager
def progress(doing: str, *, quiet: bool = False) -> Iterator[Report]:
    """Show a bar while the body of the ``with`` runs, and take how much of it is done.

    Args:
        doing: the words before the bar ("Reading the trace").
        quiet: show nothing, as ``--quiet`` asks for.

    Yields:
        what is to be called with the part done, from 0 to 1; until then the bar just moves.
    """
    if quiet or not os.isatty(_STDERR):
        yield no_report
        return
    bar = _Bar(doing)
    timer = threading.Timer(_AFTER_SECONDS, bar.show)
    timer.daemon = True
    timer.start()
    try:
        yield bar.report
    finally:
        timer.cancel()
        bar.wipe()


class _Bar:
    """Be a bar that is shown from another thread, at a moment when it may be over already."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._lock = threading.Lock()
        self._over = False
        self._shown: Progress | None = None

    def show(self) -> None:
        """Draw the bar, unless the work is done."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._over:
                return
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._shown = Progress(*columns, console=Console(stderr=True), transient=True)
            self._shown.add_task(self._doing, total=None)
            self._shown.start()

    def report(self, part: float) -> None:
        """Take how much of the work is done, from 0 to 1."""
        shown = self._shown
        if shown is not None:
            shown.update(shown.task_ids[0], total=1.0, completed=part)

    def wipe(self) -> None:
        """Take the bar away, or keep it from being drawn."""
        with self._lock:
            self._over = True
            if self._shown is not None:
                self._shown.stop()
