"""Hold a program that a process ran, and say what to call it."""

from dataclasses import dataclass, field
from functools import lru_cache

from forktrace.model.facts import Moment


@dataclass(slots=True)
class Image:
    """Be a program that a process ran. ``path`` is the file name that execve was given.

    ``inherited`` marks the image that a process was born with. ``tid`` is the thread that called
    execve where it was not the leader. ``comm`` is what the kernel called a process that ran this
    already when it was first looked at: nobody saw then which path execve had been given.
    ``errors`` maps what could not be read ("argv", "exe", "cwd") to the errno that reading it gave.
    """

    at: Moment
    path: str | None
    argv: list[str]
    exe: str | None = None
    cwd: str | None = None
    env: list[str] = field(default_factory=list)
    inherited: bool = False
    tid: int | None = None
    comm: str | None = None
    errors: dict[str, str] = field(default_factory=dict)


def image_name(image: Image) -> str:
    """Return the short name of a program: its file's, or argv[0]'s where the file tells nothing.

    A path like /proc/self/exe, /dev/fd/4 or a memfd says how the file was reached, not what it
    is (runc and crun execute themselves that way). Nor does an argv[0] with a space in it that is
    not the file's: a process has written a title over its arguments ("sshd: root@pts/0").

    Of a program that ran before it was looked at, comm says by which of argv[0] and the file's name
    it goes ("/sbin/init" may be systemd), or what its name is where the file could not be read.
    """
    called = image.argv[0] if image.argv else ""
    return _short_name(image.path or "", called, image.exe or "", image.comm or "")


@lru_cache(maxsize=4096)  # it is asked for many times of each process, and most run the same few
def _short_name(path: str, called: str, exe: str, comm: str) -> str:
    exe = exe.removesuffix(" (deleted)")
    called = called.removeprefix("-")  # a login shell's
    if comm and not path and (named := _by_comm(called, exe, comm)):
        return named
    if " " in called and exe and _last_part(called) != _last_part(exe):
        called = exe
    telling = not path.startswith(("/proc/", "/dev/fd/", "/memfd:"))
    ordered = [path, called, exe] if telling else [called, exe, path]
    return next((_last_part(c) for c in ordered if c), "?")


def _by_comm(called: str, exe: str, comm: str) -> str:
    """Return which name comm stands for; "" where it is one that the process gave itself.

    comm has the first 15 bytes of the name of the file (TASK_COMM_LEN), or "exe" or a number where
    that was reached by /proc.
    """
    if comm == "exe" or comm.isdigit():
        return ""
    for name in map(_last_part, (called, exe)):
        if name[: len(comm)] == comm:
            return name
    return "" if exe else comm


def _last_part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path
