"""The containers of a launch, and which process is what in them."""

from pathlib import Path

import pytest

from forktrace.analysis import analyse
from forktrace.analysis.findings import Container, ExecSession
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from tests.unit.events import Step, launch_of
from tests.unit.podman import CONTAINER, podman_steps

ROOT = Path(__file__).parents[2]
SHIM = "/usr/bin/containerd-shim-runc-v2 -namespace moby -id {} -address /run/c.sock"


def containers(launch: Launch) -> list[Container]:
    return analyse(launch).containers


def conmon(id_: str, *more: str, name: str = "box") -> list[str]:
    return [
        *f"/usr/bin/conmon -c {id_} -u {id_} -r /usr/bin/runc -b /b".split(),
        *(["-n", name] if name else []),
        *more,
    ]


def monitored(id_: str, pid: int, engine: int = 10, name: str = "box") -> list[Step]:
    """Return how an engine has conmon (pid, pid+1) and runc (pid+2) make a container (pid+3)."""
    return [
        ("vfork", engine, pid),
        ("exec", pid, conmon(id_, name=name)),
        ("fork", pid, pid + 1),
        ("exit", pid, 0),
        ("reparent", pid + 1, 1),
        ("fork", pid + 1, pid + 2),
        ("exec", pid + 2, f"/usr/bin/runc create --bundle /b --pid-file /p {id_}"),
        ("clone3", pid + 2, pid + 3, "NEWNS NEWPID", {"nspid": [pid + 3, 1]}),
        ("exit", pid + 2, 0),
        ("reparent", pid + 3, pid + 1),
        ("vfork", engine, pid + 4),
        ("exec", pid + 4, f"/usr/bin/runc start {id_}"),
        ("exit", pid + 4, 0),
    ]


def test_a_real_podman_run() -> None:
    """Read off the file: conmon's -c and -n, the engine's argv, line 78 is the exec of echo."""
    launch = build_launch(read_trace(ROOT / "examples/podman-run/launch.jsonl"))
    (found,) = containers(launch)
    assert found.id == "6f6f75ff7d584d901c59a560132199b5bc88d5fd681f41e9132e719a6a8a2e11"
    assert (found.key, found.name, found.image) == ("c1", "nice_bartik", "alpine")
    pids = {name: launch.processes[i].pid for name, i in (
        ("engine", found.engine or ""), ("monitor", found.monitor or ""), ("init", found.init or "")
    )}  # fmt: skip
    assert pids == {"engine": 274, "monitor": 285, "init": 297}
    assert [launch.processes[i].pid for i in found.runtimes] == [287, 302, 315]
    assert found.payload is not None
    assert (found.payload.seq, found.payload.at_ns) == (78, 497452559)
    assert (found.members, found.exec_sessions) == ([found.init], [])


def test_the_fabricated_launch() -> None:
    (found,) = containers(launch_of(*podman_steps()))
    assert found.payload is not None
    assert found == Container(
        key="c1",
        id=CONTAINER,
        name="boring_kepler",
        image="alpine",
        engine="p1",
        monitor="p4",
        runtimes=["p5", "p9", "p12"],
        init="p8",
        payload=found.payload,
        members=["p8"],
    )


def test_a_launch_without_containers_has_none() -> None:
    assert containers(launch_of(("root", 10, "make"), ("fork", 10, 11), ("exec", 11, "cc"))) == []


def test_several_containers_of_one_engine_leave_the_image_open() -> None:
    both = [*monitored("aa", 20, name="one"), *monitored("bb", 30, name="two")]
    first, second = containers(launch_of(("root", 10, "podman run alpine"), *both))
    assert [(c.id, c.name, c.image, c.engine) for c in (first, second)] == [
        ("aa", "one", None, "p1"),
        ("bb", "two", None, "p1"),
    ]
    assert [(c.monitor, c.runtimes, c.init) for c in (first, second)] == [
        ("p3", ["p4", "p6"], "p5"),
        ("p8", ["p9", "p11"], "p10"),
    ]
    named = ("root", 10, "podman run --name two alpine")
    assert [c.image for c in containers(launch_of(named, *both))] == [None, "alpine"]


def test_a_pods_infra_container_is_not_what_the_user_named() -> None:
    found = containers(
        launch_of(
            ("root", 10, "podman run --pod p alpine"),
            *monitored("aa", 20, name="f00-infra"),
            ("exec", 23, "/catatonit -P"),
            *monitored("bb", 30, name="two"),
        )
    )
    assert [(c.name, c.image) for c in found] == [("f00-infra", None), ("two", "alpine")]


