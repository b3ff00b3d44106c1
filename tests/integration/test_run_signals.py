"""Signals: the command gets each exactly once, whoever it was sent to, and its status wins."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.integration.harness import (
    WAIT_FOR,
    Forktrace,
    alive,
    end_process,
    exit_of,
    finish,
    python,
    read_line,
    read_records,
    sleeps_as,
    status_field,
    the_root,
    wait_until,
)

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)

# Says each signal that it gets; ends with 7 at a line on standard input.
LISTENER = f"""{WAIT_FOR}
import sys
def tell(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, tell)
os.write(1, b"up %d\\n" % os.getpid())
wait_for(0)
sys.stdin.readline()
sys.exit(7)
"""


def start(
    forktrace: Forktrace, code: str, *, options: Sequence[str] = ()
) -> tuple[subprocess.Popen[bytes], Path, int]:
    """Trace Python code in a process group of its own; returns also the command's pid."""
    process, trace = forktrace.start_recording(*python(code), options=options, process_group=0)
    word, pid = read_line(process).split()
    assert word == b"up"
    return process, trace, int(pid)


def was_taken(process: subprocess.Popen[bytes], number: signal.Signals) -> Callable[[], bool]:
    """Say whether forktrace has nothing pending of this signal: it has looked at it."""

    def taken() -> bool:
        pending = int(status_field(process.pid, "ShdPnd:") or "0", 16)
        return not pending >> (number - 1) & 1

    return taken


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sent_to_forktrace_alone(forktrace: Forktrace, number: signal.Signals) -> None:
    process, _, _ = start(forktrace, LISTENER)
    for _ in range(3):
        process.send_signal(number)
        assert read_line(process) == number.name.encode() + b"\n"
    assert finish(process)[:2] == (7, b"")


@pytest.mark.parametrize(
    ("shared", "marker"),
    [(signal.SIGTERM, signal.SIGHUP), (signal.SIGHUP, signal.SIGTERM)],
)
def test_sent_to_the_process_group(
    forktrace: Forktrace, shared: signal.Signals, marker: signal.Signals
) -> None:
    """Twenty times: after the shared one another goes to forktrace alone, passed on in order."""
    process, _, _ = start(forktrace, LISTENER)
    got = []
    for _ in range(20):
        os.killpg(process.pid, shared)
        got.append(read_line(process))
        wait_until(was_taken(process, shared), "forktrace has taken the signal")
        process.send_signal(marker)
        got.append(read_line(process))
    assert got == [s.name.encode() + b"\n" for s in (shared, marker)] * 20
    assert finish(process)[:2] == (7, b"")


@pytest.mark.parametrize("first", ["forktrace", "command"])
def test_sent_to_both_in_turn(forktrace: Forktrace, first: str) -> None:
    """As systemd does, which sends TERM to every process of a unit."""
    process, _, pid = start(forktrace, LISTENER)
    for target in (process.pid, pid) if first == "forktrace" else (pid, process.pid):
        os.kill(target, signal.SIGTERM)
    assert read_line(process) == b"SIGTERM\n"
    wait_until(was_taken(process, signal.SIGTERM), "forktrace has taken the signal")
    process.send_signal(signal.SIGHUP)
    assert read_line(process) == b"SIGHUP\n"
    assert finish(process)[:2] == (7, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_from_the_keyboard(forktrace: Forktrace, number: signal.Signals) -> None:
    """The command gets it by itself; forktrace goes on until the command has ended."""
    process, trace, pid = start(forktrace, LISTENER)
    for _ in range(5):
        os.killpg(process.pid, number)
        assert read_line(process) == number.name.encode() + b"\n"
    process.send_signal(number)  # to forktrace alone: it is dropped
    wait_until(was_taken(process, number), "forktrace has taken the signal")
    assert finish(process)[:2] == (7, b"")
    records = read_records(trace)
    assert records[-1]["reason"] == "exited"
    assert exit_of(records, pid)["code"] == 7


@pytest.mark.parametrize("number", SIGNALS)
def test_the_command_ends_by_a_signal_to_the_group(
    forktrace: Forktrace, number: signal.Signals
) -> None:
    process, trace, pid = start(
        forktrace,
        "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "os.write(1, b'up %d\\n' % os.getpid()); signal.pause()",
    )
    os.killpg(process.pid, number)
    assert finish(process)[0] == 128 + number
    assert exit_of(read_records(trace), pid)["signal"] == number.name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_does_not_handle_it_ends_by_it(
    forktrace: Forktrace, number: signal.Signals
) -> None:
    process, trace = forktrace.start_recording("sh", "-c", "echo up; exec sleep 1000")
    assert read_line(process) == b"up\n"
    process.send_signal(number)
    assert finish(process)[0] == 128 + number
    assert exit_of(read_records(trace), the_root(read_records(trace)))["signal"] == number.name


def test_a_command_that_handles_it_and_ends(forktrace: Forktrace) -> None:
    process, _, _ = start(
        forktrace,
        f"{WAIT_FOR}\nimport sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7));"
        "os.write(1, b'up %d\\n' % os.getpid()); wait_for()",
    )
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 7


def test_a_command_that_blocks_it(forktrace: Forktrace) -> None:
    process, _, _ = start(
        forktrace,
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]);"
        "os.write(1, b'up %d\\n' % os.getpid());"
        "sys.exit(7 if signal.sigwait([signal.SIGTERM]) else 1)",
    )
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 7


