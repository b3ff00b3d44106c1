"""``forktrace formats``: what can be written."""

import click

from forktrace.render.registry import FORMATS, TRACE_EXTENSION, TRACE_NAME


@click.command("formats")
def command() -> None:
    """List the output formats, their extensions and views."""
    rows = [(_extensions(f.extensions), f.name, f.view, f.summary) for f in FORMATS]
    rows.append((f".{TRACE_EXTENSION}", TRACE_NAME, "-", "the trace itself, as it is recorded"))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[3]]))


def _extensions(names: tuple[str, ...]) -> str:
    return " ".join(f".{name}" for name in names)
