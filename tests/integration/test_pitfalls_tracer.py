"""Pitfalls of being a tracer: start, signals, streams, end; each handled, and noticed if not."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration import programs
from tests.integration.harness import (
    WAIT_FOR,
    alive,
    finish,
    python,
    read_records,
    wait_until,
)
from tests.integration.pitfalls import Tracer, alone, without

EndLater = Callable[[int], None]


def line_of(process: subprocess.Popen[bytes], tracer: Tracer) -> bytes:
    """Return the next line that the command writes, b"" at the end of its output."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], tracer.patience)
    assert ready, "neither output nor its end came"
    return process.stdout.readline()


CALLS = ("--detail", "syscalls")


@without("serve-in-turns", "all-busy")
def test_busy_processes_keep_nobody_waiting(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("busy"), "0.2", options=CALLS)
    assert [p.exit.signal for p in run.launch.inside if p.exit] == [None, *["SIGKILL"] * 3]


def are_busy(trace: Path) -> bool:
    """Say whether the three children have asked to be killed with their parent (prctl)."""
    return [r["event"] for r in read_records(trace)].count("call") == 3


@without("signals-while-busy", "all-busy")
def test_busy_processes_keep_no_signal_waiting(tracer: Tracer) -> None:
    process, trace = tracer.start_recording(*tracer.program_of("busy"), "1000", options=CALLS)
    wait_until(lambda: trace.exists() and are_busy(trace), "three children are busy")
    process.terminate()
    process.communicate(timeout=tracer.patience)
    assert process.returncode == 128 + signal.SIGTERM
    assert read_records(trace)[-1]["event"] == "end"


@without("seize-before-exec")
def test_the_command_executes_nothing_untraced(tracer: Tracer) -> None:
    run = tracer.trace("true", "a", "b")
    assert [p.argv for p in run.launch.inside] == [["true", "a", "b"]]


# Forks in bursts, each of which ends with all its children reaped.
BURSTS = """
import os
for _ in range(12):
    for _ in range(10):
        if os.fork() == 0:
            os._exit(0)
    for _ in range(10):
        os.wait()
    print("{}", flush=True)
"""


@without("drain-all-reports")
def test_the_tracer_is_stopped_and_continued(tracer: Tracer) -> None:
    process, trace = tracer.start_recording(*python(BURSTS))
    for _ in range(3):
        assert line_of(process, tracer) == b"{}\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGCONT)
    process.communicate(timeout=tracer.patience)
    records = read_records(trace)
    assert process.returncode == 0
    assert records[-1] == {**records[-1], "event": "end", "reason": "exited"}
    assert len([r for r in records if r["event"] == "exit"]) == 121


@without("only-own-tracees")
def test_a_child_that_forktrace_was_born_with(tracer: Tracer, end_later: EndLater) -> None:
    script = 'sleep 100 >/dev/null 2>&1 & echo "{\\"child\\": $!}"; exec "$@"'
    tracer.program = ("sh", "-c", script, "sh", *tracer.program)
    process, trace = tracer.start_recording("true", options=("--linger", "inf"))
    other = programs.report(line_of(process, tracer))[0]["child"]
    end_later(other)
    process.communicate(timeout=tracer.patience)
    assert read_records(trace)[-1]["event"] == "end"
    assert alive(other)


@without("no-exitkill")
def test_a_killed_tracer_kills_nobody(tracer: Tracer, end_later: EndLater) -> None:
    process, _trace = tracer.start_recording("sh", "-c", 'echo "{\\"pid\\": $$}"; exec sleep 100')
    pid = programs.report(line_of(process, tracer))[0]["pid"]
    end_later(pid)
    process.kill()
    process.wait()
    time.sleep(0.1)  # a kill by the kernel takes less
    assert alive(pid)


@without("detach-by-ending")
def test_the_end_of_tracing_interrupts_no_call(tracer: Tracer) -> None:
    command = tracer.program_of("epoll")
    result = tracer.record(*command, options=("--linger", "0"))
    assert programs.report(result.out) == [{"ready": 0, "errno": 0}]


# Counts the keyboard's signal as it comes, and ends at the end of its input.
INTERRUPTED = f"""{WAIT_FOR}
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
os.write(1, b"up\\n")
wait_for(0)
os._exit(7)
"""


@without("own-signals-blocked")
def test_a_signal_from_the_keyboard(tracer: Tracer) -> None:
    process, trace = tracer.start_recording(*python(INTERRUPTED))
    assert line_of(process, tracer) == b"up\n"
    os.killpg(process.pid, signal.SIGINT)
    assert line_of(process, tracer) == b"interrupted\n"
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    status, _out, _err = finish(process)
    assert status == 7
    assert read_records(trace)[-1]["event"] == "end"


@without("dispositions-restored")
def test_what_the_command_inherits_of_signals(tracer: Tracer) -> None:
    command = ("grep", "^Sig[BIC]", "/proc/self/status")  # blocked, ignored, caught
    assert tracer.record(*command).out == alone(*command)


@without("streams-released")
def test_the_command_can_close_its_output(tracer: Tracer) -> None:
    process, trace = tracer.start_recording("sh", "-c", "exec >&-; read x; exit 4")
    assert line_of(process, tracer) == b""
    assert process.poll() is None
    assert process.stdin is not None
    process.stdin.close()
    wait_until(lambda: process.poll() is not None, "forktrace has ended")
    assert process.returncode == 4
    assert read_records(trace)[-1]["event"] == "end"
