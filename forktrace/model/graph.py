"""Draw the graph of a launch: a node a process, an edge a fact of creation or parenthood."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from forktrace.model.process import Process

if TYPE_CHECKING:
    import networkx as nx

Edge = tuple[str, str, str, dict[str, Any]]  # source, target, key, attributes


def build_graph(processes: Mapping[str, Process]) -> "nx.MultiDiGraph[str]":
    """Make the graph of all processes.

    An edge's key is its kind; where the same two processes have several of a kind, the later
    ones' keys are numbered ("reparent-2").
    """
    import networkx as nx  # takes longer than most launches to load, and few ask for the graph

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_nodes_from((id_, {"process": process}) for id_, process in processes.items())
    for source, target, key, attributes in _facts(processes):
        graph.add_edge(source, target, key=key, **attributes)
    return graph


def list_edges(processes: Mapping[str, Process]) -> Iterator[Edge]:
    """Yield the edges of that graph in its own order, source by source, without making it."""
    found: dict[str, dict[str, list[Edge]]] = {id_: {} for id_ in processes}
    for edge in _facts(processes):
        found.setdefault(edge[0], {}).setdefault(edge[1], []).append(edge)
    for by_target in found.values():
        for edges in by_target.values():
            yield from edges


def _facts(processes: Mapping[str, Process]) -> Iterator[Edge]:
    """Yield all births, then all adoptions."""
    for process in processes.values():
        yield from _birth(process)
    adopted: Counter[tuple[str, str]] = Counter()
    for process in processes.values():
        yield from _adoptions(process, adopted)


def _birth(process: Process) -> Iterator[Edge]:
    creation = process.creation
    if creation and creation.creator:
        attributes = {
            "kind": "create",
            "at_ns": creation.at.at_ns,
            "how": creation.how,
            "flags": creation.flags,
            "exit_signal": creation.exit_signal,
        }
        yield creation.creator, process.id, "create", attributes
    if process.parent and process.parent != process.creator:
        attributes = {"kind": "parent", "at_ns": process.born.at_ns}
        yield process.parent, process.id, "parent", attributes


def _adoptions(process: Process, adopted: Counter[tuple[str, str]]) -> Iterator[Edge]:
    """Yield a process' adoptions; ``adopted`` counts those so far by the same adopter."""
    for adoption in process.adoptions:
        pair = (adoption.parent, process.id)
        adopted[pair] += 1
        attributes = {
            "kind": "reparent",
            "at_ns": adoption.at.at_ns,
            "previous": adoption.previous,
            "death": adoption.death,
            "inferred": adoption.inferred,
        }
        yield *pair, f"reparent-{adopted[pair]}" if adopted[pair] > 1 else "reparent", attributes
