"""What is a double fork, and what only looks like one."""

from forktrace.analysis import analyse
from forktrace.analysis.findings import DoubleFork
from forktrace.trace import events
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps

SHELL: Step = ("root", 10, "sh", {"sid": 5})


def double_forks(*steps: Step) -> dict[str, DoubleFork]:
    return analyse(launch_of(*steps)).double_forks


def test_conmon_goes_on_as_the_daemon() -> None:
    assert double_forks(*podman_steps()) == {"p4": DoubleFork("p1", "p3", "p4", "x1")}


def test_a_daemon_by_the_book() -> None:
    found = double_forks(
        SHELL,
        ("fork", 10, 11),
        ("sample", 11, {"sid": 11}),
        ("fork", 11, 12, "", {"sid": 11}),
        ("exit", 11, 0),
        ("reparent", 12, 1),
    )
    assert found == {"p3": DoubleFork("p1", "p2", "p3", "x1")}


def test_a_subreaper_may_adopt_the_daemon() -> None:
    found = double_forks(
        SHELL,
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("fork", 12, 13),
        ("exit", 12, 0),
        ("reparent", 13, 10),
    )
    assert found == {"p4": DoubleFork("p2", "p3", "p4", "p1")}


def test_the_traced_command_itself_can_be_the_middle_if_the_daemon_left_its_session() -> None:
    steps: list[Step] = [
        SHELL,
        ("fork", 10, 11, "", {"sid": 5}),
        ("sample", 11, {"sid": 11}),
        ("exit", 10, 0),
        ("reparent", 11, 1),
    ]
    assert double_forks(*steps) == {"p2": DoubleFork(None, "p1", "p2", "x1")}
    del steps[2]  # without setsid it is a job left in the background
    assert double_forks(*steps) == {}


def test_sessions_that_were_not_sampled_at_birth_are_the_parents() -> None:
    found = double_forks(
        SHELL,
        ("create", 10, 11),
        ("start", 11, None),
        ("create", 11, 20),
        ("create", 11, 12),
        ("start", 12, None),
        ("exit", 11, 0),
        events.Reparented(at_ns=90_000_000, pid=12, ppid=1, previous=11, death=11),
        ("sample", 12, {"sid": 12}),
    )
    assert found == {"p4": DoubleFork("p1", "p2", "p4", "x1")}


def test_a_middle_that_made_more_needs_a_session_as_proof() -> None:
    steps: list[Step] = [
        SHELL,
        ("fork", 10, 11, "", {"sid": 5}),
        ("fork", 11, 20, "", {"sid": 5}),
        ("exit", 20, 0),
        ("fork", 11, 12, "", {"sid": 5}),
        ("exit", 11, 0),
        ("reparent", 12, 1),
    ]
    assert double_forks(*steps) == {}
    assert set(double_forks(*steps, ("sample", 12, {"sid": 12}))) == {"p4"}


def test_a_child_that_only_tried_a_clone_does_not_count() -> None:
    """Go's programs make one before they start another; by fork it could have done work."""

    def steps(kind: str) -> list[Step]:
        return [
            SHELL,
            ("fork", 10, 11, "", {"sid": 5}),
            (kind, 11, 20, "", {"sid": 5}),
            ("exit", 20, 0),
            ("fork", 11, 12, "", {"sid": 5}),
            ("exit", 11, 0),
            ("reparent", 12, 1),
        ]

    assert set(double_forks(*steps("vfork"))) == {"p4"}
    assert double_forks(*steps("fork")) == {}


def test_of_a_chain_only_the_last_is_the_daemon() -> None:
    found = double_forks(
        SHELL,
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("exit", 11, 0),
        ("reparent", 12, 1),
        ("fork", 12, 13),
        ("exit", 12, 0),
        ("reparent", 13, 1),
    )
    assert found == {"p4": DoubleFork("p2", "p3", "p4", "x1")}


def test_an_orphan_of_a_killed_parent_is_none() -> None:
    found = double_forks(
        SHELL, ("fork", 10, 11), ("fork", 11, 12), ("exit", 11, "SIGKILL"), ("reparent", 12, 1)
    )
    assert found == {}


def test_a_parent_that_went_on_to_another_program_is_no_middle() -> None:
    found = double_forks(
        SHELL,
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("exec", 11, "make"),
        ("exit", 11, 0),
        ("reparent", 12, 1),
    )
    assert found == {}


def test_siblings_by_clone_parent_are_none() -> None:
    found = double_forks(
        SHELL,
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("clone", 12, 13, "PARENT"),
        ("exit", 12, 0),
        ("exit", 11, 0),
        ("reparent", 13, 1),
    )
    assert found == {}


def test_what_a_runtime_leaves_to_its_caller_is_none() -> None:
    """`crun create` ends and leaves the container's init to conmon, which is a subreaper."""
    found = double_forks(
        SHELL,
        ("fork", 10, 11),
        ("exec", 11, "crun create x"),
        ("clone3", 11, 12, "NEWNS", {"sid": 12}),
        ("exit", 11, 0),
        ("reparent", 12, 10),
    )
    assert found == {}


def test_the_init_of_a_pid_namespace_is_no_daemon() -> None:
    """`crun create` by hand: nobody but pid 1 takes the container's init."""
    found = double_forks(
        SHELL,
        ("fork", 10, 11),
        ("exec", 11, "crun create x"),
        ("clone3", 11, 12, "NEWPID", {"sid": 12, "nspid": [12, 1]}),
        ("exit", 11, 0),
        ("reparent", 12, 1),
    )
    assert found == {}


def test_a_middle_that_is_still_there_is_none() -> None:
    assert double_forks(SHELL, ("fork", 10, 11), ("fork", 11, 12)) == {}
