"""Prepare a temporary place for the demo, and become its engine."""

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .system import PLACE, STOPPING, complain, role_command

NAME = "hello"
DEFAULT = ["echo", "hello from the container"]


def main(arguments: Sequence[str]) -> int:
    """Become the engine, which runs the command after ``--`` (default: an echo) in a container.

    Returns only on failure: 2 for wrong arguments, 125 where the place can't be prepared.
    """
    if arguments and (arguments[0] != "--" or len(arguments) == 1):
        complain("usage: python -m forktrace.demo [-- COMMAND…]")
        return 2
    # From here to the engine's own handlers a signal would leave the place behind, so it waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        place = prepare()
        command = arguments[1:] or DEFAULT
        engine = role_command(place, "engine", "run", "--name", NAME, *command)
        os.execve(engine[0], engine, environment(place))
    except OSError as error:
        complain(f"the demo can't start: {error.strerror}: {error.filename}")
        return 125


def prepare() -> Path:
    """Make the temporary place: the three programs, and this package as ``demo``.

    Raises:
        OSError: there is no directory for temporary files that can be written.
    """
    place = Path(tempfile.mkdtemp(prefix="forktrace-demo-"))
    for name in ("demo-engine", "demo-monitor", "demo-runtime"):
        (place / name).symlink_to(Path(sys.executable).resolve())
    (place / "demo").symlink_to(Path(__file__).resolve().parent)
    return place


def environment(place: Path) -> dict[str, str]:
    """Return this environment, with what makes Python find the demo in ``place`` and only there.

    Nothing compiled is kept, so that no file is written elsewhere.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON") or k == "PYTHONHOME"}
    return kept | {
        PLACE: str(place),
        "PYTHONPATH": str(place),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
