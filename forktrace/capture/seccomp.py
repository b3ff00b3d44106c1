"""Make only the system calls of interest stop: a seccomp filter of the command and all it starts.

A filter stays until its process ends, and a call that it hands to a tracer fails with ENOSYS
once there is none (seccomp(2), SECCOMP_RET_TRACE). So whoever installs it must stay as long.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from errno import EINVAL

from forktrace.capture import proc
from forktrace.capture.arch import CALL_TABLES, NUMBER_MASK
from forktrace.capture.call_recorder import FILTERED
from forktrace.capture.call_stops import call_numbers
from forktrace.capture.calls import MAX_PARTS, MAX_PID_WRITE, RECORDED_OPTIONS
from forktrace.capture.gateway import CLONE_UNTRACED
from forktrace.errors import LaunchError

# <linux/filter.h>, <linux/bpf_common.h>: instructions of classic BPF
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_GREATER, _IF_SET = 0x15, 0x25, 0x45
# <linux/seccomp.h>
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_MODE_FILTER = 2
_PR_SET_SECCOMP = 22
_CAP_SYS_ADMIN = 21

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


def check_permitted() -> None:
    """Refuse a filter where it would keep setuid programs from their power.

    Without CAP_SYS_ADMIN the kernel takes a filter only after PR_SET_NO_NEW_PRIVS (seccomp(2)).

    Raises:
        LaunchError: it would.
    """
    status = proc.read_file("/proc/self/status").decode(errors="replace")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    privileged = int(fields["CapEff"], 16) >> _CAP_SYS_ADMIN & 1
    if not privileged and fields.get("NoNewPrivs") != "1":
        raise LaunchError(
            "--seccomp is for root (CAP_SYS_ADMIN): for others its filter takes their power from "
            "setuid programs such as newuidmap; leave out --seccomp, or trace as root with --user"
        )
    if _install(None) == EINVAL:
        raise LaunchError("this kernel has no seccomp filters: leave out --seccomp")


def install() -> None:
    """Install the filter in this process, for all that it executes and starts.

    Raises:
        OSError: the kernel refuses it.
    """
    program = assemble(build())
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))  # struct sock_fprog
    number = _install(header)
    if number:
        raise OSError(number, f"seccomp filter: {os.strerror(number)}")


def _install(header: bytes | None) -> int:
    """Return the errno that the kernel gives, 0 for none. Without a filter it only looks."""
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    done = libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), header, zero, zero)
    return 0 if done == 0 else ctypes.get_errno()


def assemble(instructions: Iterable[Instruction]) -> bytes:
    """Return the bytes of a program, 8 an instruction (struct sock_filter)."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def build() -> list[Instruction]:
    """Return the filter: each architecture that this kernel may run, else everything allowed."""
    program: list[Instruction] = [(_LOAD, 0, 0, _ARCH)]
    for audit in CALL_TABLES:
        block = _block(audit)
        program += [(_IF_EQUAL, 0, len(block), audit), *block]
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _block(audit: int) -> list[Instruction]:
    program: list[Instruction] = [(_LOAD, 0, 0, _NUMBER), (_AND, 0, 0, NUMBER_MASK)]
    for number, name in sorted(call_numbers(audit, FILTERED).items()):
        action = _CONDITIONS.get(name, [(_RETURN, 0, 0, _TRACE)])
        program += [(_IF_EQUAL, 0, len(action), number), *action]
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _argument(index: int, *, high: bool = False) -> Instruction:
    """Load a half of an argument: of little-endian machines, which all of ours are."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index + 4 * high)


def _third_at_most(most: int) -> list[Instruction]:
    return [
        _argument(2, high=True),
        (_IF_EQUAL, 0, 3, 0),
        _argument(2),
        (_IF_GREATER, 1, 0, most),
        (_RETURN, 0, 0, _TRACE),
        (_RETURN, 0, 0, _ALLOW),
    ]


_CONDITIONS: dict[str, list[Instruction]] = {
    "write": _third_at_most(MAX_PID_WRITE),
    "pwrite64": _third_at_most(MAX_PID_WRITE),
    "writev": _third_at_most(MAX_PARTS),
    "prctl": [
        _argument(0),
        *((_IF_EQUAL, len(RECORDED_OPTIONS) - i, 0, o) for i, o in enumerate(RECORDED_OPTIONS)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _TRACE),
    ],
    "clone": [
        _argument(0),
        (_IF_SET, 0, 1, CLONE_UNTRACED),
        (_RETURN, 0, 0, _TRACE),
        (_RETURN, 0, 0, _ALLOW),
    ],
}
