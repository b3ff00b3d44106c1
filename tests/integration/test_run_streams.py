"""The command has its streams, descriptors and surroundings as if forktrace were not there."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    Forktrace,
    alive,
    complete,
    default_signals,
    exit_of,
    finish,
    python,
    read_line,
    read_records,
    the_root,
    wait_until,
)

# A daemon that holds none of the command's streams.
LEAVE_DAEMON = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!"


def test_standard_output_is_the_commands_alone(forktrace: Forktrace) -> None:
    done = forktrace("run", "--", "sh", "-c", "printf one; printf two >&2; printf three")
    assert (done.status, done.out) == (0, b"onethree")
    assert done.err.startswith("two")


def test_bytes_pass_through_both_ways(forktrace: Forktrace) -> None:
    sent = bytes(range(256)) * 4096
    done = forktrace.record("cat", input=sent)
    assert (done.status, done.out) == (0, sent)


def test_output_ends_with_the_command_while_a_daemon_lives(
    forktrace: Forktrace, end_later: Callable[[int], None]
) -> None:
    process, _ = forktrace.start_recording("sh", "-c", LEAVE_DAEMON, options=["--linger", "inf"])
    daemon = int(read_line(process))
    end_later(daemon)
    assert read_line(process) == b""  # end of file, as nobody but the command held the pipe
    assert process.poll() is None
    assert alive(daemon)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 0


def test_output_stays_open_while_a_daemon_holds_it(forktrace: Forktrace) -> None:
    fifo = forktrace.folder / "go"
    os.mkfifo(fifo)
    command = f"echo early; (read x <{fifo}; echo late) &"
    process, _ = forktrace.start_recording("sh", "-c", command, options=["--linger", "0"])
    assert read_line(process) == b"early\n"
    assert process.wait(PATIENCE) == 0
    fifo.write_text("go\n")
    assert read_line(process) == b"late\n"
    assert read_line(process) == b""
    finish(process)


def test_a_reader_that_leaves_ends_the_writer_by_sigpipe(forktrace: Forktrace) -> None:
    process, trace = forktrace.start_recording("yes")
    assert read_line(process) == b"y\n"
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE) == 141
    records = read_records(trace)
    assert exit_of(records, the_root(records))["signal"] == "SIGPIPE"


def test_yes_into_head_in_a_shell(forktrace: Forktrace) -> None:
    trace = forktrace.trace_path()
    line = f"{' '.join(FORKTRACE)} run -q -o {trace} -- yes | head -1"
    done = subprocess.run(
        ["sh", "-c", line], env=forktrace.env, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.stdout == b"y\n"
    records = wait_until(lambda: complete(trace), "the trace is complete")
    assert exit_of(records, the_root(records))["signal"] == "SIGPIPE"


def test_a_writer_learns_that_the_command_closed_its_input(forktrace: Forktrace) -> None:
    process, _ = forktrace.start_recording("sh", "-c", "exec <&-; echo closed; exec sleep 1000")
    assert read_line(process) == b"closed\n"
    assert process.stdin is not None
    with pytest.raises(BrokenPipeError):
        process.stdin.write(b"x")
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 143


def test_a_reader_learns_that_the_command_closed_its_output(forktrace: Forktrace) -> None:
    process, _ = forktrace.start_recording("sh", "-c", "echo on; exec >&-; read x; exit 4")
    assert read_line(process) == b"on\n"
    assert read_line(process) == b""
    assert process.poll() is None
    assert finish(process)[0] == 4


def test_an_inherited_descriptor_is_passed_on_and_not_kept(forktrace: Forktrace) -> None:
    ours, theirs = os.pipe()
    command = f"echo through >&{theirs}; exec {theirs}>&-; read x; exit 4"
    process, _ = forktrace.start_recording("bash", "-c", command, pass_fds=[theirs])
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        assert pipe.read() == b"through\n"  # to the end of file: only the command held it
    assert process.poll() is None
    assert finish(process)[0] == 4


SURROUNDINGS = r"""
import os, resource
print(sorted(os.listdir('/proc/self/fd')))
print(open('/proc/self/environ', 'rb').read())
print(os.getcwd(), os.umask(0), os.nice(0), os.getgroups())
print([resource.getrlimit(i) for i in range(16)])
print(os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0))
print(open('/proc/self/oom_score_adj').read(), open('/proc/self/coredump_filter').read())
"""


@pytest.mark.parametrize("locale", [{}, {"LANG": "C"}, {"LC_CTYPE": "C"}, {"LC_ALL": "C.UTF-8"}])
def test_surroundings_are_as_without_forktrace(
    forktrace: Forktrace, locale: dict[str, str]
) -> None:
    kept = {k: v for k, v in forktrace.env.items() if k != "LANG" and not k.startswith("LC_")}
    given = {**kept, **locale, "ODD": "\udcff\n"}
    command = python(SURROUNDINGS)
    alone = subprocess.run(
        command, env=given, cwd=forktrace.folder, capture_output=True, check=True
    )
    assert forktrace.record(*command, env=given).out == alone.stdout


# What each of these leaves ignored or blocked, the command must find so.
STARTERS = {
    "nothing": "",
    "PIPE ignored": "signal(SIGPIPE, SIG_IGN)",
    "XFSZ ignored": "signal(SIGXFSZ, SIG_IGN)",
    "HUP ignored": "signal(SIGHUP, SIG_IGN)",
    "TERM ignored": "signal(SIGTERM, SIG_IGN)",
    "INT and QUIT ignored": "signal(SIGINT, SIG_IGN); signal(SIGQUIT, SIG_IGN)",
    "CHLD ignored": "signal(SIGCHLD, SIG_IGN)",
    "TSTP and a real-time signal ignored": "signal(SIGTSTP, SIG_IGN); signal(40, SIG_IGN)",
    "USR1 blocked": "pthread_sigmask(SIG_BLOCK, [SIGUSR1])",
    "TERM, HUP, INT and CHLD blocked": (
        "pthread_sigmask(SIG_BLOCK, [SIGTERM, SIGHUP, SIGINT, SIGCHLD])"
    ),
}
STARTER = """
import os, sys
from signal import *
signal(SIGPIPE, SIG_DFL); signal(SIGXFSZ, SIG_DFL); signal(SIGINT, SIG_DFL)
{0}
if os.fork() == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    os.wait()
except ChildProcessError:
    pass  # with SIGCHLD ignored
