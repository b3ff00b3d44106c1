"""podman with conmon and runc: what its graph says, against /proc and podman's own word."""

from pathlib import Path

import pytest

from forktrace.model.process import Process
from tests.engines.lab import (
    RUN,
    WAIT,
    cgroup_of,
    gone,
    inspect,
    namespaces_of,
    podman,
    start,
)
from tests.engines.traced import Traced
from tests.integration.harness import Forktrace, alive, status_field

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_foreground(forktrace: Forktrace, image: str, container: str, detail: str) -> None:
    run = start(
        forktrace,
        *(*RUN, "--rm", "-i", "--name", container, image, "sh", "-c", WAIT),
        options=("--detail", detail),
    )
    assert run.up() == "up"
    state = inspect(container)["State"]
    pids = {"payload": int(state["Pid"]), "conmon": int(state["ConmonPid"])}
    cgroups = {name: cgroup_of(pid) for name, pid in pids.items()}
    namespaces = {name: namespaces_of(pid) for name, pid in pids.items()}
    sessions = {name: status_field(pid, "NSsid:") for name, pid in pids.items()}
    id_ = inspect(container)["Id"]
    traced = run.end(status=7)

    payload, conmon = (traced.with_pid(pids[name]) for name in ("payload", "conmon"))
    check_launch(traced, conmon, payload)
    for name, process in (("payload", payload), ("conmon", conmon)):
        assert traced.cgroup(process) == cgroups[name]
        assert traced.namespaces(process) == namespaces[name]
        assert str(traced.session(process)) == (sessions[name] or "").split()[0]
    check_end(traced, conmon, payload)
    check_container(traced, conmon, payload)
    made = traced.container()
    assert (made.id, made.name, made.image) == (id_, container, image)
    if detail == "syscalls":
        check_calls(traced, conmon, payload)
    assert podman("ps", "-aq", "--filter", f"name={container}") == ""


def check_launch(traced: Traced, conmon: Process, payload: Process) -> None:
    """Check who made whom, up to the payload."""
    first = traced.process(conmon.creator)
    outside = traced.parents(conmon)[-1]
    assert traced.parents(conmon) == [first.id, outside]
    assert traced.process(outside).outside
    double = traced.findings.double_forks[conmon.id]
    assert (double.origin, double.middle, double.adopter) == (traced.root.id, first.id, outside)
    assert first.exit is not None
    assert first.exit.code == 0
    create = traced.the("runc", "create", creator=conmon)
    assert traced.parents(payload) == [create.id, conmon.id]
    second = traced.process(payload.creator)
    stages = [second, traced.process(second.creator)]
    assert {traced.role(stage) for stage in stages} == {"init-stage"}
    assert [stage.parent for stage in stages] == [create.id, create.id]
    assert stages[1].creator == create.id
    assert payload.nspid == [payload.pid, 1]
    assert payload.argv == ["sh", "-c", WAIT]
    roles = [traced.role(p) for p in (traced.root, first, conmon, create, payload)]
    assert roles == ["engine", "monitor", "monitor", "runtime", "container"]


def check_end(traced: Traced, conmon: Process, payload: Process) -> None:
    """Check the exit statuses, and the cleanup that --rm asks for."""
    assert payload.exit is not None
    assert traced.root.exit is not None
    assert (payload.exit.code, traced.root.exit.code) == (7, 7)
    cleanup = traced.the("podman", "cleanup", creator=conmon)
    assert traced.role(cleanup) == "cleanup"
    assert {"container", "cleanup", "--rm"} <= set(cleanup.argv)
    delete = traced.the("runc", "delete")
    assert traced.role(delete) == "runtime"
    remover = traced.remover()
    assert payload.exit.at.seq < cleanup.born.seq
    assert max(payload.exit.at.seq, remover.born.seq) < delete.born.seq


def check_container(traced: Traced, conmon: Process, payload: Process) -> None:
    """Check what was found out about the container as a thing."""
    made = traced.container()
    assert (made.engine, made.monitor, made.init) == (traced.root.id, conmon.id, payload.id)
    verbs = [traced.process(id_).argv for id_ in made.runtimes]
    known = ("create", "start", "delete")
    assert [next(v for v in known if v in argv) for argv in verbs] == list(known)
    assert made.payload == payload.images[-1].at
    assert made.members == [payload.id]


def check_calls(traced: Traced, conmon: Process, payload: Process) -> None:
    """Check what recorded system calls tell more: subreaper, session, and who waited."""
    subreaper = traced.findings.subreapers[conmon.id]
    assert not subreaper.inferred
    assert subreaper.until is not None
    assert [c.name for c in conmon.calls if c.name == "setsid"] == ["setsid"]
    assert payload.reap is not None
    assert payload.reap.by == conmon.id
    first = traced.process(conmon.creator)
    assert first.reap is not None
    assert first.reap.by == traced.root.id


