"""Keep a trace in a file, and show it at the end: what every command that records shares.

Nothing heavy (networkx, rich) is imported before the recording is over.
"""

import os
import pwd
import time
from collections.abc import Sequence
from dataclasses import replace
from os.path import samestat
from pathlib import Path

from msgspec import Struct

from forktrace import __version__
from forktrace.cli.messages import say, write_error
from forktrace.cli.outputs import Output, open_trace, put_back
from forktrace.errors import ForktraceError, fault_words
from forktrace.trace import events, store
from forktrace.trace.text import encode_text
from forktrace.views.options import ViewOptions


class Recording(Struct, frozen=True):
    """Be the open trace file.

    ``path`` is None where it can't be kept (it is nameless), ``replaced`` the descriptor of the
    file that stood there before, ``latest`` where the link to the latest trace led before.
    """

    fd: int
    path: Path | None
    replaced: int | None = None
    latest: Path | None = None

    @property
    def readable(self) -> Path:
        """Return a path under which the trace can be read while it is open.

        Not its own: whoever was traced may have removed or replaced that.
        """
        return Path(f"/proc/self/fd/{self.fd}")

    @property
    def is_lost(self) -> bool:
        """Say whether there is another file in its place by now, or none."""
        try:
            return self.path is not None and not samestat(self.path.stat(), os.fstat(self.fd))
        except OSError:
            return True

    def discard(self) -> None:
        """Leave all as it was before the trace was opened: it is a trace of nothing."""
        if self.path is None:
            return
        try:
            store.forget_latest(self.path, self.latest)
            if self.replaced is None:
                self.path.unlink(missing_ok=True)
            else:
                put_back(self.path, self.replaced)
        except OSError as error:
            say(f"{self.path} is not as it was before: {error.strerror}")


def open_trace_file(outputs: Sequence[Output], name: str, *, force: bool) -> Recording:
    """Open the file that a new trace goes to, and make it the latest one.

    It is the first output that is a trace; without one it is kept in the state folder. That this
    isn't possible is said, and no failure.

    Args:
        outputs: what is to be written.
        name: a word for what is recorded, for the kept file's name.
        force: replace a file that exists.

    Raises:
        OutputError: the named file can't be made.
    """
    path = next((o.path for o in outputs if o.format is None and o.path), None)
    replaced = None
    if path is not None:
        fd, replaced = open_trace(path, force=force)
    else:
        try:
            fd, path = store.create_kept_trace(name)
        except OSError as error:
            say(f"this trace will not be kept: {_place(error)}: {error.strerror}")
            return Recording(os.memfd_create("trace"), None)  # no disk may be writable
    latest = None
    try:
        latest = store.remember_latest(path)
    except OSError as error:
        say(f"'forktrace show' will not find this trace by itself: {error.strerror}")
    return Recording(fd, path, replaced, latest)


def _place(error: OSError) -> str:
    return os.fsdecode(error.filename) if error.filename else "the state folder"


def make_header(
    command: Sequence[str], detail: events.Detail, source: events.Source
) -> events.Header:
    """Return the header of a trace that begins now, in this process."""
    machine = os.uname()
    return events.Header(
        format="forktrace",
        version=events.VERSION,
        forktrace=__version__,
        command=[encode_text(os.fsencode(a)) for a in command],
        cwd=encode_text(os.fsencode(_cwd())),
        user=events.User(uid=os.geteuid(), gid=os.getegid(), name=_user_name()),
        kernel=machine.release,
        machine=machine.machine,
        started_ns=time.time_ns(),
        detail=detail,
        source=source,
        tracer=os.getpid(),
    )


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "?"  # the folder is gone


def _user_name() -> str | None:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return None


_LARGE = 20_000


def show_trace(
    trace: Recording,
    outputs: Sequence[Output],
    *,
    quiet: bool,
    force: bool,
    shown: ViewOptions | None = None,
) -> bool:
    """Write all outputs but the trace itself, and the tree to standard error unless ``quiet``.

    Returns False, having said why, if something could not be written.
    """
    drawings = [o for o in outputs if o.path is None or o.path != trace.path]
    if quiet and not drawings:
        return True
    from forktrace.cli import pictures

    ok = True
    on_terminal = replace(shown or ViewOptions(), width=None)  # a width is that of the pictures
    try:
        launch, findings = pictures.load(trace.readable, shown, quiet=quiet)
        if not quiet and len(launch.processes) <= _LARGE:
            write_error(pictures.tree_text(launch, findings, 2, on_terminal))
        elif not quiet:
            say(f"{len(launch.processes)} processes: see them with 'forktrace show'")
    except Exception as error:
        say(_why(error))
        return False
    for output in drawings:
        try:
            pictures.write(
                output, trace.readable, launch, findings, force=force, shown=shown, quiet=quiet
            )
        except BrokenPipeError:  # whoever read standard output has seen enough
            raise
        except Exception as error:
            say(_why(error))
            ok = False
    return ok


def say_incomplete(trace: Recording, error: OSError) -> None:
    """Say that not all of a trace could be written."""
    say(f"the trace is not complete: {error.strerror} ({trace.path or 'temporary'})")


def say_place(trace: Recording, picture: str) -> bool:
    """Say where a trace is, if it is kept, and how to draw it; ``picture`` is a file's name.

    Returns False, having said so, if it is no longer there.
    """
    if trace.is_lost:
        say(f"the trace is lost: {trace.path} was removed or replaced while it was written")
        return False
    if trace.path is not None:
        say(f"trace: {trace.path} (draw it: forktrace render -o {picture})")
    return True


def _why(error: Exception) -> str:
    """Say what stood in the way. A fault of ours must not cost the command its status either."""
    if isinstance(error, ForktraceError):
        return str(error)
    return f"drawing failed ({fault_words(error)}); please report this, with the trace"
