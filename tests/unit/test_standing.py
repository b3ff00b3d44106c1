"""Processes that ran before the trace began: identity, what they ran, and what they are for."""

from collections.abc import Mapping
from typing import Any

import pytest

from forktrace.analysis import analyse
from forktrace.capture.selection import walk
from forktrace.model.build import build_launch
from forktrace.model.facts import Moment
from forktrace.model.history import History
from forktrace.model.image import Image, image_name
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.text import from_str
from tests.unit.events import launch_of, trace_of
from tests.unit.podman import CONTAINER_NS, HOST_NS, conmon_argv

EXE = "/usr/bin/x"


def standing(
    pid: int, ppid: int, *argv: str, exe: str | None = EXE, **state: Any
) -> list[events.Event]:
    """Return the records of a process that runs already."""
    shown: Mapping[str, Any] = {"ppid": ppid, "nspid": [pid], "ns": HOST_NS, **state}
    return [
        events.Started(at_ns=pid, pid=pid, attached=True, state=events.State(**shown)),
        events.Executed(
            at_ns=pid, pid=pid, attached=True, argv=[from_str(a) for a in argv],
            exe=from_str(exe) if exe else None,
        ),
    ]  # fmt: skip


def launch(*processes: list[events.Event]) -> Launch:
    return build_launch(trace_of(*(event for records in processes for event in records)))


def roles(*processes: list[events.Event]) -> list[tuple[str, str]]:
    return [(f.role, f.rule) for f in analyse(launch(*processes)).roles.values()]


def test_several_roots_and_no_creator() -> None:
    found = launch(standing(10, 0, "init"), standing(11, 10, "a"), standing(20, 0, "b"))
    assert found.root is None
    assert found.warnings == []
    assert [(p.id, p.parent, p.creator) for p in found.inside] == [
        ("p1", None, None),
        ("p2", "p1", None),
        ("p3", None, None),
    ]
    assert list(found.graph.edges(keys=True)) == [("p1", "p2", "parent")]


def test_who_created_what_was_found_running_is_told_later() -> None:
    found = launch_of(
        *standing(10, 0, "a"), *standing(11, 10, "a"), ("create", 10, 11), ("exit", 11, 0)
    )
    assert found.warnings == []
    assert [(p.pid, p.attached, p.creator) for p in found.inside] == [
        (10, True, None),
        (11, True, "p1"),
    ]
    assert list(found.graph.edges(keys=True)) == [("p1", "p2", "create")]


def test_a_pid_of_what_was_found_running_is_given_to_another() -> None:
    found = launch_of(
        *standing(10, 0, "a"), *standing(11, 10, "b"), ("exit", 11, 0), ("fork", 10, 11)
    )
    assert [(p.pid, p.attached, p.creator) for p in found.inside] == [
        (10, True, None),
        (11, True, None),
        (11, False, "p1"),
    ]


def test_what_it_ran_is_no_exec_of_this_trace() -> None:
    (process,) = launch(standing(10, 0, "a", "b")).inside
    assert process.images[0].at == process.born
    assert process.argv == ["a", "b"]
    later = events.Executed(at_ns=99, pid=10, path="/bin/c", argv=["c"])
    (process,) = launch([*standing(10, 0, "a"), later]).inside
    assert process.images[1].at == Moment(99, 2)


def test_what_could_not_be_read_is_not_its_parents() -> None:
    found = launch(
        standing(10, 0, "a", cgroup=["0::/a"]),
        standing(11, 10, "b", ns=None, errors={"ns": "EACCES", "cgroup": "EACCES"}),
    )
    assert History(found, "cgroup").last("p1") == ["0::/a"]
    assert History(found, "cgroup").last("p2") is None
    assert History(found, "ns").last("p2") is None


CONMON = standing(10, 0, *conmon_argv("/opt/watch"))
BELOW_PID = standing(11, 10, "sh", nspid=[11, 1], ns=CONTAINER_NS)
BELOW_MOUNT = standing(11, 10, "sh", ns={**HOST_NS, "mnt": 4026532299})
BELOW_UNREADABLE = standing(11, 10, "sh", nspid=[11, 1], ns=None, errors={"ns": "EACCES"})


@pytest.mark.parametrize(
    ("below", "where"),
    [
        (BELOW_PID, "another PID namespace"),
        (BELOW_MOUNT, "another mount namespace"),
        (BELOW_UNREADABLE, "another PID namespace"),
    ],
)
def test_a_container_below_conmon_of_any_name(below: list[events.Event], where: str) -> None:
    monitor, container = roles(CONMON, below)
    assert monitor == (
        "monitor",
        f"called with a container's -c, -b and -r; its child p2 is in {where}",
    )
    assert container == ("container", f"child of the monitor p1, in {where}")


def test_what_runs_in_a_container_belongs_to_it() -> None:
    child = standing(12, 11, "runc", "create", "x", nspid=[12, 5], ns=CONTAINER_NS)
    elsewhere = standing(13, 0, "sh", nspid=[13, 9], ns=CONTAINER_NS)
    found = roles(CONMON, BELOW_PID, child, elsewhere)
    assert found[2] == ("container", "child of p2, which is in the container")
    assert found[3] == ("container", "in the PID namespace of p2")


