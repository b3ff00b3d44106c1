"""Know forktrace itself where it stands in the tree: as the real parent of the traced command."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from forktrace.model.facts import Sample
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.model.standing import Standing

_NAME = "forktrace"  # also its id where it has none: no process of a trace has that one
_HANDED_ON = ("pgid", "sid", "tty", "cgroup")


@dataclass(frozen=True, slots=True)
class CommandParent:
    """Be forktrace as the one who forked the command ``root``; it is no process of the trace."""

    process: Process
    root: Process

    @property
    def id(self) -> str:
        """Return the id that it goes by as a parent."""
        return self.process.id

    def adopt(self, standing: Standing) -> Standing:
        """Return how the command stood, under forktrace where that was its parent then.

        It was where PPid has been read and shows so. Where PPid was never read that is inferred:
        forktrace has forked the command, and no adoption was seen. Any other process is returned
        as it is.
        """
        if standing.process is not self.root or standing.parent is not None:
            return standing
        never_read = standing.ppid is None and self.root.parent is None and not self.root.adoptions
        if not never_read and standing.ppid != self.process.pid:
            return standing
        return replace(standing, parent=self.id, ppid=self.process.pid, inferred=never_read)

    def standing(self, seen: int) -> Standing:
        """Return how it stood, as far as that was known up to event ``seen``.

        Nobody looks at forktrace. But fork(2) and execve(2) hand on group, session, terminal and
        cgroup, so it was where the command was first seen to be, before that did anything.
        """
        known: dict[str, Any] = {}
        for sample in self._before_the_command(seen):
            told = {name: getattr(sample, name) for name in _HANDED_ON}
            known = {name: v for name, v in told.items() if v is not None} | known
        if "cgroup" in known:
            known["cgroup"] = tuple(known["cgroup"])
        image = Image(self.root.born, None, [_NAME])
        return Standing(self.process, "outside", image=image, comm=_NAME, **known)

    def _before_the_command(self, seen: int) -> Iterator[Sample]:
        """Yield the looks at the command up to its first exec: before it was forktrace's code."""
        first = next((i.at.seq for i in self.root.images if not i.inherited), seen)
        return (s for s in self.root.samples if s.at.seq <= min(first, seen))


def command_parent(launch: Launch) -> CommandParent | None:
    """Return forktrace where it has forked the command, not only attached to it or looked at it."""
    root = launch.processes.get(launch.root or "")
    pid = launch.header.tracer
    if root is None or root.attached or pid is None:
        return None
    if launch.header.source not in ("run", "demo"):
        return None
    outside = (p for p in launch.processes.values() if p.outside and p.pid == pid)
    own = next(outside, None) or Process(_NAME, pid, root.born, outside=True)
    return CommandParent(own, root)
