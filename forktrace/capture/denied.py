"""Say why the kernel did not permit ptrace, and what to do about it.

Sources: ptrace(2) "Ptrace access mode checking", Yama (Documentation/admin-guide/LSM/Yama.rst).
"""

import os
from errno import EPERM

from msgspec import Struct

from forktrace.capture.privileges import has_sys_ptrace, tracer_pid, yama_scope


class Denial(Struct, frozen=True):
    """Be the cause of a refusal, and what to do about it."""

    cause: str
    remedy: str


def why_denied(number: int | None) -> str:
    """Return one sentence for an errno that PTRACE_SEIZE gave for our own child."""
    denial = find_cause(number)
    return f"ptrace is not permitted here: {denial.cause}; {denial.remedy}"


def find_cause(number: int | None) -> Denial:
    """Return the likely cause of an errno that PTRACE_SEIZE gave for our own child."""
    if number != EPERM:
        return Denial(f"it failed ({os.strerror(number or 0)})", "this kernel may not support it")
    return yama_denial() or _already_traced() or _container()


def yama_denial() -> Denial | None:
    """Return why Yama forbids us to trace our own child, None if it does not. Raises OSError."""
    scope = yama_scope()
    if scope == 3:
        return Denial(
            "kernel.yama.ptrace_scope is 3, which forbids it to all",
            "set it to 1 at the next boot (it can't be changed before)",
        )
    if scope == 2 and not has_sys_ptrace():
        return Denial("kernel.yama.ptrace_scope is 2", "run forktrace as root, or set it to 1 or 0")
    return None


def _already_traced() -> Denial | None:
    # A tracer that follows forks (strace -f, gdb) has taken our child before we could.
    tracer = tracer_pid()
    if not tracer:
        return None
    return Denial(
        f"another tracer (pid {tracer}) already follows forktrace", "run forktrace outside it"
    )


def _container() -> Denial:
    if not has_sys_ptrace():
        return Denial(
            "this looks like a container without CAP_SYS_PTRACE",
            "start it with --cap-add=SYS_PTRACE (and a seccomp profile that allows ptrace)",
        )
    return Denial("a security module or a seccomp filter forbids it", "try outside this container")
