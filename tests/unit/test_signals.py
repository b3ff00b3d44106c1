"""Who sent the signals that processes died of."""

from typing import Any

import pytest

from forktrace.analysis import analyse
from tests.unit.events import Step, launch_of

TREE: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 10, 12)]
CONTAINER = {"ns": {"pid": 77}}


def kill(pid: int, target: int, signal: str | None = "SIGTERM", **more: Any) -> Step:
    return ("call", pid, "kill", {"pid": target, "signal": signal, **more})


def senders(*steps: Step, detail: str = "syscalls") -> dict[str, list[str]]:
    return analyse(launch_of(*TREE, *steps, detail=detail)).signals


def test_a_kill_before_the_death_by_that_signal() -> None:
    assert senders(kill(12, 11), ("exit", 11, "SIGTERM")) == {"p2": ["p3"]}


@pytest.mark.parametrize(
    "steps",
    [
        [kill(12, 11), ("exit", 11, 0)],
        [kill(12, 11), ("exit", 11, "SIGKILL")],
        [kill(12, 11, None), ("exit", 11, "SIGTERM")],
        [kill(12, 13), ("exit", 11, "SIGTERM")],
        [("exit", 11, "SIGTERM"), kill(12, 11)],
        [kill(11, 11, "SIGABRT"), ("exit", 11, "SIGABRT")],
        [kill(12, -11), ("exit", 11, "SIGTERM")],
        [("call", 12, "kill", {"pid": ["11"], "signal": ["SIGTERM"]}), ("exit", 11, "SIGTERM")],
        [("call", 12, "kill"), ("exit", 11, "SIGTERM")],
        [("call", 12, "kill", {"pid": 11, "signal": "SIGTERM"}, "EPERM"), ("exit", 11, "SIGTERM")],
        [("call", 12, "wait4", {"pid": 11, "signal": "SIGTERM"}), ("exit", 11, "SIGTERM")],
    ],
)
def test_what_is_no_such_kill(steps: list[Step]) -> None:
    assert senders(*steps) == {}


def test_of_a_reused_pid_the_one_alive_was_meant() -> None:
    reborn: list[Step] = [("exit", 11, "SIGTERM"), ("fork", 10, 11), ("exit", 11, "SIGTERM")]
    assert senders(kill(12, 11), *reborn) == {"p2": ["p3"]}


def test_each_sender_is_named_once() -> None:
    steps = [kill(12, 11), kill(10, 11), kill(12, 11), ("exit", 11, "SIGTERM")]
    assert senders(*steps) == {"p2": ["p3", "p1"]}


def test_calls_that_name_threads_or_pidfds() -> None:
    tkill = ("call", 12, "tkill", {"tid": 11, "signal": "SIGKILL"})
    pidfd = ("call", 10, "pidfd_send_signal", {"pid": 11, "signal": "SIGKILL"})
    assert senders(tkill, pidfd, ("exit", 11, "SIGKILL")) == {"p2": ["p3", "p1"]}


def test_pids_inside_a_namespace_mean_those_of_the_same_namespace() -> None:
    born: list[Step] = [
        ("clone", 10, 20, "NEWPID", {"nspid": [20, 1], **CONTAINER}),
        ("fork", 20, 21, "", {"nspid": [21, 2], **CONTAINER}),
        ("clone", 10, 30, "NEWPID", {"nspid": [30, 1], "ns": {"pid": 88}}),
        ("fork", 30, 31, "", {"nspid": [31, 2], "ns": {"pid": 88}}),
    ]
    died: list[Step] = [("exit", 21, "SIGTERM"), ("exit", 31, "SIGTERM")]
    assert senders(*born, kill(20, 2), *died) == {"p5": ["p4"]}
    assert senders(*born, kill(12, 31), *died) == {"p7": ["p3"]}


def test_at_other_details_no_call_was_recorded() -> None:
    assert senders(kill(12, 11), ("exit", 11, "SIGTERM"), detail="events") == {}
