"""Rebuild a launch in its canonical order: new ids, new pids, new moments, no times."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from msgspec.structs import replace as replace_struct

from forktrace.analysis.findings import Findings
from forktrace.model.derive import OUTSIDE_ADOPTER
from forktrace.model.facts import (
    Adoption,
    Call,
    Creation,
    DescriptorTable,
    Exit,
    Moment,
    Reap,
    UntracedChild,
)
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.events import Ended
from forktrace.views.normalize_chains import Step
from forktrace.views.normalize_state import Own, States, Tables
from forktrace.views.normalize_steps import Steps

_FIRST_PID = 1001  # of p1, so that nobody takes it for the pid 1 of a namespace
_FIRST_OTHER = 901  # of a process group or session that is none of the trace's processes
_STEP_NS = 1_000_000
_PID_ARGUMENTS = ("pid", "tid", "pgid", "reaped", "sid", "tgid")


class Rebuilt:
    """Be a launch in canonical order.

    ``launch`` is the result.
    """

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self._old = launch
        self._steps = Steps(launch, findings)
        self._moments: dict[Step, Moment] = {}
        self._adopted: dict[int, Moment] = {}
        self._times: list[int] = []
        self._ids = self._name()
        self._pids = self._list_pids()
        self._others: dict[int, int] = {}
        self._place_all()
        self._own: dict[str, Own] = {
            id_: [(s.at.at_ns, self._moments[s], s.kind) for s in own]
            for id_, own in self._steps.own.items()
        }
        self._children_as_steps()
        self._states = States(self._number)
        self._tables = Tables(launch.inside, findings.containers)
        self._stops = {s.at.at_ns: m for s, m in self._moments.items() if s.kind != "call"}
        processes = {p.id: p for p in [*self._inside(), *self._outside()]}
        self.launch = replace(
            launch,
            header=replace_struct(
                launch.header,
                forktrace="",
                user=None,
                kernel=None,
                machine=None,
                started_ns=None,
                tracer=None,
                times=False,
            ),
            processes=processes,
            root=self._id(launch.root),
            end=self._end(),
            times_ns=self._times,
        )

    def pairs(self) -> Iterator[tuple[Process, Process]]:
        """Yield each traced process as it was, and as it is now."""
        for old in self._old.inside:
            yield old, self.launch.processes[self._ids[old.id]]

    # Names and places.

    def _name(self) -> dict[str, str]:
        """Return the new ids: in the new order of births; outside the trace as they adopt."""
        births = [s.process for s in self._steps.ordered if s.kind == "birth"]
        ids = {process.id: f"p{i}" for i, process in enumerate(births, start=1)}
        mentioned = [x for p in births for x in (p.parent, *(a.parent for a in p.adoptions))]
        outside = dict.fromkeys([*mentioned, *(p.id for p in self._old.processes.values())])
        rest = [id_ for id_ in outside if id_ is not None and id_ not in ids]
        return ids | {id_: f"x{i}" for i, id_ in enumerate(rest, start=1)}

    def _id(self, old: str | None) -> str | None:
        return None if old is None else self._ids.get(old)

    def _pid(self, id_: str) -> int:
        """Return the new pid of a traced process, by its old id."""
        return _FIRST_PID - 1 + int(self._ids[id_][1:])

    def _list_pids(self) -> dict[int, list[tuple[int, str]]]:
        """List who had which pid, or a thread with it, from which position on."""
        found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        for process in self._old.inside:
            found[process.pid].append((process.born.seq, process.id))
            for thread in process.threads:
                found[thread.tid].append((thread.at.seq, process.id))
        return {pid: sorted(who) for pid, who in found.items()}

    def _number(self, pid: int, seq: int) -> int:
        """Return the new number for a pid, group or session as of an old position."""
        if pid <= 0:
            return pid
        who = self._pids.get(pid)
        if who is not None:
            at = bisect_right(who, (seq, "\N{DELETE}"))
            return self._pid(who[max(at - 1, 0)][1])
        return self._others.setdefault(pid, _FIRST_OTHER + len(self._others))

    def _place_all(self) -> None:
        """Give each step its new moment, and each adoption one right after the death."""
        deaths: defaultdict[str, list[tuple[int, Process, Adoption]]] = defaultdict(list)
        for process in self._old.inside:
            for adoption in process.adoptions:
                if adoption.death is not None:
                    number = int(self._ids[process.id][1:])
                    deaths[adoption.death].append((number, process, adoption))
        waiting: defaultdict[str, list[Adoption]] = defaultdict(list)
        for index, step in enumerate(self._steps.ordered):
            self._moments[step] = self._next(index)
            if step.kind == "birth":
                for adoption in waiting.pop(step.process.id, ()):
                    self._adopted[id(adoption)] = self._next(index)
            if step.kind == "exit":
                for _, process, adoption in sorted(deaths.get(step.process.id, ()), key=_first):
                    if self._steps.own[process.id][0] in self._moments:
                        self._adopted[id(adoption)] = self._next(index)
                    else:
                        waiting[process.id].append(adoption)

    def _next(self, index: int) -> Moment:
        self._times.append(index * _STEP_NS)
        return Moment(index * _STEP_NS, len(self._times) - 1)

    def _children_as_steps(self) -> None:
        """Count a child's creation as a step of its creator: that one is looked at then."""
        for process in self._old.inside:
            creation = process.creation
            if creation is not None and creation.creator in self._own:
                at = self._moments[self._steps.own[process.id][0]]
                self._own[creation.creator].append((creation.at.at_ns, at, "create"))
        for own in self._own.values():
            own[1:] = sorted(own[1:], key=lambda step: step[1].seq)

    def _then(self, id_: str, old: Moment) -> Moment:
        """Return the new moment of the last step of a process up to an old moment."""
        own = self._own.get(id_)
        if own is None:
            return Moment(0, 0)
        return max((m for at, m, _ in own if at <= old.at_ns), key=_seq, default=own[0][1])

    def _looked_at(self, process: Process, table: DescriptorTable) -> Moment:
        """Return the moment of the event at whose stop a table was read, which may be another's."""
        born = self._moments[self._steps.own[process.id][0]]
        if table.at_event == "birth":
            return born
        at = self._stops.get(table.at.at_ns) or self._then(process.id, table.at)
        return max(at, born, key=_seq)

    # Processes.

    def _inside(self) -> list[Process]:
        births = [s.process for s in self._steps.ordered if s.kind == "birth"]
        return [self._process(p) for p in births]

    def _process(self, old: Process) -> Process:
        own = self._steps.own[old.id]
        born = self._moments[own[0]]
        at = {s.at.seq: self._moments[s] for s in own[1:]}
        pid = self._pid(old.id)
        new = replace(
            old,
            id=self._ids[old.id],
            pid=pid,
            born=born,
            creation=self._creation(old.creation, born),
            parent=self._id(old.parent),
            parent_inferred=old.parent_inferred and self._old.header.detail == "minimal",
            images=[self._image(i, at.get(i.at.seq, born), pid) for i in old.images],
            exit=None if old.exit is None else self._exit(old.exit, at),
            adoptions=[self._adoption(a, at) for a in old.adoptions],
            threads=[],
            descriptors=self._tables.all(old, lambda table: self._looked_at(old, table)),
            heritage=None,
            calls=_sorted_writes(self._call(s.what, at) for s in own if isinstance(s.what, Call)),
            untold_waits=sorted(at[seq].seq for seq in old.untold_waits if seq in at),
            reap=self._reap(old),
            untraced=[
                replace(child, at=at[child.at.seq], pid=i)
                for i, child in enumerate(old.untraced, start=1)
                if isinstance(child, UntracedChild)
            ],
            released=None if old.released is None else at[old.released.seq],
        )
        nspid = [pid, *(n if n <= 1 else pid for n in old.nspid[1:])] if old.nspid else []
        parent = self._old.processes.get(old.parent or "")
        ppid = self._pid(parent.id) if parent is not None and not parent.outside else 0
        creator = old.creator if old.creator in self._own else None
        new.samples = self._states.samples(old, self._own[old.id], creator, (ppid, nspid))
        return new

    def _creation(self, old: Creation | None, born: Moment) -> Creation | None:
        if old is None:
            return None
        creator = self._id(old.creator)
        tid = self._pid(old.creator) if old.creator in self._own else None
        return replace(old, at=born, creator=creator, tid=tid)

    def _image(self, old: Image, at: Moment, pid: int) -> Image:
        return replace(old, at=at, tid=None if old.tid is None else 10 * pid)

    def _exit(self, old: Exit, at: dict[int, Moment]) -> Exit:
        return replace(old, at=at[old.at.seq])

    def _adoption(self, old: Adoption, at: dict[int, Moment]) -> Adoption:
        return replace(
            old,
            at=self._adopted.get(id(old)) or at.get(old.at.seq) or Moment(0, 0),
            parent=self._ids[old.parent],
            previous=self._id(old.previous),
            death=self._id(old.death),
        )

    def _reap(self, old: Process) -> Reap | None:
        if old.reap is None or old.reap.by not in self._ids:
            return None
        return Reap(self._then(old.reap.by, old.reap.at), self._ids[old.reap.by])

    def _call(self, old: Call, at: dict[int, Moment]) -> Call:
        arguments = {
            name: self._number(value, old.at.seq)
            if name in _PID_ARGUMENTS and isinstance(value, int)
            else value
            for name, value in old.arguments.items()
        }
        result = old.result
        if old.name in ("wait4", "waitid", "setsid") and result is not None:
            result = self._number(result, old.at.seq)
        elif old.name == "write":
            result = None  # how many digits the pid has
        return replace(old, at=at[old.at.seq], arguments=arguments, result=result, tid=None)

    def _outside(self) -> list[Process]:
        """Return those outside the trace: which adopts depends on the machine, so none is named."""
        adopters = {a.parent for p in self._old.inside for a in p.adoptions}
        made = []
        for old in self._old.processes.values():
            if old.outside:
                new = Process(self._ids[old.id], 0, Moment(0, 0), outside=True)
                adopts = old.id in adopters
                new.stand_in = old.stand_in or (OUTSIDE_ADOPTER if adopts else "a process")
                made.append(new)
        return sorted(made, key=lambda p: int(p.id[1:]))

    def _end(self) -> Ended | None:
        old = self._old.end
        if old is None:
            return None
        left = {p.id for p in self._old.inside if p.exit is None and p.pid in old.left}
        at_ns = self._times[-1] if self._times else 0
        return replace_struct(old, at_ns=at_ns, left=sorted(self._pid(id_) for id_ in left))


def _sorted_writes(calls: Iterable[Call]) -> list[Call]:
    """Sort writes that follow one another by path: who moves a process does so in any order."""
    result: list[Call] = []
    for writes, run in groupby(calls, key=lambda call: call.name == "write"):
        found = list(run)
        moments = [call.at for call in found]
        if writes:
            found.sort(key=lambda call: str(call.arguments.get("path")))
        result += [replace(call, at=at) for call, at in zip(found, moments, strict=True)]
    return result


def _first(item: tuple[int, Process, Adoption]) -> int:
    return item[0]


def _seq(at: Moment) -> int:
    return at.seq
