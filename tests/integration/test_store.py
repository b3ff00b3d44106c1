"""The state folder: traces that no output was named for, and the way to the latest one."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    Forktrace,
    finish,
    read_line,
    read_records,
    the_root,
)


def kept(forktrace: Forktrace) -> list[Path]:
    return sorted(forktrace.state.glob("*.jsonl"))


def test_a_kept_trace_is_private(forktrace: Forktrace) -> None:
    assert forktrace("run", "-q", "--", "true", preexec_fn=lambda: os.umask(0)).status == 0
    (trace,) = kept(forktrace)
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    assert stat.S_IMODE(forktrace.state.stat().st_mode) == 0o700
    assert (forktrace.state / "latest").resolve() == trace


def test_no_kept_trace_where_one_was_asked_for(forktrace: Forktrace) -> None:
    assert forktrace("run", "-q", "-o", "t.jsonl", "--", "true").status == 0
    assert kept(forktrace) == []
    assert (forktrace.state / "latest").readlink() == forktrace.folder / "t.jsonl"
    assert stat.S_IMODE(forktrace.state.stat().st_mode) == 0o700


def old_traces(forktrace: Forktrace, count: int, size: int = 1) -> list[Path]:
    """Make files as of older runs, the oldest first."""
    forktrace.state.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        path = forktrace.state / f"20200101-0000{number:02}-old-{number}.jsonl"
        with path.open("wb") as file:
            file.truncate(size)  # no blocks: a size is free
        os.utime(path, (1_577_836_800 + number, 1_577_836_800 + number))
        made.append(path)
    return made


def test_the_newest_20_are_kept(forktrace: Forktrace) -> None:
    old = old_traces(forktrace, 25)
    (forktrace.state / "notes.txt").write_text("not ours")
    assert forktrace("run", "-q", "--", "true").status == 0
    assert len(kept(forktrace)) == 20
    assert [p for p in old if p.exists()] == old[6:]
    assert (forktrace.state / "notes.txt").exists()


def test_the_size_is_capped(forktrace: Forktrace) -> None:
    old = old_traces(forktrace, 6, 120 * 1024 * 1024)
    assert forktrace("run", "-q", "--", "true").status == 0
    assert [p for p in old if p.exists()] == old[2:]
    assert len(kept(forktrace)) == 5


def test_a_trace_larger_than_the_cap_is_kept_while_it_is_the_newest(forktrace: Forktrace) -> None:
    old = old_traces(forktrace, 1, 600 * 1024 * 1024)
    assert forktrace("run", "-q", "--", "true").status == 0
    assert not old[0].exists()
    assert len(kept(forktrace)) == 1


@pytest.mark.parametrize("command", ["/bin/true", "../odd name\n;x", "é" * 60, "."])
def test_names_of_kept_traces_are_plain(forktrace: Forktrace, command: str) -> None:
    program = (forktrace.folder / "sub" / command).resolve()
    if command == ".":
        program = forktrace.folder / "…"
    if not program.exists():
        program.parent.mkdir(exist_ok=True)
        program.symlink_to("/bin/true")
    assert forktrace("run", "-q", "--", str(program)).status == 0
    (trace,) = kept(forktrace)
    assert trace.name.isascii()
    assert not set(trace.name) & set(" \n;/")


@pytest.mark.parametrize("how", ["a file in the way", "no such place", "a dangling link"])
def test_a_state_folder_that_cannot_be_made_is_a_warning(forktrace: Forktrace, how: str) -> None:
    place = forktrace.folder / "place"
    if how == "a file in the way":
        place.write_text("a file")
    elif how == "a dangling link":
        place.symlink_to("/proc/none")
    else:
        place = Path("/proc/none")
    env = {**forktrace.env, "XDG_STATE_HOME": str(place)}
    done = forktrace("run", "--", "sh", "-c", "echo hi; exit 4", env=env)
    assert (done.status, done.out) == (4, b"hi\n")
    assert "this trace will not be kept" in done.err
    assert "exit 4" in done.err  # the tree is shown all the same
    done = forktrace("run", "-q", "-o", f"{how[0]}.jsonl", "--", "sh", "-c", "exit 5", env=env)
    assert done.status == 5
    assert "will not find this trace" in done.err
    assert the_root(read_records(forktrace.folder / f"{how[0]}.jsonl"))


def test_no_folder_at_all_can_be_written(forktrace: Forktrace, missing: Missing) -> None:
    """A read-only machine, as inside a container: nowhere for a temporary file either."""
    if os.geteuid() != 0:
        missing("making folders read-only for a process needs root")
    script = "for d in /tmp /var/tmp; do mount --bind $d $d; mount -o remount,ro,bind $d; done"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", f'{script}; cd /proc; exec "$@"', "sh",
         *FORKTRACE, "run", "--", "sh", "-c", "! touch /tmp/writable && exit 6"],
        env={**forktrace.env, "XDG_STATE_HOME": "/proc/none"}, capture_output=True, check=False,
    )  # fmt: skip
    err = done.stderr.decode()
    assert done.returncode == 6, err
    assert "this trace will not be kept" in err
    assert "exit 6" in err


def test_a_relative_state_home_is_ignored(forktrace: Forktrace) -> None:
    env = {**forktrace.env, "XDG_STATE_HOME": "relative", "HOME": str(forktrace.folder)}
    assert forktrace("run", "-q", "--", "true", env=env).status == 0
    assert len(list((forktrace.folder / ".local/state/forktrace").glob("*.jsonl"))) == 1
    assert not (forktrace.folder / "relative").exists()


UID, GID = 54321, 54322


@pytest.fixture
def home(missing: Missing) -> Iterator[Path]:
    """Make a home folder for a user that exists only inside ``by_sudo``."""
    if os.geteuid() != 0:
        missing("acting as root for another user needs root")
    with tempfile.TemporaryDirectory(prefix="forktrace-home-") as folder:
        Path(folder).chmod(0o755)
        made = Path(folder) / "home"
        made.mkdir(mode=0o700)
        os.chown(made, UID, GID)
        yield made


def by_sudo(forktrace: Forktrace, home: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    """Run forktrace as root with what sudo sets, for a user in a private /etc/passwd."""
    passwd = home.parent / "passwd"
    line = f"caller:x:{UID}:{GID}::{home}:/bin/sh\n"
    passwd.write_text(Path("/etc/passwd").read_text() + line)
    env = {k: v for k, v in forktrace.env.items() if k != "XDG_STATE_HOME"}
    env |= {"SUDO_UID": str(UID), "SUDO_GID": str(GID), "SUDO_USER": "caller", "HOME": "/root"}
    script = f'mount --bind {passwd} /etc/passwd && exec "$@"'
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *FORKTRACE, *args],
        env=env, cwd=home, capture_output=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


def owner_of(path: Path) -> tuple[int, int, int]:
    info = path.lstat()
    return info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)


def test_under_sudo_all_belongs_to_the_caller(forktrace: Forktrace, home: Path) -> None:
    done = by_sudo(
        forktrace, home, "run", "-q", "-o", "out.json", "--", "sh", "-c", "id -u; exit 3"
    )
    assert (done.returncode, done.stdout) == (3, b"0\n"), done.stderr
    state = home / ".local/state/forktrace"
    (trace,) = state.glob("*.jsonl")
    assert owner_of(trace) == (UID, GID, 0o600)
    assert owner_of(state) == (UID, GID, 0o700)
    assert owner_of(home / "out.json") == (UID, GID, 0o600)
    assert owner_of(state / "latest")[:2] == (UID, GID)
    done = by_sudo(forktrace, home, "run", "-q", "-o", "t.jsonl", "--", "echo", "named")
    assert done.returncode == 0
    assert owner_of(home / "t.jsonl") == (UID, GID, 0o600)
    assert b"named" in by_sudo(forktrace, home, "show").stdout


def test_under_sudo_a_link_of_the_caller_leads_root_nowhere(
    forktrace: Forktrace, home: Path
) -> None:
    closed = forktrace.folder / "roots-own"
    closed.mkdir(mode=0o700)
    (home / ".local").symlink_to(closed)
    done = by_sudo(forktrace, home, "run", "-q", "--", "sh", "-c", "exit 3")
    assert done.returncode == 3
    assert b"this trace will not be kept" in done.stderr
    assert list(closed.iterdir()) == []


def test_without_sudo_a_claim_to_be_another_user_means_nothing(forktrace: Forktrace) -> None:
    env = {**forktrace.env, "SUDO_UID": "no number", "SUDO_GID": "0"}
    assert forktrace("run", "-q", "--", "true", env=env).status == 0
    assert kept(forktrace)[0].stat().st_uid == os.geteuid()


def test_a_trace_that_is_being_written_is_not_pruned(forktrace: Forktrace) -> None:
    """It is older than the traces of 20 later runs, as nothing has happened in it since."""
    process = forktrace.start("run", "--", "sh", "-c", "echo begun; read line; exit 3")
    assert read_line(process) == b"begun\n"
    (first,) = kept(forktrace)
    os.utime(first, (1, 1))
    for path in old_traces(forktrace, 25):
        path.touch()
    assert forktrace("run", "-q", "--", "true").status == 0
    status, _out, err = finish(process)
    assert status == 3
    assert first.exists()
    assert str(first) in err


def test_a_folder_that_is_there_already_becomes_private(forktrace: Forktrace) -> None:
    forktrace.state.mkdir(parents=True, mode=0o755)
    assert forktrace("run", "-q", "--", "true").status == 0
    assert stat.S_IMODE(forktrace.state.stat().st_mode) == 0o700
