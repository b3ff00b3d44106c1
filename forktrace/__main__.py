"""Start forktrace: ``forktrace …`` or ``python -m forktrace …``."""

import os
import signal
import sys

# ^C ends forktrace as it ends any program, at whatever moment it comes: no traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from forktrace.cli.main import main


def run() -> None:
    """Run forktrace and end at once: taking down the interpreter piece by piece takes time."""
    status = main()
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: closed from the start
        try:
            stream.flush()
        except OSError:
            status = status or 1
    os._exit(status)


if __name__ == "__main__":
    run()
