"""Rootless podman: traced by root from its very first run, and by the user itself."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.engines.lab import (
    LIMITS,
    WAIT,
    Need,
    call,
    cgroup_of,
    gone,
    namespaces_of,
    start,
    unique_name,
)
from tests.engines.traced import Traced
from tests.integration.harness import (
    PATIENCE,
    Forktrace,
    alive,
    read_records,
    status_field,
    wait_until,
)

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class User:
    """Be an ordinary user who was made for a test.

    Args:
        name: of the account; it has a range of subordinate ids.
        home: where all of its files are.
        rootfs: a root file system of its own, for ``podman run --rootfs``.
    """

    name: str
    home: Path
    rootfs: Path

    @property
    def uid(self) -> int:
        return pwd.getpwnam(self.name).pw_uid

    @property
    def gid(self) -> int:
        return pwd.getpwnam(self.name).pw_gid

    @property
    def runtime(self) -> Path:
        """Return the folder that XDG_RUNTIME_DIR names, where a login makes it."""
        return Path(f"/run/user/{self.uid}")

    @property
    def podman(self) -> tuple[str, ...]:
        """Return the command that runs a container which waits for a line of input."""
        options = ("--rm", "-i", "--network=host", *LIMITS)
        return ("podman", "--runtime", "runc", "run", *options, "--rootfs", str(self.rootfs))

    def pause(self) -> int | None:
        """Return the pid of podman's pause process, None if it is not there."""
        try:
            return int((self.runtime / "libpod" / "tmp" / "pause.pid").read_text())
        except FileNotFoundError:
            return None


@pytest.fixture
def user(need: Need, missing: Missing, rootfs: Path) -> Iterator[User]:
    """Make an ordinary user with a range of subordinate ids; remove both, and its processes."""
    need("podman", "conmon", "runc", "newuidmap", "newgidmap", "useradd", "setpriv", "runuser")
    home = Path(tempfile.mkdtemp(prefix="forktrace-", dir="/var/tmp"))
    name = unique_name()
    call("useradd", "--no-create-home", "--home-dir", str(home), "--shell", "/bin/sh", name)
    made = User(name, home, home / "rootfs")
    try:
        if name not in Path("/etc/subuid").read_text():
            missing("useradd gives no subordinate ids here")
        shutil.copytree(rootfs, made.rootfs, symlinks=True)
        made.runtime.mkdir(mode=0o700, parents=True)
        call("chown", "-R", f"{name}:", str(home), str(made.runtime))
        yield made
    finally:
        end_all(made.uid)
        for folder in (made.runtime, home):
            # What was mounted in the user's namespaces goes with them, a little later.
            wait_until(partial(remove, folder), f"{folder} is removed")
        call("userdel", "--force", name)


def remove(folder: Path) -> bool:
    """Remove a folder with all that is in it, and say whether it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def end_all(uid: int) -> None:
    """Kill the processes of a test's own user, and those of its subordinate ids below it."""
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if (status_field(pid, "Uid:") or "-1").split()[0] == str(uid):
            os.kill(pid, signal.SIGKILL)
            gone(pid)


@pytest.fixture
def as_user(user: User, forktrace: Forktrace) -> Forktrace:
    """Return forktrace run by root, where the user can be."""
    forktrace.env = {
        **{k: v for k, v in forktrace.env.items() if not k.startswith(("XDG_", "DBUS_"))},
        "XDG_STATE_HOME": forktrace.env["XDG_STATE_HOME"],
        "XDG_RUNTIME_DIR": str(user.runtime),
    }
    return forktrace


@pytest.fixture
def by_user(user: User, as_user: Forktrace) -> Forktrace:
    """Return forktrace run by the user.

    It may read all files, as this interpreter may lie in root's home; it may trace only its own.
    """
    may_read = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    ids = (f"--reuid={user.uid}", f"--regid={user.gid}", "--clear-groups")
    as_user.program = ("setpriv", *ids, *may_read, "--", *as_user.program)
    as_user.env |= {"HOME": str(user.home), "USER": user.name, "LOGNAME": user.name}
    as_user.env["XDG_STATE_HOME"] = str(user.home / "state")
    as_user.folder = user.home
    return as_user


