"""The graph in DOT: which boxes and edges, and text that Graphviz shows as it is."""

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forktrace.analysis.findings import Container
from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.dot import escape_label, render
from forktrace.render.tree_picture import GAP_ALONG, MAX_BOXES, Picture
from forktrace.trace import events
from forktrace.views.options import Cluster, ViewOptions
from forktrace.views.palette import mix
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
        "vfork p1 p2*",
        "vfork p1 p3*",
        "create p3 p4*",
        "reparent x1 p4",
        "create p4 p5*",
        "vfork p5 p6*",
        "parent p5 p7*",
        "create p6 p7",
        "parent p5 p8*",
        "create p7 p8",
        "reparent p4 p8",
        "vfork p1 p9*",
        "create p4 p10*",
        "vfork p10 p11*",
        "vfork p10 p12*",
    }


def test_what_a_box_says() -> None:
    of = picture(*podman_steps())
    assert lines(of, "p3") == [
        ["p3", "  monitor", "pid 3020"],
        ["podman ‖ ", "conmon"],
        ["--api-version 1 -c 5853b4a38079…"],
        ["-u 5853b4a38079… -r …"],
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
    assert of.caption[1:] == ["4 processes in 2 boxes: 2 share the box of one like them"]


def test_one_rank_decides_where_a_box_stands() -> None:
    ranking = [e.target for e in picture(*podman_steps()).edges if e.ranks]
    assert len(ranking) == len(set(ranking))


def test_a_large_launch_is_cut_and_says_so() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(11, 11 + 2 * MAX_BOXES):
        steps += [("fork", 10, pid), ("exec", pid, f"program{pid}")]
    of = picture(*steps)
    assert len(of.boxes) == MAX_BOXES
    assert of.caption[-1] == (
        f"{2 * MAX_BOXES + 1} processes in {MAX_BOXES} boxes: "
        f"{MAX_BOXES + 1} are counted (+) at the one above them"
    )
    assert [f"+{MAX_BOXES + 1} processes not shown"] in lines(of, "p1")


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


def test_boxes_of_seven_generations_make_room_for_each_other_on_a_page() -> None:
    chain: list[Step] = [("root", 10, ["sh", "-c", "a long command line, with much to tell"])]
    for pid in range(11, 17):
        chain += [("fork", pid - 1, pid), ("exec", pid, "a-program-with-a-long-name --and options")]
    six, seven = picture(*chain[:-2]), picture(*chain)
    assert not seven.downwards
    assert seven.width < six.width
    assert 7 * seven.width + 6 * GAP_ALONG <= 1560


def test_the_subcommand_is_told_where_the_options_before_it_leave_no_room() -> None:
    runc = "runc --systemd-cgroup --log-format=json --log /run/containers/x/oci-log create -b /x id"
    steps: list[Step] = [("root", 10, "podman run x"), ("fork", 10, 11), ("exec", 11, "conmon")]
    of = picture(*steps, ("fork", 11, 12), ("exec", 12, runc))
    assert ["… create -b /x id"] in lines(of, "p3")


def test_arguments_are_broken_between_words_and_end_with_an_ellipsis() -> None:
    of = picture(
        ("root", 10, "e run --rm --network=host --name baz alpine sleep 1000 --and --many more")
    )
    shown = [["run --rm --network=host --name"], ["baz alpine sleep 1000 --and …"]]
    assert lines(of, "p1")[2:-1] == shown


def test_an_adopted_one_stands_behind_its_siblings_with_who_made_it_one() -> None:
    steps: list[Step] = [("root", 9, "shim"), ("fork", 9, 10), ("fork", 10, 11)]
    steps += [("clone", 11, 12, "PARENT"), ("fork", 10, 13), ("exit", 10, 0), ("reparent", 12, 9)]
    of = picture(*steps)
    assert list(of.boxes) == ["p1", "p2", "p5", "p3", "p4"]


def test_siblings_that_were_all_adopted_keep_their_order() -> None:
    steps: list[Step] = [("root", 9, "subreaper"), ("fork", 9, 10)]
    for pid in (11, 12, 13):
        steps += [("fork", 10, pid), ("exec", pid, f"program{pid}")]
    of = picture(*steps, ("exit", 10, 0), *(("reparent", pid, 9) for pid in (11, 12, 13)))
    assert list(of.boxes) == ["p1", "p2", "p3", "p4", "p5"]


@pytest.mark.parametrize(("daemon", "order"), [(11, ["x1", "p1"]), (12, ["p1", "x1"])])
def test_an_adopter_stands_on_the_side_of_the_adopted(daemon: int, order: list[str]) -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 10, 12)]
    steps += [("fork", 11, 21), ("fork", 12, 22)]
    of = picture(*steps, ("exit", daemon, 0), ("reparent", daemon + 10, 1))
    assert [id_ for id_ in of.boxes if id_ in order] == order


