"""docker: its container is made by daemons, so they are what has to be traced.

Truth is what /proc and docker itself say while the container runs.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from forktrace.model.process import Process
from tests.conftest import Missing
from tests.engines.lab import WAIT, cgroup_of, namespaces_of, unique_name
from tests.engines.traced import Traced
from tests.integration.harness import (
    PATIENCE,
    Forktrace,
    alive,
    complete,
    finish,
    read_records,
    status_field,
    wait_until,
)

pytestmark = pytest.mark.engine

# Debian's own: what PATH finds first may be something else.
DOCKER, DOCKERD = "/usr/bin/docker", "/usr/sbin/dockerd"


@dataclass(frozen=True)
class Daemons:
    """Be a dockerd and its containerd, with what a client needs to reach them."""

    dockerd: int
    containerd: int
    env: dict[str, str]

    def docker(self, *words: str) -> str:
        """Run a docker command; returns what it printed, stripped."""
        done = subprocess.run(
            [DOCKER, *words], env=self.env, capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def daemons(
    missing: Missing, tmp_path_factory: pytest.TempPathFactory, image_archive: Path
) -> Iterator[Daemons]:
    """Start daemons of our own, whose files and cgroups are ours alone; stop them at the end."""
    for program in (DOCKER, DOCKERD, "containerd", "containerd-shim-runc-v2", "runc"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            missing(f"{program} is not installed")
    folder, name = tmp_path_factory.mktemp("docker"), unique_name()
    socket = f"unix://{folder}/socket"
    # nothing of the user's docker: no settings, no other daemon
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DOCKER_HOST": socket, "HOME": str(folder)}
    log = folder / "log"
    with log.open("wb") as out:
        dockerd = subprocess.Popen(
            [
                # It ends with the tests, however these end, and sees no containerd of the system's.
                "setpriv", "--pdeathsig", "TERM", "--", "unshare", "--mount", "sh", "-c",
                'mount -t tmpfs tmpfs /run && exec "$@"', "sh",
                DOCKERD, "--iptables=false", "--bridge=none", "--storage-driver=vfs",
                "--exec-opt=native.cgroupdriver=cgroupfs",  # else, on cgroup v2, it is systemd's
                f"--data-root={folder}/data", f"--exec-root={folder}/exec", "-H", socket,
                f"--pidfile={folder}/pid", f"--cgroup-parent=/{name}",
            ],
            env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until(lambda: answers(dockerd, env), f"dockerd answers, as {log} tells")
        (containerd,) = children(dockerd.pid)
        made = Daemons(dockerd.pid, containerd, env)
        made.docker("import", str(image_archive), "alpine")
        yield made
    finally:
        dockerd.terminate()
        dockerd.wait(PATIENCE)
        for cgroup in Path("/sys/fs/cgroup").glob(f"**/{name}"):
            cgroup.rmdir()


def answers(dockerd: "subprocess.Popen[bytes]", env: dict[str, str]) -> bool:
    """Say whether the daemon serves its socket; a dead one fails."""
    assert dockerd.poll() is None, "dockerd has ended"
    return subprocess.run([DOCKER, "version"], env=env, capture_output=True).returncode == 0


def children(pid: int) -> list[int]:
    """Return the pids of all children of a process."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text().split()]


