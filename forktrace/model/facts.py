"""Hold the facts of a process' life: who created it, who adopted it, what was seen of it, its end.

All times are ``at_ns``, nanoseconds from the start of the trace; ``seq`` is the position of the
event in the trace, which orders what carries the same time. Strings may hold PEP 383 surrogates
(see ``trace.text``); renderers escape them.
"""

from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from forktrace.trace.events import How


class Moment(Struct, frozen=True, gc=False):  # made for each event, so it must be cheap
    """Be a point in a trace: time in ns, and position among the events."""

    at_ns: int
    seq: int


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
