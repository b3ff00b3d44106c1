"""Which namespaces each process was in, and how it came there."""

from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis import analyse
from forktrace.analysis.findings import NamespaceStay
from forktrace.analysis.namespaces import shared
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from tests.unit.events import Step, launch_of

ROOT = Path(__file__).parents[2]
HOST = {"mnt": 1, "net": 2, "pid": 3, "uts": 4}
Told = list[tuple[int | None, str, str | None]]


def stays(launch: Launch, id_: str, kind: str) -> list[NamespaceStay]:
    return [s for s in analyse(launch).namespaces.get(id_, []) if s.kind == kind]


def told(launch: Launch, id_: str, kind: str) -> Told:
    """Return inode, how and by whom of each stay."""
    return [(s.inode, s.how, s.by) for s in stays(launch, id_, kind)]


def in_namespaces(**changed: int) -> dict[str, Any]:
    return {"ns": HOST | changed}


def test_a_real_podman_with_recorded_calls() -> None:
    """Read off the file: stage 1 (pid 448) calls unshare, event 87; its child is pid 1 in there."""
    launch = build_launch(read_trace(ROOT / "tests/unit/data/podman-syscalls.jsonl"))
    by_pid = {p.pid: p.id for p in launch.inside}
    stage, init = by_pid[448], by_pid[449]
    for kind, inode in (("mnt", 4026532182), ("uts", 4026532183), ("ipc", 4026532184)):
        began, left = stays(launch, stage, kind)
        assert began.how == "inherited"
        assert (left.inode, left.how, left.by, left.since.seq) == (inode, "unshare", stage, 87)
        assert told(launch, init, kind) == [(inode, "inherited", None)]
    assert told(launch, stage, "pid") == [(4026532181, "inherited", None)]
    assert told(launch, init, "pid") == [(4026532185, "unshare", stage)]
    space = next(n for n in shared(analyse(launch).namespaces) if n.inode == 4026532185)
    assert (space.kind, space.first, space.members) == ("pid", init, [init])


def test_a_real_podman_without_recorded_calls() -> None:
    launch = build_launch(read_trace(ROOT / "examples/podman-run/launch.jsonl"))
    by_pid = {p.pid: p.id for p in launch.inside}
    stage, init = by_pid[296], by_pid[297]
    assert told(launch, stage, "mnt")[-1] == (4026532186, "seen", None)
    assert told(launch, init, "mnt") == [(4026532186, "inherited", None)]
    assert told(launch, init, "pid") == [(4026532189, "seen", None)]


