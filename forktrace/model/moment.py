"""Know the state of the process tree at any moment of a launch.

A moment is the position of an event among the trace's events, from 0: what is asked for is how
things stood right after it. What the tracer read at one stop stands in several events of the same
time, so all that was read at the moment's time counts as known then.
"""

from bisect import bisect_right
from collections import defaultdict
from itertools import accumulate
from typing import Any

from forktrace.model.facts import Adoption, Call, Moment, Sample, Thread
from forktrace.model.history import History
from forktrace.model.image import Image, image_name
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.model.reaps import may_have_reaped
from forktrace.model.standing import Life, Standing
from forktrace.model.tracer import command_parent

_COMM_LENGTH = 15  # TASK_COMM_LEN in include/linux/sched.h, without its NUL


class Timeline:
    """Answer who was there at a moment of a launch, and how; it can be asked again and again.

    Each answer takes time linear in the number of processes.
    """

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._latest_ns = list(accumulate(launch.times_ns, max))
        self._history = {name: History(launch, name) for name in ("pgid", "sid", "tty", "cgroup")}
        self._waits_recorded = waits_are_recorded(launch)
        self._acts = _acts(launch)
        self._tracer = command_parent(launch)

    @property
    def last(self) -> int:
        """Return the position of the trace's last event, -1 where it has none."""
        return len(self._latest_ns) - 1

    def time_ns(self, seq: int) -> int:
        """Return the time of an event, in ns from the start of the trace."""
        return self._latest_ns[seq] if self._latest_ns else 0

    def seq_at(self, at_ns: int) -> int:
        """Return the last event at or before a time; the first one where all are later."""
        return max(bisect_right(self._latest_ns, at_ns) - 1, 0)

    def busiest(self) -> int:
        """Return when the most traced processes were alive: the end of the first such stretch.

        At its end the youngest of them have mostly executed what they were made for.
        """
        steps = [(process.born.seq, 1) for process in self._launch.inside]
        steps += [(p.exit.at.seq, -1) for p in self._launch.inside if p.exit]
        steps.sort()
        alive = list(accumulate(step for _, step in steps))
        if not alive:
            return 0
        place = alive.index(max(alive))
        after = steps[place + 1][0] - 1 if place + 1 < len(steps) else self.last
        return max(after, steps[place][0])

    def at(self, seq: int) -> list[Standing]:
        """Return all that was there after event ``seq``: in creation order, who is outside last.

        Of processes outside the trace only the real parents of others are returned, which
        forktrace itself is of the command that it ran.
        """
        seen = self._last_of_the_stop(seq)
        found = [s for p in self._launch.inside if (s := self._standing(p, seq, seen)) is not None]
        if self._tracer is not None:
            found = [self._tracer.adopt(standing) for standing in found]
        parents = {standing.parent for standing in found}
        outside = [p for p in self._launch.processes.values() if p.outside and p.id in parents]
        if self._tracer is not None and self._tracer.id in parents:
            outside = [p for p in outside if p.id != self._tracer.id]
            found.append(self._tracer.standing(seen))
        return [*found, *(self._outsider(process, seen) for process in outside)]

    def _last_of_the_stop(self, seq: int) -> int:
        """Return the last event of the same time as ``seq``, among those right after it.

        An imported log's times may be coarse: there each event stands alone.
        """
        times = () if self._launch.header.source == "import" else self._launch.times_ns
        while seq + 1 < len(times) and times[seq + 1] == times[seq]:
            seq += 1
        return seq

    def _standing(self, process: Process, seq: int, seen: int) -> Standing | None:
        if process.born.seq > seq:
            return None
        adoptions = (a for a in reversed(process.adoptions) if self._since(a) <= seen)
        adoption = next(adoptions, None)
        parent, ppid = self._parent(process, adoption, seq, seen)
        life = self._life(process, parent, seq)
        if life is None:
            return None
        inferred = adoption.inferred if adoption else process.parent_inferred
        return self._known(process, life, parent, ppid, seen, inferred=inferred and bool(parent))

    def _outsider(self, process: Process, seen: int) -> Standing:
        ppid = _last(process.samples, seen, "ppid")
        return self._known(process, "outside", None, ppid, seen, inferred=False)

    def _known(
        self,
        process: Process,
        life: Life,
        parent: str | None,
        ppid: int | None,
        seen: int,
        *,
        inferred: bool,
    ) -> Standing:
        at_ns = max(self.time_ns(seen), _first_stop_ns(process))
        known = {name: history.at(process.id, at_ns) for name, history in self._history.items()}
        known |= _regrouped(process, seen)
        image = _image(process, seen)
        comm = _last(process.samples, seen, "comm")
        if comm is None and image is not None:
            comm = image_name(image)[:_COMM_LENGTH]
        lines = known["cgroup"]
        return Standing(
            process,
            life,
            parent,
            ppid,
            inferred,
            image,
            comm,
            pgid=known["pgid"],
            sid=known["sid"],
            tty=known["tty"],
            cgroup=None if lines is None else tuple(lines),
            threads=sum(1 for thread in process.threads if _runs(thread, seen)),
        )

    def _parent(
        self, process: Process, adoption: Adoption | None, seq: int, seen: int
    ) -> tuple[str | None, int | None]:
        """Return the real parent's id and pid then. One that has died is nobody's parent."""
        id_ = adoption.parent if adoption else process.parent
        parent = self._launch.processes.get(id_ or "")
        if parent is None:
            return None, _last(process.samples, seen, "ppid")
        if parent.exit is not None and parent.exit.at.seq <= seq:
            return None, None
        return parent.id, parent.pid or None  # 0 stands for a pid that is not known

    def _since(self, adoption: Adoption) -> int:
        """Return the event that an adoption held from: the death, even if it was seen later."""
        death = self._launch.processes.get(adoption.death or "")
        if death is None or death.exit is None:
            return adoption.at.seq
        return min(adoption.at.seq, death.exit.at.seq)

    def _life(self, process: Process, parent: str | None, seq: int) -> Life | None:
        """Say whether a process was alive or a zombie; None if it was gone."""
        end = process.exit
        if end is None or end.at.seq > seq:
            lost = process.released is not None and process.released.seq <= seq
            return "unseen" if lost or process.unseen else "alive"
        if process.reap is not None:
            return "zombie" if process.reap.at.seq > seq else None
        if self._launch.header.source == "snapshot":
            return "zombie"  # docs/trace-format.md: an exit in a snapshot is of a zombie
        waiter = self._launch.processes.get(parent or "")
        if waiter is None or waiter.outside:
            return None  # whoever that is, what it waits for is not in the trace
        if self._waits_recorded and not may_have_reaped(waiter, end.at.seq, seq):
            return "unwaited"
        acts = self._acts.get(waiter.id, [])
        return "past" if bisect_right(acts, end.at.seq) < bisect_right(acts, seq) else "ended"


