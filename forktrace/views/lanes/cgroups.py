"""Find where a process was seen in another cgroup than the one it was born in."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forktrace.model.launch import Launch
from forktrace.model.process import Moment, Process


@dataclass(frozen=True, slots=True)
class Move:
    """Say that from ``at`` on a process was seen in the cgroup ``path``.

    It was moved before that moment: a cgroup is sampled, the move itself is not an event.
    """

    at: Moment
    path: str
    cgroup: tuple[str, ...]


def cgroup_moves(launch: Launch, processes: Sequence[Process]) -> Iterator[tuple[Process, Move]]:
    """Yield the moves of each process, its first cgroup aside.

    A cgroup that its creator has too is inherited, not moved to: the creator may have been
    sampled after its child was born (cgroups(7): a child is born in its parent's cgroup).
    """
    for process in processes:
        known = _cgroup_at(launch, process.creator, process.born) if process.creator else None
        for sample in process.samples:
            if not sample.cgroup:
                continue
            seen = tuple(sample.cgroup)
            inherited = seen == _cgroup_at(launch, process.creator, sample.at)
            if known is not None and seen != known and not inherited:
                yield process, Move(sample.at, _new_path(known, seen), seen)
            known = seen


def _cgroup_at(launch: Launch, id_: str | None, at: Moment) -> tuple[str, ...] | None:
    """Return the last cgroup that a process was seen in, or its creators before it."""
    while id_ is not None:
        process = launch.processes[id_]
        seen = [s.cgroup for s in process.samples if s.cgroup and s.at.seq <= at.seq]
        if seen:
            return tuple(seen[-1])
        id_, at = process.creator, process.born
    return None


def _new_path(before: Sequence[str], after: Sequence[str]) -> str:
    """Return the path that most of the changed hierarchies have in common."""
    changed = [line for line in after if line not in before]
    paths = Counter(line.split(":", 2)[-1] for line in changed or after)
    return paths.most_common(1)[0][0]
