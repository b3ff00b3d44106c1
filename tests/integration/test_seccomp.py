"""--seccomp: the same calls as without a filter, and nobody is left alone with it."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration import programs
from tests.integration.harness import (
    FORKTRACE,
    WAIT_FOR,
    Forktrace,
    Record,
    alive,
    complete,
    finish,
    python,
    read_line,
    read_records,
    status_field,
    the_root,
    wait_until,
)
from tests.integration.test_run_terminal import Terminal

CALLS = ("--detail", "syscalls")
FILTER = (*CALLS, "--seccomp")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a filter needs root")

# Makes each call of interest once, in one process after another.
EVERY_CALL = """
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None)
def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    os.waitpid(pid, 0)
child(os.setsid)
child(lambda: os.setpgid(0, 0))
child(lambda: [libc.prctl(n, v, 0, 0, 0) for n, v in ((36, 1), (1, 15), (3, 0), (36, 0))])
child(lambda: libc.prctl(15, b"renamed"))
child(lambda: libc.unshare(0x04000000))
child(lambda: libc.setns(os.open("/proc/self/ns/uts", 0), 0))
child(lambda: os.chroot("/"))
def fails():
    try:
        os.execv("/no/such/program", ["x"])
    except OSError:
        os.execv("/bin/true", ["true"])
child(fails)
def writes():
    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"7")
    os.write(fd, b"8" * 21)
    os.write(1, b"no pid")
child(writes)
pid = os.fork()
if pid == 0:
    signal.pause()
os.kill(pid, 0)
os.kill(pid, signal.SIGTERM)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
os.waitid(os.P_PID, pid, os.WEXITED)
"""


def calls_of(records: list[Record]) -> list[tuple[int, str, str, str | None]]:
    """Return (process in order of appearance, name, arguments, error) of each call."""
    pids: dict[int, int] = {}
    found = []
    for record in records:
        if record["event"] in ("process", "create"):
            pids.setdefault(record["child" if "child" in record else "pid"], len(pids))
        if record["event"] == "call":
            arguments = {
                key: pids.get(value, value) if key in ("pid", "reaped") else value
                for key, value in record.get("arguments", {}).items()
            }
            found.append(
                (pids[record["pid"]], record["name"], json.dumps(arguments), record.get("error"))
            )
    return sorted(found, key=lambda call: call[0])


def test_the_same_calls_are_recorded_as_without(forktrace: Forktrace) -> None:
    """By process: which of two processes is reported first is not given."""
    script = python(EVERY_CALL)
    file = forktrace.folder / "cgroup.procs"
    plain = forktrace.record(*script, str(file), options=CALLS)
    filtered = forktrace.record(*script, str(file), options=FILTER)
    assert (plain.status, filtered.status) == (0, 0), filtered.err
    expected = calls_of(plain.records)
    assert calls_of(filtered.records) == expected
    assert {name for _, name, _, _ in expected} >= {
        *("setsid", "setpgid", "prctl", "unshare", "setns", "chroot", "execve", "write"),
        *("kill", "wait4", "waitid"),
    }


def test_it_says_beforehand_that_it_stays(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "echo started >&2", options=FILTER)
    said = done.err.split("started")[0]
    assert "forktrace stays, in the background if need be, until all" in said


@pytest.mark.parametrize("detail", ["minimal", "events"])
def test_without_system_calls_it_makes_no_sense(forktrace: Forktrace, detail: str) -> None:
    done = forktrace("run", "--detail", detail, "--seccomp", "--", "true")
    assert done.status == 125
    assert "--seccomp goes with --detail syscalls" in done.err


def test_setuid_programs_keep_their_power(forktrace: Forktrace) -> None:
    done = forktrace.record(
        *("grep", "NoNewPrivs", "/proc/self/status"), options=(*FILTER, "--user", "nobody")
    )
    assert done.out == b"NoNewPrivs:\t0\n"


def test_an_ordinary_user_is_refused_with_the_reason(forktrace: Forktrace) -> None:
    forktrace.folder.chmod(0o777)
    ran = forktrace.folder / "ran"
    command = ["setpriv", "--reuid", "65534", "--clear-groups", *FORKTRACE, "run", *FILTER]
    env = {**forktrace.env, "XDG_STATE_HOME": str(forktrace.folder / "other")}
    done = subprocess.run(
        [*command, "--", "touch", str(ran)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 125
    assert "setuid programs" in done.stderr
    assert not ran.exists()


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_the_exit_status(forktrace: Forktrace, command: str, status: int) -> None:
    done = forktrace.record("sh", "-c", command, options=FILTER)
    assert done.status == status
    assert done.records[-1]["event"] == "end"


def test_a_command_that_cannot_be_executed(forktrace: Forktrace) -> None:
    script = forktrace.folder / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    done = forktrace.record(str(script), options=FILTER)
    assert done.status == 127
    assert "interpreter" in done.err


# Makes filtered calls when there is a file "go", and writes down how they went.
LATE = """
import json, os, time
os.setsid()
while not os.path.exists("go"):
    time.sleep(0.01)
