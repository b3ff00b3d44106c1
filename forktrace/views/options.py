"""Hold what a user may choose about a picture, apart from its format."""

from dataclasses import dataclass
from typing import Literal

Theme = Literal["auto", "light", "dark", "print"]
Cluster = Literal["container", "cgroup", "session", "pidns"]

# What a user can ask for by name; ``forktrace.analysis.findings.Role`` says what each is.
ROLES = ("engine", "monitor", "runtime", "init-stage", "container", "helper", "cleanup", "other")


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """Be the choices that every view understands.

    ``width`` is in columns for text and in pixels for pictures, None for the format's default;
    ``color`` allows terminal colours; ``theme`` is for pictures. ``cluster`` says what the boxes
    of the tree are grouped by. ``time``: the lanes' axis is wall time, not the order of events.

    What is shown: ``focus`` names a container or a process whose path matters, ``only`` the roles
    to keep, ``hide`` patterns of programs to leave out, ``depth`` the levels, ``max_processes``
    the most rows; what they take away is counted. ``unfolded`` gives every process a row.

    ``normalize``: what differs from run to run is replaced beforehand (``views.normalize``).
    """

    width: int | None = None
    color: bool = False
    theme: Theme = "auto"
    cluster: Cluster | None = None
    time: bool = False
    focus: str | None = None
    only: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    depth: int | None = None
    max_processes: int | None = None
    normalize: bool = False
    unfolded: bool = False

    @property
    def by_default(self) -> bool:
        """Say whether what is shown was left to the view: nothing of it was asked for."""
        asked = (self.focus, self.only, self.hide, self.max_processes, self.unfolded)
        return not any(asked) and self.depth is None
