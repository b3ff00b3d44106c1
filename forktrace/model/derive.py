"""Derive who adopted whom, where a trace has creations and ends but nobody looked at parents.

The rule is the kernel's (kernel/exit.c: find_new_reaper): when a process ends, its children go to
the nearest living ancestor that is a subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)) in its PID
namespace, else to that namespace's init. All that follows is marked inferred.

Where a log does not show prctl calls, or its PID namespaces are not clear, or the walk upward
leaves the log, the adopter is not known: a process without a pid stands for it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from forktrace.model.facts import Adoption, Call, Moment
from forktrace.model.process import Process
from forktrace.trace.events import LogSummary

# What stands for an adopter that is not known: it is none of the trace's processes, or it may be.
OUTSIDE_ADOPTER = "a subreaper or init"
ANY_ADOPTER = "an unknown adopter"


def derive_adoptions(processes: dict[str, Process], log: LogSummary | None) -> None:
    """Add the adoptions that must have happened, and who adopted where that is outside.

    Args:
        processes: all processes by id; one that stands for unknown adopters may be added.
        log: what the trace was made of; None where that is not known, as the log's end is missing.
    """
    if log is not None and log.ordered:
        _Deriver(processes, knows_subreapers=log.unfiltered or "prctl" in log.calls).run()


class _Deriver:
    """Follow all ends in their order, and keep who is whose parent."""

    def __init__(self, processes: dict[str, Process], *, knows_subreapers: bool) -> None:
        self._processes = processes
        self._knows_subreapers = knows_subreapers
        self._parents = {p.id: p.parent for p in processes.values()}
        self._children: defaultdict[str | None, set[str]] = defaultdict(set)
        self._namespaces = _namespaces(processes.values())
        self._asking = _calls_by_process(processes.values(), _asks_for_orphans)
        self._stand_ins: dict[str, Process] = {}

    def run(self) -> None:
        """Go through births and ends in the order of the trace."""
        inside = [p for p in self._processes.values() if not p.outside]
        births = [(p.born, False, p) for p in inside]
        ends = [(p.exit.at, True, p) for p in inside if p.exit]
        for at, ended, process in sorted(births + ends, key=lambda found: found[0].seq):
            if ended:
                self._end(process, at)
            else:
                self._children[process.parent].add(process.id)

    def _end(self, process: Process, at: Moment) -> None:
        self._children[self._parents[process.id]].discard(process.id)
        orphans = self._children.pop(process.id, None)
        if not orphans:
            return
        adopter = self._adopter(process, at)
        for id_ in sorted(orphans, key=lambda id_: self._processes[id_].born.seq):
            child = self._processes[id_]
            older = adopter.outside or adopter.born.seq < child.born.seq
            if older and not child.unseen:
                self._adopt(child, process, adopter, at)

    def _adopt(self, child: Process, dead: Process, adopter: Process, at: Moment) -> None:
        child.adoptions.append(Adoption(at, adopter.id, dead.id, dead.id, inferred=True))
        self._parents[child.id] = adopter.id
        self._children[adopter.id].add(child.id)

    def _adopter(self, dead: Process, at: Moment) -> Process:
        """Return who adopts the children of a process that ends."""
        namespace = self._namespaces.get(dead.id)
        if not self._knows_subreapers or namespace is None:
            return self._stand_in(ANY_ADOPTER, at)
        above = self._processes.get(self._parents[dead.id] or "")
        while above is not None and not above.outside:
            if self._namespaces.get(above.id) != namespace:
                break
            if self._is_subreaper(above, at):
                return above
            above = self._processes.get(self._parents[above.id] or "")
        if namespace == _OUTER:
            return self._stand_in(OUTSIDE_ADOPTER, at)
        init = self._processes[namespace]
        return init if _lives_on(init, at) else self._stand_in(ANY_ADOPTER, at)

    def _is_subreaper(self, process: Process, at: Moment) -> bool:
        """Say whether a process had made itself a subreaper by a moment, and not taken it back."""
        call = _last_before(self._asking.get(process.id, ()), at)
        return call is not None and bool(call.arguments.get("value")) and _lives_on(process, at)

    def _stand_in(self, words: str, at: Moment) -> Process:
        """Return the process that stands for adopters that are not known."""
        if words not in self._stand_ins:
            count = sum(p.outside for p in self._processes.values())
            made = Process(f"x{count + 1}", 0, at, outside=True, stand_in=words)
            self._stand_ins[words] = self._processes[made.id] = made
        return self._stand_ins[words]


def _lives_on(process: Process, at: Moment) -> bool:
    return process.exit is None or process.exit.at.seq > at.seq


def _calls_by_process(
    processes: Iterable[Process], wanted: Callable[[Call], bool]
) -> dict[str, list[Call]]:
    """Return the wanted calls of each process that made one, as a process can have made many."""
    found = {p.id: [c for c in p.calls if c.error is None and wanted(c)] for p in processes}
    return {id_: calls for id_, calls in found.items() if calls}


def _last_before(calls: Sequence[Call], at: Moment) -> Call | None:
    """Return the last of a process' calls that returned before a moment."""
    return next((call for call in reversed(calls) if call.at.seq < at.seq), None)


def _asks_for_orphans(call: Call) -> bool:
    return call.arguments.get("option") == "PR_SET_CHILD_SUBREAPER"


_OUTER = ""


def _namespaces(processes: Iterable[Process]) -> dict[str, str | None]:
    """Return for each process the id of its PID namespace's init, "" for the log's outermost.

    None where it can't be told: below a setns(2), or where the pids contradict the calls.
    """
    found: dict[str, str | None] = {}
    inits: dict[int, str] = {}
    by_id = {p.id: p for p in processes}
    moves = _calls_by_process(by_id.values(), _moves_children)
    for process in by_id.values():
        if not process.outside:
            move = _last_before(moves.get(process.creator or "", ()), process.born)
            found[process.id] = _namespace(process, by_id, found, inits, move)
    return found


def _namespace(
    process: Process,
    by_id: dict[str, Process],
    found: dict[str, str | None],
    inits: dict[int, str],
    move: Call | None,
) -> str | None:
    """Return the namespace that a child is created in (pid_namespaces(7)).

    ``move`` is its creator's last call that changed where children are created.
    """
    creation, creator = process.creation, by_id.get(process.creator or "")
    if creation is None or creator is None:
        return _OUTER if len(process.nspid) < 2 else None
    if "CLONE_NEWPID" in creation.flags:
        return process.id
    if move is not None and move.name == "setns":
        return None
    if move is not None:
        return inits.setdefault(move.at.seq, process.id)
    above = found.get(creator.id)
    return None if above == _OUTER and len(process.nspid) > 1 else above


def _moves_children(call: Call) -> bool:
    flags = call.arguments.get("flags")
    new_pids = isinstance(flags, list) and "CLONE_NEWPID" in flags
    return (call.name == "unshare" and new_pids) or (
        call.name == "setns" and (new_pids or not flags)
    )
