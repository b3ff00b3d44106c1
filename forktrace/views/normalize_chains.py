"""Know what each process of a launch did, step by step, as it was observed."""

from dataclasses import dataclass, field
from typing import Literal

from forktrace.model.facts import Call, Moment, UntracedChild
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process

Kind = Literal["birth", "exec", "call", "untraced", "released", "adoption", "exit"]


@dataclass(slots=True, eq=False)
class Step:
    """Be something that a process did, at its observed moment; ``level`` is its new place.

    ``key`` orders the steps as they were observed, but for those that ``normalize_races`` moves.
    """

    kind: Kind
    process: Process
    at: Moment
    what: Image | Call | UntracedChild | None = None
    level: int = 0
    after: list["Step"] = field(default_factory=list)
    key: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        self.key = (self.at.seq, 0)


class Chains:
    """Know the steps of each process, and in which order they came.

    ``own`` maps a process to its own steps, its birth first; ``all`` has its children's births
    among them, and ``seqs`` where in the trace each of those stands.
    """

    def __init__(self, launch: Launch) -> None:
        self.own = {p.id: _steps_of(p) for p in launch.inside}
        self.all: dict[str, list[Step]] = {}
        self.seqs: dict[str, list[int]] = {}
        self._with_births(launch)

    def end_of(self, id_: str | None) -> Step | None:
        """Return the step in which a process ended."""
        return next((s for s in reversed(self.own.get(id_ or "", ())) if s.kind == "exit"), None)

    def children(self, id_: str) -> list[str]:
        """Return whom a process created, in that order."""
        return [s.process.id for s in self.all[id_][1:] if s.kind == "birth"]

    def descendants(self, id_: str) -> list[str]:
        """Return all whose creators lead up to a process."""
        found: list[str] = []
        stack = [id_]
        while stack:
            born = self.children(stack.pop())
            found += born
            stack += born
        return found

    def _with_births(self, launch: Launch) -> None:
        """Chain each process' own steps and its children's births, as they came."""
        chains: dict[str, list[tuple[int, Step]]] = {
            id_: [(step.at.seq, step) for step in own] for id_, own in self.own.items()
        }
        for process in launch.inside:
            creation = process.creation
            if creation is not None and creation.creator in chains:
                chains[creation.creator].append((creation.at.seq, self.own[process.id][0]))
        for id_, chain in chains.items():
            ordered = [chain[0], *sorted(chain[1:], key=lambda item: item[0])]
            self.seqs[id_] = [seq for seq, _ in ordered]
            self.all[id_] = [step for _, step in ordered]


def key_of(step: Step) -> tuple[int, int]:
    """Return what steps are sorted by."""
    return step.key


def _steps_of(process: Process) -> list[Step]:
    """Return a process' steps, its birth first, the others in observed order."""
    later = [
        Step("exec", process, image.at, image)
        for i, image in enumerate(process.images)
        if not image.inherited and not (process.attached and i == 0)
    ]
    later += [Step("call", process, call.at, call) for call in process.calls if not _noise(call)]
    later += [Step("untraced", process, child.at, child) for child in process.untraced]
    later += [Step("adoption", process, a.at) for a in process.adoptions if a.death is None]
    if process.released is not None:
        later.append(Step("released", process, process.released))
    if process.exit is not None:
        later.append(Step("exit", process, process.exit.at))
    return [Step("birth", process, process.born), *sorted(later, key=lambda s: s.at.seq)]


def _noise(call: Call) -> bool:
    """Say if a call is no deed of the program: Go's runtime preempts threads by SIGURG."""
    return call.name == "tgkill" and call.arguments.get("signal") == "SIGURG"
