"""Name the flags of clone(2), clone3(2), fork(2) and vfork(2).

Source: <linux/sched.h>; kernel/fork.c (fork and vfork are clones with fixed flags).
"""

import struct
from functools import lru_cache

from forktrace.capture.call_stops import CreatorCall
from forktrace.capture.gateway import PtraceError, Tracee, signal_name
from forktrace.trace.events import How

Creation = tuple[How, int, int]  # the call's name, its flags, the exit signal

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
# Every CLONE_NEW* bit, CLONE_INTO_CGROUP, and CLONE_PARENT, as a child lives where its creator
# does: the child does not live where its parent does.
ELSEWHERE = 0x7E020080 | 0x200000000 | CLONE_PARENT
_SIGCHLD = 17
_SIGNAL_MASK = 0xFF  # clone's low byte is the exit signal; in clone3 it is a field of its own


def current_creation(tracee: Tracee, pid: int) -> Creation | None:
    """Return the creating system call that ``pid`` is in.

    None where it is in no such call, or where it can't be read.
    """
    try:
        call = tracee.creator_call(pid)
        return None if call is None else creation(tracee, pid, call)
    except (PtraceError, OSError, KeyError):
        return None


def creation(tracee: Tracee, pid: int, call: CreatorCall) -> Creation | None:
    """Return name, flags and exit signal of a creating system call.

    None where clone3's struct is no more there. Raises OSError where it can't be read.
    """
    if call.name == "clone":
        return call.name, call.first & ~_SIGNAL_MASK & 0xFFFFFFFF, call.first & _SIGNAL_MASK
    if call.name != "clone3":
        return call.name, _VFORK if call.name == "vfork" else 0, _SIGCHLD
    # struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, all 64-bit
    data = tracee.read_memory(pid, call.first, 40)
    if len(data) < 40:
        return None
    flags, _pidfd, _child, _parent, exit_signal = struct.unpack("=5Q", data)
    return call.name, flags, exit_signal


@lru_cache(maxsize=256)
def flag_names(flags: int) -> list[str]:
    """Return the names of the bits in ``flags``, lowest first; unknown ones as hexadecimal."""
    names = [name for bit, name in _FLAGS.items() if flags & bit]
    rest = flags & ~sum(_FLAGS)
    return [*names, hex(rest)] if rest else names


def exit_signal_name(number: int) -> str | None:
    """Return the name of an exit signal, None for 0 (the parent gets none)."""
    return signal_name(number) if number else None
