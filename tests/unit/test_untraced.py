"""What is not traced, or no more: joined, counted, shown and exported."""

import json

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.graph_json import render as render_json
from forktrace.render.text import render as render_text
from forktrace.trace.events import Exited, Released, Untraced
from forktrace.views.options import ViewOptions
from tests.unit.events import Step, launch_of
from tests.unit.test_explain import texts


def told() -> Launch:
    """Return a launch where SIGCHLD told of three untraced children, of one of them twice."""
    return launch_of(
        ("root", 10, "sh -c hidden"),
        Untraced(at_ns=10_000_000, pid=10, child=21),
        Untraced(at_ns=11_000_000, pid=10, child=22, code=6),
        Untraced(at_ns=12_000_000, pid=10, child=21, signal="SIGKILL"),
        Untraced(at_ns=13_000_000, pid=10, child=23, code=0),
        ("exit", 10, 0),
    )


def test_the_last_word_on_a_child_counts() -> None:
    launch = told()
    assert [(c.pid, c.code, c.signal) for c in launch.processes["p1"].untraced] == [
        (22, 6, None),
        (21, None, "SIGKILL"),
        (23, 0, None),
    ]
    assert list(launch.processes) == ["p1"]


def test_each_child_is_counted_once_in_a_warning() -> None:
    (warning,) = told().warnings
    assert warning.startswith("3 children were not traced")


def test_the_tree_says_so_at_the_parent() -> None:
    launch = told()
    page = render_text(launch, analyse(launch), ViewOptions(width=100))
    assert "3 children not traced: pid 22 (exit 6), pid 21 (SIGKILL), pid 23 (exit 0)" in page


def test_the_graph_has_them() -> None:
    launch = told()
    (node,) = json.loads(render_json(launch, analyse(launch), ViewOptions()))["nodes"]
    assert node["untraced"][1] == {
        "at_ns": 12_000_000,
        "pid": 21,
        "code": None,
        "signal": "SIGKILL",
    }


def released() -> Launch:
    """Return a launch where a tracer's child was left to it, and its pid was used again."""
    return launch_of(
        ("root", 10, "strace true"),
        ("fork", 10, 11),
        Released(at_ns=20_000_000, pid=11),
        ("fork", 10, 11),
        ("exit", 11, 5),
        ("exit", 10, 0),
    )


def test_a_process_left_to_another_tracer_frees_its_pid() -> None:
    launch = released()
    _root, left, other = launch.inside
    assert left.released is not None
    assert left.exit is None
    assert other.released is None
    assert other.exit is not None
    (warning,) = launch.warnings
    assert warning.startswith("1 process was left to another tracer")


def test_the_views_say_so() -> None:
    launch = released()
    page = render_text(launch, analyse(launch), ViewOptions(width=100))
    assert page.count("left to its parent to trace: not seen from then on") == 1
    nodes = json.loads(render_json(launch, analyse(launch), ViewOptions()))["nodes"]
    assert [node["released_ns"] for node in nodes] == [None, 20_000_000, None]


BORN: list[Step] = [("root", 10, "unshare"), ("fork", 10, 11)]
FAULT = Released(at_ns=20_000_000, pid=11, fault="SIGSEGV")


def faulted(*after: Step) -> Launch:
    """Return a launch whose child was let go to die of a fault."""
    return launch_of(*BORN, FAULT, *after, ("exit", 10, 139))


def test_a_faulty_process_whose_end_was_seen_has_ended_so() -> None:
    launch = faulted(Exited(at_ns=21_000_000, pid=11, signal="SIGSEGV", core=True))
    _root, faulty = launch.inside
    assert faulty.exit is not None
    assert (faulty.exit.signal, faulty.exit.core) == ("SIGSEGV", True)
    assert launch.warnings == []
    page = render_text(launch, analyse(launch), ViewOptions(width=100))
    assert "left" not in page


def test_a_faulty_process_whose_end_was_not_seen_says_why() -> None:
    launch = faulted(("fork", 10, 11), ("exit", 11, 5))  # its pid was used again
    _root, faulty, other = launch.inside
    assert faulty.exit is None
    assert other.exit is not None
    assert launch.warnings == []
    page = render_text(launch, analyse(launch), ViewOptions(width=100))
    assert page.count("left alone to die of SIGSEGV: its end was not seen") == 1
    why = "because it was let go at its SIGSEGV, of which it could not die while it was traced."
    assert any(why in text for text in texts("p2", *BORN, FAULT, ("exit", 10, 139)))
