"""Podman's options: where conmon lives, networks and pods, against /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from forktrace.model.process import Process
from tests.engines.lab import (
    RUN,
    WAIT,
    Need,
    cgroup_of,
    inspect,
    namespaces_of,
    podman,
    start,
)
from tests.engines.traced import Traced
from tests.integration.harness import PATIENCE, Forktrace

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("because", ["option", "INVOCATION_ID"])
def test_conmon_stays_where_podman_is(
    forktrace: Forktrace, image: str, container: str, because: str
) -> None:
    """So it does with --cgroups=no-conmon, and in a systemd unit, which sets INVOCATION_ID."""
    if because == "INVOCATION_ID":
        forktrace.env["INVOCATION_ID"] = "0123456789abcdef0123456789abcdef"
    option = ["--cgroups=no-conmon"] if because == "option" else []
    command = [*RUN, "--rm", "-i", *option, "--name", container, image, "sh", "-c", WAIT]
    run = start(forktrace, *command)
    run.up()
    state = inspect(container)["State"]
    conmon_cgroup, cgroup = cgroup_of(int(state["ConmonPid"])), cgroup_of(int(state["Pid"]))
    traced = run.end(status=7)
    conmon, payload = (traced.with_pid(int(state[name])) for name in ("ConmonPid", "Pid"))
    assert traced.cgroup(traced.root) == traced.cgroup(conmon) == conmon_cgroup
    assert traced.cgroup(payload) == cgroup != conmon_cgroup
    stage = traced.process(traced.process(payload.creator).creator)  # runc's first init stage
    first = traced.process(conmon.creator)
    for process in (first, conmon, payload):
        assert {stay.how for stay in traced.findings.cgroups[process.id]} == {"inherited"}
    assert {stay.how for stay in traced.findings.cgroups[stage.id]} == {"inherited", "seen"}
    assert ("INVOCATION_ID" in traced.root.images[-1].env) is (because == "INVOCATION_ID")


def test_who_moved_whom(forktrace: Forktrace, image: str, container: str) -> None:
    """With the cgroupfs manager podman itself moves conmon, and runc its first stage.

    On cgroup v2 podman 4.2 to 5.8 only makes conmon's cgroup, so conmon stays where it was.
    """
    command = ("podman", "--cgroup-manager", "cgroupfs", *RUN[1:])
    run = start(
        forktrace,
        *(*command, "--rm", "-i", "--name", container, image, "sh", "-c", WAIT),
        options=("--detail", "syscalls"),
    )
    run.up()
    own = cgroup_of(run.process.pid)
    state = inspect(container)["State"]
    now = {name: cgroup_of(int(state[name])) for name in ("ConmonPid", "Pid")}
    traced = run.end(status=7)
    conmon, payload = (traced.with_pid(int(state[name])) for name in now)
    first = traced.process(conmon.creator)
    create = traced.the("runc", "create", creator=conmon)
    stage = traced.process(traced.process(payload.creator).creator)  # runc's first init stage
    check_moves(traced, first, traced.root, set(now["ConmonPid"]) - set(own))
    check_moves(traced, stage, create, set(now["Pid"]) - set(now["ConmonPid"]))
    for process in (conmon, payload):
        assert {stay.how for stay in traced.findings.cgroups[process.id]} == {"inherited"}


def check_moves(traced: Traced, process: Process, mover: Process, lines: set[str]) -> None:
    """Check that a process was moved by the writes of another, to these lines of its cgroup."""
    moved = [s for s in traced.findings.cgroups[process.id] if s.how not in ("inherited", "first")]
    assert {(s.how, s.by) for s in moved} <= {("write", mover.id)}
    paths = {line.split(":", 2)[2] for line in lines}
    assert len(moved) == len(lines)
    assert {s.path for s in moved} == paths


def test_network(
    forktrace: Forktrace, image: str, container: str, need: Need, tmp_path: Path
) -> None:
    """netavark sets a bridge up before there is a conmon; the cleanup takes it down."""
    need("netavark", "iptables", "unshare", "ip")
    settings = tmp_path / "containers.conf"
    settings.write_text('[network]\nnetwork_backend = "netavark"\n')
    forktrace.env["CONTAINERS_CONF"] = str(settings)
    # in a network namespace of its own, so that nothing of the machine's network is changed
    forktrace.program = ("unshare", "--net", "--", *forktrace.program)
    command = [*RUN, "--rm", "-i", "--name", container, image, "sh", "-c", WAIT]
    command[command.index("--network=host")] = "--network=bridge"
    run = start(forktrace, *command)
    run.up()
    pid = int(inspect(container)["State"]["Pid"])
    net = namespaces_of(pid)["net"]
    traced = run.end(status=7)
    payload = traced.with_pid(pid)
    assert traced.namespaces(payload)["net"] == net
    assert traced.namespaces(traced.root)["net"] not in (net, namespaces_of(os.getpid())["net"])
    setup = traced.the("netavark", "setup", creator=traced.root)
    teardown = traced.the("netavark", "teardown", creator=traced.remover())
    tools = [*traced.created_by(setup), *traced.created_by(teardown)]
    assert traced.ran("iptables", creator=setup) or traced.ran("nft", creator=setup)
    assert {traced.role(p) for p in (setup, teardown, *tools)} == {"helper"}
    conmon = traced.the("conmon", "-c", creator=traced.root)
    assert setup.exit is not None
    assert setup.exit.at.seq < conmon.born.seq


@pytest.fixture
def pause_image() -> Iterator[None]:
    """Remove the image that podman builds for pods, if it was not there before."""
    listing = (
        "images",
        "--format",
        "{{.Repository}}:{{.Tag}}",
        "--filter",
        "reference=podman-pause",
    )
    before = podman(*listing).split()
    yield
    for name in podman(*listing).split():
        if name not in before:
            podman("rmi", name, check=False)  # fails where another pod uses it by now


@pytest.mark.usefixtures("pause_image")
def test_pod(
    forktrace: Forktrace, image: str, container: str, unique: str, need: Need, tmp_path: Path
) -> None:
    """A pod's infra container holds the namespaces that the others then join."""
    need("catatonit")
    settings = tmp_path / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n'
        '[engine]\nruntime = "runc"\n'
    )
    forktrace.env["CONTAINERS_CONF"] = str(settings)
    podman("pod", "create", "--network=none", "--name", unique, env=forktrace.env)
    try:
        command = ("podman", "run", "--rm", "-i", "--pod", unique, "--name", container)
        run = start(forktrace, *command, image, "sh", "-c", WAIT)
        run.up()
        infra = podman("pod", "inspect", unique, "-f", "{{.InfraContainerID}}")
        known = [inspect(infra), inspect(container)]
        pids = [int(each["State"]["Pid"]) for each in known]
        namespaces, cgroups = [*map(namespaces_of, pids)], [*map(cgroup_of, pids)]
        out, err = run.process.communicate(b"\n", timeout=PATIENCE)
        assert run.process.returncode == 7, (out, err)
    finally:
        podman("pod", "rm", "-f", "-t", "0", unique)
    traced = Traced(run.trace)
    made = traced.findings.containers
    assert [(c.id, c.name) for c in made] == [(k["Id"], k["Name"]) for k in known]
    inits = [traced.process(c.init) for c in made]
    assert [p.pid for p in inits] == pids
    assert [traced.role(p) for p in inits] == ["container", "container"]
    assert [traced.namespaces(p) for p in inits] == namespaces
    assert [traced.cgroup(p) for p in inits] == cgroups
    assert inits[0].argv == ["/catatonit", "-P"]
    same = {kind for kind in namespaces[0] if namespaces[0][kind] == namespaces[1][kind]}
    assert {"net", "ipc", "uts"} <= same
    assert not {"pid", "mnt"} & same
    assert made[0].monitor != made[1].monitor
    assert [c.engine for c in made] == [traced.root.id, traced.root.id]
