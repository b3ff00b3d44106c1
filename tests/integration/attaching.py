"""Start what is attached to, and attach to it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.harness import Forktrace, status_field

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(name="start")
def start_fixture(tmp_path: Path) -> Iterator[Start]:
    """Return what starts a command that is ended, by pid, after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def run(*command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=tmp_path,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:  # what it started may hold its output open
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


SHELL = ("sh", "-c", 'while read line; do sh -c "exit $line"; echo "done $?"; done')


def attach(forktrace: Forktrace, *arguments: str) -> tuple[subprocess.Popen[bytes], Path]:
    trace = forktrace.trace_path()
    process = forktrace.start("attach", "-q", "-o", str(trace), *arguments)
    return process, trace


def is_traced(pid: int) -> bool:
    return status_field(pid, "TracerPid") not in (None, "0")
