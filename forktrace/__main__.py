"""Start forktrace: ``forktrace …`` or ``python -m forktrace …``."""

import sys

from forktrace.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
