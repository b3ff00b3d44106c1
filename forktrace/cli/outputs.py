"""Own the output files: what each is to hold, whether it can be written, and the writing."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from forktrace.cli.options import Wanted
from forktrace.errors import OutputError, UsageError
from forktrace.render.registry import (
    FORMATS,
    TRACE_EXTENSION,
    TRACE_NAME,
    Format,
    extension_of,
    find_format,
)
from forktrace.trace.owner import give

_MODE = 0o600  # arguments can hold passwords


class Output(Struct, frozen=True):
    """Be one file to write. ``format`` is None for the trace itself, ``path`` for stdout."""

    path: Path | None
    format: Format | None


def parse_outputs(wanted: Wanted, *, stdout: bool) -> list[Output]:
    """Understand the values of ``-o``: ``FILE``, ``VIEW:FILE``, or ``-`` where ``stdout`` allows.

    Raises:
        UsageError: an unknown extension, format or view.
    """
    return [_parse_output(text, wanted, stdout=stdout) for text in wanted.texts]


def _parse_output(text: str, wanted: Wanted, *, stdout: bool) -> Output:
    view, text = _view_and_file(text)
    path = None if text == "-" else Path(text)
    if path is None and not stdout:
        raise UsageError("standard output belongs to the command: give -o a file's name")
    name = wanted.format_name or (extension_of(path.name) if path else "text")
    if not name:
        raise UsageError(f"the output {text!r} has no extension to tell its format: add --format")
    if name not in (TRACE_NAME, TRACE_EXTENSION):
        return Output(path, find_format(name, view or wanted.view))
    if view is not None:
        raise UsageError(f"a trace is no picture: it has no view {view!r}")
    return Output(path, None)


def _view_and_file(text: str) -> tuple[str | None, str]:
    """Split ``VIEW:FILE``; a colon after any other word belongs to the file's name."""
    prefix, colon, rest = text.partition(":")
    if colon and rest and prefix in {f.view for f in FORMATS}:
        return prefix, rest
    return None, text


def check_outputs(outputs: Sequence[Output], *, force: bool) -> None:
    """Make sure that every output can be written, without leaving anything behind.

    Raises:
        UsageError: two outputs are the same file.
        OutputError: a file exists and ``force`` is off, or its folder can't be written.
    """
    seen = set()
    for path in (output.path for output in outputs if output.path is not None):
        _check(path, force=force)
        place = path.resolve()
        if place in seen:
            raise UsageError(f"two outputs go to the same file: {path}")
        seen.add(place)


def _check(path: Path, *, force: bool) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        _check_folder(path)
        return
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    if stat.S_ISDIR(mode):
        raise OutputError(f"cannot write {path}: it is a folder; name a file in it")
    if stat.S_ISREG(mode):
        if not force:
            raise OutputError(f"{path} exists already: add --force to replace it")
        _check_folder(path)
    elif not os.access(path, os.W_OK):
        raise OutputError(f"cannot write {path}: permission denied")


def _check_folder(path: Path) -> None:
    probe = _beside(path)
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE))
        probe.unlink()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"cannot write {path}: {reason} (folder {path.parent})") from None


def _beside(path: Path) -> Path:
    return path.with_name(f".forktrace-{os.urandom(6).hex()}.tmp")


def open_trace(path: Path, *, force: bool) -> tuple[int, int | None]:
    """Open a trace that is written as it happens.

    Returns its descriptor, and that of the file that it has replaced, None if there was none.

    Raises:
        OutputError: it can't be made, or is a device or a pipe.
    """
    if path.exists() and not path.is_file():
        raise OutputError(f"cannot write {path}: a trace must be a plain file")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    replaced = None
    try:
        if path.exists() and force:
            replaced = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if replaced is None and not path.is_symlink():
            fd = os.open(path, flags, _MODE)
        else:  # a link that leads nowhere is replaced, too
            fresh = _beside(path)
            fd = os.open(fresh, flags, _MODE)
            fresh.replace(path)
        give(fd)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return fd, replaced


def put_back(path: Path, replaced: int) -> None:
    """Make a file again what it was before ``open_trace`` replaced it. Raises OSError."""
    import shutil  # takes its time, and is hardly ever needed

    fresh = _beside(path)
    source = f"/proc/self/fd/{replaced}"
    try:
        shutil.copyfile(source, fresh)
        shutil.copystat(source, fresh)
        was = os.fstat(replaced)
        os.chown(fresh, was.st_uid, was.st_gid)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def write_file(path: Path, data: bytes, *, force: bool) -> None:
    """Write a whole file at once: it is there complete, or as it was before.

    Raises:
        OutputError: it can't be written, or it exists and ``force`` is off.
    """
    _check(path, force=force)
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a pipe
            return
        fresh = _beside(path)
        try:
            _write_fresh(fresh, data)
            fresh.replace(path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _write_fresh(path: Path, data: bytes) -> None:
    with open(path, "xb", opener=lambda p, flags: os.open(p, flags, _MODE)) as file:
        file.write(data)
        give(file.fileno())
