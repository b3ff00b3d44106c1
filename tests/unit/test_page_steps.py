"""Check which steps a page goes through, and in which order."""

from forktrace.analysis.passes import analyse
from forktrace.views.page_steps import StepFinder, find_steps
from tests.unit.events import Step, launch_of


def told(*steps: Step, **header: str) -> list[tuple[str, str, str | None]]:
    launch = launch_of(*steps, **header)
    return [(s.kind, s.process, s.other) for s in find_steps(launch, analyse(launch))]


def test_steps_tell_who_did_what_to_whom() -> None:
    assert told(
        ("root", 10, "a"), ("fork", 10, 11), ("exec", 11, "b"), ("exit", 11, 0), ("exit", 10, 0)
    ) == [
        ("exec", "p1", None),  # the command's birth is forktrace's own doing
        ("birth", "p2", "p1"),
        ("exec", "p2", None),
        ("exit", "p2", None),
        ("exit", "p1", None),
    ]


def test_death_comes_before_the_adoption_it_causes_whatever_was_told_first() -> None:
    launch = launch_of(
        ("root", 10, "a"),
        ("outside", 1, "init"),
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("reparent", 12, 1),
        ("exit", 11, 0),
    )
    steps = find_steps(launch, analyse(launch))
    assert [(s.kind, s.process) for s in steps[-2:]] == [("exit", "p2"), ("adopt", "p3")]
    assert steps[-2].at.seq > steps[-1].at.seq  # each keeps its event's number


def test_recorded_calls_are_steps() -> None:
    kinds = told(
        ("root", 10, "a"),
        ("fork", 10, 11),
        ("call", 11, "setsid"),
        ("call", 11, "setsid", {}, "EPERM"),
        ("call", 10, "prctl", {"option": "PR_SET_CHILD_SUBREAPER", "value": 1}),
        ("exit", 11, 0),
        ("wait", 10, 11),
        detail="syscalls",
    )
    assert ("session", "p2", None) in kinds
    assert sum(kind == "session" for kind, *_ in kinds) == 1  # one that failed is none
    assert kinds[-1] == ("reap", "p2", "p1")


def test_snapshot_has_no_steps() -> None:
    assert told(("root", 10, "a"), ("fork", 10, 11), source="snapshot") == []


def test_finder_returns_the_step_by_which_an_event_was_seen() -> None:
    launch = launch_of(("root", 10, "a"), ("fork", 10, 11), ("exit", 11, 0), ("exit", 10, 0))
    steps = find_steps(launch, analyse(launch))
    finder = StepFinder(launch, steps)
    seqs = [s.at.seq for s in steps]
    assert [finder.at(seq) for seq in seqs] == [0, 1, 2, 3]
    assert finder.at(seqs[-1] + 1) == len(steps)
    assert finder.at(0) == 0
