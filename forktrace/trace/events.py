"""Define the events of a trace: frozen values, one JSON line each.

docs/trace-format.md describes the same for readers of the file and keeps its version history.
Every ``at_ns`` is integer nanoseconds of CLOCK_MONOTONIC since the start of the trace. A pid is
always one of the tracer's PID namespace, except in ``nspid``. Pids are data, never identity: the
kernel reuses them, and the model gives each process an id of its own.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from forktrace.trace.text import Text

FORMAT = "forktrace"
VERSION = 1

# Bounds that the kernel keeps too: what reads a trace can rely on them whatever a file holds.
Nanoseconds = Annotated[int, Meta(ge=0, le=2**62)]
Pid = Annotated[int, Meta(ge=0, lt=2**31)]
GroupId = Annotated[int, Meta(ge=-1, lt=2**31)]  # stat says -1 of a task that is all but gone

Detail = Literal["minimal", "events", "syscalls"]
Source = Literal["run", "demo", "attach", "snapshot", "import"]
How = Literal["fork", "vfork", "clone", "clone3"]
SampledAt = Literal["create", "exit", "reparent"]
LookedAt = Literal["birth", "exec", "reparent", "child", "container"]
Reason = Literal["exited", "linger", "signal", "duration", "snapshot", "log"]


class User(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name the user that forktrace ran as."""

    uid: int
    gid: int
    name: str | None = None


class Record(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="event",
):
    """Be one line of a trace."""


class Header(Record, frozen=True, kw_only=True, tag="header"):
    """Say what was traced, where and how: the first line of a trace.

    ``started_ns`` is the wall clock (Unix time in ns) at ``at_ns`` 0. ``tracer`` is forktrace's
    own pid: it can show up as a parent. A trace that was imported lacks what the log does not
    tell: ``cwd``, ``user``, ``kernel``, ``machine``, perhaps ``started_ns``; without ``times`` the
    log had none, and ``at_ns`` gives no more than the order.
    """

    format: Literal["forktrace"]
    version: int
    forktrace: str
    command: list[Text]
    cwd: Text | None = None
    user: User | None = None
    kernel: str | None = None
    machine: str | None = None
    started_ns: Nanoseconds | None = None
    detail: Detail
    source: Source = "run"
    tracer: Pid | None = None
    times: bool = True


