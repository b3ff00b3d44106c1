"""Understand what strace prints of a call: its arguments, strings, flags, numbers, its result.

Source: strace(1), OUTPUT; the forms of strace 4.9 to 6.x. All text is bytes, as a log may hold any.
"""

import re
from errno import errorcode

from msgspec import Struct

CUT = b"\xe2\x80\xa6"  # an ellipsis, where strace left something out

_PLAIN = re.compile(rb'[^"/<\[({\])},]+')
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"(?:\.\.\.)?', re.DOTALL)
_DECORATION = re.compile(rb"<(?:[^<>]|(?<=-)>)*+>")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NAMED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}
_NUMBER = re.compile(rb"-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})")
_OUTER = rb"(?:<[^<>]*>)?(?:\s*/\* (\d{1,10}) in strace's PID NS \*/)?"
_RESULT = re.compile(
    rb"\s*=\s*(?:(\?)|(-?(?:0x[0-9a-f]{1,16}|\d{1,20})))" + _OUTER
    + rb"(?:\s+([A-Z][A-Z0-9_]+)\b|\s+\(errno (\d{1,4})\))?"
)  # fmt: skip
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)


class Unreadable(ValueError):
    """A piece of a log is not what strace prints."""


class Result(Struct, frozen=True):
    """Say what a call returned.

    ``value`` is None where that was not seen ("?"). ``error`` is the errno by name; one that
    starts with "ERESTART" says that the call did nothing and is started again. ``outer`` is the
    pid in strace's PID namespace, where ``--decode-pids`` tells that it is another than ``value``.
    """

    value: int | None = None
    error: str | None = None
    outer: int | None = None


def split_call(text: bytes) -> tuple[list[bytes], bytes]:
    """Split what follows a call's opening parenthesis into its arguments, and what follows them.

    Raises:
        Unreadable: quotes, brackets or comments don't match.
    """
    arguments: list[bytes] = []
    start = at = depth = 0
    while at < len(text):
        plain = _PLAIN.match(text, at)
        if plain:
            at = plain.end()
            continue
        char = text[at : at + 1]
        if char in b"[({":
            depth += 1
        elif char in b"])}" and depth:
            depth -= 1
        elif char in b"])}":
            last = text[start:at].strip()
            return ([*arguments, last] if last or arguments else []), text[at + 1 :]
        elif char == b"," and not depth:
            arguments.append(text[start:at].strip())
            start = at + 1
        at = _after(text, at, char)
    raise Unreadable("the call has no end")


def _after(text: bytes, at: int, char: bytes) -> int:
    """Return where to go on after the special character at ``at``: past a string or a comment."""
    if char == b'"':
        string = _STRING.match(text, at)
        if string is None:
            raise Unreadable("a string has no end")
        return string.end()
    if char == b"/" and text[at : at + 2] == b"/*":
        end = text.find(b"*/", at)
        if end < 0:
            raise Unreadable("a comment has no end")
        return end + 2
    decoration = _DECORATION.match(text, at) if char == b"<" else None
    return decoration.end() if decoration else at + 1


def read_result(text: bytes) -> Result:
    """Understand what follows a call's closing parenthesis.

    Raises:
        Unreadable: it is no result.
    """
    found = _RESULT.match(text)
    if found is None:
        raise Unreadable("the call has no result")
    unknown, value, outer, name, number = found.groups()
    error = name.decode() if name else None
    if number:
        error = errorcode.get(int(number), number.decode())
    if unknown or (error and value == b"-1"):
        return Result(None, error)
    return Result(read_number(value), None, int(outer) if outer else None)


def read_string(text: bytes) -> tuple[bytes, bool]:
    r"""Return the bytes of a C string, and whether they are all: ``"a\n"``, ``"abc"...``.

    Of one that was cut off, the result ends in an ellipsis. Raises Unreadable for anything else.
    """
    found = _STRING.fullmatch(text)
    if found is None:
        raise Unreadable("no string")
    whole = text.endswith(b'"')
    inner = text[1:-1] if whole else text[1:-4]
    data = _ESCAPE.sub(_unescape, inner) if b"\\" in inner else inner
    return (data if whole else data + CUT), whole


def _unescape(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, char = found.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    return _NAMED.get(char, char)


def read_strings(text: bytes) -> tuple[list[bytes] | None, bool]:
    """Return the strings of an array, and whether they are all and whole.

    None where it is no array (an address, say, as the array could not be read).
    """
    if not text.startswith(b"["):
        return None, False
    try:
        parts, _rest = split_call(text[1:])
    except Unreadable:
        return None, False
    found: list[bytes] = []
    whole = True
    for part in parts:
        if part.startswith(b"..."):
            found.append(CUT)
            whole = False
            continue
        try:
            data, complete = read_string(part)
        except Unreadable:
            data, complete = CUT, False
        found.append(data)
        whole &= complete
    return found, whole


def read_number(text: bytes) -> int | None:
    """Return the number that an argument begins with, None if it begins with none."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    digits = found[0]
    number = int(digits, 16) if b"x" in digits.lower() else int(digits)
    return number if abs(number) < 1 << 63 else None


def read_words(text: bytes) -> list[str]:
    """Return the names and numbers that ``A|B|0x10`` joins; comments are left out."""
    plain = _COMMENT.sub(b"", text) if text.count(b"/*") < 10 else text
    return [w.strip().decode("ascii", "replace") for w in plain.split(b"|") if w.strip()]


def decoration(text: bytes) -> bytes | None:
    """Return what ``-y`` prints of a descriptor, ``path`` of ``3<path>``; None without it."""
    found = re.match(rb"-?\w+<(.*)>$", text, re.DOTALL)
    return _ESCAPE.sub(_unescape, found[1]) if found else None


def fields(text: bytes) -> dict[bytes, bytes]:
    """Return the members of a struct, ``{a=1, b=2}``, by name; of an unreadable one, none."""
    if not text.startswith(b"{"):
        return {}
    try:
        parts, _rest = split_call(text[1:])
    except Unreadable:
        return {}
    pairs = (part.partition(b"=") for part in parts)
    return {name: value for name, equals, value in pairs if equals}
