"""``forktrace run``: trace a command."""

from collections.abc import Callable
from typing import Any

import click

from forktrace.cli.options import (
    Seconds,
    detail_option,
    limit,
    output_options,
    quiet_option,
    view_options,
)
from forktrace.cli.session import Request, trace_command
from forktrace.errors import UsageError


def capture_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that every command has that starts and traces one."""
    linger = click.option(
        "--linger",
        type=Seconds(),
        metavar=Seconds.name,
        default=1.0,
        show_default=True,
        help="How long to go on when the command leaves processes behind.",
    )
    return output_options()(quiet_option(linger(detail_option(view_options()(function)))))


def make_request(command: tuple[str, ...], options: dict[str, Any], **more: Any) -> Request:
    """Turn parsed options into what the session takes."""
    linger = limit(options.pop("linger"))
    return Request(command=command, linger=linger, **options, **more)


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    options_metavar="[OPTION]… [--]",
)
@capture_options
@click.option(
    "-u", "--user", help="Run COMMAND as USER, by name or uid, while forktrace stays root."
)
@click.option(
    "--seccomp",
    is_flag=True,
    help="Make --detail syscalls cheap by a seccomp filter; forktrace then stays, in the "
    "background if need be, until all that COMMAND starts has ended.",
)
@click.argument("command_line", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND…")
def command(command_line: tuple[str, ...], **options: Any) -> int:
    """Trace COMMAND and all that it starts.

    Its streams, signals and exit status are as without forktrace. The trace is kept, and the
    process tree is shown on standard error at the end.
    """
    if options["seccomp"] and options["detail"] != "syscalls":
        raise UsageError("--seccomp goes with --detail syscalls: add that, or leave it out")
    return trace_command(make_request(command_line, options))
