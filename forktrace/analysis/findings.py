"""Hold what the passes find, apart from what was observed."""

from dataclasses import dataclass, field
from typing import Literal

from forktrace.model.process import Moment

Role = Literal[
    "engine", "monitor", "runtime", "init-stage", "container", "helper", "cleanup", "other"
]


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


@dataclass(slots=True)
class Findings:
    """Be the result of all passes: ``roles`` by id, ``double_forks`` by the daemon's id.

    ``subreapers`` by id. ``unwaited`` maps the id of an ended process to that of its real parent,
    which was not seen to wait for it; it is empty where waits were not recorded. ``signals``
    maps a process that a signal killed to who sent it that signal before, as far as recorded.
    """

    roles: dict[str, RoleFinding] = field(default_factory=dict)
    double_forks: dict[str, DoubleFork] = field(default_factory=dict)
    subreapers: dict[str, Subreaper] = field(default_factory=dict)
    unwaited: dict[str, str] = field(default_factory=dict)
    signals: dict[str, list[str]] = field(default_factory=dict)
