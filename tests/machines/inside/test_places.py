"""Where podman's processes are on a machine with cgroup v2 alone and systemd as its manager.

podman is run as a user does, without an option that the development machine would need. What
forktrace tells is compared with /proc, systemctl and systemd-cgls while the container runs.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.lab import WAIT, Watched, call, inspect, podman, start
from tests.engines.traced import Traced
from tests.integration.harness import PATIENCE, finish
from tests.machines.inside.told import drawn, explained, listed, path_of, short, unit_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(3 * PATIENCE)]
Keep = Callable[[Path, str], None]
RUNTIMES = pytest.mark.parametrize("runtime", ["crun", "runc"])


def test_the_machine_is_what_it_is_said_to_be() -> None:
    assert call("stat", "-f", "-c", "%T", "/sys/fs/cgroup") == "cgroup2fs"
    assert Path("/proc/1/comm").read_text() == "systemd\n"
    assert podman("info", "-f", "{{.Host.CgroupManager}} {{.Host.CgroupsVersion}}") == "systemd v2"
    assert podman("info", "-f", "{{.Host.OCIRuntime.Name}}") == "crun"


@pytest.mark.parametrize("detail", ["events", "syscalls"])
@RUNTIMES
def test_outside_of_a_unit(
    forktrace: Watched, image: str, container: str, keep: Keep, runtime: str, detail: str
) -> None:
    """conmon gets a scope of its own, the payload another; podman stays where it is."""
    command = ("podman", "--runtime", runtime, "run", "--rm", "-i", "--name", container, image)
    run = start(forktrace, *command, "sh", "-c", WAIT, options=("--detail", detail))
    assert run.up() == "up"
    state, id_ = inspect(container)["State"], inspect(container)["Id"]
    conmon_pid, payload_pid = int(state["ConmonPid"]), int(state["Pid"])
    paths = {pid: path_of(pid) for pid in (conmon_pid, payload_pid)}
    cgls = listed()
    units = {pid: unit_of(pid) for pid in paths}
    traced = run.end(status=7)
    keep(run.trace, f"podman-{runtime}-{detail}")

    conmon, payload = traced.with_pid(conmon_pid), traced.with_pid(payload_pid)
    assert [traced.role(p) for p in (traced.root, conmon, payload)] == [
        "engine", "monitor", "container",
    ]  # fmt: skip
    assert traced.container().id == id_
    assert units == {
        conmon_pid: f"libpod-conmon-{id_}.scope", payload_pid: f"libpod-{id_}.scope"
    }  # fmt: skip
    assert paths[conmon_pid] == f"/machine.slice/libpod-conmon-{id_}.scope"
    assert paths[payload_pid].startswith(f"/machine.slice/libpod-{id_}.scope")
    shown = drawn(forktrace, run.trace, at=f"exec:{payload.id}")
    said = explained(forktrace, run.trace, "why-cgroup")
    for process in (conmon, payload):
        path = paths[process.pid]
        assert cgls[process.pid] == path
        assert shown[process.pid] == path
        assert traced.cgroup(process) == [f"0::{path}"]
        assert f"ended up in the cgroup {short(path)}" in said


@RUNTIMES
def test_detached(forktrace: Watched, image: str, container: str, keep: Keep, runtime: str) -> None:
    """podman returns, conmon and the payload live on, with PID 1 and conmon as their parents."""
    command = ("podman", "--runtime", runtime, "run", "-d", "--name", container, image)
    done = forktrace.record(*command, "sleep", "600", options=("--linger", "1"))
    assert done.status == 0, done.err
    keep(done.trace, f"podman-{runtime}-detached")
    state = inspect(container)["State"]
    traced = Traced(done.trace)
    conmon, payload = traced.with_pid(int(state["ConmonPid"])), traced.with_pid(int(state["Pid"]))
    assert (conmon.exit, payload.exit) == (None, None)
    assert traced.cgroup(payload) == [f"0::{path_of(payload.pid)}"]
    assert traced.parents(payload)[-1] == conmon.id
    assert str(traced.process(str(traced.parents(conmon)[-1])).pid) == "1"


def test_split(forktrace: Watched, image: str, container: str, keep: Keep) -> None:
    """With --cgroups=split podman moves itself down in its unit, and conmon is born there."""
    trace = forktrace.trace_path()
    call(
        "systemd-run", "--quiet", "--wait", "--pipe", "-p", "Delegate=yes", "--unit", container,
        "forktrace", "run", "-q", "-o", str(trace), "--",
        "podman", "run", "--rm", "--cgroups=split", "--name", container, image,
        "cat", "/proc/self/cgroup",
    )  # fmt: skip
    keep(trace, "podman-split")
    traced = Traced(trace)
    own = f"0::/system.slice/{container}.service"
    assert traced.container().init is not None
    payload = traced.process(str(traced.container().init))
    monitor = traced.process(str(traced.container().monitor))
    assert traced.cgroup(traced.root) == traced.cgroup(monitor) == [f"{own}/runtime"]
    assert traced.cgroup(payload)[0].startswith(f"{own}/libpod-payload-")
    said = explained(forktrace, trace, "why-cgroup")
    assert f"{payload.id} cat ended up in the cgroup {own[3:]}/libpod-payload-" in said
    crun = traced.process(traced.container().runtimes[0])  # which then needs no systemd
    assert f"it was created there by {crun.id} crun create, with CLONE_INTO_CGROUP" in said
    assert f"{own[3:]}/runtime, in which it was born" in said


@RUNTIMES
def test_pod(forktrace: Watched, image: str, unique: str, keep: Keep, runtime: str) -> None:
    """A pod's infra container and its member are in the pod's slice."""
    podman = f"podman --runtime {runtime}"
    infra = f"--infra-image {image} --infra-command '/bin/sleep 600'"
    script = (
        f"{podman} pod create --name {unique} {infra}"
        f" && {podman} run --rm --pod {unique} {image} cat /proc/self/cgroup"
        f" ; {podman} pod rm -f -t 0 {unique}"
    )
    done = forktrace.record("sh", "-c", script)
    assert done.status == 0, done.err
    keep(done.trace, f"podman-{runtime}-pod")
    traced = Traced(done.trace)
    assert len(traced.findings.containers) == 2
    for made in traced.findings.containers:
        (line,) = traced.cgroup(traced.process(str(made.init)))
        assert line.startswith("0::/machine.slice/machine-libpod_pod_")


@RUNTIMES
def test_exec(forktrace: Watched, image: str, container: str, keep: Keep, runtime: str) -> None:
    """What podman exec runs is in the container's cgroup."""
    podman("--runtime", runtime, "run", "-d", "--name", container, image, "sleep", "600")
    payload = int(inspect(container)["State"]["Pid"])
    command = ("podman", "--runtime", runtime, "exec", container, "cat", "/proc/self/cgroup")
    process, trace = forktrace.start_recording(*command)
    status, out, err = finish(process)
    assert status == 0, err
    keep(trace, f"podman-{runtime}-exec")
    traced = Traced(trace)
    cat = traced.the("cat", "/proc/self/cgroup")
    (line,) = traced.cgroup(cat)
    assert path_of(payload).startswith(line.removeprefix("0::").rsplit("/libpod-", 1)[0])
    assert f"libpod-{inspect(container)['Id']}.scope" in line
    assert out.decode().startswith("0::/")
