"""Damage traces in ways that a disk, an editor or an enemy might."""

import random
import re
from collections.abc import Callable

Mutation = Callable[[random.Random, bytes], bytes]

_NUMBERS = [b"0", b"-1", b"1", b"2147483648", b"1e999", b"99999999999999999999", b"null", b"1.5"]
_TEXTS = [
    b'""',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"</script>]]>"',
    b'{"b64":"//8="}',
    b'{"b64":"!"}',
    b"[]",
]


def flip_a_byte(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def cut_off(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def remove_a_part(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randrange(200) :]


def _on_lines(change: Callable[[random.Random, list[bytes]], None]) -> Mutation:
    def mutation(chance: random.Random, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        change(chance, lines)
        return b"".join(lines)

    mutation.__name__ = change.__name__
    return mutation


def remove_a_line(chance: random.Random, lines: list[bytes]) -> None:
    del lines[chance.randrange(len(lines))]


def repeat_a_line(chance: random.Random, lines: list[bytes]) -> None:
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))


def swap_lines(chance: random.Random, lines: list[bytes]) -> None:
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def shuffle(chance: random.Random, lines: list[bytes]) -> None:
    rest = lines[1:]
    chance.shuffle(rest)
    lines[1:] = rest


def another_number(chance: random.Random, data: bytes) -> bytes:
    return _replace_one(chance, data, rb":(\d+)", b":" + chance.choice(_NUMBERS))


def another_pid(chance: random.Random, data: bytes) -> bytes:
    """Let an event be about another process of the same trace."""
    pids = re.findall(rb'"(?:pid|child|ppid)":(\d+)', data)
    pattern = rb'"(?:pid|child|ppid|previous|death|tid)":\d+'
    found = list(re.finditer(pattern, data))
    if not found or not pids:
        return data
    match = chance.choice(found)
    key, pid = match.group().split(b":")[0], chance.choice(pids)
    return bytes(data[: match.start()] + key + b":" + pid + data[match.end() :])


def another_text(chance: random.Random, data: bytes) -> bytes:
    return _replace_one(chance, data, rb':"[^"]*"', b":" + chance.choice(_TEXTS))


def _replace_one(chance: random.Random, data: bytes, pattern: bytes, new: bytes) -> bytes:
    found = list(re.finditer(pattern, data))
    if not found:
        return data
    match = chance.choice(found)
    return data[: match.start()] + new + data[match.end() :]


MUTATIONS: list[Mutation] = [
    flip_a_byte,
    cut_off,
    remove_a_part,
    _on_lines(remove_a_line),
    _on_lines(repeat_a_line),
    _on_lines(swap_lines),
    _on_lines(shuffle),
    another_number,
    another_pid,
    another_text,
]


def mutated(seed: int, data: bytes) -> bytes:
    """Return ``data`` damaged by one to four mutations; the same seed does the same damage."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        if data:
            data = chance.choice(MUTATIONS)(chance, data)
    return data
