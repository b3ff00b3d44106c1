"""``forktrace run``: trace a command."""

import math
from collections.abc import Callable
from typing import Any

import click

from forktrace.cli.session import Request, trace_command


class _Seconds(click.ParamType[float]):
    """Understand a number of seconds, or "inf"."""

    name = "SECONDS|inf"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not seconds >= 0:
            self.fail(f"{value!r} is no number of seconds, and not 'inf'", param, ctx)
        return seconds


def capture_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that every tracing command has."""
    for option in reversed(
        (
            click.option(
                "-o",
                "--output",
                "outputs",
                multiple=True,
                metavar="[VIEW:]FILE",
                help="Write FILE, in the format of its extension. Repeatable.",
            ),
            click.option("--format", "format_name", help="Write this format."),
            click.option("--view", help="Draw this view where a format has several."),
            click.option("--force", is_flag=True, help="Replace files that exist."),
            click.option(
                "-q", "--quiet", is_flag=True, help="Leave out the tree on standard error."
            ),
            click.option(
                "--linger",
                type=_Seconds(),
                default=1.0,
                show_default=True,
                help="How long to go on when the command leaves processes behind.",
            ),
            click.option(
                "--detail",
                type=click.Choice(["minimal", "events", "syscalls"]),
                default="events",
                show_default=True,
                help="How much to record: 'minimal' is events and arguments alone, 'syscalls' adds "
                "the exact moments of setsid, unshare, kill, wait and more, at a price.",
            ),
        )
    ):
        function = option(function)
    return function


def make_request(command: tuple[str, ...], options: dict[str, Any], **more: Any) -> Request:
    """Turn parsed options into what the session takes."""
    linger = options.pop("linger")
    return Request(
        command=command, linger=None if math.isinf(linger) else linger, **options, **more
    )


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTION]… [--]",
)
@capture_options
@click.option(
    "-u", "--user", help="Run COMMAND as USER, by name or uid, while forktrace stays root."
)
@click.argument("command_line", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND…")
def command(command_line: tuple[str, ...], **options: Any) -> int:
    """Trace COMMAND and all that it starts.

    Its streams, signals and exit status are as without forktrace. The trace is kept, and the
    process tree is shown on standard error at the end.
    """
    return trace_command(make_request(command_line, options))
