"""Load a trace once and write each picture of it: the part of the commands that needs the graph.

Imported only after a traced command has ended, as networkx and rich take their time.
"""

import sys
from pathlib import Path

from forktrace.analysis.findings import Findings
from forktrace.analysis.passes import analyse
from forktrace.cli.outputs import Output, write_file
from forktrace.cli.terminal import terminal_options
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.registry import find_format
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions


def load(trace: Path) -> tuple[Launch, Findings]:
    """Read a trace and find its meaning. Raises TraceFormatError."""
    launch = build_launch(read_trace(trace))
    return launch, analyse(launch)


def write(output: Output, trace: Path, launch: Launch, findings: Findings, *, force: bool) -> None:
    """Write one output. Raises OutputError and MissingToolError."""
    data = _content(output, trace, launch, findings)
    if output.path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_file(output.path, data, force=force)


def _content(output: Output, trace: Path, launch: Launch, findings: Findings) -> bytes:
    if output.format is None:
        return trace.read_bytes()
    options = terminal_options(1) if output.path is None else ViewOptions()
    made = output.format.load()(launch, findings, options)
    return made.encode() if isinstance(made, str) else made


def tree_text(launch: Launch, findings: Findings, fd: int) -> str:
    """Return the text tree, made for the terminal (or file) behind descriptor ``fd``."""
    made = find_format("text").load()(launch, findings, terminal_options(fd))
    return made if isinstance(made, str) else made.decode()
