"""Take the lines of a log apart: who, when, and what; and say which are none of strace's."""

import re

from msgspec import Struct

# The forms that strace(1) describes: [pid N] or a pid column, perhaps with <comm>; a time of day,
# a Unix time or one relative to the line before; the number of the call; the instruction pointer.
# A pid has at most seven digits (PID_MAX_LIMIT), a Unix time in whole seconds ten.
_PREFIX = (
    rb"[ \t]*+(?:\[pid ++(\d{1,7})(?:<[^<>]*+>)?\] ++|(\d{1,7})(?:<[^<>]*+>)? ++)?"
    rb"(?:(\d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{9,11}(?:\.\d{1,9})?)"
    rb"(?: ++\(\+ ++[\d.]{1,20}\))? ++|(\d{1,9}\.\d{1,9}) ++)?"
    rb"(?:\[ *+\d{1,5}\] ++)?(?:\[[0-9a-f?]{8,16}\] ++)?"
)
_LINE = re.compile(_PREFIX + rb"(?:([a-z_][a-z0-9_]{0,40}|\?{3,4})\(|(?=\+\+\+ |--- |<\.\.\. ))")
_MESSAGE = re.compile(
    rb"Process (\d{1,7}) (attached|detached|resumed|suspended)"
    rb"(?: with (\d{1,7}) threads| \([\w ]{1,60}\))?$"
)
# strace begins its messages with the name that it was called by.
_OWN_NAME = re.compile(rb"(?:(?:/[\w.+@-]{1,64}){0,40}/)?strace: $")
_NOISE = re.compile(
    rb"(?:strace: )?\[ Process PID=\d+ runs in |(?:[\w./+@-]{0,200}/)?strace: "
    rb"|[ \t]*> |[ \t]*\| |[ \t]*$|%\s+time "
)
_LEFT_OUT = re.compile(rb"[ \t]*(?:\.{2,}|\xe2\x80\xa6|\[\.\.\.\]|\(\.\.\.\))[ \t]*$")
_SURE = re.compile(rb"\)\s+= |<unfinished \.\.\.>$|<detached \.\.\.>$|resumed>|^\+\+\+ |^--- SIG")

_ENDED = re.compile(
    rb"\+\+\+ (?:exited with (\d{1,3})|killed by (SIG[A-Z0-9_+]{1,12})( \(core dumped\))?) \+\+\+$"
)

End = tuple[int | None, str | None, bool]  # the code, the signal, and whether it dumped core


class Line(Struct):
    """Be a line of strace's. ``tid`` is None where it names no pid.

    ``clock`` is an absolute time and ``relative`` one since the line before, as they stand there.
    ``name`` is the call that begins on the line, ``body`` what follows its parenthesis; of other
    lines (ends, signals, resumed calls) ``name`` is None and ``body`` all of it.
    """

    tid: int | None
    clock: bytes | None
    relative: bytes | None
    name: bytes | None
    body: bytes


class Message(Struct):
    """Be what strace says of a process on standard error; ``threads`` is 0 where it isn't said."""

    pid: int
    what: str
    threads: int


def read_line(raw: bytes) -> Line | None:
    """Take a line apart, None if it is none of strace's; its newline is off already."""
    found = _LINE.match(raw)
    if found is None:
        return None
    bracketed, column, clock, relative, name = found.groups()
    pid = bracketed or column
    return Line(int(pid) if pid else None, clock, relative, name, raw[found.end() :])


def find_message(raw: bytes) -> tuple[bytes, Message] | None:
    """Find a message at the end of a line; strace's messages can cut a call's line in two.

    Returns what stands before it, which is empty where the message has a line of its own.
    """
    at = raw.rfind(b"Process ")
    found = _MESSAGE.match(raw, max(at, 0))
    if at < 0 or found is None:
        return None
    pid, what, threads = found.groups()
    message = Message(int(pid), what.decode(), int(threads or 0))
    name = _OWN_NAME.search(raw, max(at - 300, 0), at)
    return raw[: name.start() if name else at], message


def is_noise(raw: bytes) -> bool:
    """Say whether a line is strace's but says nothing of calls: stacks, dumps, other messages."""
    return _NOISE.match(raw) is not None


def is_summary(raw: bytes) -> bool:
    """Say whether the table that ``-c`` and ``-C`` print at the end begins here."""
    return raw.startswith(b"% time ")


def is_left_out(raw: bytes) -> bool:
    """Say whether somebody put dots for lines that are left out."""
    return _LEFT_OUT.match(raw) is not None


def is_sure(line: Line) -> bool:
    """Say whether a line can be nothing but strace's."""
    return _SURE.search(line.body) is not None


def read_end(body: bytes) -> End | None:
    """Return how a task ended, of "+++ exited with 0 +++" and the like; None of other lines."""
    found = _ENDED.match(body)
    if found is None:
        return None
    code, signal, core = found.groups()
    return int(code) if code else None, signal.decode() if signal else None, bool(core)
