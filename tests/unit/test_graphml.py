"""GraphML, read back by networkx."""

from pathlib import Path

import networkx as nx
import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.graphml import render
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions
from tests.unit.events import launch_of
from tests.unit.podman import podman_steps

EXAMPLES = Path(__file__).parents[2] / "examples"


def read(launch: Launch) -> "nx.MultiDiGraph[str]":
    graph = nx.parse_graphml(render(launch, analyse(launch), ViewOptions()), force_multigraph=True)
    assert isinstance(graph, nx.MultiDiGraph)
    return graph


def test_the_launch_of_podman_comes_back() -> None:
    graph = read(launch_of(*podman_steps()))
    node = graph.nodes["p8"]
    assert node["label"] == "p8 echo"
    assert (node["role"], node["exit_code"], node["outside"]) == ("container", 0, False)
    assert (node["creator"], node["parent"], node["last_parent"]) == ("p7", "p5", "p4")
    assert node["argv"] == "echo hi"
    assert isinstance(node["pid"], int)
    edges = {(s, t, d["kind"]) for s, t, d in graph.edges(data=True)}
    assert ("p7", "p8", "create") in edges
    assert ("p5", "p8", "parent") in edges
    assert ("p4", "p8", "reparent") in edges
    assert graph.edges["p7", "p8", "create-p7-p8"]["flags"] == "CLONE_PARENT"


def test_every_edge_has_an_id_of_its_own() -> None:
    text = render(launch := launch_of(*podman_steps()), analyse(launch), ViewOptions())
    ids = [part.split('"')[0] for part in text.split('<edge source="')[1:]]
    assert len(ids) == launch.graph.number_of_edges()
    keys = [part.split('"')[0] for part in text.split(' id="')[1:] if "-p" in part.split('"')[0]]
    assert len(keys) == len(set(keys)) == launch.graph.number_of_edges()


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("*/launch.jsonl")), ids=lambda p: p.parent.name
)
def test_every_example_can_be_read(path: Path) -> None:
    launch = build_launch(read_trace(path))
    graph = read(launch)
    assert set(graph.nodes) == set(launch.processes)
    assert graph.number_of_edges() == launch.graph.number_of_edges()


def test_hostile_text_is_text() -> None:
    argv = ["a\x00b<&>\"'", "]]>", "\x1b[31m", "\udcff", "‮", "<!--", "é"]
    graph = read(launch_of(("root", 10, argv)))
    argv_read = graph.nodes["p1"]["argv"]
    assert "<!--" in argv_read
    assert "\x1b" not in argv_read
    assert "\\x1b" in argv_read
    assert "é" in argv_read