def run_words(name: str, *words: str) -> tuple[str, ...]:
    """Return the command line of a ``docker run``."""
    return (DOCKER, "run", "--rm", "-i", "--network", "none", "--name", name, "alpine", *words)


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_attached_to_the_daemons(
    forktrace: Forktrace, daemons: Daemons, unique: str, detail: str
) -> None:
    """While another process runs `docker run`: daemon, shim, runtime, container."""
    trace = forktrace.trace_path()
    pids = ("-p", str(daemons.dockerd), "-p", str(daemons.containerd))
    tracing = forktrace.start("attach", "-q", "--detail", detail, "-o", str(trace), *pids)
    wait_until(lambda: attached(trace) == {daemons.dockerd, daemons.containerd}, "all is attached")
    client = subprocess.Popen(
        run_words(unique, "sh", "-c", WAIT), env=daemons.env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    assert client.stdout is not None
    assert client.stdout.readline() == b"up\n"
    id_, pid = daemons.docker("inspect", "-f", "{{.Id}} {{.State.Pid}}", unique).split()
    payload = int(pid)
    shim = int(status_field(payload, "PPid:") or 0)
    pids_seen = (daemons.dockerd, daemons.containerd, shim, payload)
    cgroups = {p: cgroup_of(p) for p in pids_seen}
    namespaces = {p: namespaces_of(p) for p in pids_seen}
    adopter = int(status_field(shim, "PPid:") or 0)
    client.communicate(b"\n", timeout=PATIENCE)
    assert client.returncode == 7
    wait_until(lambda: not alive(shim), "the shim has ended")
    tracing.send_signal(signal.SIGTERM)
    status, _, err = finish(tracing)
    assert status == 0, err
    assert complete(trace) is not None

    traced = Traced(trace)
    check_daemons(traced, daemons)
    check_shim(traced, daemons, shim, adopter)
    check_container(traced, daemons, shim, payload)
    assert traced.container().id == id_
    for seen in pids_seen:
        assert traced.cgroup(traced.with_pid(seen)) == cgroups[seen]
        assert traced.namespaces(traced.with_pid(seen)) == namespaces[seen]
    check_cgroup(traced, payload, id_, detail)
    said = explain(forktrace, trace, "where-is-my-container")
    assert f"pid {payload}" in said
    held = explain(forktrace, trace, "who-holds-stdout")
    assert f"{traced.with_pid(shim).id} containerd-shim-runc-v2" in held
    for daemon in (daemons.dockerd, daemons.containerd):  # which run on, untraced
        assert status_field(daemon, "TracerPid:") == "0"
    assert daemons.docker("ps", "-aq") == ""


def attached(trace: Path) -> set[int]:
    """Return the pids that a trace tells to have been attached to."""
    records = read_records(trace) if trace.exists() else []
    return {r["pid"] for r in records if r["event"] == "process" and r.get("attached")}


def check_daemons(traced: Traced, daemons: Daemons) -> None:
    """Check that both are known for what they are, and as parent and child."""
    dockerd, containerd = traced.with_pid(daemons.dockerd), traced.with_pid(daemons.containerd)
    assert (dockerd.attached, containerd.attached) == (True, True)
    assert (traced.role(dockerd), traced.role(containerd)) == ("engine", "engine")
    assert containerd.parent == dockerd.id
    again = [p for p in traced.launch.inside if p.images and p.images[-1].exe == DOCKERD]
    assert {traced.role(p) for p in again if not p.attached} == {"helper"}


def check_shim(traced: Traced, daemons: Daemons, pid: int, adopter: int) -> None:
    """Check the shim's own double fork: `start` starts the server, and exits."""
    shim = traced.with_pid(pid)
    start = traced.the("containerd-shim-runc-v2", "start")
    assert start.creator == traced.with_pid(daemons.containerd).id
    assert shim.creator == start.id
    assert start.exit is not None
    assert start.exit.code == 0
    outside = traced.process(traced.parents(shim)[-1])
    assert (outside.pid, outside.outside) == (adopter, True)
    double = traced.findings.double_forks[shim.id]
    assert (double.origin, double.middle, double.adopter) == (start.creator, start.id, outside.id)
    assert (traced.role(start), traced.role(shim)) == ("helper", "monitor")
    assert shim.id in traced.findings.subreapers


def check_container(traced: Traced, daemons: Daemons, shim_pid: int, pid: int) -> None:
    """Check the container, from `runc create` to its end."""
    shim, payload = traced.with_pid(shim_pid), traced.with_pid(pid)
    create = traced.the("runc", "create", creator=shim)
    assert traced.parents(payload) == [create.id, shim.id]
    second = traced.process(payload.creator)
    first = traced.process(second.creator)
    assert (first.creator, first.parent, second.parent) == (create.id, create.id, create.id)
    roles = [traced.role(p) for p in (create, first, second, payload)]
    assert roles == ["runtime", "init-stage", "init-stage", "container"]
    assert payload.nspid == [pid, 1]
    assert payload.argv == ["sh", "-c", WAIT]
    assert payload.exit is not None
    assert payload.exit.code == 7
    made = traced.container()
    assert made.engine in (
        traced.with_pid(daemons.dockerd).id,
        traced.with_pid(daemons.containerd).id,
    )
    assert (made.monitor, made.init, made.members) == (shim.id, payload.id, [payload.id])
    assert {create.id, *ids(traced.ran("runc", "start"))} <= set(made.runtimes)


def ids(processes: list[Process]) -> list[str]:
    return [process.id for process in processes]


def check_cgroup(traced: Traced, pid: int, id_: str, detail: str) -> None:
    """Check who put runc's first stage into the container's cgroup: runc itself."""
    payload = traced.with_pid(pid)
    first = traced.process(traced.process(payload.creator).creator)
    moved = {s.hierarchy: s for s in traced.findings.cgroups[first.id] if id_ in s.path}
    assert moved
    expected = ("write", first.parent) if detail == "syscalls" else ("seen", None)
    assert {(stay.how, stay.by) for stay in moved.values()} == {expected}


def explain(forktrace: Forktrace, trace: Path, topic: str) -> str:
    """Return the answer to a topic, on one line."""
    done = forktrace("explain", str(trace), topic)
    assert done.status == 0, done.err
    return " ".join(done.out.decode().split())


def test_the_client_alone(forktrace: Forktrace, daemons: Daemons, unique: str) -> None:
    """The container is none of the client's tree, and forktrace says so, and how to see it."""
    forktrace.env |= daemons.env
    command = run_words(unique, "sh", "-c", "cat; exit 7")
    done = forktrace("run", "-o", "launch.jsonl", "--", *command, input=b"through it all\n")
    assert (done.status, done.out) == (7, b"through it all\n"), done.err
    trace = forktrace.folder / "launch.jsonl"
    traced = Traced(trace)
    assert traced.role(traced.root) == "engine"
    assert traced.findings.containers == []
    assert {traced.role(p) for p in traced.launch.inside} == {"engine"}
    said = explain(forktrace, trace, "where-is-my-container")
    for words in ("not in this trace", "asks dockerd over a socket", "forktrace attach -p"):
        assert words in said
