"""Run the embedded launcher, untraced: what it prints, how it ends, and that it leaves nothing."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import forktrace.demo
from tests.conftest import Missing
from tests.integration import programs
from tests.integration.harness import PATIENCE

DEMO = [sys.executable, "-m", "forktrace.demo"]
NOBODY = 65534


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Give the demo a place for its files; afterwards it and every process of it must be gone."""
    yield tmp_path
    deadline = time.monotonic() + 10  # those that a killed engine has left end by themselves
    while (left := processes_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []
    assert list(tmp_path.iterdir()) == []


def processes_of(place: Path) -> list[str]:
    """Return the command lines of the processes whose environment names ``place``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(place) in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue  # another user's, or gone
    return found


def environment(place: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(place)}


def run(place: Path, *command: str, **options: object) -> subprocess.CompletedProcess[str]:
    argv = [*DEMO, *(("--", *command) if command else ())]
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        argv, env=environment(place), capture_output=True, text=True, timeout=PATIENCE, **options
    )


def test_prints_a_greeting(place: Path) -> None:
    done = run(place)
    assert done.stdout == "hello from the container\n"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 7", 7), ("exit 0", 0), ("exec sh -c 'exit 255'", 255)],
)
def test_ends_with_the_code_of_the_command(place: Path, script: str, code: int) -> None:
    assert run(place, "sh", "-c", script).returncode == code


def test_a_signal_that_kills_the_command_shows_as_128_and_its_number(place: Path) -> None:
    # The command itself may be pid 1 of a namespace, which ignores its own signals.
    assert (
        run(place, "sh", "-c", "(kill -KILL $(exec sh -c 'echo $PPID')); exit $?").returncode == 137
    )


def test_keeps_standard_output_and_error_apart(place: Path) -> None:
    done = run(place, "sh", "-c", "echo out; echo err >&2")
    assert done.stdout == "out\n"
    assert done.stderr.splitlines()[-1] == "err"


def test_copies_much_output_whole(place: Path) -> None:
    assert run(place, "seq", "100000").stdout == "".join(f"{n}\n" for n in range(1, 100_001))


def test_the_command_gets_the_users_environment_and_no_more(place: Path) -> None:
    given = {"PATH": os.environ["PATH"], "TMPDIR": str(place), "ODD": "two\nlines", "LC_ALL": "C"}
    given |= {k: v for k, v in os.environ.items() if k in ("LD_LIBRARY_PATH", "PYTHONHOME")}
    done = subprocess.run(
        [*DEMO, "--", "env", "-0"], env=given, capture_output=True, text=True, timeout=PATIENCE,
        cwd=Path(forktrace.demo.__file__).parents[2],
    )  # fmt: skip
    assert dict(line.split("=", 1) for line in done.stdout.split("\0")[:-1]) == given


def test_a_command_that_is_not_there_gives_127(place: Path) -> None:
    done = run(place, "no-such-program")
    assert done.returncode == 127
    assert done.stderr == "forktrace demo: no-such-program: no such program\n"


def test_a_file_that_is_not_executable_gives_126(place: Path) -> None:
    done = run(place, "/etc/passwd")
    assert done.returncode == 126
    assert done.stderr == "forktrace demo: /etc/passwd: it is not executable\n"


def test_says_how_to_use_it(place: Path) -> None:
    done = subprocess.run(
        [*DEMO, "nonsense"],
        env=environment(place),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert done.stderr == "forktrace demo: usage: python -m forktrace.demo [-- COMMAND…]\n"


def test_is_pid_1_unless_it_says_that_there_are_no_namespaces(place: Path) -> None:
    done = run(place, "sh", "-c", "echo $$")
    without = "the container goes without" in done.stderr
    assert (done.stdout == "1\n") != without


def test_says_so_where_namespaces_are_refused(place: Path, missing: Missing) -> None:
    refuse = [*programs.command("refuse", place, missing), "unshare"]
    done = subprocess.run(
        [*refuse, *DEMO, "--", "sh", "-c", "(setsid sleep 60 &); echo hello; exit 3"],
        env=environment(place), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    if done.returncode == programs.UNSUPPORTED:
        missing("seccomp filters")
    assert done.stdout == "hello\n"
    assert done.returncode == 3
    assert done.stderr == (
        "forktrace demo: no new namespaces here, the container goes without "
        "(user namespace: Operation not permitted)\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_container_and_cleans_up(place: Path, number: signal.Signals) -> None:
    assert end_by(place, number) == 128 + number
    assert list(place.iterdir()) == []
    assert processes_of(place) == []


def test_killed_it_takes_the_container_along(place: Path) -> None:
    assert end_by(place, signal.SIGKILL) == -signal.SIGKILL


def end_by(place: Path, number: signal.Signals) -> int:
    """Send a signal to the engine while the container runs, and return its return code."""
    argv = [*DEMO, "--", "sh", "-c", "echo ready; exec sleep 60"]
    with subprocess.Popen(argv, env=environment(place), stdout=subprocess.PIPE) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline() == b"ready\n"
        demo.send_signal(number)
        return demo.wait(PATIENCE)


def test_cleans_up_when_the_monitor_is_killed(place: Path) -> None:
    argv = [*DEMO, "--", "sh", "-c", "echo ready; exec sleep 60"]
    with subprocess.Popen(
        argv, env=environment(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert demo.stdout.readline() == b"ready\n"
        (pidfile,) = place.glob("*/bundle/conmon.pid")
        os.kill(int(pidfile.read_text()), signal.SIGKILL)
        assert demo.wait(PATIENCE) == 125
        assert demo.stderr.read().splitlines()[-1] == (
            b"forktrace demo: the container was not run to its end"
        )


@pytest.mark.parametrize("delay_ms", range(0, 200, 10))
def test_a_signal_at_any_moment_leaves_nothing(place: Path, delay_ms: int) -> None:
    with subprocess.Popen([*DEMO, "--", "sleep", "60"], env=environment(place)) as demo:
        while "demo-engine" not in Path(f"/proc/{demo.pid}/cmdline").read_text():
            time.sleep(0.001)  # before, it is Python that starts, and Python's way to end
        time.sleep(delay_ms / 1000)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(PATIENCE) == 128 + signal.SIGTERM


def test_ends_when_nobody_reads_its_output(place: Path) -> None:
    with subprocess.Popen(
        [*DEMO, "--", "yes"], env=environment(place), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        assert demo.stdout.readline() == b"y\n"
        demo.stdout.close()
        assert demo.wait(PATIENCE) in (1, 128 + signal.SIGPIPE)  # pid 1 can't be killed by SIGPIPE


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_works_for_an_ordinary_user(missing: Missing) -> None:
    python = python_for_everybody() or missing("a Python that an ordinary user can execute")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        package = Path(forktrace.demo.__file__).parent
        shutil.copytree(package, directory / "forktrace" / "demo")
        own = directory / "own"
        own.mkdir()
        os.chown(own, NOBODY, NOBODY)
        done = subprocess.run(
            [python, "-m", "forktrace.demo", "--", "sh", "-c", "echo hello $$"],
            env={"PATH": os.environ["PATH"], "TMPDIR": str(own)}, cwd=directory,
            user=NOBODY, group=NOBODY, extra_groups=[],
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0
        without = "the container goes without" in done.stderr
        assert done.stdout.startswith("hello ")
        assert (done.stdout == "hello 1\n") != without
        assert processes_of(own) == []
        assert list(own.iterdir()) == []


def python_for_everybody() -> str | None:
    """Return a Python of 3.11 or later that an ordinary user can execute, None without one."""
    check = "import sys, ctypes; sys.exit(sys.version_info < (3, 11))"
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", check], user=NOBODY, group=NOBODY, extra_groups=[], check=True,
                cwd="/", stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    return None
