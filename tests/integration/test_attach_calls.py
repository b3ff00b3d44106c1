"""attach: what depends on the system calls of processes that run already."""

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration import programs
from tests.integration.attaching import Start, attach, is_traced
from tests.integration.attaching import start_fixture as start_fixture
from tests.integration.harness import (
    Forktrace,
    finish,
    python,
    read_line,
    read_records,
    status_field,
    wait_until,
)

CALLS = """
import os, threading, time
def call():
    while True:
        os.kill(os.getpid(), 0)
        time.sleep(0.05)
threading.Thread(target=call, daemon=True).start()
print("ready", flush=True)
call()
"""


def test_calls_of_threads_that_run_on_are_recorded(forktrace: Forktrace, start: Start) -> None:
    process = start(*python(CALLS))
    assert read_line(process) == b"ready\n"
    tracer, trace = attach(forktrace, "-p", str(process.pid), "--detail", "syscalls")
    wait_until(lambda: len(callers(trace)) == 2, "calls of both threads are recorded")
    tracer.send_signal(signal.SIGINT)
    status, _out, err = finish(tracer)
    assert status == 0, err
    assert process.poll() is None


def callers(trace: Path) -> set[int]:
    """Return the threads of which a call is recorded."""
    records = read_records(trace) if trace.exists() else []
    return {int(r.get("tid") or r["pid"]) for r in records if r["event"] == "call"}


@pytest.mark.compiler
def test_calls_that_wait_go_on_waiting(
    forktrace: Forktrace, start: Start, tmp_path: Path, missing: Missing
) -> None:
    process = start(*programs.command("blocked", tmp_path, missing))
    assert process.stdin is not None
    assert read_line(process) == b'{"ready": 6}\n'
    options = ("--children", "--detail", "syscalls", "--for", "0.2")
    tracer, _trace = attach(forktrace, "-p", str(process.pid), *options)
    status, _out, err = finish(tracer)
    assert status == 0, err
    process.stdin.write(b"\n")
    process.stdin.flush()
    assert read_line(process) == b'{"failed": ""}\n'


def test_a_stopped_process_stays_stopped(forktrace: Forktrace, start: Start) -> None:
    process = start(*python(CALLS))
    assert read_line(process) == b"ready\n"
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: is_stopped(process.pid), "it has stopped")
    options = ("--detail", "syscalls", "--for", "0.5")
    tracer, trace = attach(forktrace, "-p", str(process.pid), *options)
    status, _out, err = finish(tracer)
    assert status == 0, err
    assert callers(trace) == set()
    # Let go of, it comes out of its stop for a moment, which no program can see.
    wait_until(lambda: is_stopped(process.pid), "it is still stopped")


def is_stopped(pid: int) -> bool:
    return (status_field(pid, "State:") or "").startswith("T")


@pytest.mark.compiler
def test_what_a_running_debugger_starts_is_left_to_it(
    forktrace: Forktrace, start: Start, tmp_path: Path, missing: Missing
) -> None:
    process = start(*programs.command("late_tracer", tmp_path, missing))
    assert process.stdin is not None
    tracer, trace = attach(forktrace, "-p", str(process.pid))
    wait_until(lambda: is_traced(process.pid), "the debugger is traced")
    process.stdin.write(b"\n")
    process.stdin.flush()
    (said,) = programs.report(read_line(process))
    status, _out, err = finish(tracer)
    assert status == 0, err
    assert said["errno"] == 0
    released = [r["pid"] for r in read_records(trace) if r["event"] == "released"]
    assert released == [said["child"]]
