"""Name the flags of clone(2), clone3(2), fork(2) and vfork(2).

Source: <linux/sched.h>; kernel/fork.c (fork and vfork are clones with fixed flags).
"""

import struct
from functools import lru_cache

from forktrace.capture.gateway import Tracee, signal_name

_FLAGS = {
    0x00000080: "CLONE_NEWTIME",
    0x00000100: "CLONE_VM",
    0x00000200: "CLONE_FS",
    0x00000400: "CLONE_FILES",
    0x00000800: "CLONE_SIGHAND",
    0x00001000: "CLONE_PIDFD",
    0x00002000: "CLONE_PTRACE",
    0x00004000: "CLONE_VFORK",
    0x00008000: "CLONE_PARENT",
    0x00010000: "CLONE_THREAD",
    0x00020000: "CLONE_NEWNS",
    0x00040000: "CLONE_SYSVSEM",
    0x00080000: "CLONE_SETTLS",
    0x00100000: "CLONE_PARENT_SETTID",
    0x00200000: "CLONE_CHILD_CLEARTID",
    0x00400000: "CLONE_DETACHED",
    0x00800000: "CLONE_UNTRACED",
    0x01000000: "CLONE_CHILD_SETTID",
    0x02000000: "CLONE_NEWCGROUP",
    0x04000000: "CLONE_NEWUTS",
    0x08000000: "CLONE_NEWIPC",
    0x10000000: "CLONE_NEWUSER",
    0x20000000: "CLONE_NEWPID",
    0x40000000: "CLONE_NEWNET",
    0x80000000: "CLONE_IO",
    0x100000000: "CLONE_CLEAR_SIGHAND",
    0x200000000: "CLONE_INTO_CGROUP",
}
CLONE_THREAD = 0x00010000
CLONE_PARENT = 0x00008000
_VFORK = 0x00004000 | 0x00000100
# Every CLONE_NEW* bit, and CLONE_INTO_CGROUP: the child does not live where its parent does.
ELSEWHERE = 0x7E020080 | 0x200000000
_SIGCHLD = 17
_SIGNAL_MASK = 0xFF  # clone's low byte is the exit signal; in clone3 it is a field of its own


def creation_flags(tracee: Tracee, pid: int) -> tuple[str, int, int] | None:
    """Return (call, flags, exit signal) of the creating system call that ``pid`` is in.

    None where the call is no creating one we know. Raises PtraceError and OSError where the
    registers or clone3's struct can't be read.
    """
    call, first = tracee.syscall(pid)
    if call == "clone":
        return call, first & ~_SIGNAL_MASK & 0xFFFFFFFF, first & _SIGNAL_MASK
    if call == "clone3":
        # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, all 64-bit
        flags, _pidfd, _child, _parent, exit_signal = struct.unpack(
            "=5Q", tracee.read_memory(pid, first, 40)
        )
        return call, flags, exit_signal
    if call == "fork":
        return call, 0, _SIGCHLD
    if call == "vfork":
        return call, _VFORK, _SIGCHLD
    return None


@lru_cache(maxsize=256)
def flag_names(flags: int) -> list[str]:
    """Return the names of the bits in ``flags``, lowest first; unknown ones as hexadecimal."""
    names = [name for bit, name in _FLAGS.items() if flags & bit]
    rest = flags & ~sum(_FLAGS)
    return [*names, hex(rest)] if rest else names


def exit_signal_name(number: int) -> str | None:
    """Return the name of an exit signal, None for 0 (the parent gets none)."""
    return signal_name(number) if number else None
