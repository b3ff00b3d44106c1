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

from forktrace.capture import image, proc, sampler
from forktrace.capture.descriptor_recorder import descriptors_event
from forktrace.capture.descriptors import NOTHING, Table, read_table
from forktrace.capture.gateway import signal_name
from forktrace.capture.outsiders import Outsiders
from forktrace.capture.proc import Snapshot, errno_name
from forktrace.capture.selection import Stat, read_stat, select, walk
from forktrace.capture.stack import TELLING_VARIABLES
from forktrace.trace import events
from forktrace.trace.text import encode_text
from forktrace.trace.writer import TraceWriter

__all__ = ["Look", "StandingRecorder", "look", "parents_first", "select", "take_snapshot"]


_APART = ("pid", "mnt")


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
    launchers = launchers_of_containers(looks)
    for process in parents_first(looks):
        recorder.process(process)
        recorder.descriptors(process, whole=process.pid in launchers)
    recorder.end(looks.values())


def parents_first(looks: dict[int, Look]) -> list[Look]:
    """Return looks, each after that at its parent, and children in the order of their start."""
    parents = {pid: found.ppid for pid, found in looks.items()}
    return [looks[pid] for pid in walk(parents, {p: s.stat.started for p, s in looks.items()})]


def launchers_of_containers(looks: dict[int, Look]) -> set[int]:
    """Return the pids of those who have a child in another PID or mount namespace than theirs."""
    found = set()
    for child in looks.values():
        parent = looks.get(child.ppid)
        theirs, own = child.now.ns or {}, (parent.now.ns if parent else None) or {}
        if any(theirs.get(kind, inode) != inode for kind, inode in own.items() if kind in _APART):
            found.add(child.ppid)
    return found


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
        exe=image.link(task, "exe", errors),
        cwd=image.link(task, "cwd", errors),
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
        self._outsiders = Outsiders(writer, {0})

    def process(self, found: Look) -> None:
        """Write a process, its image and its threads; first its parent if that isn't recorded."""
        self._outsiders.describe(found.at_ns, found.ppid)
        self._outsiders.enter(found.pid)
        state = sampler.whole(found.now)
        self._writer.event(
            events.Started(at_ns=found.at_ns, pid=found.pid, attached=True, state=state)
        )
        if found.image is not None:
            self._writer.event(found.image)
        for tid in found.threads:
            self._writer.event(events.ThreadStarted(at_ns=found.at_ns, pid=found.pid, tid=tid))

    def descriptors(self, found: Look, *, whole: bool) -> Table:
        """Write what a process has open, all of it or 0 to 2; returns that."""
        if found.ended or found.stat.kernel:
            return NOTHING
        task = found.threads[0] if found.stat.state == b"Z" else found.pid
        at_ns = monotonic_ns() - self._started_ns
        mounts = (found.now.ns or {}).get("mnt")
        now = read_table(task, NOTHING, whole=whole, mounts=mounts)
        event = descriptors_event(at_ns, found.pid, "birth", NOTHING, now)
        if event is not None:
            self._writer.event(event)
        return now

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
