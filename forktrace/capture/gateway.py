"""Make every ptrace request, and read a tracee's memory: the use that we make of python-ptrace.

Only its request gateway, errors and signal names are used. Its debugger classes leave stopped
children running and swallow SIGTRAP, its ``geteventmsg`` passes 4 bytes where the kernel writes
8, and its optional C extension ``cptrace`` hides ESRCH, so that one is refused.
"""

import ctypes
import os
import struct
from collections.abc import Callable
from errno import ENOSYS

from forktrace.capture.arch import (
    ABIS,
    AUDIT_OF_LAYOUT,
    LAYOUTS,
    NUMBER_MASK,
    PTRACE_NUMBERS,
    WORDS,
    Abi,
)
from forktrace.capture.binding import SIGNAMES, PtraceError
from forktrace.capture.binding import func as _binding
from forktrace.capture.call_stops import CallStop, CreatorCall, call_numbers
from forktrace.errors import LaunchError

__all__ = ["EVENT_CLONE", "EVENT_EXEC", "EVENT_EXIT", "EVENT_FORK", "EVENT_STOP", "EVENT_VFORK"]
__all__ += [
    "EVENT_SECCOMP",
    "OPTIONS_BY_DETAIL",
    "OPTION_SECCOMP",
    "PtraceError",
    "Tracee",
    "check_binding",
    "signal_name",
]

# <linux/ptrace.h>
_CONT = 7
_DETACH = 17
_SYSCALL = 24
_POKEDATA = 5
_GETREGSET = 0x4204
_SETREGSET = 0x4205
_SEIZE = 0x4206
_INTERRUPT = 0x4207
_LISTEN = 0x4208
_GETEVENTMSG = 0x4201
_GETSIGINFO = 0x4202
_GET_SYSCALL_INFO = 0x420E
_NT_PRSTATUS = 1
_SIGCHLD = 17
CLD_EXITED, CLD_KILLED, CLD_DUMPED = 1, 2, 3  # <asm-generic/siginfo.h>

EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_EXIT = 1, 2, 3, 4, 6
EVENT_SECCOMP = 7
EVENT_STOP = 128
CLONE_UNTRACED = 0x00800000  # <linux/sched.h>
# One option bit per event. No EXITKILL (it would kill daemons with the tracer).
OPTIONS_MINIMAL = sum(1 << e for e in (EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC))
# TRACESYSGOOD (1) marks the stops at system calls, where somebody is made to stop there.
OPTIONS_EVENTS = OPTIONS_MINIMAL | 1 << EVENT_EXIT | 1

OPTION_SECCOMP = 1 << EVENT_SECCOMP

OPTIONS_BY_DETAIL = {
    "minimal": OPTIONS_MINIMAL,
    "events": OPTIONS_EVENTS,
    "syscalls": OPTIONS_EVENTS,
}

