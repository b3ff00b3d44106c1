"""Say why the kernel did not permit ptrace, and what to do about it.

Sources: ptrace(2) "Ptrace access mode checking", Yama (Documentation/admin-guide/LSM/Yama.rst).
"""

import os
from errno import EPERM

from msgspec import Struct

from forktrace.capture.privileges import has_sys_ptrace, status_field, tracer_pid, yama_scope


class Denial(Struct, frozen=True):
    """Be the cause of a refusal, and what to do about it."""

    cause: str
    remedy: str


def why_denied(number: int | None) -> str:
    """Return one sentence for an errno that PTRACE_SEIZE gave for our own child."""
    return _sentence(find_cause(number))


def why_not_attached(number: int | None, pid: int) -> str:
    """Return one sentence for an errno that PTRACE_SEIZE gave for a process that ran already."""
    denial = _not_ours(pid) if number == EPERM else None
    return _sentence(denial or find_cause(number))


def _sentence(denial: Denial) -> str:
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


def _not_ours(pid: int) -> Denial | None:
    """Return why we may not trace a process that we did not start, None if nothing tells."""
    try:
        tracer = int(status_field("TracerPid", of=str(pid)) or "0")
        owner = status_field("Uid", of=str(pid)).split()
    except OSError:
        return None  # it has just ended
    if tracer:
        return Denial(f"another tracer (pid {tracer}) has it already", "end that one first")
    if has_sys_ptrace() or yama_denial():
        return None
    if set(owner) != {str(os.getuid())}:
        return Denial("another user runs it", "run forktrace as root")
    if yama_scope() == 1:
        return Denial(
            "kernel.yama.ptrace_scope is 1, by which a user may trace only what they start",
            "run forktrace as root, or start the command by forktrace run",
        )
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
