"""``forktrace ps`` on real traces, held against what the real ps and /proc said at the moment."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration.harness import Forktrace, Result, finish, the_sentence
from tests.integration.programs import SOURCES

Row = tuple[str, ...]
RecordTree = Callable[[str], Result]
_GUIDES = re.compile(r"^(?: \|  |    )* \\_ ")
_BRANCH = re.compile(r"^((?:│ |  )*)[├└]─(.*)$")
_MEMBER = re.compile(r"^ *([0-9]+) \S")


@pytest.fixture
def cgroup() -> Iterator[Path | None]:
    """Return a new cgroup of a hierarchy that may be written to, None where there is none."""
    made = _make_cgroup()
    yield made
    if made is not None:
        made.rmdir()


def _make_cgroup() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        for base in (f"/sys/fs/cgroup/{controllers}", "/sys/fs/cgroup"):
            own = Path(base + path)
            if controllers in ("", "pids") and os.access(own / "cgroup.procs", os.W_OK):
                made = own / f"forktrace-ps-{os.getpid()}"
                made.mkdir()
                return made
    return None


@pytest.fixture
def record(forktrace: Forktrace, missing: Missing, cgroup: Path | None) -> RecordTree:
    """Return what records the standing tree with a detail."""
    if shutil.which("ps") is None:
        missing("no ps (procps) to compare with")

    def run(detail: str) -> Result:
        command = [sys.executable, "-IS", str(SOURCES / "standing_tree.py")]
        command += [str(cgroup)] if cgroup else []
        done = forktrace.record(*command, options=("--detail", detail, "--linger", "0"))
        assert done.status == 0, done.err
        return done

    return run


def real_rows(done: Result) -> dict[str, Row]:
    """Return what the real ps has printed of the processes that the trace knows."""
    traced = {str(r["pid"]) for r in done.events("process")}
    lines = [line.split(None, 6) for line in done.out.decode().splitlines()[:-1]]
    return {line[0]: tuple(line[1:]) for line in lines if line[0] in traced}


def shown_rows(text: str) -> dict[str, Row]:
    """Return what forktrace shows of the processes of the trace, without the column CGROUP."""
    head, _, body = text.partition("COMMAND\n")
    width = len(head.splitlines()[-1])
    rows: dict[str, Row] = {}
    for line in body.partition("\n\n")[0].splitlines():
        pid, ppid, pgid, sid, tty, stat, _cgroup = line[:width].split()
        command = _GUIDES.sub("", line[width:])
        if not command.startswith("("):
            rows[pid] = (ppid, pgid, sid, tty, stat, command)
    return rows


def comparable(row: Row) -> Row:
    """Make a row of ps and one of forktrace comparable.

    ps writes "?" where there is no terminal. Of its states only Z is in a trace, and of the signs
    behind it "s" and "l"; a "?" behind Z says that no wait was seen.
    """
    ppid, pgid, sid, tty, stat, command = row
    state = "Z" if stat[0] == "Z" else "-"
    signs = "".join(sign for sign in "sl" if sign in stat)
    return ppid, pgid, sid, tty.replace("?", "-"), state + signs, command


def ask(forktrace: Forktrace, done: Result, *options: str) -> str:
    asked = forktrace("ps", str(done.trace), *options)
    assert (asked.status, asked.err) == (0, "")
    return asked.out.decode()


def test_it_shows_what_the_real_ps_showed(forktrace: Forktrace, record: RecordTree) -> None:
    done = record("syscalls")
    real = {pid: comparable(row) for pid, row in real_rows(done).items()}
    shown = shown_rows(ask(forktrace, done, "--at", "exec:ps"))
    assert {pid: comparable(row) for pid, row in shown.items()} == real
    kinds = {row[5].split()[-1] for row in real.values()}
    assert {"1001", "1002", "1003", "1004", "1005", "1006", "1007"} <= kinds
    # One zombie is waited for later; the other one's parent never waits.
    defunct = [row[4] for row in shown.values() if row[5] == "[true] <defunct>"]
    assert sorted(defunct) == ["Z", "Z?"]
    assert any(row[3].startswith("pts/") for row in shown.values())


def test_without_recorded_waits_zombies_are_not_told(
    forktrace: Forktrace, record: RecordTree
) -> None:
    done = record("events")
    real = {pid: comparable(row) for pid, row in real_rows(done).items()}
    alive = {pid: row for pid, row in real.items() if row[4][0] != "Z"}
    usual = shown_rows(ask(forktrace, done, "--at", "exec:ps", "--no-ended"))
    assert {pid: comparable(row) for pid, row in usual.items()} == alive
    every = shown_rows(ask(forktrace, done, "--at", "exec:ps", "--ended"))
    zombies = set(real) - set(alive)
    assert len(zombies) == 2
    assert {every[pid][4:] for pid in zombies} == {("?", "[true] <ended>")}


def test_cgroups_are_those_of_proc(
    forktrace: Forktrace, record: RecordTree, cgroup: Path | None
) -> None:
    done = record("events")
    said: dict[str, str] = json.loads(done.out.splitlines()[-1])
    wanted: dict[str, dict[str, str]] = {}
    for pid, text in said.items():
        for line in text.splitlines():
            _number, name, path = line.split(":", 2)
            wanted.setdefault(name, {})[pid] = path
    for name, paths in wanted.items():
        options = ("--at", "exec:ps", "--cgroups", "--hierarchy", name or "v2")
        shown = shown_cgroups(ask(forktrace, done, *options))
        assert {pid: shown.get(pid) for pid in paths} == paths, name
    if cgroup is not None:
        everywhere = [path for paths in wanted.values() for path in paths.values()]
        assert any(path.endswith(cgroup.name) for path in everywhere)


def shown_cgroups(text: str) -> dict[str, str]:
    """Return the path that the tree of cgroups shows each pid under."""
    found = {}
    above: list[str] = []
    for line in text.partition("\n/\n")[2].splitlines():
        branch = _BRANCH.match(line)
        if branch is None:
            break
        depth = len(branch[1]) // 2
        member = _MEMBER.match(branch[2])
        if member:
            found[member[1]] = "/" + "/".join(above[:depth])
        else:
            above[depth:] = [branch[2]]
    return found


def test_the_latest_run_is_shown_without_a_name(forktrace: Forktrace) -> None:
    forktrace("run", "-q", "--", "sh", "-c", "sleep 0 & wait")
    shown = forktrace("ps", "--at", "exec:sleep")
    assert shown.status == 0
    assert "sleep 0\n" in shown.out.decode()


def test_a_wrong_moment_is_one_sentence(forktrace: Forktrace) -> None:
    done = forktrace.record("true")
    wrong = forktrace("ps", str(done.trace), "--at", "exec:treu")
    assert (wrong.status, wrong.out) == (2, b"")
    assert the_sentence(wrong.err) == (
        "no exec event of this trace is of 'treu'; there is: exec:true"
    )


def test_a_snapshot_has_its_zombies(forktrace: Forktrace) -> None:
    script = (
        "import os, subprocess, sys, time\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    os._exit(0)\n"
        "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\n"
        "print(pid, flush=True); time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        zombie = parent.stdout.readline().decode().strip()
        trace = forktrace.trace_path()
        taken = forktrace("snapshot", "-q", "-p", str(parent.pid), "-o", str(trace))
        parent.kill()
    assert taken.status == 0, taken.err
    shown = shown_rows(forktrace("ps", str(trace)).out.decode())
    assert (shown[zombie][0], shown[zombie][4]) == (str(parent.pid), "Z")
    assert shown[zombie][5].endswith("<defunct>")


def test_a_trace_that_was_cut_off(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "sleep 0 & wait")
    lines = done.trace.read_bytes().splitlines(keepends=True)
    cut = forktrace.folder / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:-3]) + b'{"event":"ex')
    shown = forktrace("ps", str(cut), "--at", "end")
    assert shown.status == 0
    assert "was cut off" in the_sentence(shown.err)
    assert shown_rows(shown.out.decode())


def on_a_terminal(forktrace: Forktrace, columns: int, *args: str) -> str:
    """Return what ``forktrace ps`` writes to a terminal of so many columns."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, columns))
    process = forktrace.start("ps", *args, stdout=slave)
    os.close(slave)
    written = b""
    with suppress(OSError):  # EIO: the last one who had the slave open has closed it
        while data := os.read(master, 65536):
            written += data
    os.close(master)
    assert finish(process)[0] == 0
    return written.decode().replace("\r\n", "\n")


def test_lines_fit_the_terminal_and_have_its_colours(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", f"sleep 0 & wait; : {'x' * 300}")
    asked = (str(done.trace), "--at", "exec:sleep")
    text = on_a_terminal(forktrace, 70, *asked)
    plain = re.sub("\x1b\\[[0-9;]*m", "", text)
    assert plain != text
    assert max(map(len, plain.splitlines())) == 70
    assert "x" * 300 not in plain
    assert "x" * 300 in on_a_terminal(forktrace, 70, *asked, "-w")
    assert "x" * 300 in ask(forktrace, done, "--at", "exec:sleep")
