"""Find a command, and start it so that it executes nothing before it is traced.

The child is forked, waits on a pipe, and executes the command once the tracing thread has seized
it with all options; should forktrace die before, the child reads end-of-file and ends.
"""

import errno
import os
import stat
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from forktrace.capture.identity import Identity
from forktrace.capture.relay import SignalGuard
from forktrace.capture.surroundings import restore_locale
from forktrace.errors import LaunchError, NotExecutableError, NotFoundError

_GO = b"g"
_REPORT = struct.Struct("=ci")
# What the child was about to do when it failed, each with what is said of it.
_FILTERING, _BECOMING, _EXECUTING = b"f", b"b", b"e"
_REFUSED = {
    _FILTERING: "the seccomp filter can't be installed here",
    _BECOMING: "can't become the user that --user names here",
}


def find_command(name: str) -> str:
    """Return the path of a command as execvp would find it.

    Raises:
        NotFoundError: there is no such file.
        NotExecutableError: what is there can't be executed.
    """
    if not name:
        raise NotFoundError("command not found: its name is empty")
    if "/" in name:
        _check_executable(name)
        return name
    unusable = None
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or ".", name)  # noqa: PTH118 (keeps "./")
        try:
            _check_executable(path)
        except NotExecutableError as error:
            unusable = unusable or error
        except NotFoundError:
            pass
        else:
            return path
    if unusable:
        raise unusable
    raise NotFoundError(f"command not found: {name!r} is in no folder of PATH")


def _check_executable(path: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"command not found: {path!r}") from None
    except (OSError, ValueError) as error:
        raise NotExecutableError(f"cannot execute {path!r}: {_reason(error)}") from None
    if not stat.S_ISREG(mode):
        raise NotExecutableError(f"cannot execute {path!r}: it is not a file")
    if not os.access(path, os.X_OK):
        raise NotExecutableError(f"cannot execute {path!r}: permission denied (chmod +x it?)")


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


class Child:
    """Be the forked child that waits to execute the command."""

    def __init__(self, pid: int, go: int, report: int) -> None:
        self.pid = pid
        self._go: int | None = go
        self._report = report

    def release(self) -> None:
        """Let it execute the command, if that was not done already."""
        if self._go is not None:
            os.write(self._go, _GO)
            self._close()

    def leave(self) -> None:
        """Leave its release to another process that was forked since."""
        self._close()

    def abandon(self) -> None:
        """Let it end without having executed anything, and reap it."""
        self._close()
        os.waitpid(self.pid, 0)

    def _close(self) -> None:
        if self._go is not None:
            os.close(self._go)
            self._go = None

    def refusal(self) -> LaunchError | None:
        """Return why it executed nothing, None if it did. For one call, once it was released."""
        data = os.read(self._report, _REPORT.size)
        os.close(self._report)
        if len(data) < _REPORT.size:
            return None
        step, number = _REPORT.unpack(data)
        if step == _EXECUTING:
            return _exec_failed(number)
        return LaunchError(f"{_REFUSED[step]}: {os.strerror(number)}")


def start_child(
    path: str,
    argv: Sequence[str],
    guard: SignalGuard,
    identity: Identity | None,
    prepare: Callable[[], None] | None = None,
) -> Child:
    """Fork the child that will execute the command when it is released.

    Args:
        path: the program's file.
        argv: its arguments, the first one its name.
        guard: knows the signal state that the command is to get.
        identity: the user that it is to run as, None for forktrace's own.
        prepare: what to do in the child just before, still with forktrace's own identity.
    """
    go_read, go_write = os.pipe()
    report_read, report_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go_write)
        _become(path, argv, guard, identity, go_read, report_write, prepare)
    os.close(go_read)
    os.close(report_write)
    return Child(pid, go_write, report_read)


def _become(
    path: str,
    argv: Sequence[str],
    guard: SignalGuard,
    identity: Identity | None,
    go: int,
    report: int,
    prepare: Callable[[], None] | None,
) -> NoReturn:
    """Execute the command in the child; on failure tell the step and the errno, and end."""
    step = _EXECUTING
    try:
        if os.read(go, 1) == _GO:
            guard.restore_for_command()
            restore_locale()
            if prepare is not None:
                step = _FILTERING
                prepare()
            if identity is not None:
                step = _BECOMING
                identity.assume()
            step = _EXECUTING
            os.execv(path, list(argv))
    except OSError as error:
        os.write(report, _REPORT.pack(step, error.errno or errno.EINVAL))
    except BaseException:
        os.write(report, _REPORT.pack(step, errno.EINVAL))
    finally:
        os._exit(125)


def _exec_failed(number: int) -> LaunchError:
    """Return the error for an errno that execve gave."""
    text = os.strerror(number)
    if number == errno.ENOENT:
        return NotFoundError(f"command not found: {text} (a script's interpreter may be missing)")
    if number == errno.ENOEXEC:
        return NotExecutableError(
            "cannot execute the command: it is neither a program for this machine nor a script "
            "with a #! line"
        )
    return NotExecutableError(f"cannot execute the command: {text}")
