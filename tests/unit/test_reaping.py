"""Who was never waited for, as far as a trace can tell."""

import pytest

from forktrace.analysis import analyse
from tests.unit.events import Step, launch_of

BORN: list[Step] = [("root", 10, "sh"), ("fork", 10, 11)]


def unwaited(*steps: Step, detail: str = "syscalls") -> dict[str, str]:
    return analyse(launch_of(*BORN, *steps, detail=detail)).unwaited


def test_a_child_whose_parent_did_not_wait() -> None:
    assert unwaited(("exit", 11, 0), ("exit", 10, 0)) == {"p2": "p1"}
    assert unwaited(("exit", 11, 0)) == {"p2": "p1"}


def test_a_child_that_was_waited_for() -> None:
    assert unwaited(("exit", 11, 0), ("wait", 10, 11), ("exit", 10, 0)) == {}


def test_a_later_wait_that_tells_nobody_may_have_been_for_it() -> None:
    untold: Step = ("call", 10, "waitid", {"reaped": None})
    assert unwaited(("exit", 11, 0), untold, ("exit", 10, 0)) == {}
    assert unwaited(untold, ("exit", 11, 0), ("exit", 10, 0)) == {"p2": "p1"}


def test_a_wait_of_another_that_adopted_it_counts() -> None:
    steps: list[Step] = [("fork", 11, 12), ("exit", 12, 0), ("exit", 11, 0)]
    waits: list[Step] = [("wait", 10, 11), ("wait", 10, 12)]
    assert unwaited(*steps, *waits) == {}


@pytest.mark.parametrize("detail", ["minimal", "events"])
def test_without_recorded_waits_nothing_is_said(detail: str) -> None:
    assert unwaited(("exit", 11, 0), ("exit", 10, 0), detail=detail) == {}


def test_what_runs_is_no_zombie() -> None:
    assert unwaited(("exit", 10, 0)) == {}


def test_of_a_parent_outside_the_trace_waits_are_unknown() -> None:
    adopted: list[Step] = [("exit", 10, 0), ("reparent", 11, 1), ("outside", 1, "systemd")]
    assert unwaited(*adopted, ("exit", 11, 0)) == {}


def test_where_the_parent_died_first_the_adopter_is_unknown() -> None:
    assert unwaited(("exit", 10, "SIGKILL"), ("exit", 11, "SIGKILL")) == {}


def test_the_last_parent_is_the_one_that_should_have_waited() -> None:
    adopted: list[Step] = [("fork", 11, 12), ("exit", 11, 0), ("reparent", 12, 10)]
    steps: list[Step] = [*adopted, ("wait", 10, 11), ("exit", 12, 0), ("exit", 10, 0)]
    assert unwaited(*steps) == {"p3": "p1"}


def test_what_dies_with_its_pid_namespace_is_no_zombie() -> None:
    inside: list[Step] = [("fork", 11, 12, "", {"nspid": [12, 2]})]
    first: Step = ("fork", 10, 11, "", {"nspid": [11, 1]})
    ends: list[Step] = [("exit", 12, "SIGKILL"), ("exit", 11, 0), ("wait", 10, 11)]
    steps: list[Step] = [("root", 10, "unshare"), first, *inside, *ends]
    assert analyse(launch_of(*steps, detail="syscalls")).unwaited == {}
    kept: list[Step] = [*steps[:3], ("exit", 12, 0), *ends[1:]]
    assert analyse(launch_of(*kept, detail="syscalls")).unwaited == {"p3": "p2"}
