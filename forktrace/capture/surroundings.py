"""Keep forktrace out of the command's streams and environment.

The command must find its streams as forktrace found them, and nobody but the command may hold
them while it runs, so that end-of-file and SIGPIPE reach whoever is at the other ends.
"""

import fcntl
import os
from pathlib import Path

# What CPython's locale coercion (PEP 538) may set LC_CTYPE to.
_COERCED = frozenset(("C.UTF-8", "C.utf8", "UTF-8"))


def fill_closed_streams() -> None:
    """Put /dev/null where a standard stream is closed, so that no file of ours lands there.

    It is closed again at the exec, so the command finds that stream closed, as forktrace did.
    """
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)


def release_streams() -> None:
    """Let go of the command's streams: only standard error stays, for what forktrace says.

    Descriptors that forktrace was given and the command has inherited are closed as well.
    """
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0, inheritable=False)
    os.dup2(null, 1, inheritable=False)
    os.close(null)
    for link in list(Path("/proc/self/fd").iterdir()):
        fd = int(link.name)
        if fd > 2 and _is_inherited(fd):
            os.close(fd)


def release_all_streams() -> None:
    """Let go of standard error and the working folder too: nobody is to wait for this process."""
    release_streams()
    os.dup2(0, 2, inheritable=False)
    os.chdir("/")


def _is_inherited(fd: int) -> bool:
    """Say whether a descriptor passes to the command: all that Python opens does not."""
    try:
        return not fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    except OSError:
        return False  # the listing's own descriptor


def restore_locale() -> None:
    """Undo what Python does to LC_CTYPE in the C locale (PEP 538). For use in the child."""
    if os.environ.get("LC_CTYPE") not in _COERCED:
        return
    mark = b"\0LC_CTYPE="
    given = b"\0" + Path("/proc/self/environ").read_bytes()  # as execve left it (proc(5))
    if mark in given:
        os.putenv(b"LC_CTYPE", given.split(mark, 1)[1].split(b"\0", 1)[0])
    else:
        os.unsetenv(b"LC_CTYPE")
