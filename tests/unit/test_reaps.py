"""Who was reaped by whom."""

from forktrace.model.launch import Launch
from forktrace.trace import events
from tests.unit.events import launch_of


def wait(at_ms: int, pid: int, reaped: int) -> events.Called:
    arguments: dict[str, events.Argument] = {"reaped": reaped}
    return events.Called(at_ns=at_ms * 1_000_000, pid=pid, name="wait4", arguments=arguments)


def reaps(launch: Launch) -> dict[str, str]:
    return {p.id: p.reap.by for p in launch.inside if p.reap}


def test_a_wait_reaps_the_process_of_that_pid() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), wait(50, 10, 11))
    assert reaps(launch) == {"p2": "p1"}
    assert launch.processes["p2"].reap.at.at_ns == 50_000_000  # type: ignore[union-attr]


def test_a_reused_pid_is_reaped_once_for_each_process() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("exit", 11, 0),
        wait(50, 10, 11),
        ("fork", 10, 11),
        ("exit", 11, 1),
    )
    assert reaps(launch) == {"p2": "p1"}


def test_a_wait_inside_a_pid_namespace_returns_a_pid_of_that_namespace() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("clone", 10, 11, "NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("fork", 10, 2),
        ("exit", 2, 0),
        ("exit", 12, 0),
        wait(50, 11, 2),
    )
    assert reaps(launch) == {"p3": "p2"}


def test_without_a_wait_nobody_was_reaped() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0))
    assert reaps(launch) == {}
