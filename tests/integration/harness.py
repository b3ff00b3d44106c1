"""Run forktrace as a user does, as a process of its own, and read what it wrote by plain JSON."""

import base64
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]
FORKTRACE = (sys.executable, "-m", "forktrace")
PROJECT = Path(__file__).parents[2]
# Not a measure of anything: only so that a hang ends as a failure.
PATIENCE = float(os.environ.get("FORKTRACE_PATIENCE", "60"))  # seconds
# An option: stay until all has ended that the command leaves behind, as podman leaves the cleanup.
TO_THE_END = ("--linger", str(PATIENCE))
# For a forktrace without one of its rules, which may hang; a whole one takes a second at most on an
# idle machine of ours.
BROKEN_PATIENCE = min(PATIENCE / 12, 25)


@dataclass(frozen=True)
class Result:
    """Hold how a run of forktrace ended, and the file that its trace went to."""

    status: int
    out: bytes
    err: str
    trace: Path

    @property
    def records(self) -> list[Record]:
        return read_records(self.trace)

    def events(self, kind: str) -> list[Record]:
        return [r for r in self.records if r["event"] == kind]


# What would change what forktrace says: of where the tests run, not of what is tested.
_NOT_HANDED_ON = ("INVOCATION_ID", "NO_COLOR", "COLUMNS", "LINES")


class Forktrace:
    """Run forktrace with a state folder of its own.

    ``folder`` is where it runs; ``state`` is the folder for the kept traces; ``program`` is the
    command line of forktrace itself, ``patience`` how many seconds a run may take.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program: Sequence[str] = FORKTRACE
        self.patience = PATIENCE
        self.state = folder / "state" / "forktrace"
        self.env = {k: v for k, v in os.environ.items() if k not in _NOT_HANDED_ON}
        self.env["XDG_STATE_HOME"] = str(folder / "state")
        self.env["PYTHONPATH"] = str(PROJECT)
        self._runs = 0

    def __call__(self, *args: str | bytes, **popen: Any) -> Result:
        """Run ``forktrace ARGS`` to its end. ``trace`` is then the latest kept trace."""
        process = self.start(*args, **popen)
        out, err = process.communicate(popen.get("input"), timeout=self.patience)
        return Result(process.returncode, out or b"", (err or b"").decode(), self.state / "latest")

    def record(self, *command: str | bytes, options: Sequence[str] = (), **popen: Any) -> Result:
        """Trace a command quietly, with the trace in a file of its own."""
        trace = self.trace_path()
        done = self("run", "-q", "-o", str(trace), *options, "--", *command, **popen)
        return Result(done.status, done.out, done.err, trace)

    def trace_path(self) -> Path:
        """Return a name for a new trace."""
        self._runs += 1
        return self.folder / f"run{self._runs}.jsonl"

    def start(self, *args: str | bytes, **popen: Any) -> subprocess.Popen[bytes]:
        """Start ``forktrace ARGS`` with its three streams on pipes."""
        popen.pop("input", None)
        prepare = popen.pop("preexec_fn", None)

        def begin() -> None:
            default_signals()
            if prepare:
                prepare()

        given = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "bufsize": 0,
            "cwd": self.folder,
            "env": self.env,
            "preexec_fn": begin,
            **popen,
        }
        return subprocess.Popen([*self.program, *args], **given)

    def start_recording(
        self, *command: str | bytes, options: Sequence[str] = (), **popen: Any
    ) -> tuple[subprocess.Popen[bytes], Path]:
        """Start what ``record`` runs; returns the process and the trace's file."""
        trace = self.trace_path()
        args = ("run", "-q", "-o", str(trace), *options, "--", *command)
        return self.start(*args, **popen), trace


def default_signals() -> None:
    """Undo what the tests may have been started with: ``nohup`` and ``&`` leave signals ignored."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def read_records(path: Path) -> list[Record]:
    """Read every complete line of a trace, by JSON alone."""
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def complete(path: Path) -> list[Record] | None:
    """Return the records of a trace that has its end record, None before that."""
    records = read_records(path) if path.exists() else []
    return records if records and records[-1]["event"] == "end" else None


def text_bytes(text: str | dict[str, str]) -> bytes:
    """Return the bytes that a text of a trace stands for, as docs/trace-format.md says."""
    return text.encode() if isinstance(text, str) else base64.b64decode(text["b64"])


def argv_of(record: Record) -> list[bytes]:
    return [text_bytes(a) for a in record["argv"]]


def the_root(records: Iterable[Record]) -> int:
    """Return the pid of the traced command."""
    (root,) = [r for r in records if r["event"] == "process" and r.get("root")]
    return int(root["pid"])


def exit_of(records: Iterable[Record], pid: int) -> Record:
    (end,) = [r for r in records if r["event"] == "exit" and r["pid"] == pid]
    return end


def the_sentence(err: str) -> str:
    """Return the one sentence that forktrace said; a usage error may add where help is."""
    lines = [line for line in err.splitlines() if not line.startswith("Try '")]
    assert len(lines) == 1, err
    assert lines[0].startswith("forktrace: ")
    return lines[0].removeprefix("forktrace: ")


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    """Wait for a started forktrace; returns status, stdout, stderr."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out or b"", (err or b"").decode()


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line of standard output, b"" at its end; a long silence is a failure."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    assert ready, "no output came"
    return process.stdout.readline()


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """Return the condition's first true value; a failure says ``what`` never came true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"never came true: {what}")


def status_field(pid: int, name: str) -> str | None:
    """Return a field of /proc/PID/status, None if the process is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    found = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(name)]
    return found[0] if found else None


def sleeps_as(pid: int, name: str) -> bool:
    """Say whether a process sleeps in a program.

    Its comm alone says so from the middle of an exec on, before a tracer has heard of that.
    """
    state = status_field(pid, "State:") or ""
    return state.startswith("S") and status_field(pid, "Name:") == name


def alive(pid: int) -> bool:
    """Say whether a process exists and is no zombie."""
    state = status_field(pid, "State:")
    return state is not None and state[0] not in "ZX"


def end_process(pid: int) -> None:
    """Kill a process that the test itself has caused to exist, and wait until it is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_until(lambda: not alive(pid), f"process {pid} has ended")


def python(code: str) -> tuple[str, ...]:
    """Return a command that runs Python code, without what the site adds to its start-up."""
    return (sys.executable, "-I", "-S", "-c", code)


# For programs that handle signals: Python runs a handler between two of its instructions, so one
# that comes just before a blocking call would wait for that call's end. select() sees it at once.
WAIT_FOR = """
import os, select, signal
_told, _tell = os.pipe()
os.set_blocking(_tell, False)
signal.set_wakeup_fd(_tell)
def wait_for(fd=None):
    while True:
        ready = select.select([_told] if fd is None else [_told, fd], [], [])[0]
        if _told in ready:
            os.read(_told, 512)
        if fd in ready:
            return
"""
