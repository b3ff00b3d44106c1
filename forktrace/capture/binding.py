"""Import python-ptrace without starting a program.

Its libc module asks ctypes.util.find_library for the C library, which runs ldconfig and, failing
that, a compiler: slow, and a child process where none is wanted. The C library is in this process
already, which is what CDLL(None) means, so that question is answered with None meanwhile.
"""

import ctypes.util


def _import_binding() -> None:
    asked = ctypes.util.find_library
    ctypes.util.find_library = lambda name: None  # noqa: ARG005
    try:
        import ptrace.ctypes_libc  # noqa: F401
    finally:
        ctypes.util.find_library = asked


_import_binding()

from ptrace.binding import func  # noqa: E402
from ptrace.error import PtraceError  # noqa: E402
from ptrace.signames import SIGNAMES  # noqa: E402

__all__ = ["SIGNAMES", "PtraceError", "func"]
