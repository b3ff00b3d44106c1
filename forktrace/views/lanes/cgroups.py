"""Find where a process was moved to another cgroup than the one it was born in."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forktrace.analysis.findings import CgroupStay, Findings
from forktrace.model.facts import Moment
from forktrace.model.process import Process

_EXACT = frozenset({"clone", "write"})
_MOVED = _EXACT | {"outside", "seen"}


@dataclass(frozen=True, slots=True)
class Move:
    """Say that from ``at`` on a process was in the cgroup ``path``, in one or more hierarchies.

    ``at`` is exact where ``how`` is "write" or "clone", and ``by`` then who did it; else it is when
    it was seen there first (``CgroupStay`` says what ``how`` can be).
    """

    at: Moment
    path: str
    how: str
    by: str | None

    @property
    def exact(self) -> bool:
        """Say whether the move itself was recorded, and not only its result."""
        return self.how in _EXACT


def cgroup_moves(
    findings: Findings, processes: Sequence[Process]
) -> Iterator[tuple[Process, Move]]:
    """Yield the moves of each process, where it was born or first found aside.

    To move a process in all hierarchies of cgroup v1 takes a write to each: that is one move.
    """
    for process in processes:
        stays = [s for s in findings.cgroups.get(process.id, ()) if s.how in _MOVED]
        for group in _groups(stays):
            path = Counter(stay.path for stay in group).most_common(1)[0][0]
            last = group[-1]
            yield process, Move(last.since, path, last.how, last.by)


def _groups(stays: Sequence[CgroupStay]) -> Iterator[list[CgroupStay]]:
    """Yield together what happened at once, or has led to the same path hierarchy by hierarchy."""
    group: list[CgroupStay] = []
    for stay in stays:
        same = group and (stay.since == group[-1].since or stay.path == group[-1].path)
        if group and not same:
            yield group
            group = []
        group.append(stay)
    if group:
        yield group
