"""Hold one process of a launch: where it came from, what it ran, how it ended.

All times are ``at_ns``, nanoseconds from the start of the trace; ``seq`` is the position of the
event in the trace, which orders what carries the same time. Strings may hold PEP 383 surrogates
(see ``trace.text``); renderers escape them.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from msgspec import Struct

How = Literal["fork", "vfork", "clone", "clone3"]


class Moment(Struct, frozen=True, gc=False):  # made for each event, so it must be cheap
    """Be a point in a trace: time in ns, and position among the events."""

    at_ns: int
    seq: int


@dataclass(slots=True)
class Image:
    """Be a program that a process ran. ``path`` is the file name that execve was given.

    ``inherited`` marks the image that a process was born with. ``tid`` is the thread that called
    execve where it was not the leader. ``comm`` is what the kernel called a process that ran this
    already when it was first looked at: nobody saw then which path execve had been given.
    ``errors`` maps what could not be read ("argv", "exe", "cwd") to the errno that reading it gave.
    """

    at: Moment
    path: str | None
    argv: list[str]
    exe: str | None = None
    cwd: str | None = None
    env: list[str] = field(default_factory=list)
    inherited: bool = False
    tid: int | None = None
    comm: str | None = None
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Creation:
    """Say who called fork and how. ``creator`` and ``tid`` are None where that was not seen."""

    at: Moment
    creator: str | None
    tid: int | None
    how: How | None
    flags: list[str]
    exit_signal: str | None = None

    @property
    def is_vfork(self) -> bool:
        """Say whether the caller waited until its child executed a program or ended.

        That is vfork(2), and any call with CLONE_VFORK (kernel/fork.c, kernel_clone).
        """
        return self.how == "vfork" or "CLONE_VFORK" in self.flags


@dataclass(slots=True)
class Exit:
    """Say how a process ended: ``code``, or the name of the ``signal`` that killed it."""

    at: Moment
    code: int | None
    signal: str | None
    core: bool = False


@dataclass(slots=True)
class Adoption:
    """Be one change of the real parent. ``death`` is the id of the process whose death caused it.

    Where the old parent was outside the trace ``death`` is None and ``at`` is the moment when
    the change was first seen. ``inferred`` marks one that happened before the first look at the
    process: the clone flags say who its parent was, and that one was gone already.
    """

    at: Moment
    parent: str
    previous: str | None
    death: str | None
    inferred: bool = False


@dataclass(slots=True)
class Thread:
    """Be a thread that is not its group's leader. ``ended`` is None if its end was not seen.

    ``announced`` is the creator's event, None if that is not in the trace.
    """

    tid: int
    at: Moment
    creator_tid: int | None
    ended: Moment | None = None
    announced: Moment | None = None


@dataclass(slots=True)
class Sample:
    """Hold what /proc showed of a process at one moment: only what had changed by then.

    ``at_event`` says when we looked: "birth", "create", "exec", "exit", "reparent", or "outside"
    of a process that is not traced. ``ns`` maps a
    kind of namespace to its inode; ``errors`` maps a field to the errno that reading it gave.
    """

    at: Moment
    at_event: str
    comm: str | None = None
    ppid: int | None = None
    pgid: int | None = None
    sid: int | None = None
    tty: int | None = None
    nspid: list[int] | None = None
    cgroup: list[str] | None = None
    ns: dict[str, int] | None = None
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Say what an open descriptor leads to; the fields are those of ``trace.events.Descriptor``."""

    to: str
    access: Literal["r", "w", "rw"] | None = None
    peer: int | None = None
    tty: int | None = None
    bound: str | None = None
    slave: int | None = None
    device: int | None = None


@dataclass(slots=True)
class DescriptorTable:
    """Hold the descriptors that a process had open at one moment, all that were known by then.

    ``at_event`` says when we looked ("birth", "exec", "reparent", "child", "container");
    ``whole``: all were looked at then, else 0 to 2. What could not be read is in ``errors``.
    ``inherited``: it is what its creator had when it was created. ``partial``: what it had before
    was not recorded, so a number that lacks may be open.
    """

    at: Moment
    at_event: str
    fds: dict[int, Descriptor]
    whole: bool = False
    errors: dict[str, str] = field(default_factory=dict)
    inherited: bool = False
    partial: bool = False


@dataclass(slots=True)
class Call:
    """Be a system call that returned (detail "syscalls"); ``error`` is the errno if it failed.

    ``arguments`` holds by name what ``trace.events.Called`` does, text as ``str``.
    """

    at: Moment
    name: str
    arguments: dict[str, str | int | list[str] | None]
    result: int | None
    error: str | None
    tid: int | None = None


@dataclass(frozen=True, slots=True)
class UntracedChild:
    """Be a child that was not traced, as its parent's last SIGCHLD told of it.

    ``pid`` is the one in its parent's PID namespace; ``code`` or ``signal`` say how it ended.
    """

    at: Moment
    pid: int
    code: int | None
    signal: str | None


@dataclass(frozen=True, slots=True)
class Reap:
    """Say when and by whom (an id) a process was waited for, which ended it as a zombie."""

    at: Moment
    by: str


