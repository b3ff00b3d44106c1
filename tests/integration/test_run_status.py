"""The exit status is the command's, as a shell shows it; 125, 126 and 127 are forktrace's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    Forktrace,
    exit_of,
    the_root,
    the_sentence,
)


@pytest.mark.parametrize("status", [0, 1, 2, 125, 126, 127, 128, 255])
def test_exit_codes(forktrace: Forktrace, status: int) -> None:
    done = forktrace.record("sh", "-c", f"exit {status}")
    assert done.status == status
    end = exit_of(done.records, the_root(done.records))
    assert (end["code"], "signal" in end) == (status, False)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (1, "SIGHUP"), (6, "SIGABRT"), (9, "SIGKILL"), (11, "SIGSEGV"), (15, "SIGTERM"),
        (40, "SIGRT_8"),
    ],
)  # fmt: skip
def test_signals_that_end_the_command(forktrace: Forktrace, number: int, name: str) -> None:
    done = forktrace.record("sh", "-c", f"ulimit -c 0; kill -{number} $$")
    assert done.status == 128 + number
    end = exit_of(done.records, the_root(done.records))
    assert (end["signal"], "code" in end) == (name, False)


def test_the_commands_status_not_its_childrens(forktrace: Forktrace) -> None:
    assert forktrace.record("sh", "-c", "(exit 3); sh -c 'kill -9 $$'; exit 6").status == 6


BAD_OPTIONS = {
    "unknown option": ["--nonsense"],
    "no number": ["--linger", "soon"],
    "negative": ["--linger", "-1"],
    "not a number": ["--linger", "nan"],
    "unknown detail": ["--detail", "everything"],
    "unknown extension": ["-o", "x.bmp"],
    "no extension": ["-o", "x"],
    "unknown format": ["--format", "bmp", "-o", "x.svg"],
    "unknown view": ["--view", "bird", "-o", "x.svg"],
    "standard output": ["-o", "-"],
    "a folder": ["-o", "sub.svg"],
    "no such folder": ["-o", "none/x.svg"],
    "a folder that takes no files": ["-o", "/proc/x.svg"],
    "a file's name as a folder": ["-o", "plain/x.svg"],
    "a name that is too long": ["-o", "x" * 300 + ".svg"],
    "the same output twice": ["-o", "x.svg", "-o", "./x.svg"],
    "a trace that is no regular file": ["--format", "jsonl", "--force", "-o", "fifo"],
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_125_before_the_command_runs(forktrace: Forktrace, case: str) -> None:
    (forktrace.folder / "sub.svg").mkdir()
    (forktrace.folder / "plain").touch()
    os.mkfifo(forktrace.folder / "fifo")
    before = set(forktrace.folder.iterdir())
    done = forktrace("run", *BAD_OPTIONS[case], "--", "touch", "ran")
    assert (done.status, done.out) == (125, b"")
    the_sentence(done.err)
    assert set(forktrace.folder.iterdir()) == before


def test_125_without_a_command(forktrace: Forktrace) -> None:
    done = forktrace("run")
    assert done.status == 125
    assert "COMMAND" in the_sentence(done.err)


def write_script(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_126_for_what_cannot_be_executed(forktrace: Forktrace) -> None:
    folder = forktrace.folder
    not_executable = write_script(folder / "plain", "#!/bin/sh\n", 0o644)
    without_interpreter_line = write_script(folder / "bare", "echo hi\n")
    cases = {
        not_executable: "permission denied",
        without_interpreter_line: "#! line",
        str(folder): "not a file",
        "/dev/null": "not a file",
        str(folder / ("x" * 300)): "too long",
    }
    for command, reason in cases.items():
        done = forktrace("run", "--", command)
        assert (done.status, done.out) == (126, b""), command
        assert reason in the_sentence(done.err).lower()


def test_127_for_what_is_not_there(forktrace: Forktrace) -> None:
    lost = write_script(forktrace.folder / "lost", "#!/no/such/interpreter\n")
    for command in (lost, "/no/such/file", "no-such-command", "", lost + "/below"):
        done = forktrace("run", "--", command)
        assert (done.status, done.out) == (127, b""), command
        assert "not found" in the_sentence(done.err)


def test_a_command_that_was_not_started_leaves_no_trace(forktrace: Forktrace) -> None:
    bare = write_script(forktrace.folder / "bare", "echo hi\n")
    assert forktrace.record(bare).status == 126
    assert not forktrace.trace_path().with_name("run1.jsonl").exists()
    forktrace("run", "--", bare)
    assert list(forktrace.state.glob("*.jsonl")) == []


def test_path_is_searched_as_a_shell_does(forktrace: Forktrace) -> None:
    first, second = forktrace.folder / "1", forktrace.folder / "2"
    first.mkdir()
    second.mkdir()
    (first / "folder").mkdir()
    write_script(first / "only-here", "#!/bin/sh\n", 0o644)
    write_script(first / "both", "#!/bin/sh\nexit 11\n", 0o644)
    write_script(second / "both", "#!/bin/sh\nexit 12\n")
    write_script(second / "folder", "#!/bin/sh\nexit 13\n")
    write_script(forktrace.folder / "local", "#!/bin/sh\nexit 14\n")
    path = f"/none:{first}:{second}:{forktrace.env['PATH']}"

    def status(command: str, path: str) -> int:
        env = {**forktrace.env, "PATH": path}
        return forktrace.record(command, env=env).status

    assert status("both", path) == 12
    assert status("folder", path) == 13
    assert status("only-here", path) == 126
    assert status("absent", path) == 127
    assert status("local", path) == 127
    assert status("local", f":{path}") == 14
    assert status("./local", path) == 14


def test_options_after_the_command_are_the_commands(forktrace: Forktrace) -> None:
    done = forktrace("run", "-q", "echo", "-q", "--", "--help", "-o", "x")
    assert (done.status, done.out) == (0, b"-q -- --help -o x\n")


def test_ptrace_not_permitted_inside_another_forktrace(forktrace: Forktrace) -> None:
    done = forktrace.record(*FORKTRACE, "run", "touch", str(forktrace.folder / "ran"))
    assert done.status == 125
    said = the_sentence(done.err.splitlines()[0])
    assert "another tracer" in said
    assert not (forktrace.folder / "ran").exists()


def test_ptrace_not_permitted_by_seccomp_or_strace(forktrace: Forktrace, missing: Missing) -> None:
    strace = shutil.which("strace")
    if strace is None:
        missing("strace is not installed")
    done = subprocess.run(
        [strace, "-f", "-o", "/dev/null", *FORKTRACE, "run", "--", "touch", "ran"],
        env=forktrace.env, cwd=forktrace.folder, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 125
    assert "another tracer" in the_sentence(done.stderr.decode())
    assert not (forktrace.folder / "ran").exists()
