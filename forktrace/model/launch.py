"""Hold a whole launch: the header of its trace, its processes, and the graph between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forktrace.model.graph import build_graph
from forktrace.model.process import Process
from forktrace.trace.events import Ended, Header

if TYPE_CHECKING:
    import networkx as nx


@dataclass(slots=True)
class Launch:
    """Be everything that a trace says, joined.

    ``processes`` maps id to process, in creation order, those outside the trace last. ``end`` is
    None where the trace was cut off; ``warnings`` are sentences for the user. ``times_ns`` holds
    the ``at_ns`` of each event by its position (the ``seq`` of ``Moment``).
    ``normalized``: what differs from run to run was replaced (``views.normalize``).
    """

    header: Header
    processes: dict[str, Process]
    root: str | None
    end: Ended | None
    warnings: list[str] = field(default_factory=list)
    times_ns: Sequence[int] = ()
    normalized: bool = False
    _graph: "nx.MultiDiGraph[str] | None" = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def graph(self) -> "nx.MultiDiGraph[str]":
        """Return the graph of all processes, made when it is first asked for.

        It has a node per process (attribute ``process``) and an edge per fact, keyed and described
        by ``kind``: "create" from the creator, "parent" from the real parent at birth where that is
        not the creator, "reparent" from each later parent, with ``at_ns`` and what the JSON format
        lists.
        """
        if self._graph is None:
            self._graph = build_graph(self.processes)
        return self._graph

    @property
    def complete(self) -> bool:
        """Say whether the trace has its end record."""
        return self.end is not None

    @property
    def inside(self) -> Iterator[Process]:
        """Yield the traced processes, in creation order."""
        return (p for p in self.processes.values() if not p.outside)

    def parent_now(self, process: Process) -> str | None:
        """Return the id of the last known real parent."""
        return process.adoptions[-1].parent if process.adoptions else process.parent
