"""Children that are not traced: joined to their parents, counted, shown and exported."""

import json

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.graph_json import render as render_json
from forktrace.render.text import render as render_text
from forktrace.trace.events import Untraced
from forktrace.views.options import ViewOptions
from tests.unit.events import launch_of


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
