"""Read what descriptors a process has open, and reduce it to what has changed.

Each costs a readlink(2) in /proc/PID/fd, and where that is new an lstat(2) (the link's permission
bits say how it was opened); more is asked only of a socket or a terminal that is new.
Sources: proc(5), fs/proc/fd.c.
"""

import os
from collections.abc import Iterable
from errno import ESRCH
from functools import cache
from typing import Literal

from msgspec import Struct

from forktrace.capture import proc
from forktrace.capture.proc import errno_name
from forktrace.capture.terminals import may_be_slave, mount_id, terminal
from forktrace.capture.unix_sockets import UnixSocket, find_sockets, is_unix
from forktrace.trace.events import Descriptor
from forktrace.trace.text import encode_text

STANDARD = (0, 1, 2)
MOST = 256  # of a process; of what has more open the rest is not looked at
WHOLE_FOLDER = "fd"
_READ, _WRITE = 0o400, 0o200
_ACCESS: dict[int, Literal["r", "w", "rw"]] = {_READ: "r", _WRITE: "w", _READ | _WRITE: "rw"}
_SOCKET = b"socket:["


class Open(Struct, frozen=True):
    """Be one descriptor as it was read: the link, its permission bits, and what that means.

    ``mount`` is the id of the mount that it was opened through, read of terminals only.
    """

    link: bytes
    mode: int
    told: Descriptor
    mount: int | None = None


class Table(Struct, frozen=True):
    """Be what is known of a process' descriptors; never changed, so a child can share it.

    ``whole``: all were looked at, else 0 to 2. ``errors`` is what ``events.Descriptors`` says.
    """

    fds: dict[int, Open] = {}
    whole: bool = False
    errors: dict[str, str] = {}

    @property
    def is_unreadable(self) -> bool:
        """Say whether nothing could be read."""
        return not self.fds and WHOLE_FOLDER in self.errors

    @property
    def is_gone(self) -> bool:
        """Say whether there was no process to look at any more."""
        return self.errors.get(WHOLE_FOLDER) in ("ESRCH", "ENOENT")

    def after_exec(self) -> "Table":
        """Return what is still known after an exec, which closes others than 0 to 2 as a rule."""
        if self.is_unreadable or not (self.whole or len(self.fds) > len(STANDARD)):
            return self
        fds = {fd: self.fds[fd] for fd in STANDARD if fd in self.fds}
        errors = {key: e for key, e in self.errors.items() if key in ("0", "1", "2")}
        return Table(fds, errors=errors)


NOTHING = Table()


def read_table(
    task: int,
    known: Table,
    *,
    whole: bool,
    mounts: int | None,
    relatives: Iterable[int] = (),
) -> Table:
    """Return what a process has open now; ``known`` itself if nothing has changed.

    Args:
        task: the process, or a live thread of it.
        known: what was known of it before.
        whole: whether to look at all descriptors, or at 0 to 2.
        mounts: the inode of its mount namespace, as far as known.
        relatives: processes in whose network namespaces its sockets may have been made.
    """
    errors: dict[str, str] = {}
    try:
        numbers, more = _numbers(task) if whole else (STANDARD, False)
        links = _links(task, numbers, known)
    except OSError as error:
        return _same_or(known, Table(errors={WHOLE_FOLDER: errno_name(error)}))
    if more:
        errors[WHOLE_FOLDER] = "E2BIG"
    found = {}
    at_home = mounts is not None and mounts == _own_mounts()
    for fd, (link, mode) in links.items():
        old = known.fds.get(fd)
        if old is None or not _is_as_before(task, fd, old, link, mode, at_home=at_home):
            found[fd] = _describe(task, fd, link, mode, errors)
            continue
        found[fd] = old
        if str(fd) in known.errors:
            errors[str(fd)] = known.errors[str(fd)]
    sockets = [
        fd
        for fd, now in found.items()
        if now.link.startswith(_SOCKET)
        and not now.told.peer
        and (whole or now is not known.fds.get(fd))
    ]
    if sockets:
        _connect(task, sockets, found, errors, relatives)
    return _same_or(known, Table(found, whole, errors))


