"""Write command lines short for a narrow place, so that what tells most is not what is cut."""

from collections.abc import Sequence

from forktrace.model.image import Image, image_name
from forktrace.views.lanes.plan import Lane
from forktrace.views.words import (
    ELLIPSIS,
    cut,
    place_of_subcommand,
    printable,
    program_words,
    short_argument,
)

_FAR = 100  # what tells stands among so many arguments; there may be 100,000
_SLACK = 40  # characters with which a line that is too long is seen to be
_GROUPS = frozenset(("container", "pod"))  # of subcommands: "podman container cleanup"

# The argument with which begins what a program is for, those first that tell most: conmon(8),
# containerd's pkg/shim/util.go (Command), netavark's main.rs.
_TELLING: dict[str, tuple[str, ...]] = {
    "conmon": ("-c",),
    "netavark": ("setup", "update", "teardown"),
    "containerd-shim-runc-v1": ("start", "delete", "-id"),
    "containerd-shim-runc-v2": ("start", "delete", "-id"),
}
LEAST = 12  # characters that a label has where something is cut
_ENOUGH = 26  # characters for these: an option, and 12 digits of an id


def command_words(lane: Lane, image: Image, limit: int) -> str:
    """Write a command line in at most ``limit`` characters; just the program of several alike.

    Where it has to be cut, options go before what tells what the program is for; an ellipsis marks
    each gap. If not even that has room, the program goes that is the lane's own name, or its end.
    """
    name = printable(image_name(image))
    if lane.count > 1:  # each has arguments of its own
        return cut(f"{name} {ELLIPSIS}", limit)
    line = program_words(image, limit + _SLACK)
    if len(line) <= limit:
        return line
    at = _telling(lane, name, image.argv, limit)
    if at < 2:
        return cut(line, limit)
    limit = min(limit, _ENOUGH) if name in _TELLING else limit
    rest = _short(image.argv[at:], limit)
    start = f"{name} {ELLIPSIS} "
    if len(start) + len(image.argv[at]) >= limit and name == lane.name:
        start = _short_start(name, rest, limit)
    return cut(start + rest, limit)


def _short_start(name: str, rest: str, limit: int) -> str:
    """Return what stands for a lane's own name: of it so much that the label says enough."""
    start = f"{ELLIPSIS} "
    if len(start + rest) >= LEAST:
        return start
    return f"{cut(name, limit - len(rest) - 1)} "


def _telling(lane: Lane, name: str, argv: Sequence[str], limit: int) -> int:
    """Return the place of the argument that should be seen, below 2 where no gap helps."""
    near = argv[1:_FAR]
    for word in _TELLING.get(name, ()):
        if word in near:
            return 1 + near.index(word)
    if not has_subcommands(lane):
        return 0
    at = place_of_subcommand(argv)
    if lane.role == "engine" and len(f"{name} {_short(argv[1 : at + 1], limit)}") < limit:
        return 0  # it is seen anyway, and what stands before it is the user's
    grouped = argv[at] in _GROUPS and at + 1 < len(argv)
    if grouped and len(f"{name} {ELLIPSIS} {argv[at]} {argv[at + 1]}") > limit:
        return at + 1
    return at


def _short(arguments: Sequence[str], limit: int) -> str:
    return " ".join(short_argument(a, limit) for a in arguments[: limit // 2 + 2])


def has_subcommands(lane: Lane) -> bool:
    """Say whether a process has a part in which programs are told what to do by a word."""
    return lane.role in ("engine", "runtime", "init-stage", "cleanup")
