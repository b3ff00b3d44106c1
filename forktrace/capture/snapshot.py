"""Record what /proc shows now of processes that run, without ptrace and without touching them.

/proc is no one picture: processes come and go while it is read. What vanishes before its state
was read is left out, what vanishes while it is read has errnos, and a child whose parent has
ended meanwhile is looked at once more. Source: proc(5).
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic_ns

from msgspec import Struct

from forktrace.capture import proc, sampler
from forktrace.capture.gateway import signal_name
from forktrace.capture.proc import Snapshot, errno_name
from forktrace.capture.selection import Stat, read_stat, select, walk
from forktrace.capture.stack import TELLING_VARIABLES
from forktrace.trace import events
from forktrace.trace.text import Text, encode_text
from forktrace.trace.writer import TraceWriter

__all__ = ["Look", "StandingRecorder", "look", "parents_first", "select", "take_snapshot"]


class Look(Struct):
    """Be one process as it was read, at ``at_ns``; ``threads`` are the tids beside the leader's."""

    pid: int
    at_ns: int
    stat: Stat
    now: Snapshot
    threads: list[int]
    image: events.Executed | None = None

    @property
    def ended(self) -> bool:
        """Say whether it is a zombie; a leader that only ended before its other threads is none."""
        return self.stat.state == b"Z" and not self.threads

    @property
    def ppid(self) -> int:
        """Return its real parent."""
        return self.stat.ppid if self.now.ppid is None else self.now.ppid


def take_snapshot(writer: TraceWriter, pids: Sequence[int], *, started_ns: int) -> None:
    """Write what /proc shows of processes, each with all its descendants, and the end record.

    Args:
        writer: where events go; the caller has written the header.
        pids: what to record; nothing means all processes but the kernel's own.
        started_ns: CLOCK_MONOTONIC at the trace's start.

    Raises:
        NoProcessError: one of ``pids`` is no process that can be seen.
    """
    looks = {}
    for pid, stat in select(pids).items():
        found = look(pid, started_ns)
        if found is not None and found.stat.started == stat.started:  # else the pid is another's
            looks[pid] = found
    _look_again(looks)
    recorder = StandingRecorder(writer, started_ns)
    for process in parents_first(looks):
        recorder.process(process)
    recorder.end(looks.values())


def parents_first(looks: dict[int, Look]) -> list[Look]:
    """Return looks, each after that at its parent, and children in the order of their start."""
    parents = {pid: found.ppid for pid, found in looks.items()}
    return [looks[pid] for pid in walk(parents, {p: s.stat.started for p, s in looks.items()})]


def look(pid: int, started_ns: int) -> Look | None:
    """Read all of a process; returns None where it is gone.

    Args:
        pid: the process.
        started_ns: CLOCK_MONOTONIC at the trace's start.
    """
    at_ns = monotonic_ns() - started_ns
    now = Snapshot()
    proc.read_status(pid, now)
    stat = read_stat(pid)
    if stat is None:
        return None
    now.tty = stat.tty
    found = Look(pid, at_ns, stat, now, _threads(pid, now))
    # A leader that has ended has let go of all this; its other threads have not.
    task = found.threads[0] if stat.state == b"Z" and found.threads else pid
    proc.read_cgroup(task, now)
    proc.read_namespaces(task, now)
    if not (found.ended or stat.kernel):  # those have no image
        found.image = _image(pid, task, at_ns)
    return found


def _threads(pid: int, into: Snapshot) -> list[int]:
    try:
        names = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError as error:
        into.fail("threads", error)
        return []
    return sorted(tid for name in names if (tid := int(name)) != pid)


def _image(pid: int, task: int, at_ns: int) -> events.Executed:
    """Read the program of process ``pid`` from its thread ``task``."""
    errors: dict[str, str] = {}
    argv = env = None
    try:
        argv = [encode_text(a) for a in _arguments(task)]
    except OSError as error:
        errors["argv"] = errno_name(error)
    try:
        env = _telling_variables(task)
    except OSError as error:
        errors["env"] = errno_name(error)
    return events.Executed(
        at_ns=at_ns,
        pid=pid,
        attached=True,
        argv=argv,
        exe=_link(task, "exe", errors),
        cwd=_link(task, "cwd", errors),
        env=env,
        errors=errors or None,
    )


def _arguments(pid: int) -> list[bytes]:
    """Read the arguments, or the title that a process has written over them.

    A title shorter than they were leaves NULs behind, which would look like empty arguments.
    """
    argv = proc.read_cmdline(pid)
    return argv if any(argv[1:]) else argv[:1]


def _telling_variables(pid: int) -> list[str] | None:
    """Return which telling variables were set; no value is kept. Raises OSError."""
    data = b"\0" + proc.read_file(f"/proc/{pid}/environ", 65536)
    return [name.decode() for name in TELLING_VARIABLES if b"\0" + name + b"=" in data] or None


def _link(pid: int, name: str, errors: dict[str, str]) -> Text | None:
    try:
        return encode_text(proc.read_link(pid, name))
    except OSError as error:
        errors[name] = errno_name(error)
        return None


def _look_again(looks: dict[int, Look]) -> None:
    """Read the parent once more of those whose parent has ended since: another has them now."""
    for found in looks.values():
        if found.ppid and found.ppid not in looks and not Path(f"/proc/{found.ppid}").exists():
            proc.read_status(found.pid, found.now)


class StandingRecorder:
    """Write processes that run already, as they were looked at.

    Args:
        writer: where events go.
        started_ns: CLOCK_MONOTONIC at the trace's start.
    """

    def __init__(self, writer: TraceWriter, started_ns: int) -> None:
        self._writer = writer
        self._started_ns = started_ns
        self._told: set[int] = {0}

    def process(self, found: Look) -> None:
        """Write a process, its image and its threads; first its parent if that isn't recorded."""
        if found.ppid not in self._told:
            self._outside(found.ppid, found.at_ns)
        self._told.add(found.pid)
        state = sampler.whole(found.now)
        self._writer.event(
            events.Started(at_ns=found.at_ns, pid=found.pid, attached=True, state=state)
        )
        if found.image is not None:
            self._writer.event(found.image)
        for tid in found.threads:
            self._writer.event(events.ThreadStarted(at_ns=found.at_ns, pid=found.pid, tid=tid))

    def _outside(self, pid: int, at_ns: int) -> None:
        """Describe a parent, as of the moment when its child was looked at."""
        self._told.add(pid)
        now, argv = sampler.of_outsider(pid)
        self._writer.event(
            events.Outside(
                at_ns=at_ns,
                pid=pid,
                argv=[encode_text(a) for a in argv] if argv else None,
                state=sampler.whole(now),
            )
        )

    def end(self, looks: Iterable[Look]) -> None:
        """Write how the zombies ended, and the end record of a snapshot, which names the others."""
        at_ns = monotonic_ns() - self._started_ns
        left = []
        for found in looks:
            if not found.ended:
                left.append(found.pid)
            elif "ns" not in found.now.errors:  # else stat's 0 may mean unknown (do_task_stat)
                self._exit(found, at_ns)
        self._writer.end(events.Ended(at_ns=at_ns, reason="snapshot", left=sorted(left)))

    def _exit(self, zombie: Look, at_ns: int) -> None:
        status = zombie.stat.exit_code
        killed = os.WIFSIGNALED(status)
        self._writer.event(
            events.Exited(
                at_ns=at_ns,
                pid=zombie.pid,
                code=None if killed else os.WEXITSTATUS(status),
                signal=signal_name(os.WTERMSIG(status)) if killed else None,
                core=os.WCOREDUMP(status),
            )
        )
