"""Put processes in the order in which every view shows them."""

from collections.abc import Iterator

from forktrace.model.launch import Launch
from forktrace.model.process import Process


def home(process: Process) -> str | None:
    """Return the id of the process under which this one is shown: its creator, else its parent."""
    return process.creator or process.parent


def children(launch: Launch) -> dict[str | None, list[str]]:
    """Map each process to those shown under it, in creation order; None to those under nobody.

    A process under one outside the trace is under nobody here.
    """
    result: dict[str | None, list[str]] = {}
    for process in launch.inside:
        over = home(process)
        if over is None or over not in launch.processes or launch.processes[over].outside:
            over = None
        result.setdefault(over, []).append(process.id)
    return result


def walk(launch: Launch) -> Iterator[tuple[str, int]]:
    """Yield each traced process with its depth: children under their creator, oldest first.

    There is no recursion, as a trace may hold a chain of 100,000 processes.
    """
    under = children(launch)
    stack = [(id_, 0) for id_ in reversed(under.get(None, []))]
    while stack:
        id_, depth = stack.pop()
        yield id_, depth
        stack.extend((child, depth + 1) for child in reversed(under.get(id_, [])))