"""
SHOW_SIGNALS = ("grep", "-E", "^(Shd|Sig)(Blk|Ign|Cgt|Pnd)", "/proc/self/status")


@pytest.mark.parametrize("starter", STARTERS)
def test_signal_state_is_as_without_forktrace(forktrace: Forktrace, starter: str) -> None:
    start = python(STARTER.format(STARTERS[starter]))

    def signals(*prefix: str) -> bytes:
        done = subprocess.run(
            [*start, *prefix, *SHOW_SIGNALS],
            env=forktrace.env, capture_output=True, check=True, timeout=PATIENCE,
        )  # fmt: skip
        return done.stdout

    alone = signals()
    assert alone.count(b"\n") == 5
    assert signals(*FORKTRACE, "run", "-q", "--") == alone


def test_pipe_ignored_by_a_shell_stays_ignored(forktrace: Forktrace) -> None:
    line = f"trap '' PIPE; {' '.join(FORKTRACE)} run -q -- grep SigIgn /proc/self/status; true"
    done = subprocess.run(
        ["sh", "-c", line], env=forktrace.env, capture_output=True, check=True,
        preexec_fn=default_signals,
    )  # fmt: skip
    assert int(done.stdout.split()[1], 16) == 1 << (signal.SIGPIPE - 1)


def test_nohup_protects_the_command_and_forktrace(forktrace: Forktrace) -> None:
    trace = forktrace.trace_path()
    traced = ("sh", "-c", "echo up; read x; exit 9")
    process = subprocess.Popen(
        ["nohup", *FORKTRACE, "run", "-q", "-o", trace, "--", *traced],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        env=forktrace.env, process_group=0,
    )  # fmt: skip
    assert read_line(process) == b"up\n"
    os.killpg(process.pid, signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    assert finish(process)[0] == 9


@pytest.mark.parametrize(
    "redirection", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"]
)
def test_streams_that_are_closed_stay_closed(forktrace: Forktrace, redirection: str) -> None:
    trace, seen, plain = forktrace.trace_path(), forktrace.folder / "s", forktrace.folder / "p"
    probe = "for f in 0 1 2; do [ -e /proc/$$/fd/$f ] && echo $f; done >{0}; exit 5"

    def shell(target: Path, *prefix: str) -> int:
        line = f'"$@" {redirection}'
        words = ["sh", "-c", line, "sh", *prefix, "sh", "-c", probe.format(target)]
        return subprocess.run(words, env=forktrace.env, timeout=PATIENCE, check=False).returncode

    assert shell(plain) == 5
    assert shell(seen, *FORKTRACE, "run", "-q", "-o", str(trace), "--") == 5
    assert seen.read_text() == plain.read_text()
    assert complete(trace)
