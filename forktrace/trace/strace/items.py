"""Define what a log tells, one item each, and name the calls that matter."""

from msgspec import Struct

from forktrace.trace.strace.lines import Message
from forktrace.trace.strace.literals import Result

CREATING = frozenset((b"clone", b"clone3", b"fork", b"vfork", b"clone2", b"__clone2"))
EXECUTING = frozenset((b"execve", b"execveat"))
ENDING = frozenset((b"exit", b"exit_group", b"_exit"))
OWN_PID = frozenset((b"set_tid_address", b"gettid", b"getpid"))
TOLD = frozenset((
    b"setsid", b"setpgid", b"prctl", b"unshare", b"setns", b"chroot", b"pivot_root", b"write",
    b"kill", b"tkill", b"tgkill", b"pidfd_send_signal", b"wait4", b"waitid", b"waitpid",
))  # fmt: skip
WANTED = CREATING | EXECUTING | ENDING | TOLD


class Item(Struct, kw_only=True):
    """Be something that a log tells. ``tid`` is None where its line named no pid.

    ``line`` is the number of the line.
    """

    at_ns: int
    tid: int | None = None
    line: int = 0


class Seen(Item):
    """Be the first line of a task; ``name`` is the call that begins on it."""

    name: bytes | None


class Call(Item):
    """Be a call that has returned, or never will (``result`` without value or error).

    ``left`` is the number of the line of its return, None while that has not come. ``former``
    is the thread that called execve, where the process has gone on under another tid. ``attached``
    is the new task that strace announced while no other call could have created it.
    """

    name: bytes
    arguments: list[bytes] = []
    result: Result = Result()
    left: int | None = None
    former: int | None = None
    attached: int | None = None


class Signal(Item):
    """Be a signal that a task got; ``body`` is what stands between the dashes."""

    body: bytes


class Ended(Item):
    """Be the end of a task."""

    code: int | None = None
    signal: str | None = None
    core: bool = False


class Told(Item):
    """Be a message of strace's about a process."""

    message: Message


class Named(Item):
    """Say that the lines without a pid up to here were those of ``tid``."""


class After(Item):
    """Say that what follows comes after all that ``task``, a thread, did: its exec was the end."""

    task: int
