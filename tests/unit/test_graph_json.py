"""The node-link JSON: its schema, its way back into networkx, its bytes."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import networkx as nx
import pytest

from forktrace.analysis import analyse
from forktrace.model.build import build_launch
from forktrace.render.graph_json import render
from forktrace.trace import events
from forktrace.trace.reader import TraceFile
from forktrace.trace.text import Raw
from forktrace.views.options import ViewOptions
from tests.unit.events import HEADER, trace_of
from tests.unit.podman import CONTAINER, podman_runc, podman_syscall_steps
from tests.unit.test_roles import minimal

SCHEMA = json.loads(files("forktrace.render").joinpath("graph.schema.json").read_text("utf-8"))

HOSTILE = trace_of(
    ("root", 10, ["sh", "-c", "</script>\x1b[2J\n\u202e\u009b", "\udcff\udc80", ""]),
    ("create", 10, 12),
    ("fork", 10, 11),
    ("exit", 11, "SIGSEGV"),
    events.Created(at_ns=90_000_000, pid=10, tid=10, child=13),
    events.Started(at_ns=91_000_000, pid=13, attached=True, state=events.State(errors={"x": "E"})),
    events.Executed(at_ns=92_000_000, pid=13, tid=14, errors={"argv": "EFAULT"}),
    events.Outside(at_ns=93_000_000, pid=1, argv=[Raw("/w==")]),
    events.Called(
        at_ns=94_000_000,
        pid=10,
        name="ptrace\x1b",
        tid=15,
        arguments={"path": Raw("/w=="), "flags": ["\x9b"], "n": -1, "none": None},
        error="E\n",
    ),
    command=["sh", Raw("/w==")],
)


def looked(at_ns: int, *, closed: list[int] | None = None, **fds: str) -> events.Descriptors:
    """Return a look at descriptors, named like fd1."""
    found = {name.removeprefix("fd"): events.Descriptor(to=to) for name, to in fds.items()}
    return events.Descriptors(at_ns=at_ns, pid=10, at="exec", fds=found, closed=closed or [])


SURROUNDINGS = trace_of(
    ("root", 10, "sh", {"cgroup": ["0::/", "\x1b:\x1b:\udcff"], "ns": {"mnt": 1, "net": 2}}),
    looked(5_000_000, fd0="/dev/null", fd1="pipe:[5]", fd2="pipe:[5]"),
    ("fork", 10, 11),
    ("call", 10, "write", {"path": "/sys/fs/cgroup/a/cgroup.procs", "pid": 11}),
    ("exec", 11, "true", None, {"cgroup": ["0::/a"], "ns": {"mnt": 9, "net": 2}}),
    looked(8_000_000, closed=[0], fd1="pipe:[6]"),
    ("fork", 10, 12),
    events.Descriptors(at_ns=9_000_000, pid=12, at="birth", errors={"fd": "EACCES"}, whole=True),
    detail="syscalls",
)
TRACES = {
    "podman": podman_runc(),
    "minimal": minimal(podman_runc()),
    "calls": trace_of(*podman_syscall_steps(), detail="syscalls"),
    "hostile": HOSTILE,
    "surroundings": SURROUNDINGS,
    "empty": TraceFile(HEADER, [], None, ["cut off"]),
    "damaged": trace_of(("root", 10, "sh"), ("exec", 11, "x"), ("exit", 11, 0), ("exit", 11, 0)),
}


def text_of(trace: TraceFile) -> str:
    launch = build_launch(trace)
    return render(launch, analyse(launch), ViewOptions())


def graph_of(trace: TraceFile) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(text_of(trace))
    return data


def nodes_of(trace: TraceFile) -> dict[str, dict[str, Any]]:
    return {node["id"]: node for node in graph_of(trace)["nodes"]}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", TRACES)
def test_every_output_follows_the_schema(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(graph_of(TRACES[name]))


def test_the_schema_refuses_what_it_does_not_know() -> None:
    data = graph_of(TRACES["podman"])
    data["nodes"][3]["colour"] = "red"
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        jsonschema.Draft202012Validator(SCHEMA).validate(data)


@pytest.mark.parametrize("name", TRACES)
def test_networkx_reads_it_back(name: str) -> None:
    launch = build_launch(TRACES[name])
    graph = nx.node_link_graph(graph_of(TRACES[name]), edges="edges")
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.graph["format"] == "forktrace-graph"
    assert list(graph.nodes) == list(launch.graph.nodes)
    assert set(graph.edges(keys=True)) == set(launch.graph.edges(keys=True))


def test_graph_attributes() -> None:
    graph = graph_of(TRACES["podman"])["graph"]
    assert (graph["format"], graph["version"]) == ("forktrace-graph", 1)
    assert graph["command"][:2] == ["podman", "--runtime"]
    assert (graph["detail"], graph["complete"], graph["root"]) == ("events", True, "p1")
    cut_off = graph_of(TRACES["empty"])["graph"]
    assert (cut_off["complete"], cut_off["end"], cut_off["root"]) == (False, None, None)
    assert cut_off["warnings"] == ["cut off"]


def test_nodes_of_a_podman_launch() -> None:
    nodes = nodes_of(TRACES["podman"])
    assert list(nodes) == [*(f"p{i}" for i in range(1, 13)), "x1"]
    root, daemon, payload, init = nodes["p1"], nodes["p4"], nodes["p8"], nodes["x1"]
    assert (root["creator"], root["parent"], root["threads"]) == (None, None, 3)
    assert [i["inherited"] for i in root["images"]] == [False]
    assert (daemon["double_fork"], daemon["role"]) == ("p3", "monitor")
    assert [a["parent"] for a in daemon["adoptions"]] == ["x1"]
    assert (payload["creator"], payload["parent"], payload["role"]) == ("p7", "p5", "container")
    assert [(i["path"], i["argv"], i["inherited"]) for i in payload["images"]] == [
        ("/dev/fd/6", ["/usr/sbin/runc", "init"], True),
        ("/bin/echo", ["echo", "hi"], False),
    ]
    assert (payload["argv"], payload["name"]) == (["echo", "hi"], "echo")
    assert payload["nspid"] == [3032, 1]
    assert payload["exit"].items() >= {"code": 0, "signal": None}.items()
    assert (init["outside"], init["pid"], init["name"], init["exit"]) == (True, 1, "systemd", None)


def test_the_containers_of_a_launch() -> None:
    (container,) = graph_of(TRACES["podman"])["graph"]["containers"]
    nodes = nodes_of(TRACES["podman"])
    assert container.pop("payload_ns") == nodes["p8"]["images"][-1]["at_ns"]
    assert container == {
        "key": "c1",
        "id": CONTAINER,
        "name": "boring_kepler",
        "image": "alpine",
        "engine": "p1",
        "monitor": "p4",
        "runtimes": ["p5", "p9", "p12"],
        "init": "p8",
        "exec_sessions": [],
        "members": ["p8"],
    }


def test_where_a_process_went_and_not_what_it_inherited() -> None:
    nodes = nodes_of(SURROUNDINGS)
    assert [(c["hierarchy"], c["path"], c["how"]) for c in nodes["p1"]["cgroups"]] == [
        ("", "/", "first"),
        ("\x1b", {"b64": "/w=="}, "first"),
    ]
    (moved,) = nodes["p2"]["cgroups"]
    assert moved == {
        "hierarchy": "",
        "path": "/a",
        "since_ns": nodes["p1"]["calls"][0]["at_ns"],
        "how": "write",
        "by": "p1",
        "not_before_ns": None,
        "inferred": False,
    }
    (space,) = nodes["p2"]["namespaces"]
    assert (space["kind"], space["inode"], space["how"]) == ("mnt", 9, "seen")
    assert space["not_before_ns"] == nodes["p2"]["born_ns"]
    assert (nodes["p3"]["cgroups"], nodes["p3"]["namespaces"]) == ([], [])


def test_descriptors_that_changed() -> None:
    nodes = nodes_of(SURROUNDINGS)
    first, second = nodes["p1"]["descriptors"]
    assert first["fds"] == {
        "0": {"to": "/dev/null"},
        "1": {"to": "pipe:[5]"},
        "2": {"to": "pipe:[5]"},
    }
    assert (second["fds"], second["closed"]) == ({"1": {"to": "pipe:[6]"}}, [0])
    (unread,) = nodes["p3"]["descriptors"]
    assert (unread["errors"], unread["whole"]) == ({"fd": "EACCES"}, True)


def test_the_size_is_linear_in_the_number_of_processes() -> None:
    """What a process only inherited is not told of it again."""
    state = {"cgroup": [f"{i}:c{i}:/{'x' * 50}" for i in range(12)], "ns": {"mnt": 1}}
    root = ("root", 10, "sh", state)
    sizes = [
        len(text_of(trace_of(root, *(("fork", 10, 11 + i) for i in range(count)))))
        for count in (100, 200, 300)
    ]
    assert abs((sizes[2] - sizes[1]) - (sizes[1] - sizes[0])) < 500


def test_edges_of_a_podman_launch() -> None:
    edges = graph_of(TRACES["podman"])["edges"]
    (create,) = [e for e in edges if (e["source"], e["target"]) == ("p1", "p3")]
    assert (create["kind"], create["how"]) == ("create", "clone")
    assert create["flags"] == ["CLONE_VM", "CLONE_VFORK"]
    reparents = {e["target"]: e for e in edges if e["kind"] == "reparent"}
    assert {t: (e["source"], e["previous"]) for t, e in reparents.items()} == {
        "p4": ("x1", "p3"),
        "p8": ("p4", "p5"),
    }
    assert [(e["source"], e["target"]) for e in edges if e["kind"] == "parent"] == [
        ("p5", "p7"),
        ("p5", "p8"),
    ]


def test_all_bytes_come_through_and_none_does_harm() -> None:
    text = text_of(HOSTILE)
    assert text.isascii()
    assert "\x1b" not in text
    nodes = nodes_of(HOSTILE)
    assert nodes["p1"]["argv"] == [
        "sh",
        "-c",
        "</script>\x1b[2J\n\u202e\u009b",
        {"b64": "/4A="},
        "",
    ]
    assert nodes["x1"]["name"] == {"b64": "/w=="}
    assert graph_of(HOSTILE)["graph"]["command"] == ["sh", {"b64": "/w=="}]


def test_unknown_unseen_and_failed_are_told_apart() -> None:
    nodes = nodes_of(HOSTILE)
    assert (nodes["p2"]["unseen"], nodes["p2"]["parent_inferred"]) == (True, True)
    assert (nodes["p3"]["unseen"], nodes["p3"]["exit"]["signal"]) == (False, "SIGSEGV")
    assert nodes["p4"]["images"][-1]["errors"] == {"argv": "EFAULT"}
    assert nodes["p4"]["samples"][0]["errors"] == {"x": "E"}


def test_what_recorded_calls_tell() -> None:
    nodes = nodes_of(TRACES["calls"])
    assert nodes["p3"]["reap"]["by"] == "p1"
    assert nodes["p4"]["reap"] is None
    assert nodes["p8"]["reap"]["by"] == "p4"
    set_at, cleared_at = (c["at_ns"] for c in nodes["p4"]["calls"] if c["name"] == "prctl")
    assert nodes["p4"]["subreaper"] == {
        "inferred": False,
        "at_ns": set_at,
        "until_ns": cleared_at,
        "adopted": "p8",
    }
    assert nodes["p5"]["subreaper"]["adopted"] is None
    assert nodes["p3"]["subreaper"] is None
    (call,) = nodes["p8"]["calls"]
    assert call | {"at_ns": 0} == {
        "at_ns": 0,
        "name": "setsid",
        "tid": None,
        "arguments": {},
        "result": 0,
        "error": None,
    }


def test_without_recorded_calls_a_subreaper_is_inferred() -> None:
    nodes = nodes_of(TRACES["podman"])
    assert nodes["p4"]["subreaper"] == {
        "inferred": True,
        "at_ns": None,
        "until_ns": None,
        "adopted": "p8",
    }
    assert nodes["p5"]["subreaper"] is None
    assert {node["reap"] for node in nodes.values()} == {None}
    assert [node["calls"] for node in nodes.values()] == [[]] * 13


def test_a_hostile_call_comes_through() -> None:
    (call,) = nodes_of(HOSTILE)["p1"]["calls"]
    assert (call["name"], call["tid"], call["result"]) == ("ptrace\x1b", 15, None)
    assert call["error"] == "E\n"
    assert call["arguments"] == {
        "path": {"b64": "/w=="},
        "flags": ["\x9b"],
        "n": -1,
        "none": None,
    }


def test_the_same_trace_gives_the_same_bytes_a_line_each() -> None:
    text = text_of(TRACES["podman"])
    assert text == text_of(podman_runc())
    assert sum(line.startswith('  {"id": ') for line in text.splitlines()) == 13
    assert sum(line.startswith('  {"source": ') for line in text.splitlines()) == 15