def _connect(
    task: int,
    sockets: list[int],
    found: dict[int, Open],
    errors: dict[str, str],
    relatives: Iterable[int],
) -> None:
    """Add the other ends of those sockets that are UNIX ones to what was found."""
    inodes = {}
    for fd in sockets:
        errors.pop(str(fd), None)
        try:
            if is_unix(task, fd):
                inodes[fd] = int(found[fd].link[len(_SOCKET) : -1])
        except OSError as error:
            errors[str(fd)] = errno_name(error)
    told, denied = find_sockets(inodes.values(), (task, *relatives))
    for fd, inode in inodes.items():
        if inode in told:
            found[fd] = _connected(found[fd], told[inode])
        else:
            errors[str(fd)] = errno_name(denied) if denied else "ENOENT"


@cache
def _own_mounts() -> int | None:
    try:
        return os.stat("/proc/self/ns/mnt").st_ino  # noqa: PTH116 (a number, no path)
    except OSError:
        return None


def _is_as_before(task: int, fd: int, old: Open, link: bytes, mode: int, *, at_home: bool) -> bool:
    """Say whether a descriptor is what it was before.

    A pipe's or a socket's inode is its identity, and of a path only the path is told. But all
    masters of pseudoterminals have one path; and where mounts may be others than ours the path of
    a slave can be that of another terminal, unless it was opened through the same mount.
    """
    if old.link != link or old.mode != mode or link.endswith(b"ptmx"):
        return False
    if at_home or not may_be_slave(link):
        return True
    try:
        return mount_id(task, fd) == old.mount
    except OSError:
        return False


def _describe(task: int, fd: int, link: bytes, mode: int, errors: dict[str, str]) -> Open:
    """Return what a descriptor is, but for a socket's other end."""
    end = None
    try:
        end = terminal(task, fd, link) if link.startswith(b"/") else None
    except OSError as error:
        errors[str(fd)] = errno_name(error)
    told = Descriptor(
        to=encode_text(link),
        access=_ACCESS.get(mode & (_READ | _WRITE)),
        tty=end.master if end else None,
        slave=end.slave if end else None,
        device=end.device if end else None,
    )
    return Open(link, mode, told, end.mount if end else None)


def changed(known: Table, now: Table) -> tuple[dict[str, Descriptor], list[int]]:
    """Return what an event is to say: descriptors that are new or other, and those closed.

    Where nothing could be read nothing is known, and so nothing was closed.
    """
    fds = {str(n): o.told for n, o in now.fds.items() if _other(known.fds.get(n), o)}
    if now.is_unreadable:
        return fds, []
    looked_at = known.fds if now.whole else STANDARD
    return fds, [n for n in looked_at if n in known.fds and n not in now.fds]


def new_streams(known: Table, now: Table) -> bool:
    """Say whether a pipe, socket or terminal is open now that was not before, on any number."""
    before = {(opened.link, opened.mount) for opened in known.fds.values()}
    return any(
        (opened.link, opened.mount) not in before
        and (opened.link.startswith((b"pipe:[", _SOCKET)) or opened.told.slave is not None)
        for opened in now.fds.values()
    )


def _other(old: Open | None, now: Open) -> bool:
    return old is None or old.told != now.told


def _same_or(known: Table, now: Table) -> Table:
    return known if known == now else now


def _numbers(task: int) -> tuple[list[int], bool]:
    """Return the lowest numbers that are open, and whether there were more. Raises OSError."""
    numbers = sorted(int(name) for name in os.listdir(f"/proc/{task}/fd"))  # noqa: PTH208
    return numbers[:MOST], len(numbers) > MOST


def _links(task: int, numbers: Iterable[int], known: Table) -> dict[int, tuple[bytes, int]]:
    """Return link and permission bits of those descriptors that are open. Raises OSError.

    Where a link is as it was the bits count as they were, but for a pipe's, whose ends differ in
    nothing else. A process that was killed has let go of all, which is not having closed them.
    """
    found = {}
    missing = False
    for fd in numbers:
        path = b"/proc/%d/fd/%d" % (task, fd)
        try:
            link = os.readlink(path)  # noqa: PTH115 (hot)
            old = known.fds.get(fd)
            same = old is not None and old.link == link and not link.startswith(b"pipe:")
            found[fd] = link, old.mode if old and same else os.lstat(path).st_mode
        except FileNotFoundError:
            missing = True
    if (missing or not found) and not proc.has_files(task):
        raise ProcessLookupError(ESRCH, os.strerror(ESRCH))
    return found


def _connected(plain: Open, found: UnixSocket) -> Open:
    told = plain.told
    name = encode_text(found.name) if found.name else None
    return Open(
        plain.link,
        plain.mode,
        Descriptor(to=told.to, access=told.access, peer=found.peer, bound=name),
    )
