"""Find the tiny programs that are traced, one a behaviour, and build those that are in C.

Each says on standard output, one JSON object a line, what it knows of itself from the kernel.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import Missing

SOURCES = Path(__file__).parent / "programs"
UNSUPPORTED = 77
"""The exit code of a program that finds that this machine doesn't permit what it shows."""
THIRTY_TWO_BIT = {"x86_64": "i386", "aarch64": "arm"}
"""The name of the 32-bit program that a 64-bit kernel runs."""

_OPTIONS = ("-O1", "-Wall", "-Wextra", "-Werror", "-pthread")
# What needs no 32-bit C library: few machines have one.
_BARE = ("-m32", "-O1", "-static", "-nostdlib", "-ffreestanding", "-fno-pic", "-no-pie")
# "fault" runs in a container, which has no C library.
_OPTIONS_OF = {"i386": _BARE, "fault": (*_OPTIONS, "-static")}


@functools.cache
def compiler() -> str | None:
    found = (shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang"))
    return next(filter(None, found), None)


def command(name: str, directory: Path, missing: Missing, sources: Path = SOURCES) -> list[str]:
    """Return the command line of the program ``name``, built into ``directory`` where it is in C.

    Where there is no C compiler that is ``missing``.
    """
    script = sources / f"{name}.py"
    if script.exists():
        return [sys.executable, "-IS", str(script)]
    found = compiler()
    if found is None:
        missing("no C compiler (cc, gcc or clang) to build the program with")
    binary = directory / name
    options = _OPTIONS_OF.get(name, _OPTIONS)
    subprocess.run([found, *options, "-o", binary, sources / f"{name}.c"], check=True)
    return [str(binary)]


def report(output: bytes) -> list[dict[str, Any]]:
    """Read what a program has said of itself."""
    return [json.loads(line) for line in output.splitlines()]


def said(lines: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Return the one line that has ``key``."""
    (line,) = (line for line in lines if key in line)
    return line