def attempt(call):
    try:
        call()
        return None
    except OSError as error:
        return error.errno
pid = os.fork()
if pid == 0:
    os._exit(attempt(lambda: os.setpgid(0, 0)) or 0)
results = [attempt(lambda: os.execv("/no/such", ["x"]))]
results.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
with open("late.part", "w") as file:
    json.dump(results, file)
os.rename("late.part", "late")
"""


def leave_late(forktrace: Forktrace) -> tuple[str, ...]:
    (forktrace.folder / "late.py").write_text(LATE)
    daemon = shlex.join([sys.executable, "-IS", "late.py"])
    return ("sh", "-c", f"{daemon} </dev/null >/dev/null 2>&1 & echo $!; exit 3")


def tracer_of(pid: int) -> int:
    return int(status_field(pid, "TracerPid:") or "0")


def test_what_is_left_is_served_until_its_end(
    forktrace: Forktrace, end_later: Callable[[int], None]
) -> None:
    done = forktrace.record(
        *leave_late(forktrace), options=(*FILTER, "--linger", "0"), cwd=forktrace.folder
    )
    daemon = int(done.out)
    end_later(daemon)
    assert done.status == 3
    assert (done.records[-1]["reason"], done.records[-1]["left"]) == ("linger", [daemon])
    server = tracer_of(daemon)
    assert f"(pid {daemon}); forktrace serves them as pid {server}" in done.err
    (forktrace.folder / "go").touch()
    late = forktrace.folder / "late"
    wait_until(late.exists, "the daemon has made its calls")
    assert json.loads(late.read_text()) == [2, 0]  # ENOENT; the child could call setpgid
    wait_until(lambda: not alive(daemon), "the daemon has ended")
    wait_until(lambda: not alive(server), "forktrace has ended after it")


def test_forktrace_is_killed(forktrace: Forktrace, end_later: Callable[[int], None]) -> None:
    """The tracing goes on, to the end of the trace."""
    options = (*FILTER, "--linger", "inf")
    process, trace = forktrace.start_recording(
        *leave_late(forktrace), options=options, cwd=forktrace.folder
    )
    daemon = int(read_line(process))
    end_later(daemon)
    process.kill()
    finish(process)
    assert tracer_of(daemon)
    (forktrace.folder / "go").touch()
    late = forktrace.folder / "late"
    wait_until(late.exists, "the daemon has made its calls")
    assert json.loads(late.read_text()) == [2, 0]
    records = wait_until(partial(complete, trace), "the trace is complete")
    assert [r["pid"] for r in records if r["event"] == "exit"].count(daemon) == 1


def test_a_stopped_process_stays_stopped_while_it_is_served(
    forktrace: Forktrace, end_later: Callable[[int], None]
) -> None:
    left = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!"
    done = forktrace.record("sh", "-c", left, options=(*FILTER, "--linger", "0"))
    daemon = int(done.out)
    end_later(daemon)
    for _ in range(3):
        os.kill(daemon, signal.SIGSTOP)
        wait_until(lambda: (status_field(daemon, "State:") or "")[:1] in "Tt", "it is stopped")
        os.kill(daemon, signal.SIGCONT)
        wait_until(lambda: (status_field(daemon, "State:") or "")[:1] == "S", "it goes on")
    os.kill(daemon, signal.SIGTERM)
    wait_until(lambda: not alive(daemon), "a signal ends it")


def test_signals_are_passed_on(forktrace: Forktrace) -> None:
    code = f"""{WAIT_FOR}