def test_first_run_traced_by_root(as_user: Forktrace, user: User) -> None:
    """newuidmap keeps its power; a child makes the user namespace, and executes podman anew."""
    assert user.pause() is None
    run = start(
        as_user,
        *(*user.podman, "sh", "-c", WAIT),
        options=("--user", user.name, "--linger", "0.3"),
        cwd=user.home,
    )
    run.up()
    payload_pid = the_pid(run.trace, "sh", "-c", WAIT)
    namespaces, cgroup = namespaces_of(payload_pid), cgroup_of(payload_pid)
    parent = status_field(payload_pid, "PPid:")
    traced = run.end(status=7)

    first = traced.root
    # Go, in podman 5, also clones a child only to try CLONE_PIDFD, which executes nothing.
    executed = [p for p in traced.created_by(first) if any(not i.inherited for i in p.images)]
    (second,) = [p for p in executed if p.argv == first.argv]
    assert second.creation is not None
    assert {"CLONE_NEWUSER", "CLONE_NEWNS"} <= set(second.creation.flags)
    maps = [traced.the(name, creator=first) for name in ("newuidmap", "newgidmap")]
    for helper in maps:
        assert helper.argv[1] == str(second.pid)
        assert helper.exit is not None
        assert helper.exit.code == 0
        assert traced.role(helper) == "helper"
    assert [traced.role(p) for p in (first, second)] == ["engine", "engine"]

    payload = traced.with_pid(payload_pid)
    assert traced.role(payload) == "container"
    monitor = traced.process(traced.parents(payload)[-1])
    assert str(monitor.pid) == parent
    assert monitor.id in traced.findings.double_forks
    assert traced.process(monitor.creator).creator == second.id
    assert traced.namespaces(payload) == namespaces
    assert traced.namespaces(second)["user"] == namespaces["user"]
    assert traced.namespaces(first)["user"] != namespaces["user"]
    assert traced.cgroup(payload) == cgroup
    assert traced.container().init == payload.id

    pause = user.pause()
    assert pause is not None
    holder = traced.with_pid(pause)
    assert alive(pause)
    assert holder.exit is None
    assert traced.role(holder) == "helper"
    assert holder.id in traced.findings.double_forks
    middle = traced.process(holder.creator)
    assert traced.role(middle) in ("engine", "helper")


def the_pid(trace: Path, *argv: str) -> int:
    """Wait until these arguments were executed; returns the pid of the process that did."""

    def search() -> int | None:
        found = [r for r in read_records(trace) if r["event"] == "exec" and r["argv"] == [*argv]]
        return int(found[-1]["pid"]) if found else None

    return int(wait_until(search, f"{argv} was executed"))


def establish(user: User, env: dict[str, str]) -> None:
    """Let podman make its user namespace, untraced."""
    command = ("runuser", "-u", user.name, "--", "podman", "unshare", "true")
    call(*command, env={**env, "HOME": str(user.home)}, cwd=user.home)
    assert user.pause() is not None


def test_traced_by_the_user_when_the_namespace_is_there(by_user: Forktrace, user: User) -> None:
    """podman then joins it in place: no second podman, and nobody is mapped."""
    establish(user, by_user.env)
    run = start(by_user, *user.podman, "sh", "-c", WAIT, cwd=user.home)
    run.up()
    payload_pid = the_pid(run.trace, "sh", "-c", WAIT)
    namespaces = namespaces_of(payload_pid)
    out, err = run.process.communicate(b"\n", timeout=PATIENCE)
    assert run.process.returncode == 7, (out, err)
    assert b"newuidmap" not in err
    traced = Traced(run.trace)
    assert traced.ran("newuidmap") == []
    payload = traced.with_pid(payload_pid)
    assert traced.role(payload) == "container"
    assert traced.namespaces(payload)["user"] == namespaces["user"]
    monitor = traced.process(traced.parents(payload)[-1])
    assert traced.process(monitor.creator).creator == traced.root.id
    assert traced.role(monitor) == "monitor"


def test_traced_by_the_user_at_first(by_user: Forktrace, user: User) -> None:
    """forktrace warns; newuidmap fails, and with it podman."""
    done = by_user.record(*user.podman, "true", cwd=user.home)
    assert "rootless podman is likely to fail now" in done.err
    assert "newuidmap" in done.err
    assert done.status not in (0, 127)
    traced = Traced(done.trace)
    helper = traced.the("newuidmap")
    assert helper.exit is not None
    assert helper.exit.code not in (0, None)
    assert traced.findings.containers == []
    # untraced, nothing is wrong
    command = ("runuser", "-u", user.name, "--", *user.podman, "echo", "well")
    env = {**by_user.env, "HOME": str(user.home)}
    alone = subprocess.run(command, env=env, cwd=user.home, capture_output=True, check=False)
    assert (alone.returncode, alone.stdout) == (0, b"well\n"), alone.stderr