class State(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Hold what /proc showed of a process at one moment.

    A field left out was not asked for, or is as when this process was last sampled; ``pgid``,
    ``sid``, ``tty``, ``cgroup`` and ``ns`` left out from the birth on are as its
    parent was last seen to have them.

    ``cgroup`` has the lines of /proc/PID/cgroup (``hierarchy:controllers:path``); ``ns`` maps a
    namespace kind to its inode; ``nspid`` is the pid in each PID namespace, the tracer's first
    (proc(5), NSpid); ``tty`` is the device number of stat's tty_nr. ``errors`` names, for each
    field that could not be read, the errno ("EACCES").
    """

    comm: Text | None = None
    ppid: Pid | None = None
    pgid: GroupId | None = None
    sid: GroupId | None = None
    tty: int | None = None
    nspid: list[Pid] | None = None
    cgroup: list[Text] | None = None
    ns: dict[str, int] | None = None
    errors: dict[str, str] | None = None


class Started(Record, frozen=True, tag="process"):
    """A process was seen for the first time: its first stop, or (``attached``) at our start.

    ``root`` marks the traced command itself.
    """

    at_ns: Nanoseconds
    pid: Pid
    root: bool = False
    attached: bool = False
    state: State | None = None


class ThreadStarted(Record, frozen=True, tag="thread"):
    """A thread (not a leader) was seen that no ``create`` event had announced."""

    at_ns: Nanoseconds
    pid: Pid
    tid: Pid


class Created(Record, frozen=True, tag="create"):
    """Thread ``tid`` of process ``pid`` called fork, vfork, clone or clone3.

    ``child`` is the new pid, or the new tid if ``thread``. ``how`` is the system call, ``flags``
    its CLONE_* flags by name; both are None where the registers could not be read.
    ``exit_signal`` is the name of the signal that the parent gets at the child's end.
    """

    at_ns: Nanoseconds
    pid: Pid
    tid: Pid
    child: Pid
    how: How | None = None
    flags: list[str] | None = None
    exit_signal: str | None = None
    thread: bool = False


class Executed(Record, frozen=True, tag="exec"):
    """A process replaced its image. ``path`` is the file name that was given to execve.

    ``tid`` is the thread that called execve where it was not the leader (it has taken over the
    leader's pid). ``env`` lists which of a few telling variables were set; values are never
    recorded, as they hold secrets. ``attached``: this was no event, but what the process ran when
    it was first seen, which it or an ancestor had executed before; ``path`` is not known then.
    """

    at_ns: Nanoseconds
    pid: Pid
    attached: bool = False
    tid: Pid | None = None
    path: Text | None = None
    argv: list[Text] | None = None
    exe: Text | None = None
    cwd: Text | None = None
    env: list[str] | None = None
    state: State | None = None
    errors: dict[str, str] | None = None


class Descriptor(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Say what an open file descriptor leads to.

    ``to`` is what readlink(2) gives of /proc/PID/fd/N: a path, "pipe:[INODE]", "socket:[INODE]".
    ``access`` is how it was opened. ``peer`` is the inode of the other end of a connected UNIX
    socket (sock_diag(7)), 0 if the other side had not accepted the connection yet, ``bound`` the
    address of the socket or of its other end ("@…" an abstract one). ``tty`` is the number N of
    /dev/pts/N of which it is the master ("tty-index" in proc(5), fdinfo), ``slave`` that of which
    it is the slave, ``device`` the device number (st_dev) of the devpts that either belongs to, as
    a container's /dev/pts/0 is not the host's.
    """

    to: Text
    access: Literal["r", "w", "rw"] | None = None
    peer: int | None = None
    bound: Text | None = None
    tty: int | None = None
    slave: int | None = None
    device: int | None = None


class Descriptors(Record, frozen=True, tag="descriptors"):
    """What descriptors a process had open, by number; only those that differ from the last time.

    ``at`` says when we looked: at the process' own "birth" (or when it was attached to), at its
    "exec", "reparent", when it adopted a process, "child", when a child of it executed something
    with a new pipe, socket or terminal, or, "container", when what may be a container's payload
    was executed, of those who launched it and of the process that adopted it. ``whole``: all
    descriptors were looked at, else 0 to 2. ``closed`` lists the numbers that were open the last
    time and are not any more. ``errors`` maps a number, or "fd" for the whole folder, to the errno
    that reading it gave.
    """

    at_ns: Nanoseconds
    pid: Pid
    at: LookedAt
    fds: dict[str, Descriptor] = {}
    whole: bool = False
    closed: list[int] = []
    errors: dict[str, str] | None = None


class Sampled(Record, frozen=True, tag="sample"):
    """What /proc showed of a process differed from the last sample; ``at`` says when we looked."""

    at_ns: Nanoseconds
    pid: Pid
    at: SampledAt
    state: State


class Reparented(Record, frozen=True, tag="reparent"):
    """The real parent of ``pid`` was seen to be ``ppid``, no longer ``previous``.

    ``death`` is the pid of the old parent, whose death was reported just before; None where the
    old parent was outside the trace and the change was first seen at a sample.
    """

    at_ns: Nanoseconds
    pid: Pid
    ppid: Pid
    previous: Pid
    death: Pid | None = None


class Exited(Record, frozen=True, tag="exit"):
    """A process ended, by ``code`` or killed by ``signal`` ("SIGKILL"), with all its threads."""

    at_ns: Nanoseconds
    pid: Pid
    code: int | None = None
    signal: str | None = None
    core: bool = False


class ThreadExited(Record, frozen=True, tag="thread-exit"):
    """A thread that is no leader ended."""

    at_ns: Nanoseconds
    pid: Pid
    tid: Pid


Argument = Text | int | list[str] | None


class Called(Record, frozen=True, tag="call"):
    """A system call returned, of those that the detail "syscalls" records.

    ``arguments`` has by name what is told of them (docs/trace-format.md lists the calls), pids as
    the caller gave them, so in its PID namespace. ``result`` is the return value, ``error`` the
    errno by name where it failed; ``tid`` is the calling thread if not the leader.
    """

    at_ns: Nanoseconds
    pid: Pid
    name: str
    tid: Pid | None = None
    arguments: dict[str, Argument] = {}
    result: int | None = None
    error: str | None = None


class Outside(Record, frozen=True, tag="outside"):
    """Describe a process outside the trace that became somebody's parent."""

    at_ns: Nanoseconds
    pid: Pid
    argv: list[Text] | None = None
    state: State | None = None


class Untraced(Record, frozen=True, tag="untraced"):
    """A traced process was sent SIGCHLD by a child that is not traced.

    It was made with CLONE_UNTRACED, or adopted from outside the trace, or ran before an attach.
    ``child`` is its pid in the PID namespace of ``pid``; ``code`` or ``signal`` say how it ended,
    neither that it has stopped or goes on.
    """

    at_ns: Nanoseconds
    pid: Pid
    child: Pid
    code: int | None = None
    signal: str | None = None


class Released(Record, frozen=True, tag="released"):
    """A process was let go, and what it does from here on is not seen.

    Without ``fault`` it was left to its parent, another tracer, by which it asked to be traced:
    what it starts is not seen either, and its pid can be used again. ``fault`` is the signal of a
    fault ("SIGSEGV") of which it could not die while it was traced, as it is the first process of
    a PID namespace. Its "exit" follows if it was found as a zombie, or its traced parent was told.
    """

    at_ns: Nanoseconds
    pid: Pid
    fault: str | None = None


class LogSummary(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Say how much of a log of strace was understood, and what it can tell at all.

    Of ``lines``, ``unreadable`` ones made no sense, the first of them ``first_unreadable`` (counted
    from 1); ``left_out`` were dots that somebody put for others; of ``unassigned`` ones it can't be
    told whose they are. ``unannounced`` tasks come from nowhere: each stands as a process, though
    it may be a thread. ``calls`` are the calls of interest that stand in the log, ``unfiltered``
    says that it seems to hold all calls. Not ``ordered``: logs of several tasks without times, so
    that what happened first in two of them is unknown. ``first_by_elimination``: the first
    process has no pid on its lines; it was given the first pid that no line announces.
    """

    lines: int
    unreadable: int = 0
    first_unreadable: int | None = None
    left_out: int = 0
    unassigned: int = 0
    unannounced: int = 0
    calls: list[str] = []
    unfiltered: bool = False
    ordered: bool = True
    first_by_elimination: bool = False


class Ended(Record, frozen=True, tag="end"):
    """Close the trace: the last line. Without it a trace was cut off.

    ``reason``: everything ended ("exited"), the linger time was over ("linger"), a signal ended
    the wait ("signal"), the time for it was over ("duration"), it was no more than a look
    ("snapshot"), or the end of a log that was imported ("log", which ``log`` tells of). ``left``
    lists the pids that ran on untraced.
    """

    at_ns: Nanoseconds
    reason: Reason
    left: list[Pid] = []
    log: LogSummary | None = None


Event = (
    Started
    | ThreadStarted
    | Created
    | Executed
    | Sampled
    | Descriptors
    | Reparented
    | Exited
    | ThreadExited
    | Outside
    | Untraced
    | Released
    | Called
)
AnyRecord = Header | Event | Ended