def test_detached_and_stopped(forktrace: Forktrace, image: str, container: str) -> None:
    """`-d` leaves conmon and the container behind; `stop` is another engine's work."""
    script = (
        f"{' '.join(RUN)} -d --rm --name {container} {image} sh -c \"trap 'exit 5' TERM;"
        f' while :; do sleep 0.1; done" >/dev/null; sleep 0.5; podman stop {container}'
    )
    done = forktrace.record(
        "sh", "-c", script, options=["--detail", "syscalls", "--linger", "10"], cwd="/"
    )
    assert (done.status, done.out.decode().strip()) == (0, container), done.err
    traced = Traced(done.trace)
    run, stop = traced.the("podman", "run"), traced.the("podman", "stop", creator=traced.root)
    assert (traced.role(run), traced.role(stop)) == ("engine", "engine")
    made = traced.container()
    monitor, init = traced.process(made.monitor), traced.process(made.init)
    assert run.exit is not None
    assert init.exit is not None
    assert run.exit.at.seq < init.exit.at.seq
    assert traced.process(traced.parents(monitor)[-1]).outside
    # the signal came through runc, which podman stop called
    kill = traced.the("runc", "kill", creator=stop)
    assert traced.role(kill) == "runtime"
    assert kill.id in made.runtimes
    # By pidfd where runc is built with Go 1.23.
    calls = [c for c in kill.calls if c.name in ("kill", "pidfd_send_signal")]
    sent = [c for c in calls if c.arguments["signal"] == "SIGTERM"]
    assert [c.arguments["pid"] for c in sent] == [init.pid]
    assert init.exit.code == 5
    assert init.reap is not None
    assert init.reap.by == monitor.id


def test_left_running(forktrace: Forktrace, image: str, container: str) -> None:
    """Of `-d` alone the trace ends with what the kernel says of those who live on."""
    done = forktrace.record(
        *(*RUN, "-d", "--name", container, image, "sleep", "1000"), options=["--linger", "0.3"]
    )
    assert done.status == 0, done.err
    state = inspect(container)["State"]
    traced = Traced(done.trace)
    made = traced.container()
    init, monitor = traced.process(made.init), traced.process(made.monitor)
    assert (init.pid, monitor.pid) == (int(state["Pid"]), int(state["ConmonPid"]))
    assert (init.exit, monitor.exit) == (None, None)
    assert status_field(init.pid, "PPid:") == str(monitor.pid)
    for process in (init, monitor):
        assert alive(process.pid)
        assert traced.cgroup(process) == cgroup_of(process.pid)
        assert traced.namespaces(process) == namespaces_of(process.pid)
    podman("rm", "-f", "-t", "0", container)
    gone(monitor.pid)


def test_exec(forktrace: Forktrace, image: str, container: str) -> None:
    """`podman exec` has a conmon of its own, which is the parent of the new process."""
    podman(*RUN[1:], "-d", "--name", container, image, "sleep", "1000")
    init = int(inspect(container)["State"]["Pid"])
    run = start(
        forktrace,
        *("podman", "exec", "-i", container, "sh", "-c", 'echo "$$"; read line; exit 7'),
        options=("--detail", "syscalls"),
    )
    inner = int(run.up())
    pid = pid_inside(init, inner)
    parent, cgroup, namespaces = status_field(pid, "PPid:"), cgroup_of(pid), namespaces_of(pid)
    id_ = inspect(container)["Id"]
    traced = run.end(status=7)

    process = traced.with_pid(pid)
    assert traced.role(process) == "container"
    assert process.nspid == [pid, inner]
    assert traced.cgroup(process) == cgroup
    assert traced.namespaces(process) == namespaces
    monitor = traced.process(traced.parents(process)[-1])
    assert str(monitor.pid) == parent
    assert traced.role(monitor) == "monitor"
    assert monitor.id in traced.findings.double_forks
    call = traced.the("runc", "exec", creator=monitor)
    assert traced.parents(process) == [call.id, monitor.id]
    assert process.exit is not None
    assert process.exit.code == 7
    made = traced.container()
    assert (made.id, made.init) == (id_, None)  # it ran before
    assert [(s.process, s.monitor) for s in made.exec_sessions] == [(process.id, monitor.id)]


def pid_inside(init: int, inner: int) -> int:
    """Return the pid, here, of a process by its pid in the PID namespace of a container."""
    space = Path(f"/proc/{init}/ns/pid").readlink()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            same = (folder / "ns" / "pid").readlink() == space
        except OSError:
            continue
        if same and (status_field(int(folder.name), "NSpid:") or "").split()[-1] == str(inner):
            return int(folder.name)
    raise AssertionError(f"no process has the pid {inner} in there")
