"""Under a terminal: job control with forktrace in front is as without it."""

import os
import pty
import re
import select
import shlex
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    WAIT_FOR,
    Forktrace,
    default_signals,
    end_process,
    python,
    status_field,
    wait_until,
)

TRACED = " ".join([*FORKTRACE, "run", "-q", "--"]) + " "
PROMPT = "=ready="


class Terminal:
    """Be the person at a terminal with a program in it."""

    def __init__(self, command: list[str], env: dict[str, str], folder: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            default_signals()
            os.chdir(folder)
            os.execvpe(command[0], command, {**env, "PS1": PROMPT, "TERM": "dumb"})
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def expect(self, pattern: str) -> re.Match[str]:
        """Read until ``pattern`` comes; what follows it is left for the next one."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self._seen)):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} never came; seen: {self._seen!r}"
            self._seen += os.read(self.fd, 4096).decode()
        self._seen = self._seen[found.end() :]
        return found

    def wait_for_foreground(self, pid: int) -> None:
        """Wait until ``pid`` runs, in the process group that has the terminal."""
        wait_until(
            lambda: (
                os.tcgetpgrp(self.fd) == os.getpgid(pid)
                and (status_field(pid, "State:") or "").startswith("S")
            ),
            "the job is in the foreground",
        )

    def hang_up(self) -> None:
        os.close(self.fd)

    def close(self) -> None:
        self.hang_up()
        end_process(self.pid)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=["bash --norc --noprofile --noediting -i", "sh -i -m"])
def shell(request: pytest.FixtureRequest, forktrace: Forktrace) -> Iterator[Terminal]:
    env = {k: v for k, v in forktrace.env.items() if k not in ("ENV", "PROMPT_COMMAND")}
    terminal = Terminal(request.param.split(), env, forktrace.folder)
    terminal.expect(PROMPT)
    terminal.type("stty -echo noflsh\n")  # else ^C throws away what the command just wrote
    terminal.expect(PROMPT)
    yield terminal
    terminal.close()


both = pytest.mark.parametrize("prefix", ["", TRACED], ids=["alone", "traced"])


def status_at_prompt(shell: Terminal) -> int:
    shell.expect(PROMPT)
    shell.type("echo status $?\n")
    return int(shell.expect(r"status (\d+)")[1])


@both
def test_interrupt_key(shell: Terminal, prefix: str) -> None:
    shell.type(f"{prefix}sh -c 'echo up; exec sleep 1000'\n")
    shell.expect("up")
    shell.type("\x03")
    assert status_at_prompt(shell) == 130


@both
def test_quit_key(shell: Terminal, prefix: str) -> None:
    shell.type(f"ulimit -c 0; {prefix}sh -c 'echo up; exec sleep 1000'\n")
    shell.expect("up")
    shell.type("\x1c")
    assert status_at_prompt(shell) == 131


# Says when it is up, when it is interrupted, and what it reads; then ends with 7.
READER_CODE = f"""{WAIT_FOR}
import sys
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"got it\\n"))
os.write(1, b"up %d\\n" % os.getpid())
wait_for(0)
os.write(1, b"read " + sys.stdin.readline().encode())
sys.exit(7)
"""
READER = python(READER_CODE)

# Ends with 7 once there is a file "go". (No shell loop: while its parent is in the middle of a
# vfork neither can stop, traced or not.)
WAITER = python(
    "import os, sys, time; os.write(1, b'up\\n')\n"
    "while not os.path.exists('go'): time.sleep(0.01)\n"
    "sys.exit(7)"
)


def start_reader(shell: Terminal, prefix: str) -> int:
    shell.type(f"{prefix}{shlex.join(READER)}\n")
    return int(shell.expect(r"up (\d+)")[1])


def end_reader(shell: Terminal) -> None:
    shell.type("line\n")
    shell.expect("read line")
    assert status_at_prompt(shell) == 7


def suspend(shell: Terminal) -> None:
    shell.type("\x1a")
    assert status_at_prompt(shell) == 128 + signal.SIGTSTP
    shell.expect(PROMPT)
    shell.type("jobs\n")
    shell.expect("Stopped|Suspended")
    shell.expect(PROMPT)


def lists_a_stopped_job(shell: Terminal) -> bool:
    shell.type("jobs; echo listed\n")
    return re.search("Stopped|Suspended", shell.expect(r"(?s)(.*?)listed")[1]) is not None


@both
def test_interrupt_key_that_the_command_handles(shell: Terminal, prefix: str) -> None:
    start_reader(shell, prefix)
    for _ in range(3):
        shell.type("\x03")
        shell.expect("got it")
    end_reader(shell)


@both
def test_suspend_key_and_foreground(shell: Terminal, prefix: str) -> None:
    pid = start_reader(shell, prefix)
    for _ in range(3):
        suspend(shell)
        shell.type("fg\n")
        shell.wait_for_foreground(pid)
    end_reader(shell)


# Puts the screen in order when it is suspended, and again when it goes on, as an editor does.
EDITOR = python(f"""{WAIT_FOR}
import sys
def suspend(number, frame):
    os.write(1, b"tidied up\\n")
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.signal(number, suspend)
    os.write(1, b"restored\\n")
