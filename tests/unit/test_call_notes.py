"""The words that only recorded system calls give the tree."""

import re

import pytest

from forktrace.analysis import analyse
from forktrace.trace import events
from forktrace.views.tree import build_tree
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_syscall_steps, subreaper

BORN: list[Step] = [("root", 10, "sh"), ("fork", 10, 11)]


def notes(*steps: Step, detail: str = "syscalls") -> dict[str, list[str]]:
    launch = launch_of(*steps, detail=detail)
    rows = build_tree(launch, analyse(launch)).rows
    return {row.process.id: row.notes for row in rows if row.notes}


def failed(pid: int, path: str, error: str = "ENOENT") -> Step:
    return ("call", pid, "execve", {"path": path}, error)


def test_a_podman_launch() -> None:
    assert notes(*podman_syscall_steps()) == {
        "p3": ["double fork: exits and leaves p4 to x1 systemd, outside the trace"],
        "p4": [
            "adopted by x1 systemd when p3 exited",
            "setsid: leads session 3021",
            "subreaper until 50.8 ms: adopted p8",
        ],
        "p5": ["subreaper"],
        "p7": ["created by p6 with CLONE_PARENT"],
        "p8": [
            "created by p7 with CLONE_PARENT",
            "born as runc init",
            "adopted by p4 conmon when p5 exited",
            "setsid: leads a session of its own",
            "pid 1 in its PID namespace",
        ],
    }


def test_a_subreaper_that_was_recorded() -> None:
    adopts: list[Step] = [("fork", 11, 12), ("exit", 11, 0), ("reparent", 12, 10)]
    found = notes(*BORN, subreaper(10, 1), *adopts, ("wait", 10, 11))
    assert found["p1"] == ["subreaper: adopted p3"]


def test_failed_execs_are_counted_with_their_errors() -> None:
    calls = [failed(11, "/a/x"), failed(11, "/b/x", "EACCES"), failed(11, "/c/x")]
    assert notes(*BORN, *calls) == {"p2": ["3 failed execs (ENOENT, EACCES)"]}
    assert notes(*BORN, failed(10, "/a", "E\x1b[31m")) == {"p1": [r"1 failed exec (E\x1b[31m)"]}


def test_who_sent_the_signal() -> None:
    kill: Step = ("call", 10, "kill", {"pid": 11, "signal": "SIGTERM"})
    died: list[Step] = [("exit", 11, "SIGTERM"), ("wait", 10, 11)]
    assert notes(*BORN, kill, *died) == {"p2": ["SIGTERM sent by p1"]}


def test_who_reaped_is_said_where_it_is_not_the_last_parent() -> None:
    left: list[Step] = [("fork", 11, 12), ("exit", 12, 0), ("exit", 11, 0), ("wait", 10, 11)]
    assert notes(*BORN, *left, ("wait", 10, 12)) == {"p3": ["reaped by p1"]}
    assert notes(*BORN, ("exit", 11, 0), ("wait", 10, 11)) == {}


@pytest.mark.parametrize(
    ("end", "until"),
    [([("exit", 10, 0)], "at least until p1 ended"), ([], "to the end of the trace")],
)
def test_whoever_was_not_waited_for_may_be_a_zombie(end: list[Step], until: str) -> None:
    assert notes(*BORN, ("exit", 11, 0), *end) == {
        "p2": [f"no wait seen: a zombie {until}, unless p1 ignores SIGCHLD"]
    }


def test_a_parent_with_a_pidfd_may_have_waited_unseen() -> None:
    steps: list[Step] = [("root", 10, "podman"), ("vfork", 10, 11, "PIDFD"), ("exit", 11, 0)]
    assert notes(*steps)["p2"][-1] == (
        "no wait seen: a zombie to the end of the trace, "
        "unless p1 ignores SIGCHLD or waited by the pidfd it got"
    )


def late_wait(pid: int, ns: int) -> events.Event:
    return events.Called(at_ns=ns, pid=10, name="wait4", arguments={"reaped": pid}, result=pid)


def test_a_zombie_that_lasted_is_told_and_one_that_did_not_is_not() -> None:
    ended: list[Step] = [("fork", 10, 12), ("exit", 12, 3)]
    assert notes(*BORN, *ended, late_wait(12, 40_000_000)) == {}
    told = notes(*BORN, *ended, late_wait(12, 300_000_000))["p3"]
    assert len(told) == 1
    assert re.fullmatch(r"a zombie for 29\d ms, until p1 waited for it", told[0])


def test_a_zombie_for_less_than_it_lived_is_not_told() -> None:
    old: list[Step] = [("exit", 11, 0), late_wait(11, 300_000_000)]
    young = events.Exited(at_ns=200_000_000, pid=11, code=0)
    assert list(notes(*BORN, *old)) == ["p2"]
    assert notes(*BORN, young, late_wait(11, 300_000_000)) == {}


def test_exec_by_another_thread_than_the_leader_is_told() -> None:
    executed = events.Executed(at_ns=9_000_000, pid=11, tid=12, path="/b", argv=["b"])
    assert notes(*BORN, ("thread", 11, 12), executed)["p2"][-1] == "exec called by thread 12"


def test_a_few_vforks_are_told_and_many_are_not() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in (11, 12, 13):
        steps += [("vfork", 10, pid), ("exec", pid, f"program{pid}")]
    few = notes(*steps)
    assert few == {id_: ["created by vfork"] for id_ in ("p2", "p3", "p4")}
    assert notes(*steps, ("vfork", 10, 14), ("exec", 14, "program14")) == {}


def test_a_failed_setsid_leads_nothing() -> None:
    assert notes(*BORN, ("call", 11, "setsid", {}, "EPERM")) == {}


def test_at_event_detail_no_wait_is_missed() -> None:
    assert notes(*BORN, ("exit", 11, 0), ("exit", 10, 0), detail="events") == {}


def test_siblings_with_sessions_of_their_own_are_alike() -> None:
    steps: list[Step] = [("root", 10, "make")]
    for pid in range(100, 110):
        steps += [("fork", 10, pid), ("call", pid, "setsid"), ("exit", pid, 0), ("wait", 10, pid)]
    launch = launch_of(*steps, detail="syscalls")
    assert [row.count for row in build_tree(launch, analyse(launch)).rows] == [1, 10]
