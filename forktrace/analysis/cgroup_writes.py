"""Read the recorded writes of pids to cgroups: who was meant, and which cgroup.

A write to cgroup.procs moves a whole process, one to v1's tasks or to cgroup.threads a thread; a
process is in the cgroup of its leader (cgroups(7)). The pid is one of the writer's PID namespace,
0 is the writer itself. The path is one of the writer's file system, which need not show the
hierarchies where, or as far up as, the tracer sees them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from forktrace.model.facts import Call, Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process

_MOUNT = "/sys/fs/cgroup"
# The calls that write: only those of a pid to a cgroup's file are recorded.
WRITES = ("write", "pwrite64", "writev")


@dataclass(frozen=True, slots=True)
class Write:
    """Be a write that moved a process to the cgroup of a ``directory``.

    It is recorded at its return; it began after ``previous``, the position in the trace of what
    its thread was recorded to have called before. ``nested``: the writer was in a PID namespace
    below the tracer's, so in a container of some kind.
    """

    by: str
    at: Moment
    directory: str
    previous: int
    nested: bool


@dataclass(frozen=True, slots=True)
class Writes:
    """Be all recorded writes: ``of`` whom, by id, in order, and the directories of the rest.

    ``unclear`` are the names of the cgroups to which a process was moved that can't be told.
    """

    of: Mapping[str, list[Write]]
    unclear: frozenset[str]


def find_writes(launch: Launch) -> Writes:
    """Find whom each recorded write to a cgroup has moved."""
    writes = list(_recorded(launch))
    found: defaultdict[str, list[Write]] = defaultdict(list)
    if not writes:
        return Writes(found, frozenset())
    unclear = set()
    by_pid = _by_pid(launch)
    for writer, call, previous in writes:
        path = str(call.arguments["path"])
        directory, _, file = path.rpartition("/")
        target = _target(writer, call, previous, by_pid)
        if target is not None:
            nested = len(writer.nspid) > 1
            found[target.id].append(Write(writer.id, call.at, directory, previous, nested))
        elif file == "cgroup.procs" or call.tid is None:
            unclear.add(last_name(directory))
    return Writes(found, frozenset(unclear))


def _recorded(launch: Launch) -> Iterator[tuple[Process, Call, int]]:
    """Yield the writers, their writes, and what the thread did before, in order."""
    found = []
    for process in launch.inside:
        before: dict[int | None, int] = {}
        for call in process.calls:
            if call.name in WRITES and call.error is None and "path" in call.arguments:
                found.append((process, call, before.get(call.tid, -1)))
            before[call.tid] = call.at.seq
    return iter(sorted(found, key=lambda write: write[1].at.seq))


def _by_pid(launch: Launch) -> dict[tuple[int, int], list[Process]]:
    """Return the traced processes by level of PID namespace and pid there, the youngest first."""
    found: defaultdict[tuple[int, int], list[Process]] = defaultdict(list)
    for process in launch.inside:
        for level, pid in enumerate(process.nspid or [process.pid]):
            found[level, pid].insert(0, process)
    return found


def _target(
    writer: Process, call: Call, previous: int, by_pid: Mapping[tuple[int, int], list[Process]]
) -> Process | None:
    pid = call.arguments.get("pid")
    if pid == 0:
        whole = call.tid is None or str(call.arguments["path"]).endswith("/cgroup.procs")
        return writer if whole else None
    if not isinstance(pid, int):
        return None
    level = max(len(writer.nspid), 1) - 1
    there = [p for p in by_pid.get((level, pid), ()) if _was_there(p, call, previous)]
    if level > 0:  # other PID namespaces of that depth have the same pids
        own = _namespace(writer)
        there = [p for p in there if len(p.nspid) > level + 1 or _namespace(p) == own]
        return there[0] if len(there) == 1 and own is not None else None
    return there[0] if there else None


def _was_there(process: Process, call: Call, previous: int) -> bool:
    ended = process.exit is not None and process.exit.at.seq < previous
    return process.born.seq < call.at.seq and not ended


def _namespace(process: Process) -> int | None:
    """Return the inode of the PID namespace that a process lives in."""
    return next((s.ns["pid"] for s in process.samples if s.ns and "pid" in s.ns), None)


def hierarchy_of(directory: str, known: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Tell which of the known hierarchies a directory is in, and its path there.

    v1 hierarchies are mounted in folders called after their controllers, v2 beside them in
    "unified" (systemd's hybrid layout), or alone. None for what can't be told.

    Args:
        directory: where the file was that was written to.
        known: the hierarchies of the process, as /proc/PID/cgroup calls them.
    """
    labels = {name.removeprefix("name=") or "unified": name for name in known}
    if set(known) == {""}:
        inside = directory == _MOUNT or directory.startswith(_MOUNT + "/")
        return "", (directory[len(_MOUNT) :] or "/") if inside else None
    parts = directory.split("/")
    for at, part in enumerate(parts):
        if part in labels:
            path = "/" + "/".join(parts[at + 1 :])
            return labels[part], path if "/".join(parts[:at]) == _MOUNT else None
    return None, None


def last_name(path: str) -> str:
    """Return the last part of a path."""
    return path.rstrip("/").rpartition("/")[2]
