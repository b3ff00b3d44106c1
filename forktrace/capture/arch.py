"""List all that depends on the architecture: registers, system call numbers, word sizes.

Sources: the kernel's ``user_regs_struct`` (arch/x86/include/asm/user_64.h, user_32.h),
``user_pt_regs`` (arch/arm64/include/uapi/asm/ptrace.h), compat layout in
arch/arm64/kernel/ptrace.c, the syscall tables, and <linux/audit.h>.
"""

import os

from msgspec import Struct

from forktrace.trace.events import How


class Abi(Struct, frozen=True):
    """Describe one way that registers are laid out, and one system call table.

    ``registers`` is the struct format of the NT_PRSTATUS regset, ``size`` its length in bytes;
    ``number``, ``first``, ``stack`` and ``result`` are indexes into it: the system call's number,
    its first argument, the stack pointer, what it returns. ``word`` is the size of a pointer in
    bytes. ``creators`` names the calls that create processes. ``number_mask`` takes off x32's bit.
    """

    name: str
    audit: int
    registers: str
    size: int
    number: int
    first: int
    stack: int
    result: int
    word: int
    creators: dict[int, How]
    number_mask: int = 0xFFFFFFFF


_X86_64_CREATORS: dict[int, How] = {57: "fork", 58: "vfork", 56: "clone", 435: "clone3"}
_I386_CREATORS: dict[int, How] = {2: "fork", 190: "vfork", 120: "clone", 435: "clone3"}
_X32_BIT = 0x40000000

_ROWS = (
    # name, audit arch, format, bytes, number, first, stack, result, word, creators, mask
    Abi(
        "x86_64", 0xC000003E, "=27Q", 216, 15, 14, 19, 10, 8, _X86_64_CREATORS,
        0xFFFFFFFF & ~_X32_BIT,
    ),
    # A 64-bit process that calls the 32-bit kernel by int 0x80: i386's table, 64-bit layout.
    Abi("i386 from x86_64", 0x40000003, "=27Q", 216, 15, 5, 19, 10, 8, _I386_CREATORS),
    Abi("i386", 0x40000003, "=17I", 68, 11, 0, 15, 6, 4, _I386_CREATORS),
    Abi("aarch64", 0xC00000B7, "=34Q", 272, 8, 0, 31, 0, 8, {220: "clone", 435: "clone3"}),
    Abi("arm", 0x40000028, "=18I", 72, 7, 0, 13, 0, 4, _I386_CREATORS),
)  # fmt: skip

ABIS = {(row.audit, row.size): row for row in _ROWS}
LAYOUTS = {row.size: row for row in reversed(_ROWS)}
AUDIT_OF_LAYOUT = {row.size: row.audit for row in reversed(_ROWS)}
WORDS = {row.audit: row.word for row in reversed(_ROWS)} | {0x40000003: 4}
# Whether a breakpoint instruction that nobody serves is executed again, or is behind the program.
STAYS_AT_BREAKPOINT = os.uname().machine == "aarch64"
NUMBER_MASK = 0xFFFFFFFF & ~_X32_BIT
PTRACE_NUMBERS = {0xC000003E: 101, 0x40000003: 26, 0xC00000B7: 117, 0x40000028: 26}
# Of arm, which python-ptrace has no table of, the calls that are recorded, and clone.
# Source: arch/arm/tools/syscall.tbl, of the EABI.
_ARM_CALLS = {
    4: "write", 11: "execve", 37: "kill", 57: "setpgid", 61: "chroot", 66: "setsid", 114: "wait4",
    120: "clone", 146: "writev", 172: "prctl", 181: "pwrite64", 218: "pivot_root", 238: "tkill",
    268: "tgkill", 280: "waitid", 337: "unshare", 375: "setns", 387: "execveat",
    424: "pidfd_send_signal", 435: "clone3",
}  # fmt: skip
# The names of an architecture's system calls, or the module of python-ptrace that has them.
CALL_TABLES: dict[int, str | dict[int, str]] = {
    0xC000003E: "x86_64", 0x40000003: "i386", 0xC00000B7: "aarch64", 0x40000028: _ARM_CALLS,
}  # fmt: skip
