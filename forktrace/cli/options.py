"""Share the options that several commands have, so that they are named and told of once."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, TypeVar, get_args

import click

from forktrace.trace.events import Detail
from forktrace.views.options import ROLES, Cluster, Theme, ViewOptions

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Seconds(click.ParamType[float]):
    """Understand a number of seconds, or "inf"."""

    name = "SECONDS|inf"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds, infinity for "inf"."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not seconds >= 0:
            self.fail(f"{value!r} is no number of seconds, and not 'inf'", param, ctx)
        return seconds


_FOREVER = 1e9  # seconds, 31 years: what the kernel takes for a timeout ends somewhere above


def limit(seconds: float) -> float | None:
    """Return a time limit in seconds, None for "inf" and for what comes to the same."""
    return None if seconds > _FOREVER else seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """Be what a user says of outputs: each ``-o``, ``--format``, ``--view`` and ``--force``."""

    texts: tuple[str, ...]
    format_name: str | None
    view: str | None
    force: bool


def output_options(*, required: bool = False) -> Callable[[_Function], _Function]:
    """Return what adds ``wanted``, a ``Wanted``: which files to write."""
    options = (
        click.option(
            "-o",
            "--output",
            "texts",
            multiple=True,
            required=required,
            metavar="[VIEW:]FILE",
            help="Write FILE, in the format of its extension ('forktrace formats'). Repeatable.",
        ),
        click.option("--format", "format_name", help="Write this format whatever the extension."),
        click.option("--view", help="Draw this view where a format has several."),
        click.option("--force", is_flag=True, help="Replace files that exist."),
    )
    return _gathering(Wanted, "wanted", options)


def view_options(*, drawn: bool = True) -> Callable[[_Function], _Function]:
    """Return what adds ``shown``, a ``ViewOptions``: what is to be seen of a launch.

    Where pictures are ``drawn`` it also says how.
    """
    options = (*_SELECTING, _NORMALIZE, *(_DRAWING if drawn else ()), _WIDTH)
    return _gathering(ViewOptions, "shown", options)


def _gathering(
    kind: type, argument: str, options: Sequence[Callable[[_Function], _Function]]
) -> Callable[[_Function], _Function]:
    """Return what adds options, whose values come as one ``argument``, a dataclass ``kind``."""

    def add(function: Any) -> Any:
        @wraps(function)
        def with_options(*args: Any, **values: Any) -> Any:
            names = [field.name for field in fields(kind)]
            chosen = {name: values.pop(name) for name in names if name in values}
            return function(*args, **{argument: kind(**chosen)}, **values)

        added: Any = with_options
        return _adding(*options)(added)

    return add


_SELECTING = (
    click.option(
        "--focus",
        metavar="container|PROCESS",
        help="Show the path to this and what is below it, fold the rest. A process is p3, a pid "
        "or a program's name; 'container:NAME' is one of several.",
    ),
    click.option(
        "--only",
        type=click.Choice(ROLES),
        multiple=True,
        help="Show processes with this role and those above them. Repeatable.",
    ),
    click.option(
        "--hide",
        multiple=True,
        metavar="PATTERN",
        help="Fold programs like 'ip*' away, with all below them. Repeatable.",
    ),
    click.option(
        "--depth", type=click.IntRange(0), metavar="N", help="Fold what is deeper than N levels."
    ),
    click.option(
        "--max-processes",
        type=click.IntRange(1),
        metavar="N",
        help="Fold until no more than N processes are shown, the container's last.",
    ),
    click.option(
        "--all",
        "unfolded",
        is_flag=True,
        help="Give every process a row of its own, also many alike ones.",
    ),
)
_NORMALIZE = click.option(
    "--normalize",
    is_flag=True,
    help="For documentation: replace ids, pids, paths and times, and put events in an order that "
    "is the same each time.",
)
_DRAWING = (
    click.option(
        "--cluster",
        type=click.Choice(get_args(Cluster)),
        help="Group the boxes of the tree (SVG and DOT) by this.",
    ),
    click.option(
        "--time", is_flag=True, help="Lanes: from left to right is time, not the order of events."
    ),
    click.option(
        "--theme",
        type=click.Choice(get_args(Theme)),
        default="auto",
        show_default=True,
        help="Colours of pictures; 'auto' follows the reader's.",
    ),
)
_WIDTH = click.option(
    "--width",
    type=click.IntRange(1),
    metavar="N",
    help="At most so many pixels of a picture, columns of a text.",
)


def pid_option(*, required: bool, text: str) -> Callable[[_Function], _Function]:
    """Return what adds ``pids``; ``text`` is its help."""
    return click.option(
        "-p",
        "--pid",
        "pids",
        type=click.IntRange(1),
        multiple=True,
        required=required,
        metavar="PID",
        help=text,
    )


def quiet_option(function: _Function) -> _Function:
    """Add ``--quiet``."""
    return click.option(
        "-q", "--quiet", is_flag=True, help="Leave out tree and progress bar on standard error."
    )(function)


def detail_option(function: _Function) -> _Function:
    """Add ``--detail``."""
    return click.option(
        "--detail",
        type=click.Choice(get_args(Detail)),
        default="events",
        show_default=True,
        help="How much to record: 'minimal' is events and arguments alone, 'syscalls' adds "
        "the exact moments of setsid, unshare, kill, wait and more, at a price.",
    )(function)


def _adding(*options: Callable[[_Function], _Function]) -> Callable[[_Function], _Function]:
    def add(function: _Function) -> _Function:
        for option in reversed(options):
            function = option(function)
        return function

    return add
