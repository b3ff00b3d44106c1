"""Fold a large launch into few rows, by small passes that can be combined.

Each pass takes rows and returns fewer. Nothing is lost silently: a row counts what it stands for,
and ``Folded.left_out`` lists what no row stands for.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace

from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.views.walk import home, walk

MAX_ROWS = 60  # more lanes than this and a picture is a wallpaper
_SHORTEST_RUN = 3  # two alike are as clear in two rows


@dataclass(frozen=True, slots=True)
class Row:
    """Be one row: a process, and what it stands for.

    ``alike`` are siblings that did the same; ``within`` are descendants (of them too) not shown.
    """

    id: str
    depth: int = 0
    alike: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Return how many siblings the row stands for, itself included."""
        return 1 + len(self.alike)


@dataclass(frozen=True, slots=True)
class Folded:
    """Be the rows of a view, in walking order, and the ids that found no row."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()

    @property
    def hidden(self) -> int:
        """Return how many processes have no row of their own."""
        return sum(len(r.alike) + len(r.within) for r in self.rows) + len(self.left_out)


Pass = Callable[[Launch, Findings, Folded], Folded]


def everything(launch: Launch) -> Folded:
    """Give each traced process a row."""
    return Folded(tuple(Row(id_, depth) for id_, depth in walk(launch)))


def fold_to(launch: Launch, findings: Findings, limit: int = MAX_ROWS) -> Folded:
    """Fold only as far as needed for at most ``limit`` rows."""
    folded = everything(launch)
    deepest = max((row.depth for row in folded.rows), default=0)
    passes: list[Pass] = [fold_runs, fold_alike]
    passes += [fold_below(depth) for depth in range(deepest - 1, -1, -1)]
    passes.append(keep_first(limit))
    for fold in passes:
        if len(folded.rows) <= limit:
            break
        folded = fold(launch, findings, folded)
    return folded


def fold_runs(launch: Launch, findings: Findings, folded: Folded) -> Folded:
    """Fold siblings one after the other that did the same, with all below them, into one row."""
    return _fold_groups(launch, findings, folded, only_neighbours=True)


def fold_alike(launch: Launch, findings: Findings, folded: Folded) -> Folded:
    """Fold all siblings that did the same, even where others stand between them."""
    return _fold_groups(launch, findings, folded, only_neighbours=False)


def fold_below(depth: int) -> Pass:
    """Make a pass that folds ended processes deeper than ``depth`` into the one above them."""

    def fold(launch: Launch, findings: Findings, folded: Folded) -> Folded:
        kept = _with_ancestors(launch, pinned(launch, findings))
        gone = {row.id for row in folded.rows if row.depth > depth and row.id not in kept}
        return _drop(launch, folded, gone)

    return fold


def keep_first(limit: int) -> Pass:
    """Make a pass that keeps ``limit`` rows: those that tell most, then the first ones."""

    def fold(launch: Launch, findings: Findings, folded: Folded) -> Folded:
        telling = _with_ancestors(launch, pinned(launch, findings))
        ordered = sorted(folded.rows, key=lambda row: (row.id not in telling, row.depth))
        return _drop(launch, folded, {row.id for row in ordered[limit:]})

    return fold


def pinned(launch: Launch, findings: Findings) -> set[str]:
    """Return the processes that a picture should keep.

    These are the launch's root, those with a part in a container launch, those that changed
    parent or adopted, and those that run still.
    """
    result = {launch.root} if launch.root else set()
    for process in launch.inside:
        finding = findings.roles.get(process.id)
        if (finding and finding.role not in ("helper", "other")) or process.exit is None:
            result.add(process.id)
        for adoption in process.adoptions:
            result |= {process.id, adoption.parent} | (
                {adoption.death} if adoption.death else set()
            )
    return result


def _with_ancestors(launch: Launch, ids: Iterable[str]) -> set[str]:
    result: set[str] = set()
    for start in ids:
        id_: str | None = start
        while id_ and id_ in launch.processes and id_ not in result:
            result.add(id_)
            id_ = home(launch.processes[id_])
    return result


def _fold_groups(
    launch: Launch, findings: Findings, folded: Folded, *, only_neighbours: bool
) -> Folded:
    shapes = _shapes(launch, findings, folded)
    first: dict[tuple[str | None, int, int], str] = {}
    members: dict[str, list[Row]] = {}
    run = 0
    last: tuple[str | None, int] | None = None
    for row in sorted(folded.rows, key=lambda r: r.depth):  # so that siblings are neighbours
        over, shape = home(launch.processes[row.id]), shapes.get(row.id)
        if shape is None:
            last = None
            continue
        if only_neighbours and (over, shape) != last:
            run += 1
        last = (over, shape)
        head = first.setdefault((over, shape, run), row.id)
        members.setdefault(head, []).append(row)
    merged = {
        head: replace(
            rows[0],
            alike=rows[0].alike + tuple(i for r in rows[1:] for i in (r.id, *r.alike)),
            within=tuple(i for r in rows for i in r.within),
        )
        for head, rows in members.items()
        if len(rows) >= _SHORTEST_RUN
    }
    return _merge(launch, folded, merged)


def _merge(launch: Launch, folded: Folded, merged: dict[str, Row]) -> Folded:
    """Put merged rows in place of their heads, and count what was below them as within."""
    owner = {i: head for head, row in merged.items() for i in (head, *row.alike)}
    shown: list[Row] = []
    below: dict[str, list[str]] = {}
    for row in folded.rows:  # creators come before what they created
        head = owner.get(home(launch.processes[row.id]) or "")
        if head is not None:
            owner[row.id] = head
            below.setdefault(head, []).extend((row.id, *row.alike, *row.within))
        elif row.id in merged:
            shown.append(merged[row.id])
        elif row.id not in owner:
            shown.append(row)
    rows = (replace(r, within=r.within + tuple(below.get(r.id, ()))) for r in shown)
    return Folded(tuple(rows), folded.left_out)


def _shapes(launch: Launch, findings: Findings, folded: Folded) -> dict[str, int]:
    """Number what each process did: equal numbers, same program, end, adopters and children.

    Who adopted or left orphans, and whatever stands above such a process, has no number.
    """
    unlike = _with_ancestors(launch, _adopting(launch))
    numbers: dict[object, int] = {}
    below: dict[str | None, list[int]] = {}
    result: dict[str, int] = {}
    for row in reversed(folded.rows):  # children before their creator
        process = launch.processes[row.id]
        if row.id in unlike:
            continue
        role = findings.roles.get(row.id)
        end = process.exit and (process.exit.code, process.exit.signal)
        parents = tuple((a.parent, a.death) for a in process.adoptions)
        shape = (process.name, role and role.role, end, parents, tuple(below.get(row.id, ())))
        result[row.id] = numbers.setdefault(shape, len(numbers))
        below.setdefault(home(process), []).append(result[row.id])
    return result


def _adopting(launch: Launch) -> set[str]:
    """Return who adopted, and who died and left orphans."""
    adoptions = [adoption for process in launch.inside for adoption in process.adoptions]
    return {a.parent for a in adoptions} | {a.previous for a in adoptions if a.previous}


def _drop(launch: Launch, folded: Folded, gone: Container[str]) -> Folded:
    """Take rows away, and count each within the nearest row above it that stays."""
    host: dict[str, str | None] = {}
    within: dict[str, list[str]] = {}
    left_out = list(folded.left_out)
    for row in folded.rows:
        if row.id not in gone:
            host[row.id] = row.id
            continue
        host[row.id] = host.get(home(launch.processes[row.id]) or "")
        lost = (row.id, *row.alike, *row.within)
        target = host[row.id]
        if target is None:
            left_out.extend(lost)
        else:
            within.setdefault(target, []).extend(lost)
    rows = (
        replace(r, within=r.within + tuple(within.get(r.id, ())))
        for r in folded.rows
        if r.id not in gone
    )
    return Folded(tuple(rows), tuple(left_out))
