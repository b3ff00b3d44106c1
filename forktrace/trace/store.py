"""Keep the newest traces in the user's state folder, and remember where the latest one is.

The folder is ``$XDG_STATE_HOME/forktrace``, by default ``~/.local/state/forktrace`` (XDG Base
Directory Specification). It holds ``*.jsonl`` and a link ``latest`` to the latest run's trace,
wherever that one is.
"""

import os
import re
import time
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
        folder = _folder(owner)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        word = re.sub(
            r"[^A-Za-z0-9._-]", "_", os.fsencode(Path(command).name).decode("ascii", "replace")
        )
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = folder / f"{stamp}-{word[:40]}-{os.getpid()}.jsonl"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        _prune(folder, path)
        return fd, path


def _prune(folder: Path, newest: Path) -> None:
    """Remove the oldest traces beyond the number and the size that we keep."""
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
        if path != newest and (rank >= KEEP_TRACES or total > KEEP_BYTES):
            path.unlink(missing_ok=True)


def remember_latest(trace: Path) -> None:
    """Make ``latest`` lead to this trace. Raises OSError."""
    with acting_as_owner() as owner:
        folder = _folder(owner)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f".latest-{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(trace.absolute())
        fresh.replace(folder / _LATEST)


def latest_trace() -> Path:
    """Return the latest run's trace.

    Raises:
        NoTraceError: there is none, or it is gone.
    """
    with acting_as_owner() as owner:
        link = _folder(owner) / _LATEST
    try:
        target = link.readlink()
    except OSError:
        raise NoTraceError(
            "no trace to show yet: trace a command with 'forktrace run' first, or name a trace file"
        ) from None
    if not target.exists():
        raise NoTraceError(f"the latest trace is gone: {target}; name another trace file")
    return target
