"""Start forktrace: ``forktrace …`` or ``python -m forktrace …``."""

import signal
import sys

# ^C ends forktrace as it ends any program, at whatever moment it comes: no traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from forktrace.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
