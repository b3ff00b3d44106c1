"""Arrange the processes of a launch as the rows of a tree, each under its real parent at birth.

There is no recursion, as a trace may hold a chain of 100,000 processes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forktrace.analysis.findings import Findings, Role
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.notes import Narrator

# Up to so many processes only siblings with the same arguments are folded, and helpers of the same
# program, of which an engine starts dozens; above it all that ran the same program.
SMALL = 60
_SHORTEST_FOLD = 3  # two alike are as clear in two rows
_PLAIN_ROLES = (None, "helper", "other")

_Under = dict[str | None, list[str]]
_Group = list[Process]  # siblings that did the same, in creation order


@dataclass(slots=True)
class Row:
    """Be a line of the tree: a process, or ``count`` of them that did the same.

    ``above`` is the row of the real parent at birth; ``last`` marks that one's last child. Of a
    folded row ``process`` is the first, ``same_argv`` says if all had its arguments, and
    ``argv`` holds those at the start that all are known to have had. ``hidden`` counts the
    processes below this row that have no row.
    """

    process: Process
    role: Role | None
    notes: list[str]
    above: "Row | None" = None
    depth: int = 0
    last: bool = True
    count: int = 1
    same_argv: bool = True
    argv: Sequence[str] = ()
    hidden: int = 0


@dataclass(slots=True)
class Tree:
    """Be the rows, in walking order.

    ``folded`` counts the processes that share the row of another, ``hidden`` those with no row.
    """

    rows: list[Row]
    folded: int = 0
    hidden: int = 0


def build_tree(launch: Launch, findings: Findings, limit: int | None = None) -> Tree:
    """Arrange all processes, siblings that did the same folded into one row.

    Processes outside the trace have a row only where one of the trace was born under them.

    Args:
        launch: the launch.
        findings: what analysis found in it.
        limit: the most rows; what tells least and lies deepest goes first, counted in the row
            above it.
    """
    under = _children(launch)
    shapes = _Shapes(launch, findings, by_argv=len(launch.processes) <= SMALL)
    groups: dict[str | None, list[_Group]] = {}
    for id_ in [*reversed(_walk(under)), None]:  # children before their parent
        groups[id_] = shapes.group(under.get(id_, ()))
        if id_ is not None:
            shapes.take(launch.processes[id_], groups[id_])
    rows = _rows(groups, shapes)
    tree = Tree(rows, folded=sum(row.count - 1 for row in rows))
    return tree if limit is None or len(rows) <= limit else _limit(tree, limit)


def outside_rows(launch: Launch, tree: Tree) -> list[Row]:
    """Return rows for the adopters outside the trace that have none, for views that show them."""
    present = {row.process.id for row in tree.rows}
    ids = dict.fromkeys(a.parent for row in tree.rows for a in row.process.adoptions)
    adopters = [launch.processes[id_] for id_ in ids if id_ not in present]
    return [Row(process, None, []) for process in adopters if process.outside]


def _children(launch: Launch) -> _Under:
    """Map each process to those born under it; None to those born under nobody that is known."""
    under: _Under = defaultdict(list)
    for process in launch.inside:
        under[process.parent if process.parent in launch.processes else None].append(process.id)
    outside = [p.id for p in launch.processes.values() if p.outside and p.id in under]
    under[None] = under[None] + outside
    return under


def _walk(under: _Under) -> list[str]:
    order: list[str] = []
    stack = list(reversed(under[None]))
    while stack:
        id_ = stack.pop()
        order.append(id_)
        stack.extend(reversed(under.get(id_, ())))
    return order


class _Shapes:
    """Tell which subtrees did the same: the same programs, roles, ends, notes and children."""

    def __init__(self, launch: Launch, findings: Findings, *, by_argv: bool) -> None:
        self._launch = launch
        self._findings = findings
        self._by_argv = by_argv
        self._narrator = Narrator(launch, findings)
        self._numbers: dict[object, int] = {}
        self._shape: dict[str, int] = {}
        self.notes: dict[str, list[str]] = {}

    def role(self, id_: str) -> Role | None:
        found = self._findings.roles.get(id_)
        return found.role if found else None

    def compares_argv(self, process: Process) -> bool:
        return self._by_argv and self.role(process.id) != "helper"

    def take(self, process: Process, below: Iterable[_Group]) -> None:
        """Number the shape of a process whose children are known already."""
        notes = self.notes[process.id] = self._narrator.notes(process)
        shape = (
            process.name,
            tuple(process.argv) if self.compares_argv(process) else None,
            self.role(process.id),
            process.exit and (process.exit.code, process.exit.signal),
            tuple(notes),
            tuple(sorted((self._shape[g[0].id], len(g)) for g in below)),
        )
        self._shape[process.id] = self._numbers.setdefault(shape, len(self._numbers))

    def group(self, siblings: Sequence[str]) -> list[_Group]:
        """Put those of the same shape together, at the place of their first."""
        alike: dict[int, _Group] = defaultdict(list)
        for id_ in siblings:
            alike[self._shape[id_]].append(self._launch.processes[id_])
        result: dict[str, _Group] = {}
        for id_ in siblings:
            group = alike[self._shape[id_]]
            if len(group) < _SHORTEST_FOLD:
                result[id_] = [self._launch.processes[id_]]
            else:
                result.setdefault(group[0].id, group)
        return list(result.values())


def _rows(groups: dict[str | None, list[_Group]], shapes: _Shapes) -> list[Row]:
    rows: list[Row] = []
    stack = _pending(groups[None], None)
    while stack:
        group, above, last = stack.pop()
        first = group[0]
        within = above.count if above else 1
        row = Row(first, shapes.role(first.id), shapes.notes[first.id], above, last=last)
        row.depth = above.depth + 1 if above else 0
        row.count = len(group) * within
        row.argv = _shared_start([process.argv for process in group])
        row.same_argv = all(process.argv == row.argv for process in group)
        if within > 1 and not shapes.compares_argv(first):  # the others' children may differ
            row.argv, row.same_argv = row.argv[:1], False
        rows.append(row)
        stack += _pending(groups[first.id], row)
    return rows


def _shared_start(argvs: Sequence[list[str]]) -> list[str]:
    shared = argvs[0]
    for argv in argvs:
        while shared != argv[: len(shared)]:
            shared = shared[:-1]
    return shared


def _pending(groups: list[_Group], above: Row | None) -> list[tuple[_Group, Row | None, bool]]:
    """Return what is still to be laid out under a row, the first child at the stack's top."""
    return [(g, above, i == 0) for i, g in enumerate(reversed(groups))]


def _limit(tree: Tree, limit: int) -> Tree:
    """Keep the rows that tell most, then those nearest to the top; count the others above them."""
    telling = _with_those_above(r for r in tree.rows if r.notes or r.role not in _PLAIN_ROLES)
    ranked = sorted(tree.rows, key=lambda row: (id(row) not in telling, row.depth))
    kept = {id(row) for row in ranked[:limit]}
    rows = [row for row in tree.rows if id(row) in kept]
    gone = [row for row in tree.rows if id(row) not in kept]
    for row in gone:
        above = row.above
        while above is not None and id(above) not in kept:
            above = above.above
        if above is not None:
            above.hidden += row.count
    return Tree(rows, sum(row.count - 1 for row in rows), sum(row.count for row in gone))


def _with_those_above(rows: Iterable[Row]) -> set[int]:
    found: set[int] = set()
    for row in rows:
        at: Row | None = row
        while at is not None and id(at) not in found:
            found.add(id(at))
            at = at.above
    return found
