"""attach: processes that run already are traced as they stand, and run on untouched."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from forktrace.model.build import build_launch
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration import programs
from tests.integration.attaching import SHELL, Start, attach, is_traced
from tests.integration.attaching import start_fixture as start_fixture
from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    Forktrace,
    alive,
    read_records,
    wait_until,
)
from tests.integration.pitfalls import Tracer, without


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
@pytest.mark.parametrize("detail", ["minimal", "events", "syscalls"])
def test_what_is_created_while_all_is_seized_is_one_process(
    forktrace: Forktrace, start: Start, tmp_path: Path, missing: Missing, detail: str
) -> None:
    forker = start(*programs.command("forker", tmp_path, missing))
    options = ("--children", "--for", "0.3", "--detail", detail)
    tracer, trace = attach(forktrace, "-p", str(forker.pid), *options)
    _out, err = tracer.communicate(timeout=PATIENCE)
    assert tracer.returncode == 0, err
    told = Counter(r["pid"] for r in read_records(trace) if r["event"] == "process")
    assert [pid for pid, count in told.items() if count > 1] == []
    launch = build_launch(read_trace(trace))
    assert launch.warnings == []
    seen = Counter(p.pid for p in launch.inside)
    assert [pid for pid, count in seen.items() if count > 1] == []
    born = [p for p in launch.inside if not p.attached]
    assert {p.creator for p in born} == {"p1"}


@pytest.mark.compiler
@without("settle-at-the-end", order="creators-at-the-end")
def test_what_was_created_last_has_a_creator(start: Start, tracer: Tracer) -> None:
    forker = start(*tracer.program_of("forker"))
    attached, trace = attach(tracer, "-p", str(forker.pid), "--for", "0.3")
    _out, err = attached.communicate(timeout=tracer.patience)
    assert attached.returncode == 0, err
    born = [p for p in build_launch(read_trace(trace)).inside if not p.attached]
    assert {p.creator for p in born} == {"p1"}


@pytest.mark.compiler
@without("watch-the-seizing", order="exec-while-seizing")
def test_no_hang_on_a_process_in_the_middle_of_an_exec(start: Start, tracer: Tracer) -> None:
    process = start(*tracer.program_of("exec_storm"), "1000000")
    attached, trace = attach(tracer, "-p", str(process.pid), "--for", "0.05")
    _out, err = attached.communicate(timeout=tracer.patience)
    assert attached.returncode == 0, err
    assert read_records(trace)[-1]["event"] == "end"
    assert process.poll() is None


@pytest.mark.compiler
def test_a_process_that_executes_itself_again_and_again(
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
