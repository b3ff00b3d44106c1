"""Compare the kernel's history of a tree with forktrace's, both ways."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import TypeVar

from tests.ground_truth.history import CLONE_PARENT, CLONE_UNTRACED, Creation, Step
from tests.ground_truth.kernel import KernelHistory
from tests.ground_truth.recorded import RecordedHistory

_Item = TypeVar("_Item", Creation, Step)

UNANNOUNCED = "attached in spite of CLONE_UNTRACED (by CLONE_PTRACE), the creating call not seen"
KILLED = "creating thread not known, as it was killed before its event"
FLAGLESS = "flags not known, as the creating thread was killed in its event"


@dataclass
class Comparison:
    """Be the outcome: differences as sentences, permitted ones counted by name.

    ``events`` is the number of forks, execs and exits in the kernel's record.
    """

    events: int
    differences: list[str] = field(default_factory=list)
    permitted: Counter[str] = field(default_factory=Counter)


def compare(kernel: KernelHistory, recorded: RecordedHistory) -> Comparison:
    """Compare two histories of one run.

    Two kinds of difference are permitted, as no tracer could do better: what CLONE_UNTRACED
    hides, and the creating thread (never the process) where it was killed before its event. Where
    it was killed in its event the flags may be missing, and no more.
    """
    outcome = Comparison(kernel.events, permitted=Counter(kernel.unseen))
    for tid in sorted(kernel.lives.keys() | recorded.lives.keys()):
        lives = kernel.lives.get(tid, []), recorded.lives.get(tid, [])
        for place, ours, theirs in _unlike(*lives):
            outcome.differences += _sentences(tid, place, ours, theirs)
    for tid in sorted(kernel.creations.keys() | recorded.creations.keys()):
        creations = kernel.creations.get(tid, []), recorded.creations.get(tid, [])
        for place, forks, creates in _unlike(*creations):
            if _lack_flags_only(kernel, tid, place, forks, creates):
                outcome.permitted[FLAGLESS] += len(forks)
                continue
            excuses = [_excuse(kernel, recorded, tid, place + i) for i in range(len(forks))]
            if not creates:
                outcome.permitted.update(excuse for excuse in excuses if excuse)
                forks = [f for f, excuse in zip(forks, excuses, strict=True) if not excuse]
            outcome.differences += _sentences(tid, place, forks, creates)
    return outcome


def _unlike(
    ours: Sequence[_Item], theirs: Sequence[_Item]
) -> list[tuple[int, Sequence[_Item], Sequence[_Item]]]:
    """Return where two sequences differ: the place in ``ours``, and what only each of them has."""
    if ours == theirs:
        return []
    codes = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    return [(a, ours[a:b], theirs[c:d]) for kind, a, b, c, d in codes if kind != "equal"]


def _sentences(
    tid: int, place: int, ours: Sequence[Creation | Step], theirs: Sequence[Creation | Step]
) -> list[str]:
    where = f"task {tid}, its event {place + 1}"
    return [f"{where}: only the kernel has: {item}" for item in ours] + [
        f"{where}: only forktrace has: {item}" for item in theirs
    ]


def _lack_flags_only(
    kernel: KernelHistory,
    tid: int,
    place: int,
    forks: Sequence[Creation],
    creates: Sequence[Creation],
) -> bool:
    """Say that all is there but the flags, of threads that did nothing more before their end."""
    return [replace(fork, flags=None) for fork in forks] == list(creates) and all(
        fork.last_act for fork in kernel.forks[tid][place : place + len(forks)]
    )


def _excuse(kernel: KernelHistory, recorded: RecordedHistory, tid: int, index: int) -> str | None:
    """Return why forktrace could not have a creation, None where it should have it."""
    creation, fork = kernel.creations[tid][index], kernel.forks[tid][index]
    flags = creation.flags or 0
    process_known = _parent_seen(recorded, tid, index, len(kernel.creations[tid])) == (
        creation.creator
    )
    if flags & CLONE_UNTRACED and (process_known or flags & CLONE_PARENT):
        return UNANNOUNCED
    # Others of its process can end a thread too, by exec, exit_group or a fatal signal.
    killed = fork.last_act and (fork.companions > 0 or creation.creator in recorded.killed)
    return KILLED if process_known and killed else None


def _parent_seen(recorded: RecordedHistory, tid: int, index: int, count: int) -> int | None:
    parents = recorded.parents.get(tid, [])
    return parents[index] if len(parents) == count else None
