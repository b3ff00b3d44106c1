"""Which functions a program names: of real programs, and of damaged ones."""

import os
import random
import shutil
from pathlib import Path

import pytest

from forktrace.capture.elf import names_function


def ask(path: str | Path, name: bytes) -> bool:
    fd = os.open(path, os.O_RDONLY)
    try:
        return names_function(fd, name)
    finally:
        os.close(fd)


def test_a_program_names_what_it_calls() -> None:
    program = shutil.which("env")  # it executes what it is given, and traces nobody
    assert program is not None
    assert ask(program, b"execvp")
    assert not ask(program, b"ptrace")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF" + bytes(100)])
def test_what_is_no_program_names_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert not ask(file, b"ptrace")


def test_damaged_programs_do_no_harm(tmp_path: Path) -> None:
    program = shutil.which("env")
    assert program is not None
    whole = Path(program).read_bytes()
    file = tmp_path / "file"
    chance = random.Random(7)
    file.write_bytes(whole)
    with file.open("r+b", buffering=0) as writable:
        for _ in range(2000):
            at, size = chance.randrange(1200), chance.choice((1, 2, 8))
            writable.seek(at)
            writable.write(chance.choice((chance.randbytes(size), b"\xff" * size)))
            assert not ask(file, b"no such function")
            writable.seek(at)
            writable.write(whole[at : at + size])
