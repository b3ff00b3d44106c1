"""Say of one descriptor what it is an end of, and by what its other end is known.

The ends of a pipe have one inode and differ in their access (pipe(7)); the ends of a pair of UNIX
sockets have an inode each, and the kernel tells the peer's (unix(7), sock_diag(7)); the slave of a
pseudoterminal is number N of one devpts, and its master has that number as "tty-index" (pts(4)).
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal

from forktrace.model.facts import Descriptor

OpenKind = Literal["pipe", "socket", "terminal", "file", "null"]

# What can be looked for: ("pipe", inode), ("socket", inode), ("towards", a peer's inode),
# ("master", number), ("slave", number).
Key = tuple[str, int]

# Says whether a descriptor is the other end; None where that is inferred.
Match = Callable[[Descriptor], bool | None]

_PTS = re.compile(r"/dev/pts/(\d{1,9})")


def keys(opened: Descriptor) -> Iterator[Key]:
    """Yield all by which a descriptor can be looked for."""
    what = kind(opened)
    if what in ("pipe", "socket"):
        number = inode(opened)
        if number is not None:
            yield what, number
        if opened.peer:
            yield "towards", opened.peer
    elif opened.tty is not None:
        yield "master", opened.tty
    elif (number := slave(opened)) is not None:
        yield "slave", number


def kind(opened: Descriptor) -> OpenKind:
    """Return what a descriptor is an end of; "file" is whatever has no other end."""
    if opened.to.startswith("pipe:["):
        return "pipe"
    if opened.to.startswith("socket:["):
        return "socket"
    if opened.tty is not None or slave(opened) is not None:
        return "terminal"
    return "null" if opened.to == "/dev/null" else "file"


def slave(opened: Descriptor) -> int | None:
    """Return the number of a pseudoterminal's slave, by its usual name where nothing else tells."""
    named = _PTS.fullmatch(opened.to) if opened.slave is None else None
    return int(named[1]) if named else opened.slave


def inode(opened: Descriptor) -> int | None:
    """Return N of "pipe:[N]" or "socket:[N]", None where a trace has no number there."""
    number = opened.to.partition("[")[2].removesuffix("]")
    return int(number) if number.isdecimal() and len(number) < 20 else None


def anything(_other: Descriptor) -> bool:
    """Match all that has the inode: the two ends of a connection have one each."""
    return True


def opposite(opened: Descriptor) -> Match:
    """Match the other end of a pipe: who reads what this one writes, and who writes to it."""
    needed = {"r": "w", "w": "r"}.get(opened.access or "", "")

    def matches(other: Descriptor) -> bool | None:
        if other.access is None or opened.access is None:
            return None
        return needed in other.access

    return matches


def same_devpts(opened: Descriptor) -> Match:
    """Match a pseudoterminal's other end, which belongs to the same devpts as far as known."""

    def matches(other: Descriptor) -> bool | None:
        if opened.device is None or other.device is None:
            return None
        return opened.device == other.device

    return matches