def test_podman_in_a_loop() -> None:
    steps: list[Step] = [("root", 5, "sh")]
    for number, engine in enumerate((10, 110)):
        steps += [("fork", 5, engine), ("exec", engine, "podman run --rm alpine")]
        steps += monitored(f"id{number}", engine + 10, engine, name="")
    found = containers(launch_of(*steps))
    assert [(c.key, c.id, c.name, c.image, c.engine) for c in found] == [
        ("c1", "id0", None, "alpine", "p2"),
        ("c2", "id1", None, "alpine", "p8"),
    ]


def test_one_that_is_started_again_is_another_container_of_the_same_id() -> None:
    once = [*monitored("aa", 20), ("exec", 23, "true"), ("exit", 23, 0), ("exit", 21, 0)]
    steps: list[Step] = [("root", 10, "podman restart box"), *once, *monitored("aa", 40)]
    found = containers(launch_of(*steps))
    assert [(c.key, c.id, c.init, c.monitor) for c in found] == [
        ("c1", "aa", "p5", "p3"),
        ("c2", "aa", "p10", "p8"),
    ]


def test_an_exec_session_in_a_container_of_the_trace() -> None:
    session = conmon("aa", "-e", "--exec-attach", "--exec-process-spec", "/p", name="")
    (found,) = containers(
        launch_of(
            ("root", 5, "sh"),
            ("fork", 5, 10),
            ("exec", 10, "podman run -d alpine"),
            *monitored("aa", 20),
            ("exec", 23, "top"),
            ("fork", 5, 50),
            ("exec", 50, "podman exec box ls"),
            ("vfork", 50, 51),
            ("exec", 51, session),
            ("fork", 51, 52),
            ("exit", 51, 0),
            ("reparent", 52, 1),
            ("fork", 52, 53),
            ("exec", 53, "/usr/bin/runc exec --process /p --detach aa"),
            ("clone", 53, 54, "", {"nspid": [54, 9]}),
            ("exec", 54, "ls"),
            ("exit", 53, 0),
            ("reparent", 54, 52),
        )
    )
    assert found.exec_sessions == [ExecSession("p12", "p10", "p8")]
    assert found.members == ["p6", "p12"]
    assert found.runtimes == ["p5", "p7", "p11"]
    assert (found.monitor, found.engine) == ("p4", "p2")


def test_an_exec_session_alone_tells_of_a_container_whose_start_was_not_seen() -> None:
    (found,) = containers(
        launch_of(
            ("root", 10, "runc exec box sh"),
            ("clone", 10, 11, "", {"nspid": [11, 7]}),
            ("exec", 11, "sh"),
        )
    )
    assert found == Container("c1", "box", runtimes=["p1"], exec_sessions=[ExecSession("p2")],
                              members=["p2"])  # fmt: skip


def test_dockers_shim_and_its_runc() -> None:
    (found,) = containers(
        launch_of(
            ("root", 10, "dockerd"),
            ("vfork", 10, 11),
            ("exec", 11, "containerd --config c.toml"),
            ("vfork", 11, 12),
            ("exec", 12, SHIM.format("c1d") + " start"),
            ("vfork", 12, 13),
            ("exec", 13, SHIM.format("c1d")),
            ("exit", 12, 0),
            ("reparent", 13, 1),
            ("vfork", 13, 14),
            ("exec", 14, "/usr/bin/runc --root /run/docker create --bundle /b c1d"),
            ("clone", 14, 15, "NEWPID", {"nspid": [15, 1]}),
            ("exit", 14, 0),
            ("reparent", 15, 13),
            ("exec", 15, "sh"),
        )
    )
    assert (found.id, found.name, found.image) == ("c1d", None, None)
    assert (found.engine, found.monitor, found.init) == ("p1", "p4", "p6")


@pytest.mark.parametrize(("namespace", "id_"), [("moby", "c1d"), ("k8s.io", None)])
def test_a_shims_container_that_ran_before(namespace: str, id_: str | None) -> None:
    """In other namespaces a shim may serve a whole pod, under the id of its sandbox."""
    argv = SHIM.format("c1d").replace("moby", namespace).split()
    found = containers(launch_of(*standing(argv), source="attach"))
    assert [(c.id, c.monitor, c.init, c.payload) for c in found] == [(id_, "p1", "p2", None)]


def standing(monitor: list[str]) -> list[events.Event]:
    """Return a monitor (pid 20) and a container (pid 23) that ran before."""
    host, inside = {"pid": 1, "mnt": 2}, {"pid": 3, "mnt": 4}
    return [
        events.Started(at_ns=1, pid=20, attached=True,
                       state=events.State(ppid=1, nspid=[20], ns=host)),
        events.Executed(at_ns=1, pid=20, attached=True, argv=list(monitor)),
        events.Started(at_ns=2, pid=23, attached=True,
                       state=events.State(ppid=20, nspid=[23, 1], ns=inside)),
        events.Executed(at_ns=2, pid=23, attached=True, argv=["top"]),
    ]  # fmt: skip


