"""attach: what is said where tracing fails, where nothing is left to trace, and of itself."""

import os
import re
import resource
import signal
import sys

from tests.integration.attaching import SHELL, Start, attach, is_traced
from tests.integration.attaching import start_fixture as start_fixture
from tests.integration.harness import (
    Forktrace,
    alive,
    end_process,
    finish,
    read_line,
    read_records,
    status_field,
    the_sentence,
    wait_until,
)
from tests.integration.pitfalls import BROKEN


def test_a_trace_that_can_not_be_written(forktrace: Forktrace, start: Start) -> None:
    shell = start(*SHELL)
    trace = forktrace.trace_path()
    limits = (1024, 1024)
    tracer = forktrace.start(
        *("attach", "-q", "-o", str(trace), "-p", str(shell.pid), "--for", "0.1"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
    )
    status, _out, err = finish(tracer)
    said = f"forktrace: the trace is not complete: File too large ({trace})"
    assert (status, err.splitlines()[0]) == (1, said)
    assert alive(shell.pid)


def test_a_tracing_process_that_is_killed(forktrace: Forktrace, start: Start) -> None:
    shell = start(*SHELL)
    tracer, trace = attach(forktrace, "-p", str(shell.pid))
    wait_until(lambda: trace.exists() and len(read_records(trace)) > 2, "the shell is recorded")
    os.kill(int(status_field(shell.pid, "TracerPid") or ""), signal.SIGKILL)
    status, _out, err = finish(tracer)
    said = (
        "forktrace: tracing ended before it should (the tracing process was killed by SIGKILL); "
        "please report this"
    )
    assert (status, err.splitlines()[0]) == (1, said)
    assert alive(shell.pid)


def test_a_fault_of_ours(forktrace: Forktrace, start: Start) -> None:
    shell = start(*SHELL)
    assert shell.stdin is not None
    forktrace.program = (*BROKEN, "-", "recorder-fails")
    tracer, trace = attach(forktrace, "-p", str(shell.pid))
    wait_until(lambda: is_traced(shell.pid), "the shell is traced")
    shell.stdin.write(b"1\n2\n3\n")
    shell.stdin.flush()
    status, _out, err = finish(tracer)
    said = (
        r"forktrace: tracing ended before it should \(RuntimeError: a fault on purpose, "
        r"at forktrace/capture/\w+\.py:\d+\); please report this"
    )
    assert status == 1
    assert re.fullmatch(said, err.splitlines()[0])
    assert [read_line(shell) for _ in range(3)] == [b"done 1\n", b"done 2\n", b"done 3\n"]
    assert [r["event"] for r in read_records(trace)].count("exec") == 2  # the shell's and one more


def test_a_process_that_has_ended_already(forktrace: Forktrace) -> None:
    zombie = os.fork()
    if zombie == 0:
        os._exit(0)
    os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
    done = forktrace("attach", "-p", str(zombie))
    os.waitpid(zombie, 0)
    assert done.status == 1
    assert the_sentence(done.err) == f"there is nothing to trace: pid {zombie} has ended already"
    assert list(forktrace.state.glob("*.jsonl")) == []


def test_its_own_ancestor_with_all_descendants(forktrace: Forktrace, start: Start) -> None:
    sleeper = start("sleep", "300")
    trace = forktrace.trace_path()
    script = '"$@" --children -p $$ --for 0.2; exit $?'
    forktrace.program = ("sh", "-c", script, "sh", sys.executable, "-m", "forktrace")
    shell = forktrace.start("attach", "-q", "-o", str(trace), "-p", str(sleeper.pid))
    status, _out, err = finish(shell)
    assert status == 0, err
    records = read_records(trace)
    found = [r["pid"] for r in records if r["event"] == "process"]
    assert sorted(found) == sorted([shell.pid, sleeper.pid])
    assert records[-1]["left"] == found
    end_process(sleeper.pid)
