"""attach: processes that run already are traced as they stand, and run on untouched."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forktrace.model.build import build_launch
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration import programs
from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    Forktrace,
    alive,
    read_records,
    status_field,
    wait_until,
)

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return what starts a command that is ended, by pid, after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def run(*command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
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


def test_what_it_starts_is_traced_until_a_signal_ends_the_wait(
    forktrace: Forktrace, start: Start
) -> None:
    shell = start(*SHELL)
    assert shell.stdin is not None
    assert shell.stdout is not None
    tracer, trace = attach(forktrace, "-p", str(shell.pid))
    wait_until(lambda: is_traced(shell.pid), "the shell is traced")
    shell.stdin.write(b"7\n")
    shell.stdin.flush()
    assert shell.stdout.readline() == b"done 7\n"
    tracer.send_signal(signal.SIGINT)
    _out, err = tracer.communicate(timeout=PATIENCE)
    assert tracer.returncode == 0, err
    assert not is_traced(shell.pid)
    assert alive(shell.pid)
    launch = build_launch(read_trace(trace))
    first, child = launch.inside
    assert (first.pid, first.attached, first.name) == (shell.pid, True, "sh")
    assert (child.attached, child.creator, child.parent) == (False, "p1", "p1")
    assert child.exit is not None
    assert child.exit.code == 7
    assert launch.end is not None
    assert (launch.end.reason, launch.end.left) == ("signal", [shell.pid])


def test_descendants_only_on_request(forktrace: Forktrace, start: Start) -> None:
    shell = start("sh", "-c", "sleep 300 & echo $!; wait")
    assert shell.stdout is not None
    sleeper = int(shell.stdout.readline())
    seen = {}
    for option in ((), ("--children",)):
        tracer, trace = attach(forktrace, "-p", str(shell.pid), "--for", "0.3", *option)
        _out, err = tracer.communicate(timeout=PATIENCE)
        assert tracer.returncode == 0, err
        seen[option] = [r["pid"] for r in read_records(trace) if r["event"] == "process"]
    os.kill(sleeper, signal.SIGKILL)
    assert seen == {(): [shell.pid], ("--children",): [shell.pid, sleeper]}


def test_it_ends_with_the_last_process(forktrace: Forktrace, start: Start) -> None:
    shell = start(*SHELL)
    assert shell.stdin is not None
    tracer, trace = attach(forktrace, "-p", str(shell.pid))
    wait_until(lambda: is_traced(shell.pid), "the shell is traced")
    shell.stdin.close()
    shell.stdin = None
    _out, err = tracer.communicate(timeout=PATIENCE)
    assert tracer.returncode == 0, err
    assert read_records(trace)[-1]["reason"] == "exited"


def test_every_thread_is_seized(forktrace: Forktrace, start: Start) -> None:
    code = (
        "import threading, time, sys\n"
        "new = lambda: threading.Thread(target=time.sleep, args=(60,), daemon=True)\n"
        "threads = [new() for _ in range(5)]\n"
        "[t.start() for t in threads]\n"
        "print(*sorted(t.native_id for t in threads), flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = start(sys.executable, "-c", code)
    assert process.stdout is not None
    tids = [int(word) for word in process.stdout.readline().split()]
    tracer, trace = attach(forktrace, "-p", str(process.pid), "--for", "0.3")
    _out, err = tracer.communicate(timeout=PATIENCE)
    assert tracer.returncode == 0, err
    recorded = [r["tid"] for r in read_records(trace) if r["event"] == "thread"]
    assert sorted(recorded) == tids


@pytest.mark.compiler
def test_no_hang_on_a_process_in_the_middle_of_an_exec(
    forktrace: Forktrace, start: Start, tmp_path: Path, missing: Missing
) -> None:
    storm = programs.command("exec_storm", tmp_path, missing)
    process = start(*storm, "1000000")
    for _ in range(15):
        tracer, trace = attach(forktrace, "-p", str(process.pid), "--for", "0.05")
        _out, err = tracer.communicate(timeout=PATIENCE)
        assert tracer.returncode == 0, err
        assert read_records(trace)[-1]["event"] == "end"
        assert process.poll() is None


def test_no_such_process(forktrace: Forktrace) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    done = forktrace("attach", "-p", str(ended.pid))
    assert done.status == 1
    assert done.err == (
        f"forktrace: no process has the pid {ended.pid} here: 'ps ax' lists those that run\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give up a capability")
def test_a_process_that_may_not_be_traced(
    forktrace: Forktrace, start: Start, missing: Missing
) -> None:
    if shutil.which("setpriv") is None:
        missing("setpriv (util-linux) is not installed")
    process = start("sleep", "300")
    line = ("setpriv", "--bounding-set=-sys_ptrace", "--", *FORKTRACE, "attach", "-p")
    done = subprocess.run(
        [*line, str(process.pid)], env=forktrace.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 125
    assert done.stderr.startswith(f"forktrace: pid {process.pid}: ptrace is not permitted here: ")
    assert done.stderr.count("\n") == 1
    assert list(forktrace.state.glob("*.jsonl")) == []
