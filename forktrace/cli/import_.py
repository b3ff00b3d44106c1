"""``forktrace import``: make a trace of a log of strace."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from forktrace.cli.messages import say
from forktrace.cli.options import Wanted, output_options, quiet_option, view_options
from forktrace.cli.outputs import Output, check_outputs, parse_outputs
from forktrace.cli.recording import (
    Recording,
    open_trace_file,
    say_incomplete,
    say_place,
    show_trace,
)
from forktrace.errors import LogFormatError, UsageError
from forktrace.model.imported import import_warnings
from forktrace.trace import events
from forktrace.trace.strace.convert import Conversion
from forktrace.trace.strace.logs import Log, Progress
from forktrace.trace.text import encode_text
from forktrace.trace.writer import TraceWriter
from forktrace.views.options import ViewOptions

_LARGE = 4 * 1024 * 1024  # bytes; a smaller log is read before a bar would be seen


@click.command("import")
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@output_options()
@quiet_option
@view_options()
def command(
    logs: tuple[str, ...],
    wanted: Wanted,
    quiet: bool,
    shown: ViewOptions,
) -> int:
    """Make a trace of LOG, which strace -f has written; '-' is standard input.

    Several LOGs are the files of one 'strace -ff'. The log that tells the most is made by:

    \b
    strace -f -ttt -y -s 4096 -v --decode-pids=pidns -o launch.log COMMAND
    """
    outputs = parse_outputs(wanted, stdout=True)
    check_outputs(outputs, force=wanted.force)
    with ExitStack() as stack:
        opened = [_open(name, stack) for name in _distinct(logs)]
        progress = stack.enter_context(_progress(opened, quiet=quiet))
        asked = [encode_text(os.fsencode(w)) for w in ("forktrace", "import", *logs)]
        conversion = Conversion(opened, asked, progress)
        trace, header, failed = _write(conversion.records(), outputs, force=wanted.force)
    ok = failed is None
    if failed is not None:
        say_incomplete(trace, failed)
    ok &= show_trace(trace, outputs, quiet=quiet, force=wanted.force, shown=shown)
    end = events.Ended(at_ns=0, reason="log", log=conversion.summary)
    for sentence in import_warnings(header, end, ()):
        say(sentence)
    ok &= say_place(trace, "launch.svg")
    return 0 if ok else 1


def _distinct(names: Sequence[str]) -> Sequence[str]:
    if len(set(names)) < len(names):
        raise UsageError("the same log is named twice")
    if "-" in names and len(names) > 1:
        raise UsageError("standard input, '-', is a log of its own: name no other log with it")
    return names


def _open(name: str, stack: ExitStack) -> Log:
    if name == "-":
        return Log("standard input", sys.stdin.buffer)
    try:
        return Log(name, stack.enter_context(Path(name).open("rb")))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else None
        raise LogFormatError(f"can't read the log {name}: {reason or error}") from None


@contextmanager
def _progress(logs: Sequence[Log], *, quiet: bool) -> Iterator[Progress]:
    """Show how much is read, on a terminal and not if ``quiet``, of logs that take a while."""
    total = sum(_size(log) or 0 for log in logs)
    endless = any(_size(log) is None for log in logs)
    if quiet or not os.isatty(2) or not (endless or total > _LARGE):
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None if endless else total)
        yield lambda count: bar.advance(task, count)


def _silent(_count: int) -> None:
    """Show nothing."""


def _size(log: Log) -> int | None:
    """Return the size of a log in bytes, None where it has no end that we know."""
    try:
        return None if log.name == "standard input" else os.fstat(log.file.fileno()).st_size
    except OSError:
        return None


def _write(
    records: Iterator[events.AnyRecord], outputs: Sequence[Output], *, force: bool
) -> tuple[Recording, events.Header, OSError | None]:
    """Write the trace. Its file is made only when the log has proved to be one."""
    header = next(records)
    assert isinstance(header, events.Header)
    trace = open_trace_file(outputs, "import", force=force)
    writer = TraceWriter(trace.fd)
    writer.header(header)
    try:
        for record in records:
            if isinstance(record, events.Ended):
                writer.end(record)
            elif not isinstance(record, events.Header):
                writer.event(record)
    except LogFormatError:
        trace.discard()
        raise
    return trace, header, writer.error