def test_a_command_that_ignores_it(forktrace: Forktrace) -> None:
    process, _, pid = start(
        forktrace,
        f"{WAIT_FOR}\nimport sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "signal.signal(signal.SIGHUP, lambda *_: os.write(1, b'HUP\\n'));"
        "os.write(1, b'up %d\\n' % os.getpid()); wait_for(0); sys.exit(7)",
    )
    process.send_signal(signal.SIGTERM)
    wait_until(was_taken(process, signal.SIGTERM), "forktrace has taken the signal")
    process.send_signal(signal.SIGHUP)
    assert read_line(process) == b"HUP\n"
    assert alive(pid)
    assert finish(process)[0] == 7


def test_sent_to_a_stopped_command(forktrace: Forktrace) -> None:
    process, _ = forktrace.start_recording("sh", "-c", "echo $$; exec sleep 1000")
    pid = int(read_line(process))
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: (status_field(pid, "State:") or "")[:1] in "Tt", "the command is stopped")
    process.send_signal(signal.SIGTERM)
    wait_until(
        lambda: int(status_field(pid, "ShdPnd:") or "0", 16) >> (signal.SIGTERM - 1) & 1,
        "the signal waits at the command",
    )
    os.kill(pid, signal.SIGCONT)
    assert finish(process)[0] == 143


def test_while_the_command_forks_without_pause(forktrace: Forktrace) -> None:
    """Stops that come without end must not keep forktrace from its signals."""
    loop = "(while :; do (:); done) &"
    command = f"trap 'kill $(jobs -p); exit 7' TERM; {loop * 6} echo up; wait; wait"
    process, _ = forktrace.start_recording("bash", "-c", command, options=["--linger", "0"])
    assert read_line(process) == b"up\n"
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 7


# Leaves a daemon that holds none of its streams, and says its pid.
LEAVE = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; exit 3"


def read_daemon(process: subprocess.Popen[bytes]) -> int:
    """Return the pid of what LEAVE leaves, once that has executed its program."""
    daemon = int(read_line(process))
    wait_until(lambda: sleeps_as(daemon, "sleep"), "the daemon has come up")
    return daemon


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_wait_for_what_is_left(
    forktrace: Forktrace, number: signal.Signals, end_later: Callable[[int], None]
) -> None:
    process, trace = forktrace.start_recording("sh", "-c", LEAVE, options=["--linger", "inf"])
    daemon = read_daemon(process)
    end_later(daemon)
    wait_until(lambda: has_ended(trace), "the command's end is in the trace")
    assert process.poll() is None
    process.send_signal(number)
    status, _, err = finish(process)
    assert status == 3
    assert f"sleep (pid {daemon})" in err
    assert alive(daemon)
    end = read_records(trace)[-1]
    assert (end["event"], end["reason"], end["left"]) == ("end", "signal", [daemon])


def test_a_signal_just_before_the_commands_end_ends_the_wait(
    forktrace: Forktrace, end_later: Callable[[int], None]
) -> None:
    """It was meant for the command, which ends by itself before it is passed on."""
    for _ in range(10):
        process, trace = forktrace.start_recording(
            "sh", "-c", f"{LEAVE.partition(';')[0]}; read x; exit 3", options=["--linger", "inf"]
        )
        end_later(read_daemon(process))
        process.send_signal(signal.SIGTERM)
        wait_until(was_taken(process, signal.SIGTERM), "forktrace has taken the signal")
        assert process.stdin is not None
        process.stdin.write(b"\n")
        wait_until(partial(has_ended, trace), "the command's end is in the trace")
        end = exit_of(read_records(trace), the_root(read_records(trace)))
        if "signal" not in end:
            assert finish(process)[0] == 3
            assert read_records(trace)[-1]["reason"] == "signal"
            return
        process.kill()  # it was passed on before: a slow moment of this machine
        finish(process)
    pytest.fail("the command never ended by itself")


def test_quit_does_not_end_the_wait(forktrace: Forktrace) -> None:
    process, trace = forktrace.start_recording("sh", "-c", LEAVE, options=["--linger", "inf"])
    daemon = read_daemon(process)
    wait_until(lambda: has_ended(trace), "the command's end is in the trace")
    process.send_signal(signal.SIGQUIT)
    wait_until(was_taken(process, signal.SIGQUIT), "forktrace has taken the signal")
    assert process.poll() is None
    end_process(daemon)
    assert finish(process)[0] == 3
    assert read_records(trace)[-1]["reason"] == "exited"


def has_ended(trace: Path) -> bool:
    records = read_records(trace)
    root = the_root(records)
    return any(r["event"] == "exit" and r["pid"] == root for r in records)
