"""The graph in DOT: which boxes and edges, and text that Graphviz shows as it is."""

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.dot import MAX_BOXES, Picture, escape_label, mix, render
from forktrace.views.options import ViewOptions
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz here")


def dot(launch: Launch, options: ViewOptions | None = None) -> str:
    return render(launch, analyse(launch), options or ViewOptions())


def picture(*steps: Step) -> Picture:
    launch = launch_of(*steps)
    return Picture(launch, analyse(launch))


def edges(of: Picture) -> set[str]:
    """Write each edge as "kind source target", with a star where it decides who stands where."""
    return {f"{e.kind} {e.source} {e.target}{'*' if e.ranks else ''}" for e in of.edges}


def lines(of: Picture, id_: str) -> list[list[str]]:
    """Return the texts of a box, line by line."""
    return [[s.text for s in (*line.left, line.right) if s] for line in of.boxes[id_].lines]


def test_the_edges_of_podman() -> None:
    assert edges(picture(*podman_steps())) == {
        "create p1 p2*",
        "create p1 p3*",
        "create p3 p4*",
        "reparent x1 p4",
        "create p4 p5*",
        "create p5 p6*",
        "parent p5 p7*",
        "create p6 p7",
        "parent p5 p8*",
        "create p7 p8",
        "reparent p4 p8",
        "create p1 p9*",
        "create p4 p10*",
        "create p10 p11*",
        "create p10 p12*",
    }


def test_what_a_box_says() -> None:
    of = picture(*podman_steps())
    assert lines(of, "p3") == [
        ["p3", "  monitor", "pid 3020"],
        ["podman ‖ ", "conmon"],
        ["--api-version 1 -c 5853b4a3807…"],
        ["double fork: leaves p4 to x1"],
        ["exit 0"],
    ]
    assert lines(of, "p8") == [
        ["p8", "  container", "pid 3032"],
        ["runc ‖ ", "echo"],
        ["hi"],
        ["adopted when p5 ended"],
        ["pid 1 in its PID namespace"],
        ["exit 0", "+1 thread"],
    ]
    assert lines(of, "x1") == [["x1", "  outside the trace", "pid 1"], ["systemd"]]


def test_a_folded_box_counts_and_claims_no_pid() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in (11, 12, 13):
        steps += [("fork", 10, pid), ("exec", pid, "true"), ("exit", pid, 1)]
    of = picture(*steps)
    assert lines(of, "p2") == [["3×"], ["sh ‖ ", "true"], ["exit 1"]]  # noqa: RUF001
    assert of.boxes["p2"].several
    assert of.caption[1:] == ["2 processes share the box of a sibling that did the same"]


def test_one_rank_decides_where_a_box_stands() -> None:
    ranking = [e.target for e in picture(*podman_steps()).edges if e.ranks]
    assert len(ranking) == len(set(ranking))


def test_a_large_launch_is_cut_and_says_so() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(11, 11 + 2 * MAX_BOXES):
        steps += [("fork", 10, pid), ("exec", pid, f"program{pid}")]
    of = picture(*steps)
    assert len(of.boxes) == MAX_BOXES
    assert of.caption[-1] == f"{MAX_BOXES + 1} processes deeper down left out"
    assert [f"+{MAX_BOXES + 1} below it, not shown"] in lines(of, "p1")


def test_what_matters_stays_however_deep_it_lies() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(11, 11 + MAX_BOXES):
        steps += [("fork", 10, pid), ("exec", pid, f"program{pid}")]
    deep = range(1000, 1005)
    steps += [("fork", 10 if pid == 1000 else pid - 1, pid) for pid in deep]
    steps += [("exit", 1003, 0), ("reparent", 1004, 1)]
    of = picture(*steps)
    assert edges(of) >= {f"reparent x1 p{MAX_BOXES + 6}"}


def test_a_deep_narrow_tree_grows_downwards() -> None:
    assert not picture(*podman_steps()).downwards
    chain: list[Step] = [("root", 10, "sh"), *(("fork", pid, pid + 1) for pid in range(10, 40))]
    assert picture(*chain).downwards


def test_the_theme_chooses_the_colours() -> None:
    launch = launch_of(*podman_steps())
    assert "#005A9C" in dot(launch)
    assert "#56B4E9" in dot(launch, ViewOptions(theme="dark"))


def test_the_tint_lies_between_the_colour_and_the_page() -> None:
    assert mix("#000000", "#ffffff") == "#ededed"


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("plain", r"plain\l"),
        (r"a\N", r"a\\N\l"),
        ("\\", r"\\\l"),
        ("&lt;", r"&amp;lt;\l"),
        ("<b>x</b>", r"<b>x</b>\l"),
    ],
)
def test_escaping(line: str, label: str) -> None:
    assert escape_label(line) == label


HOSTILE = [
    "<b>bold</b>",
    "<<table></table>>",
    r"\N\G\l\n\r",
    "back\\",
    '"quoted"',
    '\\"',
    "&lt;&amp;&#60;&nbsp;",
    "a; b -> c [label=x]",
    "}",
    "/* comment",
    "// comment",
    "日本語",
    "",
]


def shown_by_graphviz(source: str, id_: str) -> list[str]:
    """Return the lines of text that Graphviz draws in a node."""
    done = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True)
    svg = "{http://www.w3.org/2000/svg}"
    for group in ElementTree.fromstring(done.stdout).iter(f"{svg}g"):
        if group.get("id") == id_:
            return [text.text or "" for text in group.iter(f"{svg}text")]
    raise AssertionError(f"no node {id_}")


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_graphviz_shows_a_hostile_name_as_it_is(name: str) -> None:
    launch = launch_of(("root", 10, [name.replace("/", "_")]), ("exit", 10, 0), command=[name])
    shown = shown_by_graphviz(dot(launch), "p1")[1].replace("\xa0", " ")
    assert shown == (name.replace("/", "_") or "?")


@needs_dot
@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary() | st.text().map(str.encode), min_size=1))
def test_graphviz_reads_whatever_a_process_is_called(raw: list[bytes]) -> None:
    argv = [argument.decode(errors="surrogateescape") for argument in raw]
    launch = launch_of(
        ("root", 10, ["x", *argv]), ("exec", 10, argv), ("exit", 10, 0), command=argv
    )
    assert shown_by_graphviz(dot(launch), "p1")[-1] == "exit 0"


def test_the_text_is_the_same_each_time() -> None:
    first, second = (dot(launch_of(*podman_steps())) for _ in range(2))
    assert first == second
    assert re.match(r"digraph forktrace \{\n", first)
