"""Hold a selection of processes, and take rows out of one without losing count."""

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, replace

from forktrace.views.select.scene import Scene


@dataclass(frozen=True, slots=True)
class Row:
    """Be one row: a process, and what it stands for.

    ``alike`` are those like it at the same place, of the same program at least; ``within`` are
    those below it (and below them) that have no row.
    """

    id: str
    alike: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the processes that share the row."""
        return (self.id, *self.alike)

    @property
    def count(self) -> int:
        """Return how many processes share the row."""
        return 1 + len(self.alike)


@dataclass(frozen=True, slots=True)
class Selection:
    """Be the rows of a view, in walking order, and the ids that found no row."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()

    @property
    def alike(self) -> int:
        """Return how many processes share the row of another."""
        return sum(len(row.alike) for row in self.rows)

    @property
    def within(self) -> int:
        """Return how many processes are counted in a row above them."""
        return sum(len(row.within) for row in self.rows)

    @property
    def hidden(self) -> int:
        """Return how many processes have no row of their own."""
        return self.alike + self.within + len(self.left_out)


Pass = Callable[[Scene, Selection], Selection]


def everything(scene: Scene) -> Selection:
    """Give each process of a scene a row."""
    return Selection(tuple(map(Row, scene.order)))


def apply(scene: Scene, passes: Iterable[Pass]) -> Selection:
    """Return what is left of everything after all passes, in their order."""
    selection = everything(scene)
    for select in passes:
        selection = select(scene, selection)
    return selection


def drop(scene: Scene, selection: Selection, gone: Set[str]) -> Selection:
    """Take rows away, and count each in the nearest row above it that stays."""
    host: dict[str, str | None] = {}
    within: dict[str, list[str]] = {}
    left_out = list(selection.left_out)
    for row in selection.rows:  # in walking order: what stands above comes first
        if row.id not in gone:
            host[row.id] = row.id
            continue
        target = host[row.id] = host.get(scene.above[row.id] or "")
        lost = (*row.ids, *row.within)
        (left_out if target is None else within.setdefault(target, [])).extend(lost)
    rows = (
        replace(row, within=row.within + tuple(within.get(row.id, ())))
        for row in selection.rows
        if row.id not in gone
    )
    return Selection(tuple(rows), tuple(left_out))


def keep(scene: Scene, selection: Selection, wanted: Iterable[str]) -> Selection:
    """Keep the rows of the wanted processes and those above them; drop the others."""
    kept = scene.with_above(wanted)
    gone = {row.id for row in selection.rows if kept.isdisjoint(row.ids)}
    return drop(scene, selection, gone)
