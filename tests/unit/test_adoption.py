"""Who must have been a subreaper."""

from forktrace.analysis import analyse
from forktrace.trace import events
from tests.unit.events import Step, launch_of

TREE: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12)]


def test_an_adopter_in_the_trace_is_a_subreaper() -> None:
    launch = launch_of(*TREE, ("exit", 11, 0), ("reparent", 12, 10))
    assert analyse(launch).subreapers == {"p1": "p3"}


def test_pid_1_is_none() -> None:
    launch = launch_of(*TREE, ("exit", 11, 0), ("reparent", 12, 1), ("outside", 1, "systemd"))
    assert analyse(launch).subreapers == {}


def test_an_adopter_outside_the_trace_can_be_one() -> None:
    launch = launch_of(
        *TREE, ("exit", 11, 0), ("reparent", 12, 900), ("outside", 900, "systemd --user")
    )
    assert analyse(launch).subreapers == {"x1": "p3"}


def test_the_init_of_a_pid_namespace_is_none() -> None:
    launch = launch_of(
        ("root", 10, "unshare"),
        ("clone", 10, 11, "NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("fork", 12, 13, "", {"nspid": [13, 3]}),
        ("exit", 12, 0),
        ("reparent", 13, 11),
    )
    assert analyse(launch).subreapers == {}


def test_an_adopter_of_unknown_pids_may_be_an_init() -> None:
    nested = events.State(ppid=11, nspid=[12, 5])
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("create", 11, 12),
        events.Started(at_ns=9_000_000, pid=12, state=nested),
        events.Reparented(at_ns=9_500_000, pid=12, ppid=700, previous=11, death=11),
    )
    assert analyse(launch).subreapers == {}


def test_it_is_noted_by_the_first_child_adopted() -> None:
    launch = launch_of(
        *TREE,
        ("fork", 11, 13),
        ("exit", 11, 0),
        ("reparent", 12, 10),
        ("reparent", 13, 10),
    )
    assert analyse(launch).subreapers == {"p1": "p3"}
