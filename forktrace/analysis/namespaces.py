"""Find which namespaces each process was in, since when, and how it came there.

A process is born in its creator's namespaces but for those that a CLONE_NEW* flag makes; unshare(2)
makes new ones for the caller, setns(2) joins others (namespaces(7)). Both change the calling
thread alone, and neither the caller's PID namespace: only its children enter that. The calls are
recorded with the detail "syscalls"; otherwise only the change is seen, at the next look at
/proc/PID/ns.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from forktrace.analysis.findings import Findings, NamespaceStay
from forktrace.analysis.stays import State, Stays, as_parent
from forktrace.model.facts import Creation, Moment, Sample
from forktrace.model.launch import Launch
from forktrace.model.process import Process

_FLAGS = {
    "CLONE_NEWCGROUP": "cgroup",
    "CLONE_NEWIPC": "ipc",
    "CLONE_NEWNET": "net",
    "CLONE_NEWNS": "mnt",
    "CLONE_NEWPID": "pid",
    "CLONE_NEWTIME": "time",
    "CLONE_NEWUSER": "user",
    "CLONE_NEWUTS": "uts",
}
_TELLING = frozenset(_FLAGS) | {"CLONE_PARENT"}
_KINDS = frozenset(_FLAGS.values())
_LINK = re.compile(r"([a-z]+):\[([0-9]{1,18})\]")  # what /proc/PID/ns/* lead to


def find_namespaces(launch: Launch, findings: Findings) -> None:
    """Note in which namespaces each process was, and how it came there."""
    search = _Search(launch)
    for process in launch.processes.values():
        search.follow(process)
    findings.namespaces = search.stays


@dataclass(slots=True)
class Namespace:
    """Be a namespace, with all that were seen in it by id, in creation order.

    ``first`` is who was seen to make it, or came to be in it first; of a PID namespace that is
    its init, where it was traced.
    """

    kind: str
    inode: int
    first: str
    members: list[str] = field(default_factory=list)


def shared(namespaces: Mapping[str, list[NamespaceStay]]) -> list[Namespace]:
    """Return all namespaces in the order in which they were first seen, with who was in each.

    Args:
        namespaces: those of the findings.
    """
    found: dict[tuple[str, int], Namespace] = {}
    since: dict[tuple[str, int], int] = {}
    for id_, stays in namespaces.items():
        for stay in stays:
            if stay.inode is None:
                continue
            key = (stay.kind, stay.inode)
            space = found.setdefault(key, Namespace(*key, id_))
            if space.members[-1:] != [id_]:
                space.members.append(id_)
            if stay.since.seq < since.setdefault(key, stay.since.seq):
                since[key], space.first = stay.since.seq, id_
    return sorted(found.values(), key=lambda n: since[n.kind, n.inode])


@dataclass(frozen=True, slots=True)
class _Change:
    """Be a recorded call that put thread ``tid`` (None: the leader) in another namespace."""

    kind: str
    how: Literal["unshare", "setns"]
    at: Moment
    tid: int | None
    inode: int | None = None


_ByThread = dict[tuple[int | None, str], list[_Change]]


class _Search:
    def __init__(self, launch: Launch) -> None:
        self.stays: Stays[NamespaceStay] = Stays(launch, _inherited)
        self._launch = launch
        self._made_by_thread: dict[str, _ByThread] = {}

    def follow(self, process: Process) -> None:
        """Follow one process, whose creator was followed before."""
        self.stays.bear(process)
        samples = [s for s in process.samples if s.ns]
        calls = list(_changes(process)) if process.calls else []
        flags = process.creation.flags if process.creation else ()
        if not (samples or calls) and _TELLING.isdisjoint(flags):
            return
        self._at_birth(process, flags)
        looked = None if process.outside or process.attached else process.born
        steps: list[Sample | _Change] = sorted([*samples, *calls], key=lambda step: step.at.seq)
        for step in steps:
            if isinstance(step, Sample):
                self._sampled(process, step, looked)
                looked = step.at
            elif step.tid is None:  # other threads' namespaces are not looked at
                self._called(process, step)

    def _at_birth(self, process: Process, flags: Sequence[str]) -> None:
        """Note the namespaces that a process was made with, yet to be read."""
        for flag in sorted(_FLAGS.keys() & flags):
            kind = _FLAGS[flag]
            stay = NamespaceStay(kind, None, process.born, "clone", process.creator)
            self.stays.change(process.id, kind, None, stay)
        if "CLONE_PARENT" in flags and as_parent(process, "ns"):
            later: State = next((s.ns for s in process.samples if s.ns), {})
            for kind, inode in self.stays.unlike_creator(process, later).items():
                stay = NamespaceStay(kind, inode, process.born, "inherited", inferred=True)
                self.stays.change(process.id, kind, inode, stay)

    def _called(self, process: Process, change: _Change) -> None:
        """Note a call of the leader's; where it made a namespace, that is read at the next look."""
        same = change.inode is not None and self._now(process, change.kind) == change.inode
        if change.kind == "pid" or same:
            return
        stay = NamespaceStay(change.kind, change.inode, change.at, change.how, process.id)
        self.stays.change(process.id, change.kind, change.inode, stay)

    def _sampled(self, process: Process, sample: Sample, looked: Moment | None) -> None:
        found = []
        for kind, inode in (sample.ns or {}).items():
            last = self.stays.last(process.id, kind)
            if last is not None and last.inode is None:  # now it is read
                self.stays.correct(process.id, last, replace(last, inode=inode))
                self.stays.fill(process.id, kind, inode)
            elif self._now(process, kind) != inode:
                found.append(self._found(process, sample, kind, inode, looked))
        for stay in sorted(found, key=lambda s: s.since.seq):
            self.stays.change(process.id, stay.kind, stay.inode, stay)

    def _found(
        self, process: Process, sample: Sample, kind: str, inode: int, looked: Moment | None
    ) -> NamespaceStay:
        """Return the stay in a namespace that no flag and no call of its own explains."""
        creation = process.creation
        moved = self.stays.last(process.id, kind) is not None
        born = self.stays.born(process.id)
        if not moved and creation is not None and creation.creator is not None:
            change = self._before_birth(process, creation, kind, inode)
            if change is not None:
                return NamespaceStay(kind, inode, process.born, change.how, creation.creator)
            if kind in born and born[kind] is None:  # its creator's, which was not read
                return NamespaceStay(kind, inode, process.born, "inherited")
            if kind == "pid" and kind in born:  # nobody changes his own: it was born there
                return NamespaceStay(kind, inode, process.born, "seen")
            if sample.at_event == "birth":
                return NamespaceStay(kind, inode, process.born, "inherited", inferred=True)
        if not moved and kind not in born:
            return NamespaceStay(kind, inode, sample.at, "first")
        return NamespaceStay(kind, inode, sample.at, "seen", None, looked)

    def _before_birth(
        self, process: Process, creation: Creation, kind: str, inode: int
    ) -> _Change | None:
        """Return the call by which the creating thread had left its own namespace before."""
        creator = self._launch.processes[creation.creator or ""]
        if creator.id not in self._made_by_thread:
            self._made_by_thread[creator.id] = _by_thread(creator)
        tid = None if creation.tid == creator.pid else creation.tid
        changes = self._made_by_thread[creator.id].get((tid, kind), [])
        position = bisect_left(changes, creation.at.seq, key=lambda change: change.at.seq)
        last = changes[position - 1] if position else None
        return last if last is not None and last.inode in (None, inode) else None

    def _now(self, process: Process, kind: str) -> int | None:
        inode: int | None = self.stays.now(process.id).get(kind)
        return inode


def _inherited(process: Process, key: str, value: Any) -> NamespaceStay:
    return NamespaceStay(key, value, process.born, "inherited")


def _by_thread(process: Process) -> _ByThread:
    found: _ByThread = defaultdict(list)
    for change in _changes(process):
        found[change.tid, change.kind].append(change)
    return found


def _changes(process: Process) -> Iterator[_Change]:
    """Yield what a process' calls did to the namespaces of their threads, in order."""
    for call in process.calls:
        if call.error is not None or call.name not in ("unshare", "setns"):
            continue
        flags = call.arguments.get("flags")
        kinds = [_FLAGS[f] for f in flags if f in _FLAGS] if isinstance(flags, list) else []
        if call.name == "unshare":
            yield from (_Change(kind, "unshare", call.at, call.tid) for kind in kinds)
            continue
        joined = _LINK.fullmatch(str(call.arguments.get("target")))
        if joined and joined[1] in _KINDS:
            yield _Change(joined[1], "setns", call.at, call.tid, int(joined[2]))
        else:  # a file that a namespace is bound to, or a pidfd
            yield from (_Change(kind, "setns", call.at, call.tid) for kind in kinds)
