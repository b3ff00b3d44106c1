"""podman as a unit of the machine's own systemd: podman's default runtime, and Quadlet."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.engines import systemd_lab
from tests.engines.lab import Watched, call, inspect, podman
from tests.engines.systemd_lab import Machine
from tests.engines.test_systemd import attached
from tests.engines.traced import Traced
from tests.integration.harness import PATIENCE, wait_until
from tests.machines.inside.told import drawn, explained, listed, path_of, short, unit_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(3 * PATIENCE)]
Keep = Callable[[Path, str], None]
SLEEP = ("sh", "-c", "trap 'exit 0' TERM; while true; do sleep 1; done")
QUADLET = """[Container]
Image={image}
ContainerName={name}
Exec=sleep 600
Network=host
"""
FOLDER = Path("/etc/containers/systemd")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with systemd_lab.boot(tmp_path_factory.mktemp("machine")) as booted:
        yield booted


def test_default_runtime_in_a_unit(
    forktrace: Watched, image: str, container: str, keep: Keep
) -> None:
    """conmon stays in the unit, as podman has its INVOCATION_ID; crun asks for a scope."""
    trace = forktrace.trace_path()
    call(
        "systemd-run", "--quiet", f"--unit={container}", "-p", "KillMode=mixed",
        "forktrace", "run", "-q", "-o", str(trace), "--",
        "podman", "run", "--rm", "--name", container, image, *SLEEP,
    )  # fmt: skip
    wait_until(lambda: _running(container), "the container runs")
    state, id_ = inspect(container)["State"], inspect(container)["Id"]
    conmon_pid, payload_pid = int(state["ConmonPid"]), int(state["Pid"])
    paths = {pid: path_of(pid) for pid in (conmon_pid, payload_pid)}
    units = [unit_of(pid) for pid in paths]
    cgls = listed()
    call("systemctl", "stop", container)
    keep(trace, "unit-crun")

    assert units == [f"{container}.service", f"libpod-{id_}.scope"]
    assert paths[conmon_pid] == f"/system.slice/{container}.service"
    traced = Traced(trace)
    conmon, payload = traced.with_pid(conmon_pid), traced.with_pid(payload_pid)
    shown = drawn(forktrace, trace, at=f"exec:{payload.id}")
    said = explained(forktrace, trace, "why-cgroup")
    for process in (conmon, payload):
        path = paths[process.pid]
        assert cgls[process.pid] == shown[process.pid] == path
        assert traced.cgroup(process) == [f"0::{path}"]
        assert f"ended up in the cgroup {short(path)}" in said
    assert "INVOCATION_ID is set" in said


def _running(container: str) -> bool:
    return podman("inspect", "-f", "{{.State.Running}}", container, check=False) == "true"


def test_quadlet(
    machine: Machine, forktrace: Watched, image: str, container: str, keep: Keep, missing: Missing
) -> None:
    """The generated unit splits its cgroup, and names conmon as its main process."""
    generator = Path("/usr/lib/systemd/system-generators/podman-system-generator")
    if not generator.exists():
        pytest.skip("this podman is older than 4.4, which brought Quadlet")
    FOLDER.mkdir(parents=True, exist_ok=True)
    source = FOLDER / f"{container}.container"
    source.write_text(QUADLET.format(image=f"localhost/{image}:latest", name=container))
    try:
        call("systemctl", "daemon-reload")
        with attached(machine, "quadlet.jsonl", "events"):
            call("systemctl", "start", container)
            state = inspect(container)["State"]
            main = call("systemctl", "show", "-p", "MainPID", "--value", container)
            paths = {int(state[each]): path_of(int(state[each])) for each in ("ConmonPid", "Pid")}
            call("systemctl", "stop", container)
    finally:
        source.unlink()
        call("systemctl", "daemon-reload")
    trace = machine.traces / "quadlet.jsonl"
    keep(trace, "quadlet")
    assert main == str(state["ConmonPid"])
    own = f"/system.slice/{container}.service"
    assert paths[int(state["ConmonPid"])] == f"{own}/runtime"
    assert paths[int(state["Pid"])].startswith(f"{own}/libpod-payload-")
    traced = Traced(trace)
    for pid, path in paths.items():
        assert traced.cgroup(traced.with_pid(pid)) == [f"0::{path}"]
    assert traced.with_pid(1).attached
    conmon = traced.with_pid(int(state["ConmonPid"])).id
    assert f"the pid of {conmon} conmon as MAINPID" in explained(forktrace, trace, "main-pid")