def test_conmons_container_that_ran_before() -> None:
    (found,) = containers(launch_of(*standing(conmon("aa")), source="attach"))
    assert found == Container("c1", "aa", "box", monitor="p1", init="p2", members=["p2"])


def test_one_conmonrs_for_several_containers() -> None:
    def made(id_: str, pid: int) -> list[Step]:
        return [
            ("vfork", 12, pid),
            ("exec", pid, f"/usr/bin/runc create --bundle /b {id_}"),
            ("clone", pid, pid + 1, "NEWPID", {"nspid": [pid + 1, 1]}),
            ("exit", pid, 0),
            ("reparent", pid + 1, 12),
            ("exec", pid + 1, "app"),
        ]

    found = containers(
        launch_of(
            ("root", 10, "crio"),
            ("vfork", 10, 11),
            ("exec", 11, "conmonrs --runtime /usr/bin/runc --runtime-dir /run/c"),
            ("fork", 11, 12),
            ("exit", 11, 0),
            ("reparent", 12, 1),
            *made("aa", 20),
            *made("bb", 30),
        )
    )
    assert [(c.id, c.engine, c.monitor, c.init) for c in found] == [
        ("aa", "p1", "p3", "p5"),
        ("bb", "p1", "p3", "p7"),
    ]


def test_the_monitor_is_who_adopted_the_first_process() -> None:
    """Also where it had something between itself and the runtime."""
    (found,) = containers(
        launch_of(
            ("root", 10, "conmonrs --runtime /usr/bin/runc"),
            ("fork", 10, 11),
            ("exec", 11, "/opt/wrapper"),
            ("vfork", 11, 12),
            ("exec", 12, "/usr/bin/runc create --bundle /b aa"),
            ("clone", 12, 13, "NEWPID", {"nspid": [13, 1]}),
            ("exit", 12, 0),
            ("reparent", 13, 10),
        )
    )
    assert (found.id, found.monitor, found.init) == ("aa", "p1", "p4")


def test_buildah_runs_the_runtime_itself() -> None:
    (found,) = containers(
        launch_of(
            ("root", 10, "buildah run --isolation oci work -- echo hi"),
            ("vfork", 10, 11),
            ("exec", 11, "buildah-oci-runtime", "/proc/self/exe"),
            ("vfork", 11, 12),
            ("exec", 12, "/usr/bin/runc create --bundle /var/tmp/b --pid-file /p buildah-b"),
            ("clone", 12, 13, "NEWPID", {"nspid": [13, 1]}),
            ("exit", 12, 0),
            ("reparent", 13, 11),
            ("exec", 13, "echo hi"),
        )
    )
    assert (found.id, found.name, found.image) == ("buildah-b", "work", None)
    assert (found.engine, found.monitor, found.init) == ("p1", "p2", "p4")


def test_bubblewrap_is_a_container_without_an_id() -> None:
    launch = launch_of(
        ("root", 10, "bwrap --unshare-pid sh"),
        ("clone", 10, 11, "NEWNS NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("exec", 12, "sh"),
        ("exit", 12, 0),
        ("exit", 11, 0),
    )
    (found,) = containers(launch)
    assert found.payload == launch.processes["p3"].images[-1].at
    assert found == Container("c1", monitor="p1", init="p2", payload=found.payload,
                              members=["p2", "p3"])  # fmt: skip


def test_systemd_nspawn_makes_it_in_two_steps() -> None:
    (found,) = containers(
        launch_of(
            ("root", 10, "systemd-nspawn -D /x sh"),
            ("clone", 10, 11, "NEWNS"),
            ("clone", 11, 12, "NEWNS NEWPID", {"nspid": [12, 1]}),
            ("exit", 11, 0),
            ("reparent", 12, 10),
            ("exec", 12, "sh"),
        )
    )
    assert (found.id, found.monitor, found.init, found.members) == (None, "p1", "p3", ["p3"])


def test_ids_from_nowhere_make_no_container() -> None:
    """A delete or state of an id that nothing else speaks of is no container."""
    steps: list[Step] = [("root", 10, "runc delete --force gone"), ("fork", 10, 11)]
    assert containers(launch_of(*steps)) == []


def test_a_thousand_containers_of_one_id() -> None:
    """Whatever a trace holds: each creation is one, and the pass does not slow down."""
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(100, 3100, 3):
        steps += [
            ("fork", 10, pid),
            ("exec", pid, "/usr/bin/runc run box"),
            ("clone", pid, pid + 1, "NEWPID", {"nspid": [pid + 1, 1]}),
            ("exec", pid + 1, "sh"),
        ]
    found = containers(launch_of(*steps))
    assert len(found) == 1000
    assert {(c.id, len(c.members), len(c.runtimes)) for c in found} == {("box", 1, 1)}
