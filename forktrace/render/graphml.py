"""Write the graph as GraphML, through networkx: for Gephi, yEd, Cytoscape and graph libraries.

GraphML's attributes are plain values, so this holds less than the JSON: of what a process did over
time the last, and text made printable (XML has no controls, and no bytes that are no UTF-8).
"""

from typing import Any

import networkx as nx

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.text import decode_text
from forktrace.views.options import ViewOptions
from forktrace.views.words import name_of, printable, show_argv

Values = dict[str, str | int | float | bool]


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Return the graph as GraphML. ``options`` are for pictures and not used."""
    del options
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.graph.update(_graph(launch))
    containers = {id_: c.name or c.id or c.key for c in findings.containers for id_ in c.members}
    for process in launch.processes.values():
        graph.add_node(process.id, **_node(launch, findings, process, containers))
    for source, target, key, attributes in launch.graph.edges(keys=True, data=True):
        # GraphML wants an edge's id unique in the file, networkx takes the key for it.
        graph.add_edge(source, target, key=f"{key}-{source}-{target}", **_edge(attributes))
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def _graph(launch: Launch) -> Values:
    header = launch.header
    return {
        "command": show_argv([decode_text(a) for a in header.command]),
        "complete": launch.complete,
        "detail": header.detail,
        "source": header.source,
        "times": header.times,
    }


def _node(
    launch: Launch, findings: Findings, process: Process, containers: dict[str, str]
) -> Values:
    role = findings.roles.get(process.id)
    end = process.exit
    known = {
        "label": f"{process.id} {name_of(process)}",
        "name": name_of(process),
        "pid": process.pid or None,
        "role": role.role if role else None,
        "outside": process.outside,
        "attached": process.attached,
        "born_ns": None if process.outside else process.born.at_ns,
        "argv": show_argv(process.argv) if process.argv else None,
        "programs": len(process.own_images),
        "threads": len(process.threads),
        "creator": process.creator,
        "parent": process.parent,
        "last_parent": launch.parent_now(process),
        "exit_code": end.code if end else None,
        "exit_signal": printable(end.signal) if end and end.signal else None,
        "ended_ns": end.at.at_ns if end else None,
        "container": printable(containers[process.id]) if process.id in containers else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _edge(attributes: dict[str, Any]) -> Values:
    """Return an edge's plain attributes; the flags of clone become one text."""
    flags = attributes.get("flags")
    known = {**attributes, "flags": " ".join(map(printable, flags)) if flags else None}
    return {
        name: printable(value) if isinstance(value, str) else value
        for name, value in known.items()
        if value is not None
    }
