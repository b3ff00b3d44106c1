"""Arrange the processes of a launch as a view shows them: who stands above whom, in which order.

There is no recursion, as a trace may hold a chain of 100,000 processes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process


@dataclass(slots=True)
class Scene:
    """Be a launch as a view arranges it.

    ``above`` maps each process to the one that it stands under, None at the top; ``order`` walks
    down, children under who is above them, in creation order.
    """

    launch: Launch
    findings: Findings
    above: dict[str, str | None]
    order: list[str] = field(default_factory=list)
    depth: dict[str, int] = field(default_factory=dict)
    under: dict[str | None, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for id_, over in self.above.items():
            self.under.setdefault(over, []).append(id_)
        stack = list(reversed(self.under.get(None, [])))
        while stack:
            id_ = stack.pop()
            over = self.above[id_]
            self.order.append(id_)
            self.depth[id_] = 0 if over is None else self.depth[over] + 1
            stack.extend(reversed(self.under.get(id_, ())))

    def with_above(self, ids: Iterable[str]) -> set[str]:
        """Return the processes with all that stand above them."""
        result: set[str] = set()
        for start in ids:
            id_: str | None = start if start in self.above else None
            while id_ is not None and id_ not in result:
                result.add(id_)
                id_ = self.above[id_]
        return result

    def with_below(self, ids: Iterable[str]) -> set[str]:
        """Return the processes with all that stand below them."""
        result: set[str] = set()
        stack = list(ids)
        while stack:
            id_ = stack.pop()
            if id_ not in result:
                result.add(id_)
                stack.extend(self.under.get(id_, ()))
        return result


def by_creator(launch: Launch, findings: Findings) -> Scene:
    """Arrange the traced processes under their creators, else under their real parents."""
    return _scene(launch, findings, lambda process: process.creator or process.parent)


def by_parent(launch: Launch, findings: Findings) -> Scene:
    """Arrange the processes under their real parents at birth.

    One outside the trace is there only if a traced one was born under it; it comes last.
    """
    scene = {p.id: _known(launch, p.parent) for p in launch.inside}
    parents = {over for over in scene.values() if over is not None}
    outside = [p.id for p in launch.processes.values() if p.outside and p.id in parents]
    return Scene(launch, findings, {**scene, **dict.fromkeys(outside)})


def _scene(launch: Launch, findings: Findings, home: Callable[[Process], str | None]) -> Scene:
    above: dict[str, str | None] = {}
    for process in launch.inside:
        over = _known(launch, home(process))
        above[process.id] = None if over is None or launch.processes[over].outside else over
    return Scene(launch, findings, above)


def _known(launch: Launch, id_: str | None) -> str | None:
    return id_ if id_ in launch.processes else None
