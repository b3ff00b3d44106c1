"""Word where a process came to another cgroup."""

from forktrace.views.lanes import style
from forktrace.views.lanes.cgroups import Move
from forktrace.views.lanes.columns import Note, Zone
from forktrace.views.lanes.plan import Lane, PlacedMove
from forktrace.views.words import cut, printable, short_ids

CGROUP_KIND = "word path"  # of a text with a tick of its own
_PATH_CHARS = 28
_RIGHT: tuple[tuple[Zone, bool], ...] = (("above", False),)
_ANYWHERE: tuple[tuple[Zone, bool], ...] = (("below", True), *_RIGHT, ("above", True))


def move_note(move: PlacedMove) -> Note:
    """Make the text at the tick that shows a move."""
    lane, column = move.lane, move.column
    path = printable(move.move.path)
    by = move.move.by if move.move.by != lane.process.id else None
    ending = f" by {by}" if by else ""
    around = len("cgroup ") + len(ending)

    def words(limit: int) -> str:
        return f"cgroup {_last_part(short_ids(path), limit - around)}{ending}"

    return Note(
        lane.index,
        "below",
        column,
        style.CGROUP + 5,
        style.WORD,
        CGROUP_KIND,
        words,
        around + style.LEAST_PATH,
        around + _PATH_CHARS,
        _move_title(lane, move.move),
        elsewhere=_ANYWHERE if column > lane.birth else _RIGHT,
    )


def _move_title(lane: Lane, move: Move) -> str:
    """Say how a process came to another cgroup, as far as that is known."""
    who, path = lane.process.id, printable(move.path)
    match move.how:
        case "clone":
            return f"{move.by} created {who} right in the cgroup {path} (CLONE_INTO_CGROUP)"
        case "write":
            itself = move.by == who
            return f"{move.by} moved {'itself' if itself else who} to the cgroup {path}"
        case "outside":
            return f"{who} was first seen in the cgroup {path} here: no traced process moved it"
    return f"{who} was first seen in the cgroup {path} here"


def _last_part(path: str, limit: int) -> str:
    """Shorten a path to its last part, and that in its middle."""
    if len(path) <= limit:
        return path
    tail = path[path.rfind("/") :] if path.count("/") > 1 else path
    return "…" + tail if len(tail) < limit else cut("…" + tail, limit)