def test_the_theme_chooses_the_colours() -> None:
    launch = launch_of(*podman_steps())
    assert "#005A9C" in dot(launch)
    assert "#56B4E9" in dot(launch, ViewOptions(theme="dark"))


def test_the_tint_lies_between_the_colour_and_the_page() -> None:
    assert mix("#000000", "#ffffff", 0.07) == "#ededed"


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


def clustered(by: Cluster, *steps: Step) -> dict[str, set[str]]:
    """Return the boxes of each cluster by its label."""
    launch = launch_of(*steps)
    of = Picture(launch, analyse(launch), ViewOptions(cluster=by))
    return {cluster.label: set(cluster.boxes) for cluster in of.clusters}


def test_a_container_is_a_cluster_of_its_members() -> None:
    assert list(clustered("container", *podman_steps()).values()) == [{"p8"}]


def test_sessions_are_clusters_and_an_unknown_one_is_none() -> None:
    steps: list[Step] = [
        ("root", 10, "sh", {"sid": 7}),
        ("fork", 10, 11),
        ("fork", 10, 12, "", {"sid": 12}),
        ("fork", 12, 13),
        ("fork", 10, 14, "", {"sid": 0}),
        ("exec", 14, "other"),
    ]
    assert clustered("session", *steps) == {"session 7": {"p1", "p2"}, "session 12": {"p3", "p4"}}


def test_cgroups_are_those_of_the_hierarchy_that_tells_most_apart() -> None:
    lines = ["0::/", "4:memory:/unit", "1:name=systemd:/"]
    inner = ["0::/", f"4:memory:/machine/libpod-{'a' * 64}.scope", "1:name=systemd:/"]
    steps: list[Step] = [
        ("root", 10, "sh", {"cgroup": lines}),
        ("fork", 10, 11),
        ("fork", 10, 12),
        ("sample", 12, {"cgroup": inner}),
    ]
    assert clustered("cgroup", *steps) == {
        "cgroup (memory) /unit": {"p1", "p2"},
        "cgroup (memory) /machine/libpod-aaaaaaaaaaaa….scope": {"p3"},
    }


def test_of_hierarchies_that_tell_the_same_it_is_that_of_v2() -> None:
    lines = ["4:memory:/unit", "0::/unit"]
    assert clustered("cgroup", ("root", 10, "sh", {"cgroup": lines})) == {"cgroup /unit": {"p1"}}


def test_pid_namespaces_are_told_apart() -> None:
    steps: list[Step] = [
        ("root", 10, "sh"),
        ("fork", 10, 11, "", {"nspid": [11, 1], "ns": {"pid": 4026531999}}),
    ]
    assert clustered("pidns", *steps) == {
        "PID namespace of the tracer": {"p1"},
        "PID namespace, inode 4026531999": {"p2"},
    }


def test_a_box_of_several_is_in_a_cluster_only_if_all_are() -> None:
    steps: list[Step] = [("root", 10, "sh", {"sid": 5})]
    for pid in (11, 12, 13):
        steps += [("fork", 10, pid, "", {"sid": 5 + pid // 13}), ("exit", pid, 0)]
    assert clustered("session", *steps) == {"session 5": {"p1"}}


@needs_dot
def test_graphviz_reads_the_clusters() -> None:
    source = dot(launch_of(*podman_steps()), ViewOptions(cluster="container"))
    assert source.count("subgraph cluster_") == 1
    done = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True)
    (group,) = [g for g in ElementTree.fromstring(done.stdout).iter() if g.get("id") == "group1"]
    assert (group.get("class") or "").startswith("cluster")
    assert "container" in "".join(group.itertext())


def test_a_clusters_hostile_name_is_escaped() -> None:
    launch = launch_of(*podman_steps())
    findings = analyse(launch)
    findings.containers = [Container("c1", name='a"b\\N<b>&amp;\n', init="p8", members=["p8"])]
    source = render(launch, findings, ViewOptions(cluster="container"))
    assert r'label="container a\"b\\N<b>&amp;amp;\\n\l"' in source


def test_what_ran_already_is_tied_to_its_parent() -> None:
    state = events.State(ppid=10, nspid=[11])
    started = events.Started(at_ns=9, pid=11, attached=True, state=state)
    assert edges(picture(("root", 10, "sh"), started)) == {"standing p1 p2*"}
