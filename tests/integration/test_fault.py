"""A fault inside forktrace: the command does not notice, and what was recorded is kept."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration.harness import (
    WAIT_FOR,
    finish,
    python,
    read_line,
    read_records,
    wait_until,
)
from tests.integration.pitfalls import Tracer

DETAILS = [
    (),
    ("--detail", "syscalls"),
    pytest.param(
        ("--detail", "syscalls", "--seccomp"),
        marks=pytest.mark.skipif(os.geteuid() != 0, reason="a filter needs root"),
    ),
]


@pytest.fixture
def faulty(tmp_path: Path, builds: Path, missing: Missing) -> Iterator[Tracer]:
    """Return a forktrace that fails at the first exec after the command's own."""
    made = Tracer(tmp_path, builds, missing, "-", "recorder-fails")
    yield made
    made.close()


@pytest.mark.parametrize("options", DETAILS)
def test_the_command_runs_on_to_its_own_status(faulty: Tracer, options: tuple[str, ...]) -> None:
    script = "echo one; /bin/echo two; /bin/true; (exit 5); echo $?; setsid true; exit 3"
    done = faulty.record("sh", "-c", script, options=options)
    assert (done.status, done.out) == (3, b"one\ntwo\n5\n")
    assert "RuntimeError: a fault on purpose" in done.err
    assert "please report this" in done.err
    assert [r["event"] for r in done.records].count("exec") == 1  # what was before the fault


@pytest.mark.parametrize("options", DETAILS)
def test_a_child_goes_on_whose_birth_is_not_recorded(
    tmp_path: Path, builds: Path, missing: Missing, options: tuple[str, ...]
) -> None:
    tracer = Tracer(tmp_path, builds, missing, "-", "births-fail")
    done = tracer.record("sh", "-c", "/bin/echo child; exit 4", options=options)
    tracer.close()
    assert (done.status, done.out) == (4, b"child\n")
    assert "RuntimeError: a fault on purpose" in done.err


@pytest.mark.parametrize("options", DETAILS)
def test_a_command_that_succeeds_while_forktrace_fails(
    faulty: Tracer, options: tuple[str, ...]
) -> None:
    done = faulty.record("sh", "-c", "/bin/true; exit 0", options=options)
    assert done.status == 125


@pytest.mark.parametrize("options", DETAILS)
def test_signals_still_reach_the_command(
    faulty: Tracer, options: tuple[str, ...], end_later: Callable[[int], None]
) -> None:
    code = f"""{WAIT_FOR}
import sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
os.spawnv(os.P_WAIT, "/bin/true", ["true"])
os.write(1, b"up %d\\n" % os.getpid())
wait_for()
"""
    process, trace = faulty.start_recording(*python(code), options=options)
    end_later(int(read_line(process).split()[1]))
    wait_until(lambda: read_records(trace), "the trace has begun")
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 7
