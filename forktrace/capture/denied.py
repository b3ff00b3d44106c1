"""Say why the kernel did not permit ptrace, and what to do about it.

Sources: ptrace(2) "Ptrace access mode checking", Yama (Documentation/admin-guide/LSM/Yama.rst).
"""

import os
from errno import EPERM
from pathlib import Path

_CAP_SYS_PTRACE = 19
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


def why_denied(number: int | None) -> str:
    """Return one sentence for an errno that PTRACE_SEIZE gave for our own child."""
    if number != EPERM:
        return f"ptrace failed: {os.strerror(number or 0)}; this kernel may not support it"
    cause = _yama() or _already_traced() or _container()
    return f"ptrace is not permitted here: {cause}"


def _yama() -> str | None:
    try:
        scope = int(_YAMA.read_text())
    except (OSError, ValueError):
        return None
    if scope == 3:
        return "kernel.yama.ptrace_scope is 3, which forbids it to all until the next boot"
    if scope == 2 and not _has_sys_ptrace():
        return "kernel.yama.ptrace_scope is 2; run forktrace as root, or set it to 1 or 0"
    return None


def _already_traced() -> str | None:
    # A tracer that follows forks (strace -f, gdb) has taken our child before we could.
    tracer = _status_field("TracerPid")
    if tracer in ("", "0"):
        return None
    return f"another tracer (pid {tracer}) already follows forktrace; run forktrace outside it"


def _container() -> str:
    if not _has_sys_ptrace():
        return (
            "inside a container, start it with --cap-add=SYS_PTRACE (and a seccomp profile that "
            "allows ptrace)"
        )
    return "a security module or a seccomp filter forbids it; try outside this container"


def _has_sys_ptrace() -> bool:
    return bool(int(_status_field("CapEff") or "0", 16) >> _CAP_SYS_PTRACE & 1)


def _status_field(name: str) -> str:
    for line in Path("/proc/self/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return ""
