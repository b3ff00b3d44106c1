"""Arrange the processes of a moment as ps(1) does: a row each, under their real parents."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from forktrace.model.standing import Standing
from forktrace.views.words import printable

UNKNOWN = "?"
NONE = "-"
INFERRED = "~"
DEPTH = 60  # levels that guides are drawn for where the width does not say; of more, the nearest

_ENDED = ("zombie", "unwaited", "ended", "past")
# Documentation/admin-guide/devices.txt: the majors of terminals that a session can have.
_PTS_MAJORS = range(136, 144)
_TTY_MAJOR = 4
_CONSOLE = (5, 1)
_SERIAL = 64  # minors of major 4 from here on are ttyS0 and so on


@dataclass(slots=True)
class PsRow:
    """Be a line: how a process stood, and where in the tree; ``last`` marks a last child."""

    standing: Standing
    above: "PsRow | None" = None
    depth: int = 0
    last: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """Be the rows of a moment, and how many processes that had ended are left out of them."""

    rows: list[PsRow]
    left_out: int


def choose(standings: Iterable[Standing], *, ended: bool | None) -> Choice:
    """Return the rows of those that are to be shown, each after its parent, in creation order.

    An ended process of which no wait is recorded may be a zombie or gone. Its row stands until its
    parent is seen to do something; ``ended`` lists all such processes (True) or none (False).

    Args:
        standings: all that stood at the moment.
        ended: which of those to show whose reaping was not recorded.
    """
    hidden = {None: ("past",), True: (), False: ("ended", "past", "unwaited")}[ended]
    standings = list(standings)
    shown = [s for s in standings if s.life not in hidden]
    return Choice(_forest(shown), len(standings) - len(shown))


def _forest(standings: list[Standing]) -> list[PsRow]:
    """Put each row under its parent's. There is no recursion: a trace may hold a long chain."""
    present = {s.process.id for s in standings}
    under: defaultdict[str | None, list[Standing]] = defaultdict(list)
    for standing in standings:
        under[standing.parent if standing.parent in present else None].append(standing)
    # Those outside are the oldest: they stand first, as ps sorts by start.
    tops = sorted(under[None], key=lambda s: (s.life != "outside", _number(s)))
    rows: list[PsRow] = []
    stack = [PsRow(standing) for standing in reversed(tops)]
    while stack:
        row = stack.pop()
        rows.append(row)
        children = under.get(row.standing.process.id, [])
        stack += [
            PsRow(child, row, row.depth + 1, last=i == 0)
            for i, child in enumerate(reversed(children))
        ]
    return rows


def _number(standing: Standing) -> int:
    return standing.process.pid if standing.life == "outside" else standing.process.born.seq


def guides(row: PsRow, levels: int = DEPTH) -> str:
    r"""Draw what leads to a row, as ps does (``\_``): the nearest levels, then "+N"."""
    drawn: list[str] = []
    at: PsRow | None = row
    while at is not None and at.depth > 0 and len(drawn) < levels:
        drawn.append("    " if at.last else " |  ")
        at = at.above
    if drawn:
        drawn[0] = " \\_ "
    left_out = row.depth - len(drawn)
    return (f"+{left_out}" if left_out else "") + "".join(reversed(drawn))


def stat(standing: Standing) -> str:
    """Return the state as ps codes it, as far as a trace tells.

    "Z" is a zombie, "Z?" one unless its parent ignores SIGCHLD, "?" unknown, "-" alive: whether it
    ran or slept is in no trace. Behind it "s" is a session leader, "l" has several threads.
    """
    if standing.process.stand_in is not None:
        return UNKNOWN
    letters = {"zombie": "Z", "unwaited": "Z?", "alive": NONE, "outside": NONE}
    leader = "s" if standing.sid == standing.process.pid else ""
    threads = "l" if standing.threads and standing.life not in _ENDED else ""
    return letters.get(standing.life, UNKNOWN) + leader + threads


def terminal(number: int | None) -> str:
    """Return a terminal's name by its device number (proc(5), tty_nr); "-" if there is none."""
    if number is None:
        return UNKNOWN
    if number == 0:
        return NONE
    major = (number >> 8) & 0xFFF
    minor = (number & 0xFF) | ((number >> 12) & 0xFFF00)
    if major in _PTS_MAJORS:
        return f"pts/{minor + (major - _PTS_MAJORS.start) * 256}"
    if major == _TTY_MAJOR:
        return f"tty{minor}" if minor < _SERIAL else f"ttyS{minor - _SERIAL}"
    return "console" if (major, minor) == _CONSOLE else f"{major}:{minor}"


def number(value: int | None) -> str:
    """Write a pid or the like."""
    return UNKNOWN if value is None else str(value)


def pid(standing: Standing) -> str:
    """Return the pid; one of 0 is not known."""
    return str(standing.process.pid or UNKNOWN)


def parent_pid(standing: Standing) -> str:
    """Return the real parent's pid, marked where nobody looked at it."""
    return (INFERRED if standing.inferred else "") + number(standing.ppid)


def namespace_pids(standing: Standing) -> str:
    """Return the pid in each PID namespace, forktrace's first: "297,1"."""
    return ",".join(map(str, standing.process.nspid)) or UNKNOWN


def command(standing: Standing, limit: int | None = None) -> str:
    """Return the command line as ps writes it, harmless to print.

    A process without arguments has its comm in brackets; of an ended one nothing else is left. One
    outside the trace stands in parentheses.

    Args:
        standing: how the process stood.
        limit: the number of characters that can be of use; the result may be longer.
    """
    if standing.process.stand_in is not None:
        return f"({standing.process.stand_in})"
    comm = f"[{printable(standing.comm)}]" if standing.comm else UNKNOWN
    if standing.life in _ENDED:
        known = standing.life in ("zombie", "unwaited")
        return f"{comm} <{'defunct' if known else 'ended'}>"
    argv = standing.image.argv if standing.image else []
    shown = printable(_joined(argv, limit)) or comm
    if standing.life == "outside":
        return f"({printable(_joined(argv, limit)) or printable(standing.comm or UNKNOWN)})"
    return shown


def _joined(argv: list[str], limit: int | None) -> str:
    """Join so many arguments as a cut to ``limit`` needs, as there may be 100,000."""
    enough = argv if limit is None else [a[: limit + 1] for a in argv[: limit // 2 + 2]]
    return " ".join(enough)


def notes(choice: Choice) -> list[str]:
    """Say what the signs in the rows mean, and what is left out."""
    lives = {row.standing.life for row in choice.rows}
    found = []
    if not choice.rows:
        found.append("no process of the trace was there")
    if "alive" in lives:
        found.append("STAT -: alive; whether it ran or slept is not in a trace")
    if "unwaited" in lives:
        found.append("Z?: ended, and never waited for: a zombie, unless its parent ignores SIGCHLD")
    if lives & {"ended", "past"}:
        found.append("<ended>: perhaps a zombie still; only --detail syscalls records waits")
    if "unseen" in lives:
        found.append("STAT ?: nothing was seen of it any more, so it may have ended")
    if any(row.standing.inferred for row in choice.rows):
        found.append(
            "PPID ~: inferred, from forks and their flags or the kernel's rule of adoption"
        )
    if choice.left_out == 1:
        found.append("1 more had ended, and was perhaps a zombie still: --ended lists it")
    elif choice.left_out:
        many = f"{choice.left_out:,} more"
        found.append(f"{many} had ended, and were perhaps zombies still: --ended lists them")
    return found
