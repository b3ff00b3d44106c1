"""Draw the graph of a launch: a node a process, an edge a fact of creation or parenthood."""

from collections.abc import Iterable

import networkx as nx

from forktrace.model.process import Process


def build_graph(processes: dict[str, Process]) -> "nx.MultiDiGraph[str]":
    """Make the graph of all processes.

    An edge's key is its kind; where the same two processes have several of a kind, the later
    ones' keys are numbered ("reparent-2").
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_nodes_from((id_, {"process": process}) for id_, process in processes.items())
    for process in processes.values():
        _add_birth(graph, process)
    for process in processes.values():
        _add_adoptions(graph, process)
    return graph


def _add_birth(graph: "nx.MultiDiGraph[str]", process: Process) -> None:
    creation = process.creation
    if creation and creation.creator:
        graph.add_edge(
            creation.creator,
            process.id,
            key="create",
            kind="create",
            at_ns=creation.at.at_ns,
            how=creation.how,
            flags=creation.flags,
            exit_signal=creation.exit_signal,
        )
    if process.parent and process.parent != process.creator:
        graph.add_edge(
            process.parent, process.id, key="parent", kind="parent", at_ns=process.born.at_ns
        )


def _add_adoptions(graph: "nx.MultiDiGraph[str]", process: Process) -> None:
    for adoption in process.adoptions:
        graph.add_edge(
            adoption.parent,
            process.id,
            key=_free_key(graph.get_edge_data(adoption.parent, process.id) or ()),
            kind="reparent",
            at_ns=adoption.at.at_ns,
            previous=adoption.previous,
            death=adoption.death,
            inferred=adoption.inferred,
        )


def _free_key(used: Iterable[object]) -> str:
    count = sum(1 for key in used if str(key).startswith("reparent"))
    return f"reparent-{count + 1}" if count else "reparent"
