"""Prepare a temporary place for the demo, and become its engine.

Each role is executed as a program with a name of its own, ``demo-engine``, ``demo-monitor`` and
``demo-runtime``: links to this Python in the temporary place, told with ``-m`` what to play. So a
trace shows short names, and the demo can't be mistaken for a real engine.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

from forktrace.demo.system import PLACE, STOPPING, complain

NAME = "hello"
DEFAULT = ["echo", "hello from the container"]


def main() -> int:
    """Become the engine, which runs the command after ``--`` (default: an echo) in a container.

    Returns only on failure: 2 for wrong arguments, 125 where the place can't be prepared.
    """
    arguments = sys.argv[1:]
    if arguments and (arguments[0] != "--" or len(arguments) == 1):
        complain("usage: python -m forktrace.demo [-- COMMAND…]")
        return 2
    # From here to the engine's own handlers a signal would leave the place behind, so it waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        place = prepare()
        engine = str(place / "demo-engine")
        command = ["run", "--name", NAME, *(arguments[1:] or DEFAULT)]
        os.execve(engine, [engine, "-Smdemo.engine", *command], environment(place))
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


if __name__ == "__main__":
    sys.exit(main())