_FAILED = 2 ** (8 * ctypes.sizeof(ctypes.c_ulong)) - 1
_ptrace: Callable[..., int] = _binding._ptrace  # type: ignore[attr-defined]
_error: Callable[..., PtraceError] = PtraceError
_libc = ctypes.CDLL(None, use_errno=True)


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _request(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    """Make a request by python-ptrace's binding of the C library's function.

    Its own wrapper does the same, for peeks too, whose result may be -1; it takes three times as
    long, and this is called several times a stop.
    """
    if _ptrace(request, pid, address, data) == _FAILED:
        code = ctypes.get_errno()
        raise _error(f"ptrace request {request:#x}: {os.strerror(code)}", errno=code, pid=pid)


def check_binding() -> None:
    """Refuse to trace through the C extension ``cptrace``, which loses errno.

    Raises:
        LaunchError: the extension is installed.
    """
    if _binding.HAS_CPTRACE:
        raise LaunchError("the module cptrace hides ptrace's errors; uninstall it and try again")


def signal_name(number: int) -> str:
    """Return "SIGTERM" for 15, "SIGRT_5" for real-time signal SIGRTMIN+5."""
    name = SIGNAMES.get(number)
    if name and not name.startswith("SIGRT"):
        return str(name)
    return f"SIGRT_{number - 32}" if number >= 32 else f"SIG{number}"


class Tracee:
    """Make ptrace requests from one tracing thread, with buffers made once.

    Each method raises ``PtraceError`` (its ``errno`` is ESRCH when the tracee is gone, or is not
    stopped any more). Source: ptrace(2).
    """

    def __init__(self) -> None:
        self._message = ctypes.c_ulong()
        self._message_at = ctypes.addressof(self._message)
        self._registers = (ctypes.c_char * 1024)()
        self._iovec = _Iovec(ctypes.addressof(self._registers), 1024)
        self._iovec_at = ctypes.addressof(self._iovec)
        self._info = (ctypes.c_char * 128)()
        self._info_at = ctypes.addressof(self._info)
        self._memory = (ctypes.c_char * (64 * 1024))()
        self._memory_view = memoryview(self._memory).cast("B")
        self._memory_at = ctypes.addressof(self._memory)
        self._numbers: dict[int, dict[int, str]] = {}
        self._local = _Iovec()
        self._remote = _Iovec()

    def seize(self, pid: int, options: int) -> None:
        """Attach to ``pid`` without stopping it."""
        _request(_SEIZE, pid, 0, options)

    def interrupt(self, pid: int) -> None:
        """Have ``pid`` come to a stop (EVENT_STOP), out of a system call that it may be in."""
        _request(_INTERRUPT, pid)

    def resume(self, pid: int, signum: int = 0) -> None:
        """Let ``pid`` go on, delivering ``signum`` if it is not 0."""
        _request(_CONT, pid, 0, signum)

    def resume_to_call(self, pid: int, signum: int = 0) -> None:
        """Let ``pid`` go on to the next entry or exit of a system call."""
        _request(_SYSCALL, pid, 0, signum)

    def call_stop(self, pid: int, names: frozenset[str], entered: bool) -> CallStop | None:
        """Return at which end of which system call ``pid`` has stopped.

        None for any but the entry of a call in ``names``, or, if ``entered``, the exit.
        """
        _request(_GET_SYSCALL_INFO, pid, 128, self._info_at)
        op, audit, number = struct.unpack_from("=B3xI16xQ", self._info)
        if op == 2 and entered:
            result, error = struct.unpack_from("=qB", self._info, 24)
            return CallStop(leaving=True, result=result, error=bool(error))
        if op not in (1, 3):
            return None
        numbers = self._numbers.get(audit)
        if numbers is None:
            numbers = self._numbers[audit] = call_numbers(audit, names)
        name = numbers.get(number & NUMBER_MASK)
        if name is None:
            return None
        values = struct.unpack_from("=6Q", self._info, 32)
        return CallStop(leaving=False, name=name, values=values, word=WORDS.get(audit, 8))

    def asks_to_be_traced(self, pid: int) -> bool:
        """Say whether ``pid`` has stopped at the entry of ptrace(PTRACE_TRACEME)."""
        _request(_GET_SYSCALL_INFO, pid, 128, self._info_at)
        op, audit, number, request = struct.unpack_from("=B3xI16xQQ", self._info)
        if op != 1:  # PTRACE_SYSCALL_INFO_ENTRY
            return False
        return bool(number & NUMBER_MASK == PTRACE_NUMBERS.get(audit) and request == 0)

    def detach(self, pid: int) -> None:
        """Let ``pid`` go on untraced from the stop that it is in."""
        _request(_DETACH, pid)

    def listen(self, pid: int) -> None:
        """Leave ``pid`` in its group-stop, so that SIGCONT wakes it as if untraced."""
        _request(_LISTEN, pid)

    def message(self, pid: int) -> int:
        """Return the event's message: the new pid, the former tid, or the exit status."""
        _request(_GETEVENTMSG, pid, 0, self._message_at)
        return self._message.value

    def event_message(self, pid: int) -> int | None:
        """Return the message of a fork or exec event, None if ``pid`` was killed since.

        What is killed in such a stop goes on to its exit event, and that one's message then
        stands where the other stood.
        """
        message = self.message(pid)
        code, _sender = self.sender(pid)  # of an event stop: event << 8 | SIGTRAP
        return None if code >> 8 == EVENT_EXIT else message

    def sender(self, pid: int) -> tuple[int, int]:
        """Return (si_code, si_pid) of the signal that ``pid`` has stopped for."""
        _request(_GETSIGINFO, pid, 0, self._info_at)
        _signo, _errno, code, _pad, sender = struct.unpack_from("=5i", self._info)
        return code, sender

    def child_signal(self, pid: int) -> tuple[int, int, int] | None:
        """Return (si_code, si_pid, si_status) of the SIGCHLD that ``pid`` has stopped for.

        None if it has not: it was killed since.
        """
        _request(_GETSIGINFO, pid, 0, self._info_at)
        signo, _errno, code, _pad, sender, _uid, status = struct.unpack_from("=7i", self._info)
        return (code, sender, status) if signo == _SIGCHLD else None

    def registers(self, pid: int) -> tuple[Abi, tuple[int, ...]]:
        """Return the registers, and the layout that they are in (by their size)."""
        self._iovec.length = 1024
        _request(_GETREGSET, pid, _NT_PRSTATUS, self._iovec_at)
        layout = LAYOUTS[self._iovec.length]
        return layout, struct.unpack_from(layout.registers, self._registers)

    def creator_call(self, pid: int) -> CreatorCall | None:
        """Return the system call that ``pid`` is in, None for any that creates no process.

        The architecture of the call is asked of the kernel, as a 64-bit process can make 32-bit
        calls (int 0x80).
        """
        layout, values = self.registers(pid)
        abi = ABIS.get((self._audit_arch(pid, layout), layout.size), layout)
        name = abi.creators.get(values[abi.number] & abi.number_mask)
        if name is None:
            return None
        return CreatorCall(name, values[abi.first], values[abi.result], abi.result == abi.first)

    def keep_child_traced(self, pid: int) -> None:
        """Take CLONE_UNTRACED out of the creating call that ``pid`` is about to make.

        An untraced child would inherit a seccomp filter that needs its tracer.
        """
        layout, values = self.registers(pid)
        abi = ABIS.get((self._audit_arch(pid, layout), layout.size), layout)
        first = values[abi.first]
        if abi.creators.get(values[abi.number] & abi.number_mask) == "clone3":
            flags = self._clone3_flags(pid, first)
            if flags & CLONE_UNTRACED:
                _request(_POKEDATA, pid, first, flags & ~CLONE_UNTRACED)
        elif first & CLONE_UNTRACED:
            size = struct.calcsize(layout.registers) // len(values)
            code = "=Q" if size == 8 else "=I"
            struct.pack_into(code, self._registers, abi.first * size, first & ~CLONE_UNTRACED)
            _request(_SETREGSET, pid, _NT_PRSTATUS, self._iovec_at)

    def _clone3_flags(self, pid: int, address: int) -> int:
        """Return the flags in clone3's struct, none where it can't be read and the call fails."""
        try:
            data = self.read_memory(pid, address, 8)
        except OSError:
            return 0
        return int(struct.unpack("=Q", data)[0]) if len(data) == 8 else 0

    def _audit_arch(self, pid: int, layout: Abi) -> int:
        try:
            _request(_GET_SYSCALL_INFO, pid, 128, self._info_at)
        except PtraceError as error:
            if error.errno in (ENOSYS, 5):  # EIO: kernels before 5.3 don't know the request
                return AUDIT_OF_LAYOUT[layout.size]
            raise
        return int(struct.unpack_from("=I", self._info, 4)[0])

    def read_memory(self, pid: int, address: int, size: int) -> bytes:
        """Return up to ``size`` bytes (at most 64 KiB) at ``address``, fewer at a mapping's end.

        Raises:
            OSError: nothing at all could be read.
        """
        size = min(size, len(self._memory))
        self._local.base, self._local.length = self._memory_at, size
        self._remote.base, self._remote.length = address, size
        got = _libc.process_vm_readv(
            pid, ctypes.byref(self._local), 1, ctypes.byref(self._remote), 1, 0
        )
        if got < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return bytes(self._memory_view[:got])
