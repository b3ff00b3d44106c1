"""Follow through a launch what a new process has from its creator: cgroups, namespaces.

Nearly all processes live and die where they were born, so only changes are held; what a process
inherited is shared with its creator, and told of each process when it is asked for.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process

State = Mapping[str, Any]  # a value by key; never changed once it is made, as many share it
_NOTHING: State = {}


class Stay(Protocol):
    """Be a value that a process had from the moment ``since`` on."""

    @property
    def since(self) -> Moment:
        """Return that moment."""


S = TypeVar("S", bound=Stay)


def as_parent(process: Process, name: str) -> bool:
    """Say whether a process was looked at when it was born, and found to be as its parent.

    That is left out of its first state (docs/trace-format.md). It matters with CLONE_PARENT, as
    the parent is not the creator then.

    Args:
        process: whose birth it was.
        name: the field of ``Sample`` that is asked for.
    """
    if process.creation is None or "CLONE_PARENT" not in process.creation.flags:
        return False
    first = process.samples[0] if process.samples else None
    if first is None or first.at_event != "birth" or process.parent_inferred:
        return False
    return getattr(first, name) is None and name not in first.errors


class Stays(Mapping[str, list[S]], Generic[S]):
    """Map the id of a process to its stays, in the order of time.

    Args:
        launch: whose processes they are.
        inherited: makes the stay of a process that was born with a value under a key.
    """

    def __init__(self, launch: Launch, inherited: Callable[[Process, str, Any], S]) -> None:
        self._launch = launch
        self._inherited = inherited
        self._born: dict[str, State] = {}
        self._changes: dict[str, list[tuple[str, S]]] = {}
        self._states: dict[str, list[tuple[int, State]]] = {}

    def __getitem__(self, id_: str) -> list[S]:
        process = self._launch.processes[id_]
        known_better = {k for k, s in self._changes.get(id_, ()) if s.since == process.born}
        born = self._born.get(id_, _NOTHING)
        heritage = [
            self._inherited(process, key, value)
            for key, value in born.items()
            if key not in known_better
        ]
        return [*heritage, *self.own(id_)]

    def __iter__(self) -> Iterator[str]:
        return (i for i in self._launch.processes if self._born.get(i) or i in self._changes)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def own(self, id_: str) -> list[S]:
        """Return the stays of a process but for what it inherited as its creator had it."""
        changes = self._changes.get(id_)
        return sorted((s for _, s in changes), key=lambda s: s.since.seq) if changes else []

    def bear(self, process: Process) -> None:
        """Let a process begin with what its creator had then; its parent, where that is unknown.

        What was read of the creator at the stop in its fork has the time of that stop.
        """
        source = process.creator or process.parent
        if source is not None and not (process.outside or process.attached):
            at = process.creation.at if process.creation else process.born
            self._born[process.id] = self.at(source, at.at_ns)

    def unlike_creator(self, process: Process, later: State) -> State:
        """Return what a process' parent had at its birth, where its creator had something else.

        Where the process was ``later`` found to be as its creator was, it is taken to have been so
        all the time: a child has what its creator has, and this one may not have been looked at.
        """
        at_ns = process.creation.at.at_ns if process.creation else process.born.at_ns
        parents = self.at(process.parent or "", at_ns)
        born = self.born(process.id)
        return {
            key: value
            for key, value in parents.items()
            if value != born.get(key) and (key not in born or later.get(key) != born[key])
        }

    def at(self, id_: str, at_ns: int) -> State:
        """Return what a process had at a moment, as far as it is known."""
        states = self._states.get(id_)
        position = bisect_right(states, at_ns, key=lambda s: s[0]) if states else 0
        return states[position - 1][1] if states and position else self.born(id_)

    def born(self, id_: str) -> State:
        """Return what a process inherited."""
        return self._born.get(id_, _NOTHING)

    def now(self, id_: str) -> State:
        """Return the last that is known of a process."""
        states = self._states.get(id_)
        return states[-1][1] if states else self.born(id_)

    def change(self, id_: str, key: str, value: Any, stay: S) -> None:
        """Note the next stay of a process."""
        self._changes.setdefault(id_, []).append((key, stay))
        states = self._states.setdefault(id_, [])
        states.append(
            (stay.since.at_ns, {**(states[-1][1] if states else self.born(id_)), key: value})
        )

    def last(self, id_: str, key: str) -> S | None:
        """Return the last stay of a process under a key, None if it only inherited one."""
        changes = self._changes.get(id_, ())
        return next((stay for k, stay in reversed(changes) if k == key), None)

    def correct(self, id_: str, old: S, new: S) -> None:
        """Put the truth about a stay in its place; its value stays as it is."""
        self._changes[id_] = [
            (key, new if stay is old else stay) for key, stay in self._changes[id_]
        ]

    def fill(self, id_: str, key: str, value: Any) -> None:
        """Put in the value of a process' last stay under a key, which had not been read (None)."""
        states = self._states[id_]
        for position in range(len(states) - 1, -1, -1):
            at_ns, state = states[position]
            if state.get(key) is not None or key not in state:
                return
            states[position] = (at_ns, {**state, key: value})
