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
  from it, were not orphaned by it, and ended before it or within 0.1 s after it: podman and conmon
  end one right after the other, now this one first and now that;
- what lies a second or more apart.

Those times are of an ordinary machine. Where most processes take more than 10 ms from their
creation to their exec, as in an emulated one, they are longer in proportion.

All else counts as concurrent, and is laid out as if every step took as long as any other; what
then falls on the same place stands in creation order. The order so made is one that could have
been observed, not always the one that was.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from forktrace.analysis.findings import Container, Findings
from forktrace.model.facts import Call, Moment, UntracedChild
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process

_APART_NS = 1_000_000_000
_RACE_NS = 100_000_000
_EXEC_NS = 5_000_000  # from a creation to the exec, as a rule, on an ordinary machine
_KILLS = ("kill", "tgkill", "tkill", "pidfd_send_signal")
_WAITS = ("wait4", "waitid")

Kind = Literal["birth", "exec", "call", "untraced", "released", "adoption", "exit"]


@dataclass(slots=True, eq=False)
class Step:
    """Be something that a process did, at its observed moment; ``level`` is its new place.

    ``key`` orders the steps as they were observed, but for the ends that raced with another.
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


class Steps:
    """Know all steps of a launch, and which comes after which.

    ``own`` maps a process to its steps, its birth first; ``ordered`` has all in their new order.
    """

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self._launch = launch
        self._slowness = _slowness(launch)
        self.own = {p.id: _steps_of(p) for p in launch.inside}
        self._chains: dict[str, list[Step]] = {}
        self._seqs: dict[str, list[int]] = {}
        self._with_births()
        self._places = {s: i for chain in self._chains.values() for i, s in enumerate(chain) if i}
        self._at = {(s.process.id, s.at.seq): s for own in self.own.values() for s in own}
        for ender in self._enders(findings):
            self._settle_race(ender)
        self._connect(findings)
        self.ordered = self._order()

    def end_of(self, id_: str | None) -> Step | None:
        """Return the step in which a process ended."""
        return next((s for s in reversed(self.own.get(id_ or "", ())) if s.kind == "exit"), None)

    def _with_births(self) -> None:
        """Chain each process' own steps and its children's births, as they came."""
        chains: dict[str, list[tuple[int, Step]]] = {
            id_: [(step.at.seq, step) for step in own] for id_, own in self.own.items()
        }
        for process in self._launch.inside:
            creation = process.creation
            if creation is not None and creation.creator in chains:
                chains[creation.creator].append((creation.at.seq, self.own[process.id][0]))
        for id_, chain in chains.items():
            ordered = [chain[0], *sorted(chain[1:], key=lambda item: item[0])]
            self._seqs[id_] = [seq for seq, _ in ordered]
            self._chains[id_] = [step for _, step in ordered]

    def _enders(self, findings: Findings) -> list[str]:
        """Return the traced command and the engines of containers, as far as they ended."""
        ids = dict.fromkeys([self._launch.root, *(c.engine for c in findings.containers)])
        return [id_ for id_ in ids if id_ is not None and self.end_of(id_) is not None]

    def _descendants(self, id_: str) -> list[str]:
        """Return all whose creators lead up to a process."""
        found: list[str] = []
        stack = [id_]
        while stack:
            born = [s.process.id for s in self._chains[stack.pop()][1:] if s.kind == "birth"]
            found += born
            stack += born
        return found

    def _settle_race(self, ender: str) -> None:
        """Put the ends that came right after a process' end before it, one after the other."""
        end = self.end_of(ender)
        if end is None or not self._launch.header.times:
            return
        limit_ns = end.at.at_ns + int(_RACE_NS * self._slowness)
        ends = [self.end_of(id_) for id_ in self._descendants(ender)]
        late = [e for e in ends if e and e.at.seq > end.at.seq and e.at.at_ns <= limit_ns]
        for place, step in enumerate(sorted(late, key=lambda s: s.at.seq), start=1):
            orphaned = any(a.death == ender for a in step.process.adoptions)
            chain = [s for s in self._chains[step.process.id] if s is not step]
            children = [self.end_of(s.process.id) for s in chain[1:] if s.kind == "birth"]
            before = [*chain, *filter(None, children)]
            if not orphaned and all(s.key < end.key for s in before):
                step.key = (end.at.seq - 1, place)

    def _connect(self, findings: Findings) -> None:
        for chain in self._chains.values():
            for earlier, later in pairwise(chain):
                _link(earlier, later)
        waits = any(step.what.name in _WAITS for step in self._calls())  # type: ignore[union-attr]
        for process in self._launch.inside:
            self._connect_birth(process)
            self._connect_end(process, waits=waits)
        self._connect_kills()
        for container in findings.containers:
            self._connect_container(container)
        for ender in self._enders(findings):
            for id_ in self._descendants(ender):
                _link(self.end_of(id_), self.end_of(ender))

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
            _link(released, *self._chains[creation.creator][following : following + 1])

    def _connect_end(self, process: Process, *, waits: bool) -> None:
        end = self.end_of(process.id)
        parent = self._launch.parent_now(process)
        for adoption in process.adoptions:
            _link(self.end_of(adoption.death), end)
        if end is None or parent not in self.own:
            return
        _link(end, self.end_of(parent))
        if process.reap is not None and process.reap.by in self.own:
            _link(end, self._at.get((process.reap.by, process.reap.at.seq)))
        elif not waits:
            following = bisect_right(self._seqs[parent], end.at.seq)
            _link(end, *self._chains[parent][following : following + 1])

    def _connect_kills(self) -> None:
        killed: dict[int, list[Step]] = {}
        for process in self._launch.inside:
            end = self.end_of(process.id)
            if end is not None and process.exit and process.exit.signal:
                killed.setdefault(process.pid, []).append(end)
        for step in self._calls():
            call = step.what
            if isinstance(call, Call) and call.name in _KILLS and call.error is None:
                pid = call.arguments.get("pid")
                for end in killed.get(pid, ()) if isinstance(pid, int) else ():
                    _link(step, end)

    def _connect_container(self, container: Container) -> None:
        invocations = [id_ for id_ in container.runtimes if id_ in self.own]
        for earlier, later in pairwise(invocations):
            _link(self.end_of(earlier), self.own[later][0])
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

    def _calls(self) -> Iterator[Step]:
        return (s for own in self.own.values() for s in own if s.kind == "call")

    def _order(self) -> list[Step]:
        steps = sorted((s for own in self.own.values() for s in own), key=lambda s: s.key)
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
            born = [s.process.id for s in self._chains[id_][1:] if s.kind == "birth"]
            stack.extend(reversed(born))
        return found


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