def test_conmons_own_kind_below_it_is_no_container() -> None:
    cleanup = standing(11, 10, "/usr/bin/podman", "container", "cleanup", "x", exe=None)
    named = standing(10, 0, *conmon_argv())
    assert [role for role, _ in roles(named, cleanup)] == ["monitor", "cleanup"]
    assert roles(CONMON, cleanup)[0][0] == "other"


def test_namespaces_that_are_unknown_decide_nothing() -> None:
    unknown = standing(11, 10, "sh", nspid=None, ns=None)
    assert [role for role, _ in roles(CONMON, unknown)] == ["other", "other"]
    network = standing(11, 10, "sh", ns={**HOST_NS, "net": 4026532299})
    assert [role for role, _ in roles(CONMON, network)] == ["other", "other"]


def test_who_adopted_conmon_is_no_engine() -> None:
    found = roles(standing(1, 0, "systemd"), standing(10, 1, *conmon_argv()), BELOW_PID)
    assert [role for role, _ in found] == ["other", "monitor", "container"]


def test_a_sandbox_and_a_daemon() -> None:
    found = roles(
        standing(5, 0, "dockerd"),
        standing(8, 0, "containerd-shim-runc-v2", "-namespace", "moby", "-id", "c", exe=None),
        standing(9, 8, "nginx", nspid=[9, 1], ns=CONTAINER_NS),
        standing(10, 0, "bwrap", "--unshare-pid", "sh", exe="/usr/bin/bwrap"),
        standing(11, 10, "sh", nspid=[11, 1], ns=CONTAINER_NS),
        standing(12, 0, "bwrap", "--version", exe="/usr/bin/bwrap"),
    )
    expected = ["engine", "monitor", "container", "monitor", "container", "other"]
    assert [role for role, _ in found] == expected


@pytest.mark.parametrize(
    ("argv0", "exe", "name"),
    [
        ("sleep", "/bin/busybox", "sleep"),
        ("/usr/sbin/nginx", "/usr/sbin/nginx", "nginx"),
        ("nginx: worker process", "/usr/sbin/nginx", "nginx"),
        ("sshd: root@pts/0", "/usr/sbin/sshd", "sshd"),
        ("/opt/my dir/prog x", "/opt/my dir/prog x", "prog x"),
        ("sshd: root@pts/0", None, "0"),
        ("-bash", "/bin/bash", "bash"),
        ("", "/usr/bin/old (deleted)", "old"),
        ("", None, "?"),
    ],
)
def test_names_of_programs_whose_exec_was_not_seen(argv0: str, exe: str | None, name: str) -> None:
    assert image_name(Image(Moment(0, 0), None, [argv0], exe=exe)) == name


@pytest.mark.parametrize(
    ("argv0", "exe", "comm", "name"),
    [
        ("/sbin/init", "/usr/lib/systemd/systemd", "systemd", "systemd"),
        ("/sbin/init", None, "systemd", "systemd"),  # the file of another user's can't be read
        ("/sbin/init", "/sbin/init", "init", "init"),
        ("sh", "/bin/busybox", "sh", "sh"),
        ("/usr/bin/containerd-shim-runc-v2", None, "containerd-shim", "containerd-shim-runc-v2"),
        ("/usr/bin/runc", "/usr/bin/runc", "runc:[2:INIT]", "runc"),  # a name that it gave itself
        ("/usr/bin/runc", "/memfd:runc_cloned:/proc/self/exe", "exe", "runc"),
        ("/usr/bin/crun", None, "6", "crun"),
        ("sshd: root@pts/0", None, "sshd", "sshd"),
        ("", None, "kworker/0:1", "kworker/0:1"),
    ],
)
def test_comm_tells_by_which_name_a_program_goes(
    argv0: str, exe: str | None, comm: str, name: str
) -> None:
    assert image_name(Image(Moment(0, 0), None, [argv0], exe=exe, comm=comm)) == name


def test_the_first_process_has_one_name_inside_and_outside_of_a_trace() -> None:
    state = events.State(comm="systemd", ppid=0, nspid=[1])
    attached = launch_of(
        events.Started(at_ns=1, pid=1, attached=True, state=state),
        events.Executed(
            at_ns=1, pid=1, attached=True, argv=["/sbin/init"], exe="/usr/lib/systemd/systemd"
        ),
        ("fork", 1, 11),
    )
    assert [p.name for p in attached.processes.values()] == ["systemd", "systemd"]
    outside = launch_of(
        ("root", 10, "sh", {"ppid": 1}),
        events.Outside(at_ns=2, pid=1, argv=["/sbin/init"], state=state),
    )
    assert [p.name for p in outside.processes.values() if p.pid == 1] == ["systemd"]


def test_walking_the_processes_parents_first() -> None:
    parents = {1: 0, 50: 1, 7: 50, 8: 50, 3: 7}
    ages = {1: 0, 50: 100, 7: 300, 8: 200, 3: 400}
    assert list(walk(parents, ages)) == [1, 50, 8, 7, 3]


def test_parents_in_a_circle_are_all_walked_once() -> None:
    parents = {2: 3, 3: 4, 4: 2, 5: 5, 6: 4}
    found = list(walk(parents, dict.fromkeys(parents, 0)))
    assert sorted(found) == [2, 3, 4, 5, 6]
    assert found.index(4) < found.index(6)
