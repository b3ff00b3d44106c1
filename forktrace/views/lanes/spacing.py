"""Know which columns of a lane diagram belong together, and how far apart they may stand."""

from collections.abc import Sequence
from itertools import pairwise

from forktrace.views.lanes import style
from forktrace.views.lanes.clearance import clearances
from forktrace.views.lanes.columns import Need, narrowest
from forktrace.views.lanes.edges import SWING, Edge
from forktrace.views.lanes.plan import Plan

_PAIRS = (("birth", "exec"), ("exit", "reap"))  # one lane's events that belong together
_MINOR = frozenset(("stand", "reap", "session", "subreaper"))  # small marks, which need less room


class Spacing:
    """Know which columns belong together, and place them."""

    def __init__(self, plan: Plan, edges: Sequence[Edge]) -> None:
        self._rigid: set[int] = set()
        self._after_curve: set[int] = set()
        self._minor: set[int] = set()
        self._marks: set[int] = set()  # two on one lane, which must not run together
        for column in range(2, plan.last):
            before, event = plan.events[column - 2], plan.events[column - 1]
            if plan.lanes[event.lane].lasting_zombie and event.kind == "reap":
                continue
            if ((before.kind, event.kind) in _PAIRS and before.lane == event.lane) or (
                event.kind == "adopt" and before.kind in ("exit", "adopt")
            ):
                self._rigid.add(column)
            elif before.kind == "adopt":
                self._after_curve.add(column)
            elif not _MINOR.isdisjoint((before.kind, event.kind)):
                self._minor.add(column)
            if before.lane == event.lane:
                self._marks.add(column)
        self._apart = clearances(plan, edges)
        self._last = plan.last
        self._lasting = [0, *(after - before for before, after in pairwise(plan.times))]
        if plan.times:
            self._rigid = set()  # what belongs together stands where its time is

    def place(self, gap: float, needs: list[Need], scale: float = 0.0) -> list[float]:
        """Return the x of each column, with ``gap`` px between those that are free.

        Where the axis is time a column is at least ``scale`` px a ns from the one before it.
        """
        gaps = [gap] * (self._last + 1)
        gaps[0], gaps[1] = 0.0, 12.0
        for column in self._minor:
            gaps[column] = min(gap, style.TIGHT)
        for column in self._marks if gap > style.DENSE_GAP else ():
            gaps[column] = max(gaps[column], style.MARKS_GAP)
        for column in (*self._after_curve, self._last):
            gaps[column] = max(gap, SWING + 10)  # the curve swings out
        for column in range(1, self._last + 1) if scale else ():
            gaps[column] = max(gaps[column], scale * self._lasting[column])
        tight = min(gap, style.TIGHT)
        apart = self._apart if gap > style.DENSE_GAP else []
        return narrowest(gaps, [*needs, *apart], dict.fromkeys(self._rigid, tight))
