"""Find the engines and runtimes that are installed, with their versions. None is needed."""

import os
import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from forktrace.capture.preflight import Check, is_file

PROGRAMS = (
    "podman", "docker", "buildah", "conmon", "runc", "crun", "bwrap", "systemd-nspawn",
)  # fmt: skip

# Where engines look although an ordinary user's PATH may not name it
# (podman: containers.conf(5), conmon_path and runtimes).
_MORE_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/libexec/podman", "/usr/lib/podman")
_PATIENCE = 5.0  # seconds for a program to say its version
_VERSION = re.compile(r"\d[\w.+~-]*")


def engine_checks() -> list[Callable[[], Check]]:
    """Return a check for each program."""
    return [partial(_program, name) for name in PROGRAMS]


def _program(name: str) -> Check:
    path = _find(name)
    if path is None:
        return Check(name, "info", "not found")
    version = _version(path)
    if version is None:
        return Check(name, "unknown", f"{path}, which does not tell its version")
    return Check(name, "ok", f"{version}, {path}")


def _find(name: str) -> str | None:
    for folder in (*os.get_exec_path(), *_MORE_FOLDERS):
        path = Path(folder, name)
        if is_file(path) and os.access(path, os.X_OK):
            return str(path)
    return None


def _version(path: str) -> str | None:
    """Ask a program for its version: the first number in the first line that has one."""
    try:
        done = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout.decode(errors="replace")[:4096])
    return found[0] if found and done.returncode == 0 else None
