"""Be what the kernel tells of a system call that a tracee has stopped at."""

from importlib import import_module

from msgspec import Struct

from forktrace.capture.arch import CALL_TABLES
from forktrace.trace.events import How


class CallStop(Struct, frozen=True):
    """Be a stop at a system call: its entry with name and raw arguments, or its exit.

    ``word`` is the size of the caller's pointers in bytes. On leaving, ``result`` is the return
    value, negative errno if ``error``.
    """

    leaving: bool
    name: str = ""
    values: tuple[int, ...] = ()
    word: int = 8
    result: int = 0
    error: bool = False


def call_numbers(audit: int, names: frozenset[str]) -> dict[int, str]:
    """Return the numbers of the named system calls in the table of an architecture.

    Empty where there is no table for it.
    """
    table = CALL_TABLES.get(audit, {})
    if isinstance(table, str):
        table = dict(import_module(f"ptrace.syscall.linux.{table}").SYSCALL_NAMES)
    return {number: name for number, name in table.items() if name in names}


class CreatorCall(Struct, frozen=True):
    """Be a call of fork, vfork, clone or clone3: its first argument, and what it returns.

    ``result`` counts once the call is over; ``overwritten`` says that it has then taken the place
    of the argument (on arm).
    """

    name: How
    first: int
    result: int
    overwritten: bool
