"""Load a trace once and write each picture of it: the part of the commands that needs the graph.

Imported only after a traced command has ended, as networkx and rich take their time.
"""

import gc
import sys
import warnings
from dataclasses import replace
from pathlib import Path

from forktrace.analysis.findings import Findings
from forktrace.analysis.passes import analyse
from forktrace.cli.messages import say
from forktrace.cli.outputs import Output, write_file
from forktrace.cli.progress import progress
from forktrace.cli.terminal import terminal_options
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.notices import LeftOutWarning
from forktrace.render.registry import find_format
from forktrace.trace.collector import collector_paused
from forktrace.trace.reader import read_trace
from forktrace.views.normalize import normalize
from forktrace.views.options import ViewOptions


def load(
    trace: Path, shown: ViewOptions | None = None, *, quiet: bool = False
) -> tuple[Launch, Findings]:
    """Read a trace and find its meaning, normalised if that is wanted. Raises TraceFormatError."""
    with collector_paused(), progress("Reading the trace", quiet=quiet) as report:
        # The three parts take about as long as they get here of the bar.
        read = read_trace(trace, lambda part: report(0.1 * part))
        launch = build_launch(read, lambda part: report(0.1 + 0.4 * part))
        findings = analyse(launch, lambda part: report(0.5 + 0.5 * part))
        gc.freeze()  # all this stays: the collector need not look at it again
        return normalize(launch, findings) if shown and shown.normalize else (launch, findings)


def write(
    output: Output,
    trace: Path,
    launch: Launch,
    findings: Findings,
    *,
    force: bool,
    shown: ViewOptions | None = None,
    quiet: bool = False,
) -> None:
    """Write one output. Raises OutputError, UsageError and MissingToolError."""
    data = _content(output, trace, launch, findings, shown or ViewOptions(), quiet=quiet)
    if output.path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_file(output.path, data, force=force)


def _content(
    output: Output,
    trace: Path,
    launch: Launch,
    findings: Findings,
    shown: ViewOptions,
    *,
    quiet: bool,
) -> bytes:
    if output.format is None:
        return trace.read_bytes()
    options = _on_terminal(1, shown) if output.path is None else shown
    with warnings.catch_warnings(record=True) as notices:
        warnings.simplefilter("always", LeftOutWarning)
        with collector_paused(), progress(f"Drawing {output.format.name}", quiet=quiet):
            made = output.format.load()(launch, findings, options)
    for found in notices:
        if isinstance(found.message, LeftOutWarning):
            say(f"{output.path or 'standard output'}: {found.message}")
    return made.encode() if isinstance(made, str) else made


def tree_text(launch: Launch, findings: Findings, fd: int, shown: ViewOptions | None = None) -> str:
    """Return the text tree, made for the terminal (or file) behind descriptor ``fd``.

    Raises UsageError: what was asked for is not in the launch.
    """
    options = _on_terminal(fd, shown or ViewOptions())
    with collector_paused(), progress("Drawing the tree"):
        made = find_format("text").load()(launch, findings, options)
    return made if isinstance(made, str) else made.decode()


def _on_terminal(fd: int, shown: ViewOptions) -> ViewOptions:
    here = terminal_options(fd)
    return replace(shown, width=shown.width or here.width, color=here.color)
