"""Rootless podman of a user who has a systemd of their own, as everybody has who logs in."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.lab import WAIT, Watched, call, namespaces_of, start
from tests.engines.test_rootless import User, as_user, by_user, establish, the_pid, user
from tests.engines.traced import Traced
from tests.integration.harness import PATIENCE, Forktrace, status_field, wait_until
from tests.machines.inside.told import drawn, path_of

__all__ = ["as_user", "by_user", "user"]
pytestmark = [pytest.mark.engine, pytest.mark.timeout(3 * PATIENCE)]
Keep = Callable[[Path, str], None]


@pytest.fixture
def managed(user: User) -> Iterator[User]:
    """Start the user's own systemd, as a login does."""
    user.runtime.rmdir()  # it makes that itself
    call("loginctl", "enable-linger", user.name)
    wait_until(lambda: (user.runtime / "bus").exists(), "the user's systemd has started")
    yield user
    call("loginctl", "disable-linger", user.name)
    call("loginctl", "terminate-user", user.name, check=False)
    call("systemctl", "stop", f"user@{user.uid}.service")
    wait_until(lambda: not os.path.ismount(user.runtime), "the user's systemd has ended")
    # The next user may get the same uid, and logind start nothing for it while it closes this one.
    known = Path(f"/run/systemd/users/{user.uid}")
    wait_until(lambda: not known.exists(), "logind has forgotten the user")


def bus(user: User) -> dict[str, str]:
    return {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={user.runtime}/bus"}


def check_places(
    forktrace: Forktrace, trace: Path, payload_pid: int, paths: dict[int, str], traced: Traced
) -> None:
    """Compare with /proc where the trace says that payload and monitor are."""
    payload = traced.with_pid(payload_pid)
    assert traced.role(payload) == "container"
    monitor = traced.process(str(traced.parents(payload)[-1]))
    assert traced.role(monitor) == "monitor"
    shown = drawn(forktrace, trace, at=f"exec:{payload.id}")
    for process in (payload, monitor):
        assert traced.cgroup(process) == [f"0::{paths[process.pid]}"]
        assert shown[process.pid] == paths[process.pid]


def look(payload: int) -> dict[int, str]:
    """Return the cgroups of a payload and of its parent by pid, as /proc tells."""
    pids = (payload, int(status_field(payload, "PPid:") or "0"))
    return {pid: path_of(pid) for pid in pids}


@pytest.mark.parametrize("network", ["host", "default"])
def test_first_run_traced_by_root(
    as_user: Watched, managed: User, keep: Keep, network: str
) -> None:
    """The user's systemd makes the scopes, below the user's own service."""
    as_user.env |= bus(managed)
    more = ("--network=host",) if network == "host" else ()
    command = ("podman", "run", "--rm", "-i", *more, "--rootfs", str(managed.rootfs))
    run = start(
        as_user, *command, "sh", "-c", WAIT,
        options=("--user", managed.name, "--linger", "0.3"), cwd=managed.home,
    )  # fmt: skip
    assert run.up() == "up"
    payload = the_pid(run.trace, "sh", "-c", WAIT)
    paths, namespaces = look(payload), namespaces_of(payload)
    traced = run.end(status=7)
    keep(run.trace, f"rootless-{network}")
    check_places(as_user, run.trace, payload, paths, traced)
    own = f"/user.slice/user-{managed.uid}.slice/user@{managed.uid}.service/"
    assert all(path.startswith(own) for path in paths.values())
    assert "/libpod-conmon-" in paths[list(paths)[1]]
    assert traced.namespaces(traced.with_pid(payload)) == namespaces
    assert traced.ran("newuidmap") != []


def test_traced_by_the_user(by_user: Watched, managed: User, keep: Keep) -> None:
    """With the user namespace there, the user needs no root to trace podman."""
    by_user.env |= bus(managed)
    establish(managed, by_user.env)
    command = ("podman", "run", "--rm", "-i", "--network=host", "--rootfs", str(managed.rootfs))
    run = start(by_user, *command, "sh", "-c", WAIT, cwd=managed.home)
    assert run.up() == "up"
    payload = the_pid(run.trace, "sh", "-c", WAIT)
    paths = look(payload)
    traced = run.end(status=7)
    keep(run.trace, "rootless-by-user")
    check_places(by_user, run.trace, payload, paths, traced)
    assert traced.ran("newuidmap") == []
