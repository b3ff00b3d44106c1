"""Read what this process itself may do, as far as tracing depends on it.

Sources: proc_pid_status(5), capabilities(7), Yama (Documentation/admin-guide/LSM/Yama.rst).
"""

from pathlib import Path

_CAP_SYS_PTRACE = 19
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")


def status_field(name: str, of: str = "self") -> str:
    """Return a field of /proc/self/status or another's, "" where it has none. Raises OSError."""
    for line in Path(f"/proc/{of}/status").read_text(errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return ""


def has_sys_ptrace() -> bool:
    """Say whether we may trace what other users run. Raises OSError."""
    return bool(int(status_field("CapEff") or "0", 16) >> _CAP_SYS_PTRACE & 1)


def yama_scope() -> int | None:
    """Return kernel.yama.ptrace_scope, None where this kernel has no Yama."""
    try:
        return int(_YAMA.read_text())
    except (OSError, ValueError):
        return None


def tracer_pid() -> int:
    """Return the pid of whoever traces us, 0 for nobody. Raises OSError."""
    thread = status_field("TracerPid") or "0"
    try:
        return int(status_field("Tgid", of=thread) or thread)
    except OSError:
        return int(thread)
