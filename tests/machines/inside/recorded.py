"""Record the traces of the gallery that need a whole machine; examples/record-machines calls it.

Its name keeps it out of all runs that do not name it.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import systemd_lab
from tests.engines.lab import call
from tests.engines.systemd_lab import SHARED, Machine, is_whole_machine
from tests.engines.test_systemd import FORKTRACE, attached
from tests.integration.harness import PATIENCE, wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(3 * PATIENCE),
    pytest.mark.skipif(not is_whole_machine(), reason="records what only a whole machine has"),
]
Keep = Callable[[Path, str], None]
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RECORD = (FORKTRACE, "run", "--quiet", "--detail", "syscalls", "--linger", "0.3")
RUN = ("podman", "run", "--rm", "alpine", "echo", "hi")
QUADLET = """[Container]
ContainerName=baz
Image=localhost/alpine:latest
Network=host
Exec=sleep 600
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with systemd_lab.boot(tmp_path_factory.mktemp("machine")) as booted:
        yield booted


def in_a_session(*command: str, cwd: str = "/root", **variables: str) -> None:
    """Run a command as a login shell would: in no unit, with few variables, output on a pipe."""
    given = {"PATH": PATH, "LANG": "C.UTF-8", **variables}
    call(
        "systemd-run", "--quiet", "--scope", "--unit=session-1", "--slice=user.slice",
        "env", "-i", *(f"{name}={value}" for name, value in given.items()), *command,
        cwd=cwd, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_podman_outside_of_a_unit(machine: Machine, keep: Keep) -> None:
    # The filter spares the stops at calls that are not recorded: iptables makes many.
    trace = f"{SHARED}/podman.jsonl"
    in_a_session(*RECORD, "--seccomp", "-o", trace, "--", *RUN, HOME="/root")
    version = call("podman", "--version").split()[-1].partition(".")[0]
    keep(machine.traces / "podman.jsonl", f"podman-{version}")


def test_quadlet(machine: Machine, keep: Keep) -> None:
    source = Path("/etc/containers/systemd/baz.container")
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(QUADLET)
    call("systemctl", "daemon-reload")
    with attached(machine, "quadlet.jsonl", "syscalls"):
        call("systemctl", "start", "baz")
        call("systemctl", "stop", "baz")
    keep(machine.traces / "quadlet.jsonl", "podman-quadlet")


def test_rootless(machine: Machine, keep: Keep) -> None:
    """alice has logged in, so she has a systemd of her own, and has never run podman."""
    home = Path("/home/alice")
    call("useradd", "--create-home", "--shell", "/bin/sh", "alice")
    rootfs = "/home/alice/rootfs"
    call("cp", "-r", "/run/image", rootfs)
    call("chown", "-R", "alice:", rootfs)
    call("loginctl", "enable-linger", "alice")
    runtime = f"/run/user/{home.stat().st_uid}"
    wait_until(lambda: Path(runtime, "bus").exists(), "the user's systemd has started")
    in_a_session(
        *RECORD, "-o", f"{SHARED}/rootless.jsonl", "--user", "alice", "--",
        "podman", "run", "--rm", "--rootfs", rootfs, "echo", "hi",
        cwd="/home/alice", XDG_RUNTIME_DIR=runtime,
        DBUS_SESSION_BUS_ADDRESS=f"unix:path={runtime}/bus", XDG_STATE_HOME="/root/state",
    )  # fmt: skip
    keep(machine.traces / "rootless.jsonl", "rootless-systemd")
