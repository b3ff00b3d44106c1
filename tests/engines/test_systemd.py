"""podman as a unit of a real systemd: what forktrace tells against /proc, systemctl and podman.

The question that all this began with: baz.service runs `podman run`, and `systemctl status` does
not show the container. Traced in both ways: forktrace in ExecStart, and attached to PID 1.
"""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from tests.integration.harness import PATIENCE, TO_THE_END, Forktrace, wait_until

# The first test on a new computer builds the machine.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(7 * PATIENCE)]

FORKTRACE = "/usr/local/bin/forktrace"
BAZ = "while true; do date; sleep 1; done"
TIME_TO_STOP = f"TimeoutStopSec={max(PATIENCE, 90)}"  # emulated, a cleanup takes more than 90 s
ENDS_AT_TERM = f'trap "exit 0" TERM; {BAZ}'  # else a PID 1 ignores it
# Where systemd keeps its own tree: in v1 a hierarchy without controllers; else v2 has it all.
PURE_V2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
SYSTEMD, MEMORY = ("", "") if PURE_V2 else ("name=systemd", "memory")


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
    """Return what writes baz.service from its lines, of which the last of a kind counts."""

    def write(*lines: str) -> None:
        machine.write(
            "/etc/systemd/system/baz.service", "\n".join(("[Service]", TIME_TO_STOP, *lines, ""))
        )
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
    engine: int
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
    engine = int(machine.call("pgrep", "-o", "-f", "^/usr/bin/podman .*--name baz"))
    pids = {engine, int(payload), int(conmon), *listed}
    cgroups = {pid: machine.cgroup_of(pid) for pid in pids}
    main, group = int(shown["MainPID"]), shown["ControlGroup"]
    return Facts(id_, engine, int(payload), int(conmon), cgroups, main, group, listed)


def stays(traced: Traced, process: Process) -> dict[str, CgroupStay]:
    """Return the last stay of a process in each hierarchy."""
    return {stay.hierarchy: stay for stay in traced.findings.cgroups[process.id]}


def check_places(traced: Traced, facts: Facts) -> None:
    """Compare where the trace says that podman, conmon and the payload are with /proc."""
    for pid in (facts.engine, facts.conmon, facts.payload):
        process = traced.with_pid(pid)
        assert traced.cgroup(process) == facts.cgroups[pid]
        found = [f"{stay.hierarchy}:{stay.path}" for stay in stays(traced, process).values()]
        assert sorted(found) == sorted(line.split(":", 1)[1] for line in facts.cgroups[pid])


