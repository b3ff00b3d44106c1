"""Know the tasks of a log: which threads belong to which process, and who was created by whom.

A call that creates returns a pid of its caller's PID namespace, while the lines of the log carry
pids of strace's. Where these are two namespaces, a child is known only by what proves it:

* ``--decode-pids=pidns`` prints both pids;
* strace announced it while only one call could have created it;
* it is the only task whose beginning is not told, and there is one creation whose child is not
  known, or several, all of threads of one process.

Else it stays unknown. That a process is in another namespace is known by what it or an ancestor
called (CLONE_NEWPID, unshare, setns), or by a child's pid below 300 and below its creator's: the
kernel gives out no such pid in the creator's own namespace (kernel/pid.c: alloc_pid).
"""

from collections import OrderedDict

from msgspec import Struct

from forktrace.trace import events
from forktrace.trace.strace.meaning import Creation
from forktrace.trace.strace.status import Status

_RESERVED_PIDS = 300
_PID_LIMIT = 1 << 31
_REMEMBERED = 65_536


class Process(Struct, eq=False):
    """Be a process that is there at this point of the log.

    ``foreign``: it is not in strace's PID namespace, for all we know. ``nspid`` has its pid in each
    namespace, None if one of them is unknown. ``below`` says where its next child will be: in the
    "same" namespace, in a "new" one as its init, or in some "other". ``inner`` is the pid that its
    creator knows it by. ``ending`` is how it said that it ends, ``reported`` what others were told
    of its end; ``turn`` says which one it was of whom such was told, 0 of others. ``waits`` are
    waits that returned it and can't be told before its end.
    """

    pid: int
    seen: bool = False
    foreign: bool = False
    nspid: list[int] | None = None
    below: str = "same"
    creator: "Process | None" = None
    inner: int | None = None
    tasks: set[int] = set()
    due_threads: int = 0
    ending: Status | None = None
    reported: Status | None = None
    leader_left: Status | None = None
    turn: int = 0
    children: "dict[int, Process]" = {}
    waits: list[events.Called] = []


class Birth(Struct, eq=False):
    """Be a creation whose child is not known by its pid in strace's namespace.

    ``result`` is what the call returned, None if it never did; ``left`` the line on which it did.
    ``reported`` and ``waits`` are those of ``Process``, told before the child is known.
    """

    creator: Process
    tid: int
    creation: Creation
    result: int | None
    left: int
    reported: Status | None = None
    waits: list[events.Called] = []

    @property
    def thread(self) -> bool:
        """Say whether the child is a thread."""
        return self.creation.has("CLONE_THREAD")


class Table:
    """Keep the tasks that are there, and the births that nobody is known for.

    ``seen`` are the tasks that have a line of their own. ``open`` are births whose child has an
    unknown pid; ``under_way`` those whose call is to return on a later line, which tells nothing
    new if the child shows itself before. ``ended`` remembers pids that were there.
    """

    def __init__(self) -> None:
        self.tasks: dict[int, Process] = {}
        self.seen: set[int] = set()
        self.open: list[Birth] = []
        self.under_way: list[Birth] = []
        self.ended: OrderedDict[int, None] = OrderedDict()

    def add(self, process: Process) -> None:
        """Enter a process with its leader; who had that pid before is gone."""
        old = self.tasks.get(process.pid)
        if old is not None:
            self.remove(old)
        process.tasks = {process.pid}
        self.tasks[process.pid] = process
        self.ended.pop(process.pid, None)

    def add_thread(self, process: Process, tid: int) -> None:
        """Enter a thread."""
        process.tasks.add(tid)
        self.tasks[tid] = process
        self.ended.pop(tid, None)

    def remove_thread(self, process: Process, tid: int) -> None:
        """Take a thread out."""
        process.tasks.discard(tid)
        self.seen.discard(tid)
        if self.tasks.get(tid) is process:
            del self.tasks[tid]

    def remove(self, process: Process) -> None:
        """Take a process out with all its threads, and remember its pid for a while."""
        for tid in list(process.tasks):
            self.remove_thread(process, tid)
        if process.creator is not None and process.inner is not None:
            process.creator.children.pop(process.inner, None)
        self.remember(process.pid)

    def remember(self, tid: int) -> None:
        """Keep in mind that a task is gone, as a line of its end can come late."""
        self.ended[tid] = None
        if len(self.ended) > _REMEMBERED:
            self.ended.popitem(last=False)

    def sole(self) -> int | None:
        """Return the only task that has shown itself and is there; strace names no pid then."""
        return next(iter(self.seen)) if len(self.seen) == 1 else None

    def sole_not_ending(self) -> int | None:
        """Return the only task that has shown itself and whose process has not called exit."""
        there = [t for t in self.seen if t not in self.tasks or self.tasks[t].ending is None]
        return there[0] if len(there) == 1 else None

    def child(self, parent: Process, pid: int) -> Process | None:
        """Return the living process that a parent knows as ``pid``."""
        if parent.foreign:
            return parent.children.get(pid)
        found = self.tasks.get(pid)
        return found if found is not None and found.pid == pid else None

    def begin(self, birth: Birth, line: int) -> bool:
        """Take a creation; say whether its child is known by what the call returned.

        Args:
            birth: the creation.
            line: the number of the line on which it began.
        """
        creator, result = birth.creator, birth.result
        if result is not None and result < min(_RESERVED_PIDS, birth.tid):
            creator.nspid = creator.nspid if creator.foreign else None
            creator.foreign = True
        if creator.foreign or result is None:
            self.open.append(birth)
        elif birth.left > line:
            self.under_way.append(birth)
        else:
            return True
        return False

    def returned(self, line: int) -> list[Birth]:
        """Take out the births whose calls have returned by ``line``."""
        if not self.under_way:
            return []
        found = [birth for birth in self.under_way if birth.left <= line]
        self.under_way = [birth for birth in self.under_way if birth.left > line]
        return found

    def match(self, tid: int) -> Birth | None:
        """Take out the birth that a task must come from whose beginning is not told.

        None if there is none, or if there are several that it could come from.
        """
        for birth in self.under_way:
            if birth.result == tid:
                self.under_way.remove(birth)
                return birth
        if not self.open and len(self.under_way) == 1:  # the pid it returned is another's
            birth = self.under_way.pop()
            birth.creator.foreign, birth.creator.nspid = True, None
            return birth
        creators = {id(birth.creator) for birth in self.open}
        threads = all(birth.thread for birth in self.open)
        if not self.under_way and (len(self.open) == 1 or (threads and len(creators) == 1)):
            return self.open.pop(0)
        return None


def is_pid(number: int | None) -> bool:
    """Say whether a number can be a pid."""
    return number is not None and 0 < number < _PID_LIMIT


def nspid_of(birth: Birth, tid: int) -> list[int] | None:
    """Return the pid of a child in each PID namespace, strace's first; None if not all are known.

    The first process in a new namespace has the pid 1 there (pid_namespaces(7)).
    """
    above = birth.creator.nspid
    new = birth.creation.has("CLONE_NEWPID") or birth.creator.below == "new"
    if above is None or birth.creator.below == "other" or len(above) > 2:
        return None
    if len(above) == 2 and birth.result is None:
        return None
    known = [tid] if len(above) == 1 else [tid, birth.result or 0]
    return [*known, 1] if new else known