signal.signal(signal.SIGTSTP, suspend)
os.write(1, b"up %d\\n" % os.getpid())
wait_for(0)
os.write(1, b"read " + sys.stdin.readline().encode())
sys.exit(7)
""")


@both
def test_suspend_key_that_the_command_handles_and_obeys(shell: Terminal, prefix: str) -> None:
    shell.type(f"{prefix}{shlex.join(EDITOR)}\n")
    pid = int(shell.expect(r"up (\d+)")[1])
    for _ in range(3):
        shell.type("\x1a")
        shell.expect("tidied up")
        assert status_at_prompt(shell) == 128 + signal.SIGTSTP
        shell.expect(PROMPT)
        shell.type("fg\n")
        shell.expect("restored")
        shell.wait_for_foreground(pid)
    end_reader(shell)


@both
def test_suspend_key_that_the_command_does_not_obey(shell: Terminal, prefix: str) -> None:
    """It goes on, and so does forktrace; what stops it later, from elsewhere, is not mixed up."""
    no_stop = "signal.SIGTSTP, lambda *_: os.write(1, b'no\\n')"
    command = python(f"import os, signal; signal.signal({no_stop})\n{READER_CODE}")
    shell.type(f"{prefix}{shlex.join(command)}\n")
    pid = int(shell.expect(r"up (\d+)")[1])
    for _ in range(3):
        shell.type("\x1a")
        shell.expect("no")
    shell.type("\x03")
    shell.expect("got it")
    assert os.tcgetpgrp(shell.fd) == os.getpgid(pid)
    end_reader(shell)


@both
def test_suspend_key_and_background(shell: Terminal, prefix: str) -> None:
    shell.type(f"{prefix}{shlex.join(WAITER)}\n")
    shell.expect("up")
    suspend(shell)
    shell.type("bg; : >go; wait %1; echo status $?\n")
    assert int(shell.expect(r"status (\d+)")[1]) == 7


@both
def test_a_background_job_that_reads_is_stopped(shell: Terminal, prefix: str) -> None:
    code = "import os, sys; os.write(1, b'up %d\\n' % os.getpid());"
    code += "os.write(1, b'read ' + sys.stdin.readline().encode()); sys.exit(7)"
    shell.type(f"{prefix}{shlex.join(python(code))} &\n")
    pid = int(shell.expect(r"up (\d+)")[1])
    wait_until(partial(lists_a_stopped_job, shell), "the shell has noticed that it is stopped")
    shell.type("fg\n")
    shell.wait_for_foreground(pid)
    end_reader(shell)


@both
def test_end_of_file_key_and_job_killed_by_number(shell: Terminal, prefix: str) -> None:
    shell.type(f"{prefix}cat\n")
    shell.type("hello\n")
    shell.expect("hello")
    shell.type("\x04")
    assert status_at_prompt(shell) == 0
    shell.type(f"{prefix}sh -c 'echo up; exec sleep 1000' &\n")
    shell.expect("up")
    shell.type("kill %1; wait %1; echo status $?\n")
    assert int(shell.expect(r"status (\d+)")[1]) == 143


# Writes down each HUP that it gets; a TERM ends it.
COUNT_HANGUPS = f"""{WAIT_FOR}
log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
signal.signal(signal.SIGHUP, lambda *_: os.write(log, b"HUP\\n"))
signal.signal(signal.SIGTERM, lambda *_: (os.write(log, b"TERM\\n"), os._exit(7)))
os.write(1, b"up %d\\n" % os.getpid())
wait_for()
"""


@pytest.mark.parametrize("prefix", [(), (*FORKTRACE, "run", "-q", "--")], ids=["alone", "traced"])
def test_a_hangup_reaches_the_command_once(forktrace: Forktrace, prefix: tuple[str, ...]) -> None:
    """The leader of the terminal's session is told by the kernel, and its group as well."""
    terminal = Terminal([*prefix, *python(COUNT_HANGUPS)], forktrace.env, forktrace.folder)
    terminal.expect(r"up (\d+)")
    terminal.hang_up()
    log = forktrace.folder / "log"
    wait_until(lambda: log.read_text() == "HUP\n", "the command was told")
    wait_until(
        lambda: not int(status_field(terminal.pid, "ShdPnd:") or "0", 16) & 1, "forktrace too"
    )
    os.kill(terminal.pid, signal.SIGTERM)  # to forktrace alone, which passes things on in order
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 7
    assert log.read_text() == "HUP\nTERM\n"


@both
def test_the_command_has_the_terminal(shell: Terminal, prefix: str) -> None:
    """It is in the foreground group, and sees the terminal's size and mode."""
    shell.type("stty rows 31 cols 77\n")
    shell.expect(PROMPT)
    shell.type(f"{prefix}sh -c 'tty; stty size; ps -o tpgid=,pgid= -p $$'\n")
    shell.expect(r"/dev/pts/\d+\s+31 77")
    group = shell.expect(r"(\d+) +(\d+)")
    assert group[1] == group[2]
    assert status_at_prompt(shell) == 0
