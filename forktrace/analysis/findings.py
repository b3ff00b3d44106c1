"""Hold what the passes find, apart from what was observed."""

from dataclasses import dataclass, field
from typing import Literal

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


@dataclass(slots=True)
class Findings:
    """Be the result of all passes: ``roles`` by id, ``double_forks`` by the daemon's id.

    ``subreapers`` maps the id of a process that must have been a subreaper (it adopted a
    process whose parent died, and is not its PID namespace's init) to the first child adopted:
    inferred, as no file of /proc shows the flag.
    """

    roles: dict[str, RoleFinding] = field(default_factory=dict)
    double_forks: dict[str, DoubleFork] = field(default_factory=dict)
    subreapers: dict[str, str] = field(default_factory=dict)