def waits_are_recorded(launch: Launch) -> bool:
    """Say whether all waits of the traced processes are in the trace.

    An imported log has them only where it holds all calls, and was read to its end.
    """
    if launch.header.source == "import":
        log = launch.end.log if launch.end else None
        return log is not None and log.unfiltered and not log.left_out
    return launch.header.detail == "syscalls"


def _acts(launch: Launch) -> dict[str, list[int]]:
    """Map each process to the events that it is seen to act by: it forks, execs, makes a thread."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for process in launch.inside:
        if process.creator:
            found[process.creator].append(_announced(process).seq)
        found[process.id] += [i.at.seq for i in process.images if not i.inherited]
        found[process.id] += [thread.at.seq for thread in process.threads]
    for seqs in found.values():
        seqs.sort()
    return found


def _announced(process: Process) -> Moment:
    return process.creation.at if process.creation else process.born


def _last(samples: list[Sample], seq: int, name: str) -> Any:
    """Return the last value of a field that was sampled up to an event, None if none was."""
    values = (getattr(s, name) for s in reversed(samples) if s.at.seq <= seq)
    return next((value for value in values if value is not None), None)


def _first_stop_ns(process: Process) -> int:
    """Return when a process was first looked at.

    Its creator's event may come before, and what it is not said to have from its parent it had
    then already.
    """
    first = process.samples[0] if process.samples else None
    return first.at.at_ns if first and first.at_event == "birth" else 0


def _image(process: Process, seq: int) -> Image | None:
    images = (i for i in reversed(process.images) if i.at.seq <= seq or process.outside)
    return next(images, None)


def _regrouped(process: Process, seq: int) -> dict[str, int]:
    """Return what setsid(2) and setpgid(2) have changed that no look at the process has shown yet.

    Only calls that a process makes for itself are taken; setsid leaves it without a terminal.
    """
    looks = [s.at.seq for s in process.samples if s.sid is not None or s.pgid is not None]
    looked = max((at for at in looks if at <= seq), default=-1)
    found: dict[str, int] = {}
    for call in process.calls:
        if call.error is not None or not looked < call.at.seq <= seq:
            continue
        if call.name == "setsid":
            found |= {"pgid": process.pid, "sid": process.pid, "tty": 0}
        elif call.name == "setpgid" and _leads(process, call):
            found["pgid"] = process.pid
    return found


def _leads(process: Process, call: Call) -> bool:
    """Say whether a setpgid made its caller the leader of a process group."""
    own = (0, (process.nspid or [process.pid])[-1])  # 0: the caller, and a group of its own pid
    return call.arguments.get("pid") in own and call.arguments.get("pgid") in own


def _runs(thread: Thread, seq: int) -> bool:
    return thread.at.seq <= seq and (thread.ended is None or thread.ended.seq > seq)
