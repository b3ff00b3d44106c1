"""Give files to the user who called, also under sudo."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct


class Owner(Struct, frozen=True):
    """Be the user whose files we make."""

    uid: int
    gid: int
    home: Path


def calling_user() -> Owner:
    """Return who called forktrace: under sudo the user who called sudo (sudo(8), SUDO_UID)."""
    if os.geteuid() == 0:
        by_sudo = _from_sudo()
        if by_sudo is not None:
            return by_sudo
    home = os.environ.get("HOME") or _home(os.geteuid())
    return Owner(os.geteuid(), os.getegid(), Path(home))


def _from_sudo() -> Owner | None:
    try:
        uid, gid = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
        return Owner(uid, gid, Path(pwd.getpwuid(uid).pw_dir))
    except (KeyError, ValueError):
        return None


def _home(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return "/"


def give(fd: int) -> None:
    """Hand an open file that we have just made to the calling user. Raises OSError."""
    owner = calling_user()
    if owner.uid != os.geteuid():
        os.fchown(fd, owner.uid, owner.gid)


@contextmanager
def acting_as_owner() -> Iterator[Owner]:
    """Touch files with the calling user's rights and no more, in that user's own folders.

    So root under sudo can be led nowhere by a link that the user has put there.
    """
    owner = calling_user()
    was = (os.geteuid(), os.getegid())
    if owner.uid == was[0]:
        yield owner
        return
    os.setegid(owner.gid)
    os.seteuid(owner.uid)
    try:
        yield owner
    finally:
        os.seteuid(was[0])
        os.setegid(was[1])
