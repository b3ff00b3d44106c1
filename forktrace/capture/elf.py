"""Ask an ELF program which functions of other libraries it names, without reading all of it.

Source: elf(5).
"""

import os
import struct
from typing import NamedTuple

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_STRTAB, _DT_STRSZ = 5, 10
_LARGEST = 4 * 1024 * 1024  # bytes of any table that is looked at; gdb's names take 0.2 MB


class _Layout(NamedTuple):
    """Be the struct formats of one word size, with unread fields as padding."""

    header: str  # e_phoff, e_phentsize, e_phnum
    segment: str  # p_type, p_offset, p_vaddr, p_filesz
    entry: str  # d_tag, d_val


_LAYOUTS = {
    2: _Layout("=32xQ14xHH", "=I4xQQ8xQ", "=QQ"),
    1: _Layout("=28xI10xHH", "=III4xI", "=II"),
}


def names_function(fd: int, name: bytes) -> bool:
    """Say whether a name that ends so is among the dynamic symbols of an open ELF file.

    False for what is no dynamically linked ELF file of this machine's byte order. Raises OSError.
    """
    try:
        return name + b"\0" in _dynamic_names(fd)
    except (struct.error, KeyError, StopIteration, OverflowError):
        return False


def _dynamic_names(fd: int) -> bytes:
    head = os.pread(fd, 64, 0)
    if len(head) < 64 or head[:4] != b"\x7fELF":
        return b""
    layout = _LAYOUTS[head[4]]
    at, size, count = struct.unpack_from(layout.header, head)
    table = os.pread(fd, min(size * count, _LARGEST), at)
    segments = [struct.unpack_from(layout.segment, table, i * size) for i in range(count)]
    at, size = next((s[1], s[3]) for s in segments if s[0] == _PT_DYNAMIC)
    dynamic = os.pread(fd, min(size, _LARGEST), at)
    whole = len(dynamic) - len(dynamic) % struct.calcsize(layout.entry)
    entries = dict(struct.iter_unpack(layout.entry, dynamic[:whole]))
    address, size = entries[_DT_STRTAB], entries[_DT_STRSZ]
    start = next(
        address - s[2] + s[1] for s in segments if s[0] == _PT_LOAD and 0 <= address - s[2] < s[3]
    )
    return os.pread(fd, min(size, _LARGEST), start)
