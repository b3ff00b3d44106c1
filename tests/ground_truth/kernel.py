"""Turn the kernel's record of a run into a history of the traced tree.

Sources: include/trace/events/sched.h and task.h; kernel/fork.c (task_newtask precedes the fork
event of the same task), fs/exec.c (de_thread: who calls execve takes over the leader's pid, after
all other threads have gone), kernel/exit.c (group_dead).
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.ground_truth.history import (
    CLONE_PTRACE,
    CLONE_THREAD,
    CLONE_UNTRACED,
    END,
    START,
    Creation,
    History,
    Step,
)
from tests.ground_truth.tracefs import Incomplete

_NEWTASK = re.compile(
    rb"task_newtask: pid=(\d+) comm=.* clone_flags=([0-9a-f]+) oom_score_adj=-?\d+"
)
_FORK = re.compile(rb"sched_process_fork: comm=.* pid=(\d+) child_comm=.* child_pid=(\d+)")
_EXEC = re.compile(rb"sched_process_exec: filename=(.*) pid=(\d+) old_pid=(\d+)")
_EXIT = re.compile(
    rb"sched_process_exit: comm=.* pid=(\d+) prio=-?\d+(?: group_dead=(true|false))?"
)


@dataclass
class Fork:
    """Be what the kernel's record adds to a creation.

    ``last_act`` says that the next that the creating thread did was to end; ``companions`` how
    many other threads its process had.
    """

    last_act: bool = False
    companions: int = 0


@dataclass
class KernelHistory(History):
    """Be the kernel's record of a tree.

    ``forks`` goes along with ``creations``. ``unseen`` counts tasks that a tracer can't see, by
    reason; they are in no other field, and ``events`` leaves them out.
    """

    forks: dict[int, list[Fork]] = field(default_factory=lambda: defaultdict(list))
    unseen: Counter[str] = field(default_factory=Counter)


def read_kernel_events(text: bytes, tracer: int, root: int) -> KernelHistory:
    """Read the kernel's record.

    Args:
        text: the lines of the tracefs instance.
        tracer: pid of forktrace; what it does itself is left out.
        root: pid of the traced command, which forktrace forks.

    Raises:
        Incomplete: a line is not understood, or contradicts those before it.
    """
    reader = _Reader(tracer, root)
    for line in text.split(b"\n"):
        if line and not line.startswith(b"#"):
            reader.line(line)
    if not reader.root_seen:
        raise Incomplete("the kernel's record does not hold the fork of the traced command")
    return reader.history


class _Reader:
    """Follow which tasks live, in which thread group, and which of them a tracer can see."""

    def __init__(self, tracer: int, root: int) -> None:
        self.history = KernelHistory()
        self.root_seen = False
        self._tracer = tracer
        self._root = root
        self._group = {tracer: tracer}
        self._live = {tracer: {tracer}}
        self._flags: dict[int, int] = {}
        self._own = {tracer}
        self._hidden = {tracer}
        self._last_fork: dict[int, Fork] = {}
        self._gone: set[int] = set()

    def line(self, line: bytes) -> None:
        if match := _NEWTASK.fullmatch(line):
            self._flags[int(match[1])] = int(match[2], 16)
        elif match := _FORK.fullmatch(line):
            self._fork(int(match[1]), int(match[2]))
        elif match := _EXEC.fullmatch(line):
            self._exec(match[1], int(match[2]), int(match[3]))
        elif match := _EXIT.fullmatch(line):
            self._exit(int(match[1]), match[2])
        else:
            raise Incomplete(f"the kernel's record has a line that is not understood: {line!r}")

    def _fork(self, thread: int, child: int) -> None:
        if thread not in self._group or child not in self._flags:
            raise Incomplete(f"the kernel's record names a creator that is not known: {thread}")
        flags = self._flags.pop(child)
        creator = self._group[thread]
        makes_thread = bool(flags & CLONE_THREAD)
        companions = len(self._live[creator]) - 1
        group = creator if makes_thread else child
        self._group[child] = group
        self._live.setdefault(group, set()).add(child)
        if self._is_hidden(thread, child, flags):
            self._hidden.add(child)
            return
        self._hidden.discard(child)
        self.history.lives[child].append(START)
        if child == self._root and creator == self._tracer:
            self.root_seen = True
            return
        fork = self._last_fork[thread] = Fork(companions=companions)
        self.history.events += 1
        self.history.creations[child].append(Creation(creator, thread, makes_thread, flags))
        self.history.forks[child].append(fork)

    def _is_hidden(self, thread: int, child: int, flags: int) -> bool:
        """Say whether a new task is forktrace's own, or can't be seen by a tracer."""
        if thread in self._own:
            if child == self._root and not flags & CLONE_THREAD and not self.root_seen:
                return False
            self._own.add(child)  # its tracing thread, or what a library runs at its start
            return True
        self._own.discard(child)
        if thread in self._hidden:
            self.history.unseen["created below a CLONE_UNTRACED child"] += 1
            return True
        # With CLONE_PTRACE the kernel attaches the child to the creator's tracer all the same.
        if flags & CLONE_UNTRACED and not flags & CLONE_PTRACE:
            self.history.unseen["created with CLONE_UNTRACED"] += 1
            return True
        return False

    def _exec(self, path: bytes, pid: int, former: int) -> None:
        others = self._live[pid] - {former}
        if others:
            raise Incomplete(f"threads of {pid} live on after its exec: {sorted(others)}")
        self._live[pid] = {pid}
        self._acted(former)
        if former != pid:
            if former not in self._hidden:
                self.history.lives[former].append(END)
            hidden = former in self._hidden
            self._hidden -= {former, pid}
            self._hidden |= {pid} if hidden else set()
        if pid not in self._hidden:
            self.history.events += 1
            self.history.lives[pid].append(Step("exec", path, former))

    def _exit(self, tid: int, group_dead: bytes | None) -> None:
        pid = self._group.get(tid)
        if pid is None or tid not in self._live[pid]:
            raise Incomplete(f"the kernel's record ends a task that does not live: {tid}")
        live = self._live[pid]
        live.remove(tid)
        self._check_group(pid, group_dead)
        self._acted(tid, ended=True)
        if tid not in self._hidden:
            self.history.events += 1
            if tid != pid:
                self.history.lives[tid].append(END)
        if not live and pid not in self._hidden:
            self.history.lives[pid].append(END)

    def _check_group(self, pid: int, group_dead: bytes | None) -> None:
        """Make sure that one exit of a process says that all its threads have gone.

        It need not be the last in the record: a thread counts as gone a little before it is told
        of (kernel/exit.c: do_exit).
        """
        if group_dead == b"true":
            if pid in self._gone:
                raise Incomplete(f"process {pid} ended twice")
            self._gone.add(pid)
        if not self._live[pid]:
            if group_dead is not None and pid not in self._gone:
                raise Incomplete(f"no exit says that all threads of {pid} have gone")
            self._gone.discard(pid)

    def _acted(self, thread: int, *, ended: bool = False) -> None:
        """Note that a thread did something after its last fork."""
        fork = self._last_fork.pop(thread, None)
        if fork is not None:
            fork.last_act = ended
