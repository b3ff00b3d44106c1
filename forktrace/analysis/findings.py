"""Hold what the passes find, apart from what was observed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from forktrace.model.facts import Moment

Role = Literal[
    "engine", "monitor", "runtime", "init-stage", "container", "helper", "cleanup", "other"
]
StreamKind = Literal["pipe", "socket", "terminal", "file", "null", "closed", "unknown"]
Certainty = Literal["observed", "inferred", "unknown"]


@dataclass(frozen=True, slots=True)
class RoleFinding:
    """Say what a process is for, and by which ``rule`` (a short sentence) that was decided."""

    role: Role
    rule: str


@dataclass(frozen=True, slots=True)
class DoubleFork:
    """Name the three of a double fork: who called fork first, the middle, and the daemon.

    ``adopter`` is the id of the process that the kernel made the daemon's parent when the middle
    process exited.
    """

    origin: str | None
    middle: str
    daemon: str
    adopter: str


@dataclass(frozen=True, slots=True)
class Subreaper:
    """Say that a process was a subreaper, and how that is known.

    ``at`` is when it called prctl(PR_SET_CHILD_SUBREAPER, 1), ``until`` when it cleared that
    again, if it did. Where no call was recorded ``at`` is None, and it is inferred: it adopted a
    process whose parent died, and is not its PID namespace's init. ``adopted`` is the id of the
    first child that it adopted, None if it adopted none.
    """

    at: Moment | None = None
    until: Moment | None = None
    adopted: str | None = None

    @property
    def inferred(self) -> bool:
        """Say whether it follows from an adoption alone."""
        return self.at is None


@dataclass(frozen=True, slots=True)
class CgroupStay:
    """Say that a process was in a cgroup from a moment on, and how it came there.

    ``hierarchy`` is "" for cgroup v2, else the controllers of a v1 hierarchy as /proc/PID/cgroup
    names them ("memory", "name=systemd"). ``how``: "inherited" at birth from the creator,
    "clone" with CLONE_INTO_CGROUP (``by`` is the creator), "write" by a recorded write of its pid
    (``by`` is the id of the process that wrote, ``since`` the write), "outside" where all writes of
    the traced processes were recorded and none was this one, "first" where it was read first and
    nothing tells how it came there, "seen" where it was found to have changed and nobody recorded
    who did it. ``since`` is exact for "inherited", "clone" and "write", else the moment when it was
    first seen so; it then lay somewhere after ``not_before``, when the old path was last seen.
    ``inferred`` marks an inheritance from a creator that was not known to be there itself
    (cgroups(7) has no other way), and a write whose record came just after the process was seen
    there: calls are recorded at their return.
    """

    hierarchy: str
    path: str
    since: Moment
    how: Literal["inherited", "clone", "write", "outside", "first", "seen"]
    by: str | None = None
    not_before: Moment | None = None
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class NamespaceStay:
    """Say that a process was in a namespace from a moment on, and how it came there.

    ``kind`` is as in /proc/PID/ns ("pid", "mnt"), ``inode`` None where it made or joined one that
    was never read. ``how``: "inherited" at birth, "clone" by a flag of its creation, "unshare" or
    "setns" by a recorded call of ``by`` (itself; for a PID namespace its creator, as only children
    enter that), "first" where it was read first, "seen" where it was found to have changed.
    ``since``, ``not_before`` and ``inferred`` are as in ``CgroupStay``.
    """

    kind: str
    inode: int | None
    since: Moment
    how: Literal["inherited", "clone", "unshare", "setns", "first", "seen"]
    by: str | None = None
    not_before: Moment | None = None
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """Be a process that holds the other end, by its id, and under which numbers.

    ``at`` is the moment when that was read (it may be before the one that was asked about).
    ``inferred``: it was never read of this process itself, but of the one that created it; or a
    terminal was told by its number alone, as it was not known which devpts it belongs to.
    """

    process: str
    fds: tuple[int, ...]
    at: Moment
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """Say what a descriptor of a process leads to, and who is at the other end.

    ``to`` is the link's text (a path, "pipe:[INODE]", "socket:[INODE]"), None where unknown;
    ``seen`` when it was read. ``kind`` "terminal" is an end of a pseudoterminal, "null" /dev/null,
    "file" any other path. ``bound`` is the address of a UNIX socket or of its other end.

    ``holders`` are in the order of the processes; there can be more that nobody looked at. Files
    and /dev/null have no other end: no holders, and certainty "observed". ``certainty`` is
    "observed" if both ends were read, "inferred" if one of them is a matter of inheritance or
    of a rule, "unknown" if the descriptor or all holders are; ``why`` then says why, as the end of
    a sentence ("nobody in the trace was seen to hold its other end").
    """

    process: str
    fd: int
    kind: StreamKind
    to: str | None = None
    access: Literal["r", "w", "rw"] | None = None
    seen: Moment | None = None
    holders: tuple[Holder, ...] = ()
    certainty: Certainty = "unknown"
    why: str = ""
    bound: str | None = None


@dataclass(slots=True)
class ExecSession:
    """Be a process that was started in a running container (`podman exec`).

    ``monitor`` is its own one, ``engine`` the process that the launch of it began with.
    """

    process: str
    monitor: str | None = None
    engine: str | None = None


@dataclass(slots=True)
class Container:
    """Be a container that a launch made or that ran in it; processes are named by their id.

    ``id`` is the container's id, ``name`` and ``image`` what argv tells of it (None: it does not).
    ``engine`` is the process that the launch of it began with, ``runtimes`` are the invocations of
    the OCI runtime for it, in order. ``init`` is the container's first process, ``payload`` when it
    executed what the user asked for, or its child did where it stays as reaper (bubblewrap); None
    where that was not seen, as of what ran before the trace. ``members`` are all
    processes in it, the init among them.
    """

    key: str
    id: str | None = None
    name: str | None = None
    image: str | None = None
    engine: str | None = None
    monitor: str | None = None
    runtimes: list[str] = field(default_factory=list)
    init: str | None = None
    payload: Moment | None = None
    exec_sessions: list[ExecSession] = field(default_factory=list)
    members: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Findings:
    """Be the result of all passes: ``roles`` by id, ``double_forks`` by the daemon's id.

    ``subreapers`` by id. ``unwaited`` maps the id of an ended process to that of its real parent,
    which was not seen to wait for it; it is empty where waits were not recorded. ``signals``
    maps a process that a signal killed to who sent it that signal before, as far as recorded.
    ``containers`` are in the order in which they were made. ``cgroups`` maps a process to where it
    was, in the order of time, a hierarchy after another at the same moment; ``namespaces`` to
    which namespaces it was in, a kind after another. ``streams`` maps the init, the monitor and the
    engine of a container to what their stdin, stdout and stderr led to when its payload ran, and
    what else they had open whose other end another process of the trace held.
    """

    roles: dict[str, RoleFinding] = field(default_factory=dict)
    double_forks: dict[str, DoubleFork] = field(default_factory=dict)
    subreapers: dict[str, Subreaper] = field(default_factory=dict)
    unwaited: dict[str, str] = field(default_factory=dict)
    signals: dict[str, list[str]] = field(default_factory=dict)
    containers: list[Container] = field(default_factory=list)
    cgroups: Mapping[str, list[CgroupStay]] = field(default_factory=dict)
    namespaces: Mapping[str, list[NamespaceStay]] = field(default_factory=dict)
    streams: dict[str, tuple[StreamEnd, ...]] = field(default_factory=dict)