import sys
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"TERM\\n"))
signal.signal(signal.SIGHUP, lambda *_: os.write(1, b"HUP\\n"))
os.write(1, b"up\\n")
wait_for(0)
sys.exit(7)
"""
    process, _ = forktrace.start_recording(*python(code), options=FILTER, process_group=0)
    assert read_line(process) == b"up\n"
    for _ in range(5):
        process.send_signal(signal.SIGTERM)
        assert read_line(process) == b"TERM\n"
        os.killpg(process.pid, signal.SIGHUP)  # the command has it once, by itself
        assert read_line(process) == b"HUP\n"
    assert finish(process)[0] == 7


@pytest.fixture
def shell(forktrace: Forktrace) -> Iterator[Terminal]:
    command = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
    terminal = Terminal(command, forktrace.env, forktrace.folder)
    yield terminal
    terminal.close()


def test_job_control(shell: Terminal) -> None:
    shell.expect("=ready=")
    shell.type(
        f"{shlex.join([*FORKTRACE, 'run', *FILTER, '-q', '--'])} sh -c 'echo up $$; exec cat'\n"
    )
    pid = int(shell.expect(r"up (\d+)")[1])
    for _ in range(3):
        shell.type("\x1a")
        shell.expect("Stopped")
        shell.expect("=ready=")
        shell.type("fg\n")
        shell.wait_for_foreground(pid)
    shell.type("said\n")
    shell.expect("said\r\nsaid")
    shell.type("\x03")
    shell.expect("=ready=")
    shell.type("echo status $?\n")
    assert shell.expect(r"status (\d+)")[1] == "130"


def test_what_asks_to_be_untraced_is_traced(
    forktrace: Forktrace, builds: Path, missing: Missing
) -> None:
    """Left without a tracer its calls would fail."""
    command = programs.command("clone_untraced", builds, missing)
    alone = subprocess.run(command, capture_output=True, check=False)
    done = forktrace.record(*command, options=FILTER)
    assert (done.status, len(done.out.splitlines())) == (0, len(alone.stdout.splitlines()))
    child = json.loads(done.out)["child"]
    assert child in [r["child"] for r in done.events("create")]
    assert [r["pid"] for r in done.events("exit")].count(child) == 1


def test_a_32_bit_program_runs_as_without(
    forktrace: Forktrace, builds: Path, missing: Missing
) -> None:
    command = programs.command(programs.THIRTY_TWO_BIT[os.uname().machine], builds, missing)
    alone = subprocess.run(command, capture_output=True, check=False)
    done = forktrace.record(*command, options=FILTER)
    assert (done.status, done.out) == (alone.returncode, alone.stdout)
    assert the_root(read_records(done.trace)) in [r["pid"] for r in done.events("exit")]


def test_strace_inside_is_refused_and_not_broken(forktrace: Forktrace, missing: Missing) -> None:
    """What it traced would be left with the filter; EPERM is what it would get under strace."""
    if not shutil.which("strace"):
        missing("there is no strace")
    done = forktrace.record("strace", "-f", "true", options=FILTER)
    assert done.status != 0
    assert "Operation not permitted" in done.err
