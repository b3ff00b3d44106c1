"""Play the role that this program was called by, or, called by none of their names, launch them.

Each role is executed as a program with a name of its own, a link to this Python, and told to run
this package. So a trace shows short names, and the demo can't be mistaken for a real engine.
"""

import sys
from collections.abc import Callable
from pathlib import PurePath


def role(name: str) -> Callable[[list[str]], int]:
    """Return the main function of the program called ``name``; import that one alone."""
    match name:
        case "demo-engine":
            from .engine import main
        case "demo-monitor":
            from .monitor import main
        case "demo-runtime":
            from .runtime import main
        case _:
            from .launch import main
    return main


if __name__ == "__main__":
    sys.exit(role(PurePath(sys.orig_argv[0]).name)(sys.argv[1:]))