def check_roles(traced: Traced, facts: Facts) -> None:
    """Check that the trace tells who is what, and who made whom."""
    podman, conmon, payload = (
        traced.with_pid(pid) for pid in (facts.engine, facts.conmon, facts.payload)
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


def check_told(forktrace: Forktrace, trace: Path, facts: Facts) -> None:
    """Compare what ``ps --cgroups`` draws and ``explain why-cgroup`` says with /proc."""
    drawn = drawn_cgroups(forktrace, trace)
    for pid in (facts.engine, facts.conmon, facts.payload):
        assert drawn[pid] == facts.path(pid)
    said = explain(forktrace, trace)
    for name, pid in (("podman", facts.engine), ("conmon", facts.conmon), ("sh", facts.payload)):
        short = re.sub(r"([0-9a-f]{12})[0-9a-f]{20,}", r"\1…", facts.path(pid))
        assert f"{name} ended up in the cgroup {short}" in said


def explain(forktrace: Forktrace, trace: Path, topic: str = "why-cgroup") -> str:
    """Return the answer to a topic, on one line."""
    done = forktrace("explain", str(trace), topic)
    assert done.status == 0, done.err
    return " ".join(done.out.decode().split())


def drawn_cgroups(forktrace: Forktrace, trace: Path) -> dict[int, str]:
    """Return the cgroup by pid, from the tree that ``ps --cgroups`` draws."""
    drawn = forktrace("ps", str(trace), "--cgroups", "--wide").out.decode()
    found: dict[int, str] = {}
    path = [""]
    for line in drawn.splitlines():
        bars = re.match(r"(?:[│ ] )*[├└]─", line)
        if bars is None:
            continue
        depth, rest = len(bars[0]) // 2, line[len(bars[0]) :].strip()
        process = re.match(r"(\d+) ", rest)
        if process:
            found[int(process[1])] = "/".join(path[:depth]) or "/"
        else:
            path[depth:] = [rest]
    return found


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_forktrace_in_exec_start(
    machine: Machine, unit: Callable[..., None], forktrace: Forktrace, detail: str
) -> None:
    """forktrace is the main process of the unit; TERM goes to podman through it, once."""
    name = f"unit-{detail}.jsonl"
    options = f"{' '.join(TO_THE_END)} --detail {detail} -o {SHARED}/{name}"
    unit(
        f"ExecStart={FORKTRACE} run -q {options} -- {podman_line(ENDS_AT_TERM)}",
        "KillMode=mixed",
    )
    machine.call("systemctl", "start", "baz")
    facts = look(machine)
    check_unit_and_scope(machine, facts)
    machine.call("systemctl", "stop", "baz")
    check_stopped(machine)

    traced = Traced(machine.traces / name)
    assert traced.launch.end is not None
    assert traced.launch.end.reason == "exited"
    assert traced.launch.header.tracer == facts.main
    assert traced.root.pid == facts.engine
    assert facts.listed == {facts.main, facts.engine, facts.conmon}
    check_roles(traced, facts)
    check_places(traced, facts)
    check_who_moved(traced, facts, detail)
    check_told(forktrace, machine.traces / name, facts)
    assert drawn_cgroups(forktrace, machine.traces / name)[facts.main] == facts.group
    assert "INVOCATION_ID" in traced.root.images[-1].env
    said = explain(forktrace, machine.traces / name)
    assert "INVOCATION_ID is set" in said
    mover = {"syscalls": "a process outside the trace", "events": "whom was not recorded"}
    assert f"by {mover[detail]}" in said
    held = explain(forktrace, machine.traces / name, "who-holds-stdout")
    assert f"whose other ends are held by {traced.with_pid(facts.conmon).id} conmon" in held
    assert len(terms(traced)) == 1


def check_stopped(machine: Machine) -> None:
    """Check that the unit was stopped well, and left nothing."""
    ended = machine.show("baz", "ActiveState", "Result", "ExecMainStatus")
    assert ended == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert machine.call("podman", "ps", "-aq") == ""


def terms(traced: Traced) -> list[Process]:
    """Return the runs of the runtime by which podman passed TERM on."""
    return [p for p in traced.ran("runc", "kill") if p.argv[-1] == str(int(signal.SIGTERM))]


def test_stop_by_control_group(machine: Machine, unit: Callable[..., None]) -> None:
    """By the default KillMode podman and conmon get TERM too, beside forktrace's passing it on."""
    unit(
        f"ExecStart={FORKTRACE} run -q --detail syscalls -o {SHARED}/group.jsonl -- "
        + podman_line(ENDS_AT_TERM)
    )
    machine.call("systemctl", "start", "baz")
    facts = look(machine)
    machine.call("systemctl", "stop", "baz")
    traced = Traced(machine.traces / "group.jsonl")
    assert traced.launch.end is not None
    payload, podman = traced.with_pid(facts.payload).exit, traced.root.exit
    assert payload is not None
    assert payload.code == 0
    # conmon too passes TERM on, by a kill of its own. Where the container has ended before podman
    # has passed on the last TERM that it got, podman takes that one itself (ProxySignals in
    # pkg/domain/infra/abi/terminal/sigproxy_linux.go), and conmon's cleanup may end with the unit.
    assert podman is not None
    assert (podman.code, podman.signal) in ((0, None), (None, "SIGTERM"))
    if podman.code == 0:
        check_stopped(machine)
    else:
        status = {"ExecMainStatus": str(128 + signal.SIGTERM)}
        assert machine.show("baz", *status) == status
    assert len(terms(traced)) <= 2  # two that come at once are one to podman


def test_a_payload_that_ignores_term_outlives_the_unit(
    machine: Machine, unit: Callable[..., None]
) -> None:
    """systemd kills forktrace, podman and conmon after its timeout; the payload is elsewhere."""
    unit(
        f"ExecStart={FORKTRACE} run -q -o {SHARED}/killed.jsonl -- {podman_line(BAZ)}",
        "KillMode=mixed", "TimeoutStopSec=2",
    )  # fmt: skip
    machine.call("systemctl", "start", "baz")
    facts = look(machine)
    machine.call("systemctl", "stop", "baz")
    assert machine.show("baz", "Result") == {"Result": "timeout"}
    assert machine.read(f"/proc/{facts.payload}/cmdline").startswith("sh\0")
    assert machine.cgroup_of(facts.payload) == facts.cgroups[facts.payload]
    assert tracer_of(machine, facts.payload) == "0"
    assert Traced(machine.traces / "killed.jsonl").launch.end is None


def test_the_exit_status_is_the_container_s(machine: Machine, unit: Callable[..., None]) -> None:
    unit(f"ExecStart={FORKTRACE} run -q -o {SHARED}/seven.jsonl -- {podman_line('exit 7')}")
    machine.call("systemctl", "start", "baz")
    over = {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "7"}
    state = wait_until(lambda: has_ended(machine), "the unit has ended")
    assert {name: state[name] for name in over} == over, machine.call("journalctl", "-u", "baz")


def has_ended(machine: Machine) -> dict[str, str]:
    """Return how the unit has ended, nothing while it has not."""
    state = machine.show("baz", "ActiveState", "Result", "ExecMainStatus")
    return state if state["ActiveState"] in ("failed", "inactive") else {}


NOTIFY = podman_line(ENDS_AT_TERM).replace("--rm", "--rm --sdnotify=conmon")


def test_type_notify(machine: Machine, unit: Callable[..., None], forktrace: Forktrace) -> None:
    """podman, who is not the main process, names conmon as that: NotifyAccess=all lets it."""
    unit(
        f"ExecStart={FORKTRACE} run -q -o {SHARED}/notify.jsonl -- {NOTIFY}",
        "Type=notify", "NotifyAccess=all",
    )  # fmt: skip
    machine.call("systemctl", "start", "baz")  # returns when READY=1 has come
    facts = look(machine)
    assert facts.main == facts.conmon
    machine.call("systemctl", "stop", "baz")
    assert machine.show("baz", "ActiveState", "Result")["ActiveState"] != "active"
    trace = machine.traces / "notify.jsonl"
    traced = Traced(trace)
    assert traced.launch.end is not None
    check_roles(traced, facts)
    check_places(traced, facts)
    conmon = traced.with_pid(facts.conmon).id
    assert f"the pid of {conmon} conmon as MAINPID" in explain(forktrace, trace, "main-pid")


def test_type_notify_without_access(machine: Machine, unit: Callable[..., None]) -> None:
    """By default only the main process may notify, and that is forktrace: the start times out."""
    unit(
        f"ExecStart={FORKTRACE} run -q -o {SHARED}/deaf.jsonl -- {NOTIFY}",
        "Type=notify", "KillMode=mixed", "TimeoutStartSec=4",
    )  # fmt: skip
    machine.call("systemctl", "start", "baz", check=False)
    assert machine.show("baz", "Result") == {"Result": "timeout"}


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_attached_to_the_service_manager(
    machine: Machine, unit: Callable[..., None], forktrace: Forktrace, detail: str
) -> None:
    """The unit is as it was written: podman is its main process, a child of PID 1."""
    name = f"attach-{detail}.jsonl"
    unit(f"ExecStart={podman_line(ENDS_AT_TERM)}", "KillMode=mixed")
    with attached(machine, name, detail):
        machine.call("systemctl", "start", "baz")
        facts = look(machine)
        check_unit_and_scope(machine, facts)
        machine.call("systemctl", "stop", "baz")
        check_stopped(machine)

    traced = Traced(machine.traces / name)
    assert facts.engine == facts.main
    assert facts.listed == {facts.main, facts.conmon}
    check_roles(traced, facts)
    check_places(traced, facts)
    check_told(forktrace, machine.traces / name, facts)
    manager, podman = traced.with_pid(1), traced.with_pid(facts.engine)
    assert (manager.attached, podman.creator, podman.parent) == (True, manager.id, manager.id)
    assert traced.parents(traced.with_pid(facts.conmon))[-1] == manager.id
    # podman was born in systemd's own cgroup, and moved to the unit's before it was executed; newer
    # systemds, as 257, have the kernel put it there at its birth.
    first, *more = [s for s in traced.findings.cgroups[podman.id] if s.hierarchy == SYSTEMD]
    last = more[-1] if more else first
    born_in = facts.group if first.how == "clone" else "/init.scope"
    assert (first.path, last.path) == (born_in, facts.group)
    assert last.since.seq <= next(i for i in podman.images if not i.inherited).at.seq
    main = explain(forktrace, machine.traces / name, "main-pid")
    # Also where the kernel has started it as /sbin/init: comm says by which name it goes.
    assert f"{manager.id} systemd created {podman.id} podman" in main
    assert "as MAINPID" not in main
    if detail == "syscalls":
        check_all_moves_recorded(traced, facts)
        said = explain(forktrace, machine.traces / name)
        assert re.search(rf"was moved there by {manager.id} \w+, which wrote its pid there", said)


def check_all_moves_recorded(traced: Traced, facts: Facts) -> None:
    """Check that, as all that moves is traced, nobody outside the trace is said to have moved."""
    manager, payload = traced.with_pid(1), traced.with_pid(facts.payload)
    podman = traced.with_pid(facts.main)
    stage = traced.process(traced.process(payload.creator).creator)
    moved = stays(traced, stage)[SYSTEMD]
    assert (moved.how, moved.by) == ("write", manager.id)
    start = stays(traced, podman)[SYSTEMD]
    if start.how != "clone":  # as with systemd 257
        assert start.how == "write"
        assert start.by in (manager.id, podman.id)


@contextmanager
def attached(machine: Machine, name: str, detail: str) -> Iterator[None]:
    """Have PID 1 of the machine traced."""
    log = machine.traces / f"{name}.log"
    command = f"echo $$; exec {FORKTRACE} attach -p 1 -q --detail {detail} -o {SHARED}/{name}"
    with log.open("wb") as out:
        process = machine.start("sh", "-c", command, stdout=subprocess.PIPE, stderr=out)
    assert process.stdout is not None
    pid = process.stdout.readline().decode().strip()
    try:
        wait_until(lambda: tracer_of(machine, 1) != "0", f"PID 1 is traced: {log.read_text()}")
        yield
    finally:
        machine.call("kill", "-TERM", pid)
        assert process.wait(PATIENCE) == 0, log.read_text()


def tracer_of(machine: Machine, pid: int) -> str:
    """Return the TracerPid of a process in the machine."""
    found = re.search(r"^TracerPid:\s*(\d+)", machine.read(f"/proc/{pid}/status"), re.MULTILINE)
    assert found is not None
    return found[1]


def test_systemd_lives_on_when_its_tracer_is_killed(machine: Machine) -> None:
    log = machine.traces / "slain.log"
    command = f"exec {FORKTRACE} attach -p 1 -q -o {SHARED}/slain.jsonl"
    with log.open("wb") as out:
        process = machine.start("sh", "-c", command, stdout=out, stderr=out)
    tracer = wait_until(lambda: int(tracer_of(machine, 1)), "PID 1 is traced")
    machine.call("kill", "-KILL", str(tracer))
    process.wait(PATIENCE)
    assert tracer_of(machine, 1) == "0"
    assert machine.call("systemd-run", "--quiet", "--pipe", "--wait", "echo", "well") == "well"


class Outside:
    """Run podman under forktrace outside of any unit, as from a login shell.

    Args:
        machine: where.
        name: of the trace.
        command: the command line, as a shell takes it.
        detail: what to record.
    """

    def __init__(self, machine: Machine, name: str, command: str, detail: str) -> None:
        self._machine = machine
        self.trace = machine.traces / name
        self._process = machine.start(
            "systemd-run", "--quiet", "--scope", "--slice=user.slice",
            "env", "-u", "INVOCATION_ID",  # which systemd-run sets
            FORKTRACE, "run", "-q", "--detail", detail, "-o", f"{SHARED}/{name}", "--",
            "sh", "-c", f"exec {command}",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def end(self) -> Traced:
        """End the container, and return the trace."""
        self._machine.call("podman", "kill", "-s", "TERM", "baz")
        _, err = self._process.communicate(timeout=PATIENCE)
        assert self._process.returncode == 0, err.decode()
        return Traced(self.trace)


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_outside_of_a_unit_systemd_moves_conmon(
    machine: Machine, unit: Callable[..., None], forktrace: Forktrace, detail: str
) -> None:
    """podman asks systemd over D-Bus for conmon's own scope: moved from outside the trace."""
    run = Outside(machine, f"shell-{detail}.jsonl", podman_line(ENDS_AT_TERM), detail)
    facts = look(machine)
    traced = run.end()
    check_roles(traced, facts)
    check_places(traced, facts)
    check_told(forktrace, run.trace, facts)
    assert facts.path(facts.conmon) == f"/machine.slice/libpod-conmon-{facts.id}.scope"
    assert facts.path(facts.payload) == f"/machine.slice/libpod-{facts.id}.scope"
    assert facts.path(facts.engine).startswith("/user.slice/run-")
    first = traced.process(traced.with_pid(facts.conmon).creator)
    moved = stays(traced, first)[SYSTEMD]
    assert (moved.how, moved.by) == ("outside" if detail == "syscalls" else "seen", None)
    assert stays(traced, traced.with_pid(facts.conmon))[SYSTEMD].how == "inherited"
    assert "INVOCATION_ID" not in traced.root.images[-1].env
    assert "podman gives conmon a cgroup of its own" in explain(forktrace, run.trace)


CGROUPFS = ("--cgroup-manager", "cgroupfs")


def test_cgroupfs_in_a_unit(
    machine: Machine, unit: Callable[..., None], forktrace: Forktrace
) -> None:
    """Without systemd's help the runtime writes the payload's pid itself, and conmon stays."""
    unit(
        f"ExecStart={FORKTRACE} run -q --detail syscalls -o {SHARED}/cgroupfs.jsonl -- "
        + podman_line(ENDS_AT_TERM, *CGROUPFS),
        "KillMode=mixed",
    )
    machine.call("systemctl", "start", "baz")
    facts = look(machine)
    machine.call("systemctl", "stop", "baz")
    check_stopped(machine)

    trace = machine.traces / "cgroupfs.jsonl"
    traced = Traced(trace)
    check_roles(traced, facts)
    check_places(traced, facts)
    assert facts.path(facts.conmon) == facts.group == "/system.slice/baz.service"
    assert path_in(facts.cgroups[facts.payload], MEMORY) == f"/libpod_parent/libpod-{facts.id}"
    payload = traced.with_pid(facts.payload)
    stage = traced.process(traced.process(payload.creator).creator)
    moved = stays(traced, stage)[MEMORY]
    assert (moved.how, moved.by) == ("write", stage.parent)
    assert "INVOCATION_ID is set" in explain(forktrace, trace)


def test_cgroupfs_outside_of_a_unit(
    machine: Machine, unit: Callable[..., None], forktrace: Forktrace
) -> None:
    """podman writes conmon's pid into each v1 controller's hierarchy; into v2's it forgets to."""
    command = podman_line(ENDS_AT_TERM, *CGROUPFS)
    run = Outside(machine, "cgroupfs-shell.jsonl", command, "syscalls")
    facts = look(machine)
    traced = run.end()
    check_roles(traced, facts)
    check_places(traced, facts)
    first = traced.process(traced.with_pid(facts.conmon).creator)
    last = stays(traced, first)[MEMORY]
    if PURE_V2:
        assert (last.path, last.how) == (facts.path(facts.engine), "inherited")
    else:
        assert (last.path, last.how, last.by) == ("/libpod_parent/conmon", "write", traced.root.id)
    assert path_in(facts.cgroups[facts.conmon], MEMORY) == last.path


# A pure v2 for podman alone. It has no controllers here, as v1 has them; so that podman does not
# fail where it would enable them, and has the bug of its versions 4.2 to 5.8, it writes to nowhere.
MOUNT_V2 = " && ".join((
    "umount -R /sys/fs/cgroup",
    "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
    "mkdir -p /sys/fs/cgroup/libpod_parent",
    "mount --bind /dev/null /sys/fs/cgroup/cgroup.subtree_control",
    "mount --bind /dev/null /sys/fs/cgroup/libpod_parent/cgroup.subtree_control",
))  # fmt: skip


def test_the_cgroupfs_bug_on_pure_v2(
    machine: Machine, unit: Callable[..., None], forktrace: Forktrace
) -> None:
    """podman 4.3 makes a cgroup for conmon and forgets to put it in there."""
    line = podman_line(ENDS_AT_TERM, *CGROUPFS).replace("--rm", "--rm --pids-limit=0")
    before, mounted = ("true", "") if PURE_V2 else (MOUNT_V2, "unified/")
    machine.write("/root/v2", f"{before} && exec {line}\n")
    run = Outside(machine, "v2.jsonl", "unshare -m sh /root/v2", "syscalls")
    facts = look(machine)
    folder = f"/sys/fs/cgroup/{mounted}libpod_parent/conmon"
    assert machine.read(f"{folder}/cgroup.procs") == ""  # it is there, and empty
    traced = run.end()
    check_places(traced, facts)
    v2 = {pid: path_in(lines, "") for pid, lines in facts.cgroups.items()}
    assert v2[facts.conmon] == v2[facts.engine]
    assert v2[facts.payload] == f"/libpod_parent/libpod-{facts.id}"
    said = explain(forktrace, run.trace)
    assert "That looks like a bug of podman 4.2 to 5.8" in said