def test_made_by_clone() -> None:
    launch = launch_of(
        ("root", 10, "crun", in_namespaces()),
        ("clone", 10, 11, "NEWNS NEWPID", {"nspid": [11, 1], **in_namespaces(mnt=11, pid=13)}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
    )
    assert told(launch, "p1", "mnt") == [(1, "first", None)]
    assert told(launch, "p2", "mnt") == [(11, "clone", "p1")]
    assert told(launch, "p2", "pid") == [(13, "clone", "p1")]
    assert told(launch, "p2", "net") == [(2, "inherited", None)]
    assert told(launch, "p3", "pid") == [(13, "inherited", None)]
    members = {(n.kind, n.inode): (n.first, n.members) for n in shared(analyse(launch).namespaces)}
    assert members["pid", 13] == ("p2", ["p2", "p3"])
    assert members["net", 2] == ("p1", ["p1", "p2", "p3"])


def test_one_that_was_never_read() -> None:
    launch = launch_of(
        ("root", 10, "unshare", in_namespaces()),
        ("create", 10, 11, "NEWNET"),
        ("exit", 11, "SIGKILL"),
    )
    assert told(launch, "p2", "net") == [(None, "clone", "p1")]


def test_what_a_child_reads_first_is_its_creators() -> None:
    launch = launch_of(
        ("root", 10, "unshare", in_namespaces()),
        ("create", 10, 11, "NEWNET"),
        ("create", 11, 12),
        ("exec", 12, "ip", None, in_namespaces(net=12)),
    )
    assert told(launch, "p3", "net") == [(12, "inherited", None)]


def test_unshare_is_exact_and_read_at_the_next_look() -> None:
    launch = launch_of(
        ("root", 10, "unshare -m", in_namespaces()),
        ("call", 10, "unshare", {"flags": ["CLONE_NEWNS"]}),
        ("exec", 10, "sh", None, in_namespaces(mnt=11)),
        ("fork", 10, 11),
        detail="syscalls",
    )
    first, second = stays(launch, "p1", "mnt")
    assert (first.inode, second.inode, second.how, second.by) == (1, 11, "unshare", "p1")
    assert second.since == launch.processes["p1"].calls[0].at
    assert told(launch, "p2", "mnt") == [(11, "inherited", None)]


def test_setns_says_which() -> None:
    launch = launch_of(
        ("root", 10, "nsenter", in_namespaces()),
        ("call", 10, "setns", {"target": "mnt:[11]", "flags": ["CLONE_NEWNS"]}),
        ("call", 10, "setns", {"target": "/run/netns/x", "flags": ["CLONE_NEWNET"]}),
        ("call", 10, "setns", {"target": "uts:[14]", "flags": []}, "EPERM"),
        ("exec", 10, "sh", None, in_namespaces(mnt=11, net=12)),
        detail="syscalls",
    )
    assert told(launch, "p1", "mnt") == [(1, "first", None), (11, "setns", "p1")]
    assert told(launch, "p1", "net") == [(2, "first", None), (12, "setns", "p1")]
    assert told(launch, "p1", "uts") == [(4, "first", None)]


@pytest.mark.parametrize(
    ("call", "how"),
    [
        (("unshare", {"flags": ["CLONE_NEWPID"]}), "unshare"),
        (("setns", {"target": "pid:[13]", "flags": []}), "setns"),
    ],
)
def test_only_children_enter_a_pid_namespace(call: tuple[Any, ...], how: str) -> None:
    launch = launch_of(
        ("root", 10, "unshare -p", in_namespaces()),
        ("call", 10, *call),
        ("fork", 10, 11, "", {"nspid": [11, 1], **in_namespaces(pid=13)}),
        detail="syscalls",
    )
    assert told(launch, "p1", "pid") == [(3, "first", None)]
    assert told(launch, "p2", "pid") == [(13, how, "p1")]
    assert stays(launch, "p2", "pid")[0].since == launch.processes["p2"].born


def test_a_thread_leaves_alone_and_its_children_with_it() -> None:
    """podman's forking thread unshares a mount namespace for conmon; podman stays where it is."""
    call = events.Called(at_ns=3_000_000, pid=10, tid=12, name="unshare", result=0,
                         arguments={"flags": ["CLONE_NEWNS"]})  # fmt: skip
    made = events.Created(at_ns=4_000_000, pid=10, tid=12, child=13, how="clone", flags=[])
    launch = launch_of(
        ("root", 10, "podman", in_namespaces()),
        ("thread", 10, 12),
        call,
        made,
        ("start", 13, 10),
        ("fork", 10, 14),
        ("exec", 13, "conmon", None, in_namespaces(mnt=11)),
        ("exec", 14, "true"),
        detail="syscalls",
    )
    assert told(launch, "p1", "mnt") == [(1, "first", None)]
    assert told(launch, "p2", "mnt") == [(11, "unshare", "p1")]
    assert told(launch, "p3", "mnt") == [(1, "inherited", None)]


def test_without_calls_a_change_is_only_seen() -> None:
    launch = launch_of(
        ("root", 10, "sh", in_namespaces()),
        ("fork", 10, 11),
        ("sample", 11, in_namespaces(net=12)),
    )
    _, stay = stays(launch, "p2", "net")
    assert (stay.inode, stay.how, stay.by) == (12, "seen", None)
    assert stay.not_before == launch.processes["p2"].born


def test_hostile_calls_do_no_harm() -> None:
    calls: list[Step] = [
        ("call", 10, name, arguments)
        for name in ("unshare", "setns")
        for arguments in (
            {}, {"flags": "CLONE_NEWNS"}, {"flags": ["x"], "target": 5},
            {"flags": [], "target": "mnt:[99999999999999999999999]"}, {"target": "evil:[1]"},
            {"flags": ["CLONE_NEWNS"] * 3, "target": None},
        )
    ]  # fmt: skip
    launch = launch_of(("root", 10, "sh", in_namespaces()), *calls, detail="syscalls")
    assert told(launch, "p1", "net") == [(2, "first", None)]
    assert told(launch, "p1", "evil") == []
