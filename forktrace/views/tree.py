"""Arrange the processes of a launch as the rows of a tree, each under its real parent at birth.

There is no recursion, as a trace may hold a chain of 100,000 processes.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from forktrace.analysis.findings import Findings, Role
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.notes import Narrator
from forktrace.views.options import ViewOptions
from forktrace.views.select.alike import fold_alike
from forktrace.views.select.choose import asked_for, folded, limited
from forktrace.views.select.limits import containers_of, end_of
from forktrace.views.select.scene import by_parent
from forktrace.views.select.selection import Row as Selected
from forktrace.views.select.selection import Selection, apply

# Up to so many processes only siblings with the same arguments are folded, and helpers of the same
# program, of which an engine starts dozens; above it all that ran the same program.
SMALL = 60


@dataclass(slots=True)
class Row:
    """Be a line of the tree: a process, or ``count`` of them that are alike.

    ``above`` is the row of the real parent at birth; ``last`` marks that one's last child. Of a
    folded row ``process`` is the first, ``same_argv`` says if all had its arguments, and
    ``argv`` holds those at the start that all are known to have had. ``within`` are the
    processes below this row that have no row, ``ids`` those that share it.
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
    within: Sequence[str] = ()
    ids: Sequence[str] = ()


@dataclass(slots=True)
class Tree:
    """Be the rows, in walking order, and the selection that they show."""

    rows: list[Row]
    selection: Selection


def build_tree(
    launch: Launch,
    findings: Findings,
    options: ViewOptions | None = None,
    limit: int | None = None,
) -> Tree:
    """Arrange the processes that are to be shown, siblings that did the same folded into one row.

    Processes outside the trace have a row only where one of the trace was born under them.

    Args:
        launch: the launch.
        findings: what analysis found in it.
        options: what the user asked to see.
        limit: the most rows, where the user names none; what tells least and lies deepest goes
            first, counted in the row above it.

    Raises:
        UsageError: what the user asked for is not there.
    """
    asked = options or ViewOptions()
    narrated = _Narrated(launch, findings)
    same = [] if asked.unfolded else [*folded(asked), fold_alike(narrated.deed)]
    passes = [*asked_for(asked), *same, *limited(asked, limit)]
    selection = apply(by_parent(launch, findings), passes)
    return Tree(_rows(launch, findings, selection, narrated.notes), selection)


def outside_rows(launch: Launch, tree: Tree) -> list[Row]:
    """Return rows for the adopters outside the trace that have none, for views that show them."""
    present = {row.process.id for row in tree.rows}
    ids = dict.fromkeys(a.parent for row in tree.rows for a in row.process.adoptions)
    adopters = [launch.processes[id_] for id_ in ids if id_ not in present]
    return [Row(process, None, [], ids=(process.id,)) for process in adopters if process.outside]


class _Narrated:
    """Know what is said of each process, and by that which did the same."""

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self._by_argv = len(launch.processes) <= SMALL
        self._findings = findings
        self._narrator = Narrator(launch, findings)
        self._containers = containers_of(findings)
        self._notes: dict[str, list[str]] = {}

    def notes(self, process: Process) -> list[str]:
        """Return the clauses about a process."""
        if process.id not in self._notes:
            self._notes[process.id] = self._narrator.notes(process)
        return self._notes[process.id]

    def deed(self, process: Process) -> Hashable:
        """Return what a process did: its program, part, end, and what is said of it."""
        role = _role(self._findings, process)
        compares_argv = self._by_argv and role != "helper"
        return (
            process.name,
            process.attached,
            tuple(process.argv) if compares_argv else None,
            role,
            end_of(process),
            tuple(self.notes(process)),
            self._containers.get(process.id),
        )


def _role(findings: Findings, process: Process) -> Role | None:
    found = findings.roles.get(process.id)
    return found.role if found else None


def _rows(
    launch: Launch,
    findings: Findings,
    selection: Selection,
    notes: Callable[[Process], list[str]],
) -> list[Row]:
    rows: dict[str, Row] = {}
    youngest: dict[int, Row] = {}
    for selected in selection.rows:
        process = launch.processes[selected.id]
        above = rows.get(process.parent or "") if not process.outside else None
        row = Row(process, _role(findings, process), notes(process), above)
        row.depth = above.depth + 1 if above else 0
        row.count, row.within, row.ids = selected.count, selected.within, selected.ids
        _share_argv(row, launch, selected)
        rows[selected.id] = row
        older = youngest.get(id(above))
        if older is not None:
            older.last = False
        youngest[id(above)] = row
    return list(rows.values())


def _share_argv(row: Row, launch: Launch, selected: Selected) -> None:
    argvs = [launch.processes[id_].argv for id_ in selected.ids]
    row.argv = _shared_start(argvs)
    row.same_argv = all(argv == row.argv for argv in argvs)


def _shared_start(argvs: Sequence[list[str]]) -> list[str]:
    shared = argvs[0]
    for argv in argvs:
        while shared != argv[: len(shared)]:
            shared = shared[:-1]
    return shared
