"""Pitfalls of signals, group-stops and job control: each handled, and noticed if not."""

import sys
from collections.abc import Iterator

import pytest

from tests.integration.harness import Forktrace, python
from tests.integration.pitfalls import Tracer, alone, without
from tests.integration.test_run_terminal import PROMPT, Terminal, status_at_prompt

# Tells what a parent sees of a child that stops and goes on, for each of the stopping signals.
STOPS = """
import os, select, signal
BOTH = os.WUNTRACED | os.WCONTINUED
for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
    (go, writing), (reading, on) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)  # else it is in an orphaned group, where only SIGSTOP stops
        os.kill(os.getpid(), number)
        os.write(on, b"x")
        os.read(go, 1)
        os._exit(3)
    status = os.waitpid(child, BOTH)[1]
    print(number, "stopped", os.WIFSTOPPED(status) and os.WSTOPSIG(status))
    print("runs on", select.select([reading], [], [], 0.1)[0] != [])
    os.kill(child, signal.SIGCONT)
    print("continued", os.WIFCONTINUED(os.waitpid(child, BOTH)[1]), os.read(reading, 1))
    os.write(writing, b"x")
    print("exit", os.waitstatus_to_exitcode(os.waitpid(child, BOTH)[1]))
"""


@without("listen-in-group-stop")
def test_a_group_stop_lasts(tracer: Tracer) -> None:
    command = python(STOPS)
    assert tracer.trace(*command).result.out == alone(*command)


@without("continue-after-group-stop")
def test_a_group_stop_ends(tracer: Tracer) -> None:
    command = python(STOPS)
    assert tracer.trace(*command).result.out == alone(*command)


@without("sigtrap-is-a-signal")
def test_sigtrap(tracer: Tracer) -> None:
    command = tracer.program_of("siginfo")
    assert tracer.trace(*command).result.out == alone(*command)


@without("same-siginfo")
def test_siginfo(tracer: Tracer) -> None:
    command = tracer.program_of("siginfo")
    assert tracer.trace(*command).result.out == alone(*command)


BASH = ("bash", "--norc", "--noprofile", "--noediting", "-i")


WAIT = (
    """import time; print("up", flush=True); time.sleep(0.4); print("late"); raise SystemExit(7)"""
)


def use_job_control(terminal: Terminal) -> None:
    """Type what a person types, at a shell; each key must do what it does without a tracer."""
    terminal.expect(PROMPT)
    terminal.type("stty -echo\n")
    terminal.expect(PROMPT)
    terminal.type("sh -c 'echo up; exec sleep 1000'\n")
    terminal.expect("up")
    terminal.type("\x03")
    assert status_at_prompt(terminal) == 130

    # Not by a shell: one that is stopped with a vfork child before its exec would stay there.
    terminal.type(f"{sys.executable} -ISc '{WAIT}'\n")
    terminal.expect("up")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    assert status_at_prompt(terminal) == 148
    terminal.type("read -t 1; echo still\n")  # nothing else is printed meanwhile
    assert "late" not in terminal.expect("(?s)(.*)still")[1]
    terminal.type("fg\n")
    terminal.expect("late")
    assert status_at_prompt(terminal) == 7

    terminal.type("sh -c 'echo up; until [ -e go ]; do :; done; exit 9'\n")
    terminal.expect("up")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.type("bg; : >go; wait %1; echo ended $?\n")
    terminal.expect("ended 9")
    terminal.type("rm go; exit 3\n")


@pytest.fixture
def terminals(forktrace: Forktrace) -> Iterator[list[Terminal]]:
    """Return a list of terminals to be closed."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def open_terminal(terminals: list[Terminal], command: list[str], home: Forktrace) -> Terminal:
    env = {k: v for k, v in home.env.items() if k not in ("ENV", "PROMPT_COMMAND")}
    terminals.append(Terminal(command, env, home.folder))
    return terminals[-1]


def test_bash_under_a_terminal_alone(forktrace: Forktrace, terminals: list[Terminal]) -> None:
    use_job_control(open_terminal(terminals, [*BASH], forktrace))


@without("listen-in-group-stop")
def test_bash_under_a_terminal(tracer: Tracer, terminals: list[Terminal]) -> None:
    command = [*tracer.program, "run", "-q", "--", *BASH]
    use_job_control(open_terminal(terminals, command, tracer))
