"""Hold what a lane diagram shows: its lanes from top to bottom, its events from left to right."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from forktrace.analysis.findings import Findings, Role
from forktrace.analysis.reaping import lasting_zombie_ns
from forktrace.model.facts import Adoption, Moment
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.lanes.cgroups import Move
from forktrace.views.select.selection import Row, Selection
from forktrace.views.words import cut, name_of

Kind = Literal["stand", "birth", "exec", "exit", "adopt", "reap", "session", "subreaper"]


@dataclass(slots=True)
class Event:
    """Be what a column stands for, on the lane with the index ``lane``; ``order`` sorts them."""

    order: float
    kind: Kind
    lane: int
    image: Image | None = None
    adoption: Adoption | None = None


@dataclass(slots=True)
class Lane:
    """Be one lane, with the columns of what happens on it.

    ``birth`` is 0 (the field's left edge) for what was there before the trace, ``end`` the last
    column for what was not seen to end. ``gone`` is the column up to which it was a zombie,
    ``end`` where that is not known. ``sessions`` are those where it called setsid,
    ``subreaper`` the one where it became a subreaper.
    """

    index: int
    process: Process
    role: Role | None
    row: Row
    birth: int = 0
    end: int = 0
    gone: int = 0
    sessions: list[int] = field(default_factory=list)
    subreaper: int | None = None
    execs: list[tuple[int, Image]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return how many processes share the lane."""
        return self.row.count

    @property
    def reaped_at_once(self) -> bool:
        """Say whether it was waited for before anything else happened."""
        return self.process.reap is not None and self.gone == self.end + 1

    @property
    def lasting_zombie(self) -> bool:
        """Say whether it was a zombie for long, next to how long it lived (which needs times)."""
        return lasting_zombie_ns(self.process) is not None

    @property
    def unseen(self) -> bool:
        """Say whether nothing but the birth of its process is known."""
        return self.process.unseen and self.process.exit is None

    @property
    def name(self) -> str:
        """Return the printable name of its process, cut where it is absurdly long."""
        return cut(name_of(self.process), 60)


@dataclass(frozen=True, slots=True)
class PlacedMove:
    """Be a change of cgroup, at the last column before it was seen: it has none of its own."""

    lane: Lane
    column: int
    move: Move


@dataclass(slots=True)
class Plan:
    """Be the lanes from top to bottom, and the events of columns 1, 2, …, from left to right.

    Column 0 is the field's left edge, column ``last`` its right one. ``plain_waits`` counts the
    waits that were left out, as they followed at once and by the parent. ``times`` is when each
    column was, in ns, where the axis is time; else it is empty.
    """

    launch: Launch
    findings: Findings
    selection: Selection
    lanes: list[Lane]
    events: list[Event]
    index: dict[str, int]
    moves: list[PlacedMove] = field(default_factory=list)
    plain_waits: int = 0
    times: list[int] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Return the number of the column at the right edge."""
        return len(self.events) + 1

    def numbered(self) -> Iterator[tuple[int, Event]]:
        """Yield each event with its column."""
        return enumerate(self.events, start=1)

    def column_at(self, at: Moment) -> int:
        """Return the last column that is not after a moment."""
        return bisect_right(self.events, float(at.seq), key=lambda event: event.order)

    def lane_of(self, id_: str | None) -> Lane | None:
        """Return the lane of a process, None where it has none."""
        return self.lanes[self.index[id_]] if id_ in self.index else None
