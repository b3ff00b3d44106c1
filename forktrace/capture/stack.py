"""Read what a program was executed with from its brand-new stack, in one or two reads.

At the exec event the kernel has just laid out, from the stack pointer upwards: argc, the argv
pointers and a NULL, the envp pointers and a NULL, the auxiliary vector, and above it the strings
themselves, argv's and then the environment's, and the file name (fs/binfmt_elf.c:
create_elf_tables, fs/exec.c: copy_strings). Environment *values* are looked past, never kept.
"""

import struct

from msgspec import Struct

from forktrace.capture.gateway import Tracee

_AT_EXECFN = 31
_FIRST_READ = 8 * 1024
_CHUNK = 64 * 1024
# The kernel allows a quarter of the stack limit, and never more than 6 MiB (fs/exec.c).
_MAX_STACK = 8 * 1024 * 1024
TELLING_VARIABLES = (
    b"INVOCATION_ID",
    b"NOTIFY_SOCKET",
    b"_CONTAINERS_USERNS_CONFIGURED",
    b"_PODMAN_PAUSE",
)
_TELLING = tuple((b"\0" + name + b"=", name.decode()) for name in TELLING_VARIABLES)


class ExecArguments(Struct, frozen=True):
    """Hold the arguments of an execve: file name, argv, and which telling variables were set."""

    path: bytes | None
    argv: list[bytes]
    env: list[str]


class _Short(Exception):
    """More of the stack is needed than was read so far."""


def read_exec_arguments(tracee: Tracee, pid: int) -> ExecArguments | None:
    """Return the arguments of the image that ``pid`` has just started, None if not understood.

    Raises PtraceError and OSError where registers or memory can't be read.
    """
    layout, values = tracee.registers(pid)
    stack = values[layout.stack]
    data = tracee.read_memory(pid, stack, _FIRST_READ)
    while True:
        try:
            return _parse(data, stack, layout.word)
        except _Short:
            more = b"" if len(data) >= _MAX_STACK else _read_on(tracee, pid, stack + len(data))
            if not more:
                return None
            data += more


def _read_on(tracee: Tracee, pid: int, address: int) -> bytes:
    """Read the next part, nothing at the end of the stack."""
    try:
        return tracee.read_memory(pid, address, _CHUNK)
    except OSError:
        return b""


def _parse(data: bytes, base: int, word: int) -> ExecArguments | None:
    code = "Q" if word == 8 else "I"
    argc = _words(data, 0, 1, code)[0]
    if argc > _MAX_STACK // word:
        return None
    pointers = _words(data, word, argc + 1, code)
    if pointers[argc] != 0:
        return None
    env_at = (argc + 2) * word
    env_end = _find_null(data, env_at, word)
    execfn = _file_name_at(data, env_end + word, word, code)
    env_first = _words(data, env_at, 1, code)[0]
    if execfn is None:
        return None
    path = _string(data, execfn - base)
    if not argc:
        return ExecArguments(path, [], [])
    first = pointers[0] - base
    limit = (env_first or execfn) - base  # the strings stand in this order, without gaps
    strings = data[first:limit].split(b"\0")[:argc]
    if len(strings) < argc:
        return None
    return ExecArguments(path, strings, _telling(data, limit, execfn - base))


def _telling(data: bytes, start: int, end: int) -> list[str]:
    # The byte before the first variable is the NUL that ends the last argument.
    return [name for mark, name in _TELLING if data.find(mark, start - 1, end) >= 0]


def _words(data: bytes, at: int, count: int, code: str) -> tuple[int, ...]:
    try:
        return struct.unpack_from(f"={count}{code}", data, at)
    except struct.error:
        raise _Short from None


def _find_null(data: bytes, at: int, word: int) -> int:
    """Return the offset of the next word that is zero."""
    null = bytes(word)
    found = data.find(null, at)
    while found >= 0 and (found - at) % word:
        found = data.find(null, found + 1)
    if found < 0:
        raise _Short
    return found


def _file_name_at(data: bytes, at: int, word: int, code: str) -> int | None:
    """Return the address that the auxiliary vector gives for the file name (getauxval(3))."""
    usable = (len(data) - at) // (2 * word) * 2 * word
    for key, value in struct.iter_unpack(f"=2{code}", data[at : at + usable]):
        if key == _AT_EXECFN:
            return int(value)
        if key == 0:
            return None
    raise _Short


def _string(data: bytes, at: int) -> bytes:
    end = data.find(b"\0", at)
    if end < 0:
        raise _Short
    return data[at:end]
