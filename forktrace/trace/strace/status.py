"""Say how a process ended, as its parent was told: by SIGCHLD, or by a wait that reaped it."""

import os
import re

from msgspec import Struct

from forktrace.trace.strace.literals import Result, fields, read_number, read_words
from forktrace.trace.strace.meaning import signal_name

_STATUS = re.compile(rb"WEXITSTATUS\(s\) == (\d{1,3})|WTERMSIG\(s\) == (SIG[A-Z0-9_]{1,12})")
_CLD = {"CLD_EXITED": 1, "CLD_KILLED": 2, "CLD_DUMPED": 3}


class Status(Struct, frozen=True):
    """Say how a process ended, as somebody else was told: by ``code`` or ``signal``."""

    pid: int
    code: int | None = None
    signal: str | None = None
    core: bool = False

    @property
    def tells(self) -> bool:
        """Say whether it is known how it ended."""
        return self.code is not None or self.signal is not None


def child_status(body: bytes) -> Status | None:
    """Return what a SIGCHLD says of a child that ended, None where it says no such thing.

    Args:
        body: "SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=…, …}" (sigaction(2)).
    """
    return _siginfo(body[body.find(b"{") :])


def _siginfo(text: bytes) -> Status | None:
    info = fields(text)
    code = _cld(info.get(b"si_code", b""))
    pid = read_number(info.get(b"si_pid", b""))
    status = info.get(b"si_status", b"")
    if code is None or not pid or pid < 0:
        return None
    if code == 1:
        return Status(pid, code=read_number(status))
    return Status(pid, signal=signal_name(status), core=code == 3)


def _cld(text: bytes) -> int | None:
    words = read_words(text)
    number = read_number(words[0].encode()) if words else None
    found = _CLD.get(words[0]) if words and number is None else number
    return found if found in (1, 2, 3) else None


def reaped(name: bytes, arguments: list[bytes], result: Result) -> Status | None:
    """Return whom a wait4(2), waitpid(2) or waitid(2) reaped, None if it reaped nobody."""
    if name == b"waitid":
        options = read_words(arguments[3]) if len(arguments) > 3 else []
        no_wait = "WNOWAIT" in options or any(_has(o, 0x01000000) for o in options)
        return None if no_wait or len(arguments) < 3 else _siginfo(arguments[2])
    if not result.value or result.value < 0 or len(arguments) < 3:
        return None
    found = _STATUS.search(arguments[1])
    if found is None:
        text = arguments[1]
        odd = any(w in ("WUNTRACED", "WSTOPPED", "WCONTINUED") for w in read_words(arguments[2]))
        ended = not text.startswith(b"[") and not odd
        return Status(result.value) if ended else _raw_status(result.value, text)
    code, killer = found.groups()
    core = b"WCOREDUMP(s)" in arguments[1]
    end = killer.decode() if killer else None
    return Status(result.value, int(code) if code else None, end, core)


def _raw_status(pid: int, text: bytes) -> Status | None:
    """Understand a wait status that is printed as a number (-X raw, -e raw)."""
    number = read_number(text.strip(b"[]"))
    if number is None or not (os.WIFEXITED(number) or os.WIFSIGNALED(number)):
        return None
    if os.WIFEXITED(number):
        return Status(pid, os.WEXITSTATUS(number))
    killer = signal_name(str(os.WTERMSIG(number)).encode())
    return Status(pid, None, killer, os.WCOREDUMP(number))


def _has(word: str, bit: int) -> bool:
    number = read_number(word.encode())
    return number is not None and bool(number & bit)
