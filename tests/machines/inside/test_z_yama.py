"""Yama's ptrace_scope, which Debian's kernels have: each refusal is one clear sentence.

The value 3 can't be taken back: its test is the last of a file that is named to come last.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.lab import Watched, call
from tests.integration.harness import PATIENCE, Result, the_sentence

pytestmark = pytest.mark.timeout(3 * PATIENCE)
SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


@pytest.fixture
def by_user(forktrace: Watched) -> Watched:
    """Return forktrace run by an ordinary user."""
    home = Path(tempfile.mkdtemp(dir="/var/tmp"))
    call("chown", "nobody:", str(home))
    forktrace.program = ("setpriv", "--reuid=nobody", "--clear-groups", "--", *forktrace.program)
    forktrace.env["XDG_STATE_HOME"] = str(home)
    forktrace.folder = home
    return forktrace


@pytest.fixture
def sleeper() -> Iterator[int]:
    """Start a program of that user's, beside forktrace; returns its pid."""
    command = ("setpriv", "--reuid=nobody", "--clear-groups", "--", "sleep", "1000")
    process = subprocess.Popen(command)
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
def scope() -> Iterator[Path]:
    before = SCOPE.read_text()
    yield SCOPE
    if SCOPE.read_text() != "3\n":
        SCOPE.write_text(before)


def attach(forktrace: Watched, pid: int) -> Result:
    return forktrace("attach", "-p", str(pid), "--for", "0.1")


def test_0_permits_all_of_the_user_s(by_user: Watched, scope: Path, sleeper: int) -> None:
    scope.write_text("0")
    assert attach(by_user, sleeper).status == 0
    assert by_user.record("true").status == 0


def test_0_permits_nothing_of_another_user_s(by_user: Watched, scope: Path) -> None:
    scope.write_text("0")
    done = attach(by_user, 1)
    assert done.status == 125
    assert "another user runs it; run forktrace as root" in the_sentence(done.err)


def test_1_permits_what_the_user_starts(by_user: Watched, scope: Path, sleeper: int) -> None:
    scope.write_text("1")
    assert by_user.record("true").status == 0
    done = attach(by_user, sleeper)
    assert done.status == 125
    assert "kernel.yama.ptrace_scope is 1" in the_sentence(done.err)
    assert "run forktrace as root" in the_sentence(done.err)


def test_2_permits_root_alone(by_user: Watched, scope: Path, sleeper: int) -> None:
    scope.write_text("2")
    for done in (by_user.record("true"), attach(by_user, sleeper)):
        assert done.status == 125
        assert "kernel.yama.ptrace_scope is 2" in the_sentence(done.err)
        assert "run forktrace as root" in the_sentence(done.err)
    by_user.program = by_user.program[4:]
    assert by_user.record("true").status == 0
    assert attach(by_user, sleeper).status == 0


def test_3_permits_nobody(forktrace: Watched, scope: Path, sleeper: int) -> None:
    scope.write_text("3")
    for done in (forktrace.record("true"), attach(forktrace, sleeper)):
        assert done.status == 125
        assert "kernel.yama.ptrace_scope is 3" in the_sentence(done.err)
        assert "next boot" in the_sentence(done.err)
    assert forktrace("doctor").status == 1
