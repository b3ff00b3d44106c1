"""Read what the arguments of a stopped thread's system call mean."""

import os

from msgspec import Struct

from forktrace.capture.gateway import Tracee
from forktrace.trace.events import Argument

Arguments = dict[str, Argument]

_PATH_MAX = 4096


class Entered(Struct):
    """Be a system call that a thread has entered and not left.

    ``name`` is the call, ``values`` its raw arguments, ``arguments`` what they mean, ``word`` the
    size of a pointer of the caller in bytes.
    """

    name: str
    values: tuple[int, ...]
    arguments: Arguments
    word: int


class Reader:
    """Read what the arguments of a stopped thread's call point to."""

    def __init__(self, tracee: Tracee, tid: int, values: tuple[int, ...], word: int) -> None:
        self.tid = tid
        self.values = values
        self.word = word
        self._tracee = tracee

    def memory(self, address: int, size: int) -> bytes:
        """Return bytes of the caller's memory, none where they can't be read."""
        try:
            return self._tracee.read_memory(self.tid, address, size)
        except OSError:
            return b""

    def string(self, index: int, size: int = _PATH_MAX) -> bytes:
        """Return the NUL-terminated string that an argument points to."""
        return self.memory(self.values[index], size).split(b"\0", 1)[0]

    def number(self, index: int) -> int:
        """Return an argument as a signed 32-bit number, as an int or a pid is passed."""
        return _signed(self.values[index])

    def link(self, fd: int) -> bytes:
        """Return what a descriptor of the caller leads to, nothing where that can't be read."""
        try:
            return os.readlink(f"/proc/{self.tid}/fd/{fd}".encode())  # noqa: PTH115 (as bytes)
        except OSError:
            return b""


def _signed(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value