@dataclass(slots=True)
class Process:
    """Be a process, under an id of its own: p1, p2, … in creation order; x1, … outside the trace.

    ``parent`` is the id of the real parent at birth, ``parent_inferred`` where it follows from
    the clone flags alone. ``born`` is the earliest sign of it. ``attached`` processes were
    running before the trace began: ``born`` is then when they were first looked at, ``parent``
    the real parent at that time, and the first image what they ran, which they or an ancestor
    had executed. An ``unseen`` process was announced by its creator, but its
    first stop never came: it was killed at once, or the trace ended too early. ``released`` says
    when it was let go, and nothing of it was seen from then on: left to another tracer, its parent,
    or, where ``fault`` is the name of a signal, to die of that.
    ``stand_in`` says what it stands for where nobody knows which process that is; a pid of 0 is one
    that is not known.
    ``untold_waits`` has the numbers of the events of its waits that tell nobody's pid.
    ``heritage`` is what its creator was known to have open when it was created
    (``model.descriptors.descriptors_at`` tells what it had itself at a moment).

    The creator, the parent and every adopter of a process are outside the trace, or stand before
    it in creation order: whoever walks up from a process comes to an end.
    """

    id: str
    pid: int
    born: Moment
    outside: bool = False
    attached: bool = False
    unseen: bool = False
    creation: Creation | None = None
    parent: str | None = None
    parent_inferred: bool = False
    images: list[Image] = field(default_factory=list)
    exit: Exit | None = None
    adoptions: list[Adoption] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    heritage: DescriptorTable | None = None
    descriptors: list[DescriptorTable] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    untold_waits: list[int] = field(default_factory=list)
    reap: Reap | None = None
    untraced: list[UntracedChild] = field(default_factory=list)
    released: Moment | None = None
    fault: str | None = None
    stand_in: str | None = None

    @property
    def creator(self) -> str | None:
        """Return the id of the process that called fork, None if unknown or outside."""
        return self.creation.creator if self.creation else None

    @property
    def taken_over(self) -> bool:
        """Say whether another tracer took it over, so that it did things that were not seen."""
        return self.released is not None and self.fault is None

    @property
    def nspid(self) -> list[int]:
        """Return the pid in each PID namespace, the tracer's first; empty if never read."""
        for sample in self.samples:
            if sample.nspid:
                return sample.nspid
        return []

    @property
    def comm(self) -> str | None:
        """Return the last comm that was sampled."""
        for sample in reversed(self.samples):
            if sample.comm:
                return sample.comm
        return None

    @property
    def is_vforked(self) -> bool:
        """Say whether its creator waited until it executed a program or ended."""
        return self.creation is not None and self.creation.is_vfork

    @property
    def own_images(self) -> list[Image]:
        """Return the programs that it executed itself."""
        return [image for image in self.images if not image.inherited]

    @property
    def argv(self) -> list[str]:
        """Return the arguments of the last image."""
        return self.images[-1].argv if self.images else []

    @property
    def name(self) -> str:
        """Return what to call this process: its last program's name, else its comm, else pid."""
        if self.stand_in is not None:
            return self.stand_in
        return image_name(self.images[-1]) if self.images else self.comm or f"pid {self.pid}"


def image_name(image: Image) -> str:
    """Return the short name of a program: its file's, or argv[0]'s where the file tells nothing.

    A path like /proc/self/exe, /dev/fd/4 or a memfd says how the file was reached, not what it
    is (runc and crun execute themselves that way). Nor does an argv[0] with a space in it that is
    not the file's: a process has written a title over its arguments ("sshd: root@pts/0").

    Of a program that ran before it was looked at, comm says by which of argv[0] and the file's name
    it goes ("/sbin/init" may be systemd), or what its name is where the file could not be read.
    """
    called = image.argv[0] if image.argv else ""
    return _short_name(image.path or "", called, image.exe or "", image.comm or "")


@lru_cache(maxsize=4096)  # it is asked for many times of each process, and most run the same few
def _short_name(path: str, called: str, exe: str, comm: str) -> str:
    exe = exe.removesuffix(" (deleted)")
    called = called.removeprefix("-")  # a login shell's
    if comm and not path and (named := _by_comm(called, exe, comm)):
        return named
    if " " in called and exe and _last_part(called) != _last_part(exe):
        called = exe
    telling = not path.startswith(("/proc/", "/dev/fd/", "/memfd:"))
    ordered = [path, called, exe] if telling else [called, exe, path]
    return next((_last_part(c) for c in ordered if c), "?")


def _by_comm(called: str, exe: str, comm: str) -> str:
    """Return which name comm stands for; "" where it is one that the process gave itself.

    comm has the first 15 bytes of the name of the file (TASK_COMM_LEN), or "exe" or a number where
    that was reached by /proc.
    """
    if comm == "exe" or comm.isdigit():
        return ""
    for name in map(_last_part, (called, exe)):
        if name[: len(comm)] == comm:
            return name
    return "" if exe else comm


def _last_part(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path
