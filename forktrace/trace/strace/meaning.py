"""Say what a call's printed arguments mean, as the events of a trace tell it.

The arguments of recorded calls are those of docs/trace-format.md.
"""

import re
import signal
from collections.abc import Callable

from msgspec import Struct

from forktrace.trace.events import Argument, How
from forktrace.trace.strace.literals import (
    Unreadable,
    decoration,
    fields,
    read_number,
    read_string,
    read_strings,
    read_words,
)
from forktrace.trace.text import encode_text

Arguments = dict[str, Argument]

# <linux/sched.h>, for logs that give numbers (-X raw), and for the order of the names.
_FLAGS = (
    (0x80, "CLONE_NEWTIME"), (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"),
    (0x800, "CLONE_SIGHAND"), (0x1000, "CLONE_PIDFD"), (0x2000, "CLONE_PTRACE"),
    (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"), (0x10000, "CLONE_THREAD"),
    (0x20000, "CLONE_NEWNS"), (0x40000, "CLONE_SYSVSEM"), (0x80000, "CLONE_SETTLS"),
    (0x100000, "CLONE_PARENT_SETTID"), (0x200000, "CLONE_CHILD_CLEARTID"),
    (0x400000, "CLONE_DETACHED"), (0x800000, "CLONE_UNTRACED"), (0x1000000, "CLONE_CHILD_SETTID"),
    (0x2000000, "CLONE_NEWCGROUP"), (0x4000000, "CLONE_NEWUTS"), (0x8000000, "CLONE_NEWIPC"),
    (0x10000000, "CLONE_NEWUSER"), (0x20000000, "CLONE_NEWPID"), (0x40000000, "CLONE_NEWNET"),
    (0x80000000, "CLONE_IO"), (0x100000000, "CLONE_CLEAR_SIGHAND"),
    (0x200000000, "CLONE_INTO_CGROUP"),
)  # fmt: skip
_ORDER = {name: bit for bit, name in _FLAGS}
_PRCTL = {15: "PR_SET_NAME", 36: "PR_SET_CHILD_SUBREAPER", 1: "PR_SET_PDEATHSIG"}
_NO_FD = b"AT_FDCWD"
TELLING = ("INVOCATION_ID", "NOTIFY_SOCKET", "_CONTAINERS_USERNS_CONFIGURED", "_PODMAN_PAUSE")


class Creation(Struct, frozen=True):
    """Say how a process or a thread was created; ``flags`` is None where the log lacks them."""

    how: How
    flags: list[str] | None
    exit_signal: str | None

    def has(self, flag: str) -> bool:
        """Say whether a flag was given."""
        return flag in (self.flags or ())


def read_creation(name: bytes, arguments: list[bytes]) -> Creation:
    """Understand a call that creates (clone(2), clone3(2), fork(2), vfork(2))."""
    if name == b"fork":
        return Creation("fork", [], "SIGCHLD")
    if name == b"vfork":
        return Creation("vfork", ["CLONE_VM", "CLONE_VFORK"], "SIGCHLD")
    if name == b"clone3":
        given = fields(arguments[0].partition(b" => ")[0]) if arguments else {}
        if b"flags" not in given:
            return Creation("clone3", None, None)
        flags, _signal = _split_flags(given[b"flags"], low_byte=False)
        number = given.get(b"exit_signal", b"0")
        return Creation("clone3", flags, signal_name(number))
    named = dict(argument.partition(b"=")[::2] for argument in arguments)
    if b"flags" not in named:
        return Creation("clone", None, None)
    flags, exit_signal = _split_flags(named[b"flags"], low_byte=True)
    return Creation("clone", flags, exit_signal)


def _split_flags(text: bytes, *, low_byte: bool) -> tuple[list[str], str | None]:
    """Return CLONE_ flags by name, lowest first, and the exit signal in clone's low byte."""
    names: set[str] = set()
    exit_signal = None
    for word in read_words(text):
        number = read_number(word.encode())
        if word.startswith("SIG"):
            exit_signal = word
        elif number is None:
            names.add(word)
        else:
            if low_byte and number & 0xFF:
                exit_signal = signal_name(str(number & 0xFF).encode())
            names.update(_named_bits(number & ~0xFF if low_byte else number))
    return sorted(names, key=lambda name: (_ORDER.get(name, 1 << 62), name)), exit_signal


def _named_bits(number: int) -> list[str]:
    names = [name for bit, name in _FLAGS if number & bit]
    rest = number & ~sum(bit for bit, _ in _FLAGS)
    return [*names, hex(rest)] if rest > 0 else names


def signal_name(text: bytes) -> str | None:
    """Return the name of a signal that is printed by name or number, None for 0."""
    words = read_words(text)
    word = words[0] if words else "0"
    number = read_number(word.encode())
    if number is None:
        return word
    if number == 0:
        return None
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRT_{number - 32}" if 32 <= number < 65 else f"SIG{number}"


class Execution(Struct, frozen=True):
    """Be an exec as the log has it; ``errors`` says what the log lacks of it."""

    path: bytes | None
    argv: list[bytes] | None
    env: list[str] | None
    errors: dict[str, str]


def read_execution(name: bytes, arguments: list[bytes]) -> Execution:
    """Understand execve(2) or execveat(2)."""
    first = 1 if name == b"execveat" else 0
    given = [*arguments, b"", b"", b"", b""][first : first + 3]
    errors = {}
    path, whole = _string(given[0])
    if first:
        path = _at(arguments[0] if arguments else b"", path)
    if not whole:
        errors["path"] = "cut off in the log"
    argv, whole = read_strings(given[1])
    if argv is None:
        errors["argv"] = "not in the log"
    elif not whole:
        errors["argv"] = "cut off in the log"
    return Execution(path, argv, _telling(given[2]), errors)


def _string(text: bytes) -> tuple[bytes | None, bool]:
    try:
        return read_string(text)
    except Unreadable:
        return None, False


def _at(fd: bytes, path: bytes | None) -> bytes | None:
    """Return the path that execveat(2) gives the program (fs/exec.c: alloc_bprm)."""
    number = read_number(fd)
    if path is None or path.startswith(b"/") or fd.startswith(_NO_FD) or number is None:
        return path
    return b"/dev/fd/%d" % number + (b"/" + path if path else b"")


def _telling(text: bytes) -> list[str] | None:
    """Return which telling variables were set; never a value. None where the log cuts them off."""
    found, whole = read_strings(text)
    if found is None or not whole:
        return None
    names = {entry.partition(b"=")[0] for entry in found}
    return [name for name in TELLING if name.encode() in names]


def read_called(name: bytes, arguments: list[bytes]) -> Arguments | None:
    """Return what the arguments of a recorded call mean, None for one of no interest.

    Raises:
        Unreadable: the call lacks an argument.
    """
    reader = _READERS.get(name)
    if reader is None:
        return None
    try:
        return reader(arguments)
    except IndexError:
        raise Unreadable("an argument is missing") from None


def _prctl(given: list[bytes]) -> Arguments | None:
    option = read_words(given[0])[0]
    number = read_number(option.encode())
    option = option if number is None else _PRCTL.get(number, option)
    if option == "PR_SET_NAME":
        return {"option": option, "name": _text(given[1])}
    if option == "PR_SET_CHILD_SUBREAPER":
        return {"option": option, "value": int(bool(read_number(given[1])))}
    if option == "PR_SET_PDEATHSIG":
        return {"option": option, "signal": signal_name(given[1])}
    return None


def _text(given: bytes) -> Argument:
    data, _whole = _string(given)
    return None if data is None else encode_text(data)


def _setsid(_given: list[bytes]) -> Arguments:
    return {}


def _setns(given: list[bytes]) -> Arguments:
    target = decoration(given[0])
    flags = _split_flags(given[1], low_byte=False)[0]
    return {"target": None if target is None else encode_text(target), "flags": [*flags]}


def _write(given: list[bytes]) -> Arguments | None:
    """Take a write of a pid to a file of a cgroup, which only ``-y`` lets us tell."""
    path = decoration(given[0])
    data = read_string(given[1])[0].strip()
    if path is None or not data.isdigit() or len(data) > 10:
        return None
    return {"path": encode_text(path), "pid": int(data)}


def _pidfd_send_signal(given: list[bytes]) -> Arguments:
    target = re.fullmatch(rb"\d+<pid:(\d{1,10})>", given[0])
    return {"pid": int(target[1]) if target else None, "signal": signal_name(given[1])}


_READERS: dict[bytes, Callable[[list[bytes]], Arguments | None]] = {
    b"setsid": _setsid,
    b"setpgid": lambda given: {"pid": read_number(given[0]), "pgid": read_number(given[1])},
    b"prctl": _prctl,
    b"unshare": lambda given: {"flags": [*_split_flags(given[0], low_byte=False)[0]]},
    b"setns": _setns,
    b"chroot": lambda given: {"path": _text(given[0])},
    b"pivot_root": lambda given: {"path": _text(given[0]), "old": _text(given[1])},
    b"write": _write,
    b"kill": lambda given: {"pid": read_number(given[0]), "signal": signal_name(given[1])},
    b"tkill": lambda given: {"tid": read_number(given[0]), "signal": signal_name(given[1])},
    b"tgkill": lambda given: {
        "pid": read_number(given[0]),
        "tid": read_number(given[1]),
        "signal": signal_name(given[2]),
    },
    b"pidfd_send_signal": _pidfd_send_signal,
}
