"""Keep the newest traces in the user's state folder, and remember where the latest one is.

The folder is ``$XDG_STATE_HOME/forktrace``, by default ``~/.local/state/forktrace`` (XDG Base
Directory Specification). It holds ``*.jsonl`` and a link ``latest`` to the latest run's trace,
wherever that one is.
"""

import fcntl
import os
import re
import stat
import time
from contextlib import suppress
from errno import EACCES, ENOTDIR
from pathlib import Path

from forktrace.errors import NoTraceError
from forktrace.trace.owner import Owner, acting_as_owner

KEEP_TRACES = 20
KEEP_BYTES = 512 * 1024 * 1024
_LATEST = "latest"


def _folder(owner: Owner) -> Path:
    configured = os.environ.get("XDG_STATE_HOME", "")
    base = Path(configured) if configured.startswith("/") else owner.home / ".local" / "state"
    return base / "forktrace"


def writable_folder() -> Path:
    """Return the state folder, which need not be there yet.

    Raises:
        OSError: no trace can be kept there; its ``filename`` says what stands in the way.
    """
    with acting_as_owner() as owner:
        folder = nearest = _folder(owner)
        while not nearest.exists() and nearest != nearest.parent:
            nearest = nearest.parent
        if not nearest.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(nearest))
        if not os.access(nearest, os.W_OK | os.X_OK, effective_ids=True):
            raise PermissionError(EACCES, os.strerror(EACCES), str(nearest))
        return folder


def create_kept_trace(command: str) -> tuple[int, Path]:
    """Make an empty trace in the state folder, named by time and command; prune old ones.

    Returns its descriptor and path. Raises OSError where the folder can't be written.
    """
    with acting_as_owner() as owner:
        folder = _made(_folder(owner))
        word = re.sub(
            r"[^A-Za-z0-9._-]", "_", os.fsencode(Path(command).name).decode("ascii", "replace")
        )
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = folder / f"{stamp}-{word[:40]}-{os.getpid()}.jsonl"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(fd, fcntl.LOCK_SH)  # while it is written, it is not pruned
        _prune(folder, path)
        return fd, path


def _made(folder: Path) -> Path:
    """Return the state folder, which is there then and the user's alone. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)
    return folder


def _prune(folder: Path, newest: Path) -> None:
    """Remove the oldest traces beyond the number and the size that we keep, but none in use."""
    found = []
    for path in folder.glob("*.jsonl"):
        try:
            info = path.lstat()
        except OSError:
            continue
        found.append((info.st_mtime_ns, info.st_size, path))
    total = 0
    for rank, (_mtime, size, path) in enumerate(sorted(found, reverse=True)):
        total += size
        beyond = rank >= KEEP_TRACES or total > KEEP_BYTES
        if path != newest and beyond and not _is_in_use(path):
            path.unlink(missing_ok=True)


def _is_in_use(trace: Path) -> bool:
    """Say whether a trace is being written."""
    try:
        fd = os.open(trace, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(fd)
    return False


def remember_latest(trace: Path) -> Path | None:
    """Make ``latest`` lead to this trace; returns where it led before. Raises OSError."""
    with acting_as_owner() as owner:
        latest = _made(_folder(owner)) / _LATEST
        before = _target(latest)
        _lead(latest, trace.absolute())
        return before


def forget_latest(trace: Path, before: Path | None) -> None:
    """Make ``latest`` lead to where it led before this trace, if it still leads to it.

    Args:
        trace: the trace, of which there is nothing to show.
        before: what ``remember_latest`` returned for it.

    Raises OSError.
    """
    with acting_as_owner() as owner:
        latest = _folder(owner) / _LATEST
        if _target(latest) != trace.absolute():
            return
        if before is None:
            latest.unlink()
        else:
            _lead(latest, before)


def _target(link: Path) -> Path | None:
    try:
        return link.readlink()
    except OSError:
        return None


def _lead(link: Path, target: Path) -> None:
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def latest_trace() -> Path:
    """Return the latest run's trace.

    Raises:
        NoTraceError: there is none, or it is gone.
    """
    with acting_as_owner() as owner:
        link = _folder(owner) / _LATEST
    target = _target(link)
    if target is None:
        raise NoTraceError(
            "no trace to show yet: trace a command with 'forktrace run' first, or name a trace file"
        )
    if not target.exists():
        raise NoTraceError(f"the latest trace is gone: {target}; name another trace file")
    return target
