"""Who was a subreaper, as recorded or as it must have been."""

import pytest

from forktrace.analysis import analyse
from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.trace import events
from tests.unit.events import Step, launch_of
from tests.unit.podman import subreaper


def inferred(launch: Launch) -> dict[str, str | None]:
    """Return whom each subreaper adopted first, all known by that alone."""
    found = analyse(launch).subreapers
    assert all(s.inferred and s.at is None and s.until is None for s in found.values())
    return {id_: s.adopted for id_, s in found.items()}


def recorded(findings: Findings) -> dict[str, tuple[int | None, int | None, str | None]]:
    """Return when each became one and stopped being it, in ms, and whom it adopted first."""
    return {
        id_: (
            s.at.at_ns // 1_000_000 if s.at else None,
            s.until.at_ns // 1_000_000 if s.until else None,
            s.adopted,
        )
        for id_, s in findings.subreapers.items()
    }


TREE: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12)]


def test_an_adopter_in_the_trace_is_a_subreaper() -> None:
    launch = launch_of(*TREE, ("exit", 11, 0), ("reparent", 12, 10))
    assert inferred(launch) == {"p1": "p3"}


def test_pid_1_is_none() -> None:
    launch = launch_of(*TREE, ("exit", 11, 0), ("reparent", 12, 1), ("outside", 1, "systemd"))
    assert inferred(launch) == {}


def test_an_adopter_outside_the_trace_can_be_one() -> None:
    launch = launch_of(
        *TREE, ("exit", 11, 0), ("reparent", 12, 900), ("outside", 900, "systemd --user")
    )
    assert inferred(launch) == {"x1": "p3"}


def test_the_init_of_a_pid_namespace_is_none() -> None:
    launch = launch_of(
        ("root", 10, "unshare"),
        ("clone", 10, 11, "NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("fork", 12, 13, "", {"nspid": [13, 3]}),
        ("exit", 12, 0),
        ("reparent", 13, 11),
    )
    assert inferred(launch) == {}


def test_an_adopter_of_unknown_pids_may_be_an_init() -> None:
    nested = events.State(ppid=11, nspid=[12, 5])
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("create", 11, 12),
        events.Started(at_ns=9_000_000, pid=12, state=nested),
        events.Reparented(at_ns=9_500_000, pid=12, ppid=700, previous=11, death=11),
    )
    assert inferred(launch) == {}


def test_it_is_noted_by_the_first_child_adopted() -> None:
    launch = launch_of(
        *TREE,
        ("fork", 11, 13),
        ("exit", 11, 0),
        ("reparent", 12, 10),
        ("reparent", 13, 10),
    )
    assert inferred(launch) == {"p1": "p3"}


def test_the_call_says_since_when() -> None:
    launch = launch_of(*TREE, subreaper(10, 1), ("exit", 11, 0), ("reparent", 12, 10))
    assert recorded(analyse(launch)) == {"p1": (5, None, "p3")}
    assert not analyse(launch).subreapers["p1"].inferred


def test_one_that_adopted_nobody_is_one() -> None:
    assert recorded(analyse(launch_of(*TREE, subreaper(11, 1)))) == {"p2": (5, None, None)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [((1, 0), (5, 6)), ((1, 0, 0), (5, 6)), ((1, 0, 1), (5, None)), ((0, 1), (6, None))],
)
def test_it_can_be_cleared(values: tuple[int, ...], expected: tuple[int, int | None]) -> None:
    launch = launch_of(*TREE, *(subreaper(11, value) for value in values))
    assert recorded(analyse(launch)) == {"p2": (*expected, None)}


def test_a_call_that_failed_or_only_cleared_makes_none() -> None:
    failed = ("call", 11, "prctl", {"option": "PR_SET_CHILD_SUBREAPER", "value": 1}, "EINVAL")
    other = ("call", 10, "prctl", {"option": "PR_SET_NAME", "name": "x"})
    launch = launch_of(*TREE, failed, other, subreaper(12, 0))
    assert analyse(launch).subreapers == {}


def test_without_a_call_of_its_own_an_adopter_is_inferred_beside_recorded_ones() -> None:
    launch = launch_of(*TREE, subreaper(12, 1), ("exit", 11, 0), ("reparent", 12, 10))
    assert recorded(analyse(launch)) == {"p3": (5, None, None), "p1": (None, None, "p3")}
