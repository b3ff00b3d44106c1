"""Put the events of a launch into an order that does not change from run to run.

What one process did stays in its order. Between processes only what is known to depend on
something comes after it:

- a process' first step after its creation, and its parent's and adopters' births;
- after vfork(2), the creator's next step after the child's exec or end (CLONE_VFORK, clone(2));
- a process' end before its real parent's (else it had been adopted), and, where waits were not
  recorded, before whatever its parent was seen to do next: it may have waited for it; where they
  were, before the wait that took it;
- a death by signal after the kill(2) that sent it;
- of a container, in the order of the OCI runtime specification's lifecycle: each invocation of the
  runtime after the one before, and the payload's exec after ``start``;
- the end of the traced command, and of a container's engine, after the ends of all that descend
  from it and ended before it, or by chance after it (``normalize_races``);
- what lies a second or more apart.

Those times are of an ordinary machine. Where most processes take more than 10 ms from their
creation to their exec, as in an emulated one, they are longer in proportion.

All else counts as concurrent, and is laid out as if every step took as long as any other; what
then falls on the same place stands in creation order. The order so made is one that could have
been observed, not always the one that was.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from forktrace.analysis.findings import Container, Findings
from forktrace.model.facts import Call
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.normalize_chains import Chains, Step, key_of
from forktrace.views.normalize_races import settle_races

_APART_NS = 1_000_000_000
_EXEC_NS = 5_000_000  # from a creation to the exec, as a rule, on an ordinary machine
_KILLS = ("kill", "tgkill", "tkill", "pidfd_send_signal")
_WAITS = ("wait4", "waitid")


class Steps:
    """Know all steps of a launch, and which comes after which.

    ``own`` maps a process to its steps, its birth first; ``ordered`` has all in their new order.
    """

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self._launch = launch
        self._slowness = _slowness(launch)
        self._chains = Chains(launch)
        self.own = self._chains.own
        self._places = {s: i for all_ in self._chains.all.values() for i, s in enumerate(all_) if i}
        self._at = {(s.process.id, s.at.seq): s for own in self.own.values() for s in own}
        ends = settle_races(self._chains, launch, findings, slowness=self._slowness)
        self._connect(findings, ends)
        self.ordered = self._order()

    def _connect(self, findings: Findings, ends: Iterable[Step]) -> None:
        for steps in self._chains.all.values():
            for earlier, later in pairwise(steps):
                _link(earlier, later)
        waits = any(call.name in _WAITS for _, call in self._calls())
        for process in self._launch.inside:
            self._connect_birth(process)
            self._connect_end(process, waits=waits)
        self._connect_kills()
        for container in findings.containers:
            self._connect_container(container)
        for end in ends:
            for id_ in self._chains.descendants(end.process.id):
                _link(self._chains.end_of(id_), end)

    def _connect_birth(self, process: Process) -> None:
        birth = self.own[process.id][0]
        for other in (process.parent, *(a.parent for a in process.adoptions)):
            if other in self.own:
                _link(self.own[other][0], birth)
        creation = process.creation
        if creation is None or creation.creator not in self.own:
            return
        _link(self.own[creation.creator][0], birth)
        if creation.is_vfork:
            released = next((s for s in self.own[process.id] if s.kind in ("exec", "exit")), None)
            following = self._places[birth] + 1
            _link(released, *self._chains.all[creation.creator][following : following + 1])

    def _connect_end(self, process: Process, *, waits: bool) -> None:
        end = self._chains.end_of(process.id)
        parent = self._launch.parent_now(process)
        for adoption in process.adoptions:
            _link(self._chains.end_of(adoption.death), end)
        if end is None or parent not in self.own:
            return
        _link(end, self._chains.end_of(parent))
        if process.reap is not None and process.reap.by in self.own:
            _link(end, self._at.get((process.reap.by, process.reap.at.seq)))
        elif not waits:
            following = bisect_right(self._chains.seqs[parent], end.at.seq)
            _link(end, *self._chains.all[parent][following : following + 1])

    def _connect_kills(self) -> None:
        killed: dict[int, list[Step]] = {}
        for process in self._launch.inside:
            end = self._chains.end_of(process.id)
            if end is not None and process.exit and process.exit.signal:
                killed.setdefault(process.pid, []).append(end)
        for step, call in self._calls():
            if call.name in _KILLS and call.error is None:
                pid = call.arguments.get("pid")
                for end in killed.get(pid, ()) if isinstance(pid, int) else ():
                    _link(step, end)

    def _connect_container(self, container: Container) -> None:
        invocations = [id_ for id_ in container.runtimes if id_ in self.own]
        for earlier, later in pairwise(invocations):
            _link(self._chains.end_of(earlier), self.own[later][0])
        payload = self._payload(container)
        for id_ in invocations:
            if "start" in self._launch.processes[id_].argv:
                ran = next((s for s in self.own[id_] if s.kind == "exec"), None)
                _link(ran or self.own[id_][0], payload)

    def _payload(self, container: Container) -> Step | None:
        at = container.payload
        if at is None:
            return None
        members = (s for id_ in container.members for s in self.own.get(id_, ()))
        return next((s for s in members if s.kind == "exec" and s.at.seq == at.seq), None)

    def _calls(self) -> Iterator[tuple[Step, Call]]:
        steps = (step for own in self.own.values() for step in own)
        return ((step, step.what) for step in steps if isinstance(step.what, Call))

    def _order(self) -> list[Step]:
        steps = sorted((s for own in self.own.values() for s in own), key=key_of)
        times = self._launch.header.times
        _set_levels(steps, apart_ns=int(_APART_NS * self._slowness) if times else None)
        rank = self._ranks()
        return sorted(steps, key=lambda s: (s.level, rank[self._actor(s)], s.key))

    def _actor(self, step: Step) -> str:
        """Return whose deed a step is: a birth is the creator's."""
        creator = step.process.creator
        return creator if step.kind == "birth" and creator in self.own else step.process.id

    def _ranks(self) -> dict[str, int]:
        """Number the processes as a walk down from the first creators meets them."""
        tops = [p for p in self._launch.inside if p.creator not in self.own]
        tops.sort(key=lambda p: (p.id != self._launch.root, p.name, len(p.argv)))
        stack = [p.id for p in reversed(tops)]
        found: dict[str, int] = {}
        while stack:
            id_ = stack.pop()
            found[id_] = len(found)
            stack.extend(reversed(self._chains.children(id_)))
        return found


def _link(earlier: Step | None, later: Step | None = None) -> None:
    """Have one step come after another, if that is how they were observed.

    So every link points forward in the trace, and whatever it says there is no circle.
    """
    if earlier is not None and later is not None and earlier.key < later.key:
        later.after.append(earlier)


def _slowness(launch: Launch) -> float:
    """Return how many times slower than an ordinary machine one was, 1.0 at the least."""
    took = [
        own[0].at.at_ns - p.born.at_ns
        for p in launch.inside
        if p.creation is not None and (own := p.own_images)
    ]
    return max(1.0, sorted(took)[len(took) // 2] / _EXEC_NS) if took else 1.0


def _set_levels(steps: Iterable[Step], *, apart_ns: int | None) -> None:
    """Place each step right after the last of those that it comes after.

    Args:
        steps: all steps, in observed order.
        apart_ns: what lies so far apart is in order; None where the times are not real.
    """
    done: list[Step] = []
    passed, highest = 0, -1
    for step in steps:
        while apart_ns and passed < len(done):
            if done[passed].at.at_ns > step.at.at_ns - apart_ns:
                break
            highest = max(highest, done[passed].level)
            passed += 1
        step.level = max([highest, *(other.level for other in step.after)]) + 1
        done.append(step)
