"""Trace the embedded launcher: its graph is the one that podman, conmon and runc make."""

import json
import re
from typing import Any

import pytest

from tests.integration.harness import Forktrace

Node = dict[str, Any]


@pytest.fixture
def graph(forktrace: Forktrace) -> dict[str, Any]:
    picture = forktrace.folder / "demo.json"
    done = forktrace("demo", "--quiet", "-o", str(picture))
    assert done.status == 0
    assert done.out == b"hello from the container\n"
    made: dict[str, Any] = json.loads(picture.read_bytes())
    return made


def program(node: Node) -> str:
    """Return the name of a process' last program, and its first own argument."""
    name, *arguments = node["argv"]
    return " ".join([name.rpartition("/")[2], *[a for a in arguments if a != "-Smdemo"][:1]])


def test_the_processes_and_their_roles(graph: dict[str, Any]) -> None:
    inside = [node for node in graph["nodes"] if not node["outside"]]
    assert [(program(node), node["role"]) for node in inside[:7]] == [
        ("demo-engine run", "engine"),
        ("demo-monitor --api-version", "monitor"),
        ("demo-monitor --api-version", "monitor"),
        ("demo-runtime create", "runtime"),
        ("demo-runtime init", "init-stage"),
        ("demo-runtime init", "init-stage"),
        ("echo hello from the container", "container"),
    ]
    assert [(program(node), node["role"]) for node in inside[7:]] == [
        ("demo-runtime start", "runtime"),
        ("demo-engine container", "cleanup"),
        ("demo-runtime delete", "runtime"),
    ]
    assert [node["exit"]["code"] for node in inside] == [0] * 10


def test_who_created_whom_and_who_is_the_parent(graph: dict[str, Any]) -> None:
    nodes = [node for node in graph["nodes"] if not node["outside"]]
    engine, first, second, create, stage0, stage1, container, start, cleanup, delete = (
        node["id"] for node in nodes
    )
    assert {node["id"]: (node["creator"], node["parent"]) for node in nodes[1:]} == {
        first: (engine, engine),
        second: (first, first),
        create: (second, second),
        stage0: (create, create),
        stage1: (stage0, create),
        container: (stage1, create),
        start: (engine, engine),
        cleanup: (second, second),
        delete: (cleanup, cleanup),
    }
    assert [n["double_fork"] for n in nodes] == [None, None, first, *[None] * 7]


def test_who_adopts_whom(graph: dict[str, Any]) -> None:
    nodes = {node["id"]: node for node in graph["nodes"]}
    first, second, create, container = (graph["nodes"][i]["id"] for i in (1, 2, 3, 6))
    adoptions = [edge for edge in graph["edges"] if edge["kind"] == "reparent"]
    assert {(edge["target"], edge["previous"]) for edge in adoptions} == {
        (second, first),
        (container, create),
    }
    adopter = {edge["target"]: edge["source"] for edge in adoptions}
    assert adopter[container] == second
    assert nodes[adopter[second]]["outside"]


def test_how_they_were_created(graph: dict[str, Any]) -> None:
    made = {e["target"]: set(e["flags"]) for e in graph["edges"] if e["kind"] == "create"}
    ids = [node["id"] for node in graph["nodes"]]
    vforked = {id_ for id_ in ids if "CLONE_VFORK" in made.get(id_, ())}
    cloned = {id_ for id_ in ids if "CLONE_PARENT" in made.get(id_, ())}
    assert vforked == {ids[1], ids[4], ids[7], ids[9]}
    assert cloned == {ids[5], ids[6]}


def test_every_picture_says_that_it_is_a_demo(forktrace: Forktrace) -> None:
    names = ("lanes:demo.svg", "demo.txt", "demo.dot")
    done = forktrace("demo", *(word for name in names for word in ("-o", name)))
    assert done.status == 0
    label = re.compile("demo: .* own .*launcher")
    assert label.search(done.err)
    for name in names:
        assert label.search((forktrace.folder / name.removeprefix("lanes:")).read_text())


def test_the_graph_says_that_it_is_a_demo(graph: dict[str, Any]) -> None:
    assert graph["graph"]["source"] == "demo"
