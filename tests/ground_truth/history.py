"""Hold what one recorder, the kernel's tracepoints or forktrace, says that a tree of tasks did.

Both are brought to the same form, so that they can be compared task by task. A task is named by
its tid (a process by its pid); tids are reused, so each has a list, in order of time.
"""

from collections import defaultdict
from dataclasses import dataclass, field

CLONE_PTRACE = 0x00002000
CLONE_PARENT = 0x00008000
CLONE_THREAD = 0x00010000
CLONE_UNTRACED = 0x00800000


@dataclass(frozen=True)
class Creation:
    """Be one fork: who made the task, as a thread of itself or not, with which flags.

    ``flags`` is None where the recorder does not know them.
    """

    creator: int
    thread: int
    makes_thread: bool
    flags: int | None

    def __str__(self) -> str:
        flags = "unknown" if self.flags is None else hex(self.flags)
        kind = "thread" if self.makes_thread else "process"
        return f"created as a {kind} by thread {self.thread} of {self.creator}, flags {flags}"


@dataclass(frozen=True)
class Step:
    """Be one step of a task's life: "start", "exec" or "end".

    ``path`` and ``former`` belong to an exec: the file name, and the tid of the thread that
    called it (the pid, if that was the leader).
    """

    kind: str
    path: bytes | None = None
    former: int | None = None

    def __str__(self) -> str:
        if self.kind != "exec":
            return self.kind
        path = "?" if self.path is None else repr(self.path)[1:]
        return f"exec of {path} by thread {self.former}"


START, END = Step("start"), Step("end")


@dataclass
class History:
    """Be all that one recorder says of a tree: creations and lives by tid.

    ``events`` counts what the recorder reported of the tree: forks, execs and exits of tasks.
    """

    creations: dict[int, list[Creation]] = field(default_factory=lambda: defaultdict(list))
    lives: dict[int, list[Step]] = field(default_factory=lambda: defaultdict(list))
    events: int = 0
