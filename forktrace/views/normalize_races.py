"""Settle which of two steps comes first where that is chance, as a process ends.

- A container's engine that outlived the container ends after all that the monitor and its cleanup
  did: neither waits for the other (podman reads the exit code from the file that conmon writes),
  and they end now in this order and now in that. So does the engine of an exec session.
- The traced command, and an engine, end after all that descend from them, were not orphaned by
  them, and ended within 0.1 s after them.

So what lies after such an end is put right before it; in the second case, unless something else
would have to move with it.
"""

from collections.abc import Iterable
from itertools import count

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.normalize_chains import Chains, Step, key_of

_RACE_NS = 100_000_000


def settle_races(
    chains: Chains, launch: Launch, findings: Findings, *, slowness: float
) -> list[Step]:
    """Give what races with an end a key before it.

    Args:
        chains: the steps; the keys of some are changed.
        launch: what they are the steps of.
        findings: what analysis found in it.
        slowness: how many times slower than an ordinary machine that of the launch was.

    Returns:
        The ends of the traced command and of the engines, which come after those of their
        descendants.
    """
    races = _Races(chains)
    for container in findings.containers:
        members = container.members
        races.settle_cleanup(container.engine, container.init, container.monitor, members)
        for session in container.exec_sessions:
            races.settle_cleanup(session.engine, session.process, session.monitor, members)
    ids = dict.fromkeys([launch.root, *(c.engine for c in findings.containers)])
    ends = [end for end in map(chains.end_of, ids) if end is not None]
    if launch.header.times:
        for end in ends:
            races.settle_descendants(end, within_ns=int(_RACE_NS * slowness))
    return ends


class _Races:
    """Put steps before ends."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._moved = count(1)

    def settle_cleanup(
        self, engine: str | None, inside: str | None, monitor: str | None, members: Iterable[str]
    ) -> None:
        """Put what a monitor and its cleanup did after the engine's end before it.

        Only where what the engine started ``inside`` had ended before: what lives on does so
        without its engine.
        """
        end, ended = self._chains.end_of(engine), self._chains.end_of(inside)
        if end is None or ended is None or ended.key > end.key or monitor not in self._chains.own:
            return
        if not _orphaned(self._chains.own[monitor][0].process, by=end.process):
            theirs = {monitor, *self._chains.descendants(monitor)} - set(members)
            steps = (step for id_ in theirs for step in self._chains.own[id_])
            late = (s for s in steps if s.key > end.key and s.kind != "released")
            self._put_before(end, late)

    def settle_descendants(self, end: Step, *, within_ns: int) -> None:
        """Put the ends that came right after a process' end before it."""
        ends = map(self._chains.end_of, self._chains.descendants(end.process.id))
        limit_ns = end.at.at_ns + within_ns
        late = [e for e in ends if e and e.key > end.key and e.at.at_ns <= limit_ns]
        for step in sorted(late, key=key_of):
            if not _orphaned(step.process, by=end.process) and self._is_last(step, before=end):
                self._put_before(end, [step])

    def _is_last(self, step: Step, *, before: Step) -> bool:
        """Say if all else that an ended process and its children did lies before another end."""
        others = [s for s in self._chains.all[step.process.id] if s is not step]
        children = map(self._chains.end_of, self._chains.children(step.process.id))
        return all(s.key < before.key for s in (*others, *filter(None, children)))

    def _put_before(self, end: Step, steps: Iterable[Step]) -> None:
        """Put steps right before an end, after those that were put there already."""
        for step in sorted(steps, key=key_of):
            step.key = (end.at.seq - 1, next(self._moved))


def _orphaned(process: Process, *, by: Process) -> bool:
    return any(adoption.death == by.id for adoption in process.adoptions)
