"""podman as a unit of a real systemd: what forktrace tells against /proc, systemctl and podman.

The question that all this began with: baz.service runs `podman run`, and `systemctl status` does
not show the container. Traced in both ways: forktrace in ExecStart, and attached to PID 1.
"""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from forktrace.analysis.findings import CgroupStay
from forktrace.model.process import Process
from tests.conftest import Missing
from tests.engines import systemd_lab
from tests.engines.lab import LIMITS
from tests.engines.systemd_lab import SHARED, Machine
from tests.engines.traced import Traced
from tests.integration.harness import Forktrace, wait_until

# The first test on a new computer builds the machine.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(420)]

FORKTRACE = "/usr/local/bin/forktrace"
BAZ = "while true; do date; sleep 1; done"
ENDS_AT_TERM = f'trap "exit 0" TERM; {BAZ}'  # else a PID 1 ignores it
SYSTEMD = "name=systemd"


@pytest.fixture(scope="module")
def machine(missing: Missing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return a machine with systemd, podman, an image and forktrace."""
    reason = systemd_lab.why_not()
    if reason is not None:
        missing(reason)
    with systemd_lab.boot(tmp_path_factory.mktemp("machine")) as booted:
        yield booted


@pytest.fixture
def unit(machine: Machine) -> Iterator[Callable[..., None]]:
    """Return what writes baz.service from its lines; it is stopped at the end."""

    def write(*lines: str) -> None:
        machine.write("/etc/systemd/system/baz.service", "\n".join(("[Service]", *lines, "")))
        machine.call("systemctl", "daemon-reload")

    yield write
    machine.call("podman", "rm", "-f", "-t", "0", "baz", check=False)
    machine.call("systemctl", "stop", "baz", check=False)
    machine.call("systemctl", "reset-failed", check=False)


def podman_line(script: str, *options: str) -> str:
    """Return the command line of the question, as a unit or a shell takes it."""
    before = ("/usr/bin/podman", "--runtime", "runc", *options, "run", "--rm", "--name", "baz")
    return " ".join((*before, "--network=host", *LIMITS, "alpine", "sh", "-c", f"'{script}'"))


@dataclass(frozen=True)
class Facts:
    """Be what kernel, systemd and podman say while the container runs.

    ``cgroups`` has the lines of /proc/PID/cgroup by pid; ``main`` and ``group`` are MainPID and
    ControlGroup of the unit, ``listed`` the pids that ``systemctl status`` shows in it.
    """

    id: str
    payload: int
    conmon: int
    cgroups: dict[int, list[str]]
    main: int = 0
    group: str = ""
    listed: frozenset[int] = frozenset()

    def path(self, pid: int) -> str:
        """Return the cgroup of a process in systemd's own hierarchy."""
        return path_in(self.cgroups[pid], SYSTEMD)


def path_in(lines: list[str], hierarchy: str) -> str:
    """Return the path in a hierarchy; on pure v2 there is no other than v2's."""
    paths = {c: path for _, c, path in (line.split(":", 2) for line in lines)}
    return paths.get(hierarchy, paths[""])


def look(machine: Machine) -> Facts:
    """Wait until the container runs, and ask everybody about it."""

    def running() -> list[str]:
        told = machine.call(
            "podman", "inspect", "baz", "--format",
            "{{.State.Running}} {{.Id}} {{.State.Pid}} {{.State.ConmonPid}}", check=False,
        ).split()  # fmt: skip
        if told[:1] != ["true"] or machine.read(f"/proc/{told[2]}/cmdline")[:3] != "sh\0":
            return []
        return told[1:]

    id_, payload, conmon = wait_until(running, "the container runs")
    shown = machine.show("baz", "MainPID", "ControlGroup")
    status = machine.call("systemctl", "status", "--no-pager", "baz", check=False)
    listed = frozenset(int(pid) for pid in re.findall(r"[├└]─\s*(\d+) ", status))
    pids = {int(payload), int(conmon), *listed}
    cgroups = {pid: machine.cgroup_of(pid) for pid in pids}
    main, group = int(shown["MainPID"]), shown["ControlGroup"]
    return Facts(id_, int(payload), int(conmon), cgroups, main, group, listed)


def stays(traced: Traced, process: Process) -> dict[str, CgroupStay]:
    """Return the last stay of a process in each hierarchy."""
    return {stay.hierarchy: stay for stay in traced.findings.cgroups[process.id]}


def check_places(traced: Traced, facts: Facts, engine: int) -> None:
    """Compare where the trace says that podman, conmon and the payload are with /proc."""
    for pid in (engine, facts.conmon, facts.payload):
        process = traced.with_pid(pid)
        assert traced.cgroup(process) == facts.cgroups[pid]
        found = [f"{stay.hierarchy}:{stay.path}" for stay in stays(traced, process).values()]
        assert sorted(found) == sorted(line.split(":", 1)[1] for line in facts.cgroups[pid])


def check_roles(traced: Traced, facts: Facts, engine: int) -> None:
    """Check that the trace tells who is what, and who made whom."""
    podman, conmon, payload = (
        traced.with_pid(pid) for pid in (engine, facts.conmon, facts.payload)
    )
    assert [traced.role(p) for p in (podman, conmon, payload)] == ["engine", "monitor", "container"]
    assert traced.process(conmon.creator).creator == podman.id
    assert traced.parents(payload)[-1] == conmon.id
    container = traced.container()
    assert (container.id, container.name, container.image) == (facts.id, "baz", "alpine")
    assert (container.monitor, container.init) == (conmon.id, payload.id)


def check_unit_and_scope(machine: Machine, facts: Facts) -> None:
    """Check what the question saw: podman and conmon in the unit, the payload in a scope."""
    scope = machine.show(f"libpod-{facts.id}.scope", "ControlGroup")["ControlGroup"]
    assert facts.path(facts.payload) == scope == f"/machine.slice/libpod-{facts.id}.scope"
    assert facts.group == "/system.slice/baz.service"
    assert {facts.path(pid) for pid in facts.listed} == {facts.group}
    assert {facts.main, facts.conmon} <= facts.listed
    assert facts.payload not in facts.listed


def check_who_moved(traced: Traced, facts: Facts, detail: str) -> None:
    """Check who put each where: systemd did, which is asked over D-Bus, and then runc itself."""
    payload, conmon = traced.with_pid(facts.payload), traced.with_pid(facts.conmon)
    stage = traced.process(traced.process(payload.creator).creator)  # runc's first init stage
    moved = stays(traced, stage)
    told = "outside" if detail == "syscalls" else "seen"
    assert (moved[SYSTEMD].how, moved[SYSTEMD].path) == (told, facts.path(facts.payload))
    assert stays(traced, payload)[SYSTEMD].how == "inherited"
    assert {stay.how for stay in stays(traced, conmon).values()} == {"inherited"}
    memory = moved.get("memory")
    if detail == "syscalls" and memory is not None:
        assert (memory.how, memory.by) == ("write", stage.parent)


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_forktrace_in_exec_start(
    machine: Machine, unit: Callable[..., None], forktrace: Forktrace, detail: str
) -> None:
    """forktrace is the main process of the unit; stop ends podman through it, and it with 0."""
    name = f"unit-{detail}.jsonl"
    unit(
        f"ExecStart={FORKTRACE} run -q --detail {detail} -o {SHARED}/{name} -- "
        + podman_line(ENDS_AT_TERM),
        "KillMode=mixed",
    )
    machine.call("systemctl", "start", "baz")
    facts = look(machine)
    check_unit_and_scope(machine, facts)
    machine.call("systemctl", "stop", "baz")
    ended = machine.show("baz", "ActiveState", "Result", "ExecMainStatus", "ExecMainCode")
    expected = {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert ended | expected == ended
    assert machine.call("podman", "ps", "-aq") == ""

    traced = Traced(machine.traces / name)
    assert traced.launch.end is not None
    assert traced.launch.end.reason == "exited"
    assert traced.launch.header.tracer == facts.main
    engine = traced.root.pid
    assert facts.listed >= {facts.main, engine}
    check_roles(traced, facts, engine)
    check_places(traced, facts, engine)
    check_who_moved(traced, facts, detail)
    assert "INVOCATION_ID" in traced.root.images[-1].env
    kills = [p for p in traced.ran("runc", "kill") if "15" in p.argv]
    assert len(kills) == 1  # TERM came once, by way of forktrace
