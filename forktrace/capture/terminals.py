"""Tell which pseudoterminal a descriptor is an end of: devpts has several instances at a time.

A container has a devpts of its own, whose /dev/pts/0 is none of the host's. So beside the number
the device of the file system is read. No file is looked up by its path: that of another process
may lie in a file system whose server is stopped, by us, and would wait for ever. Sources: pts(4),
proc(5), fs/devpts/inode.c.
"""

import os
import re

from msgspec import Struct

from forktrace.capture import proc

# A slave under its own name, also in a mount that is reached no more; or bound to a console.
_SLAVE = re.compile(rb"(?:.*/pts)?/\d+|/dev/(?:console|tty\d*)", re.DOTALL)
_MASTER = re.compile(rb"(?:.*/)?ptmx", re.DOTALL)
_FIRST_INODE = 3  # of the slaves: number 0 has it (devpts_pty_new)


class Terminal(Struct, frozen=True):
    """Be an end of a pseudoterminal: its number as master or as slave.

    ``device`` is the device number (st_dev) of the devpts that it belongs to, ``mount`` the id of
    the mount that it was opened through; both are None if unknown.
    """

    master: int | None
    slave: int | None
    device: int | None
    mount: int | None = None


def terminal(task: int, fd: int, link: bytes) -> Terminal | None:
    """Return which end of a pseudoterminal a descriptor is, None if it is none.

    Args:
        task: whose descriptor.
        fd: its number.
        link: where its link leads.

    Raises:
        OSError: /proc could not be read.
    """
    if _MASTER.fullmatch(link):
        return _master(task, fd, link)
    if may_be_slave(link):
        return _slave(task, fd)
    return None


def may_be_slave(link: bytes) -> bool:
    """Say whether a link has the name of a pseudoterminal's slave, which any file can have."""
    return _SLAVE.fullmatch(link) is not None


def mount_id(task: int, fd: int) -> int | None:
    """Return the id of the mount that a descriptor was opened through. Raises OSError."""
    return _field(_fdinfo(task, fd), b"mnt_id")


def _master(task: int, fd: int, link: bytes) -> Terminal | None:
    number = _field(_fdinfo(task, fd), b"tty-index")
    if number is None:
        return None
    folder = os.path.dirname(link)  # noqa: PTH120 (bytes)
    if os.path.basename(folder) == b"pts":  # noqa: PTH119 (bytes)
        # Opened in devpts itself. It is a terminal's device, which no file system's server makes.
        return Terminal(number, None, os.stat(b"/proc/%d/fd/%d" % (task, fd)).st_dev)  # noqa: PTH116
    # Opened elsewhere the kernel takes the devpts that is mounted on "pts" beside it
    # (devpts_mntget).
    return Terminal(number, None, _mounted_on(task, folder.rstrip(b"/") + b"/pts"))


def _slave(task: int, fd: int) -> Terminal:
    """Describe what has a slave's name; the mount may be none of those that the task sees."""
    info = _fdinfo(task, fd)
    mount, inode = _field(info, b"mnt_id"), _field(info, b"ino")
    for fields, kind in _mounts(task):
        if int(fields[0]) == mount and kind == b"devpts":
            number = inode - _FIRST_INODE if inode is not None else None
            return Terminal(None, number, _device(fields), mount)
    return Terminal(None, None, None, mount)


def _fdinfo(task: int, fd: int) -> dict[bytes, bytes]:
    data = proc.read_file(f"/proc/{task}/fdinfo/{fd}")
    return dict(line.split(b":\t", 1) for line in data.splitlines() if b":\t" in line)


def _field(info: dict[bytes, bytes], name: bytes) -> int | None:
    return int(info[name]) if name in info else None


def _mounts(task: int) -> list[tuple[list[bytes], bytes]]:
    """Return the fields of each mount that a task sees, and the kind of its file system."""
    lines = proc.read_file(f"/proc/{task}/mountinfo", 65536).splitlines()
    parts = [line.partition(b" - ") for line in lines]
    return [(left.split(b" "), right.split(b" ", 1)[0]) for left, _, right in parts]


def _mounted_on(task: int, path: bytes) -> int | None:
    """Return the device of the devpts that is mounted on a path, the uppermost there."""
    found = [f for f, kind in _mounts(task) if f[4] == path and kind == b"devpts"]
    return _device(found[-1]) if found else None


def _device(fields: list[bytes]) -> int:
    major, _, minor = fields[2].partition(b":")
    return os.makedev(int(major), int(minor))
