"""Fold the many short-lived siblings of one program into one row, whatever each was told to do."""

from collections.abc import Hashable, Iterator

from forktrace.model.process import Process
from forktrace.views.select.limits import containers_of, end_of
from forktrace.views.select.scene import Scene
from forktrace.views.select.selection import Row, Selection

MANY = 7  # so many rows of one program tell no more than one that counts them
SAME = 4  # the same of those that had the same arguments and ended alike


def fold_many(scene: Scene, selection: Selection) -> Selection:
    """Fold siblings of the same program, where there are at least ``MANY``, or ``SAME`` alike.

    They are those that have ended, with nobody below them, that changed no parent and left no
    zombie: an engine's dozens of iptables, whatever their arguments and exit codes.
    """
    programs: dict[Hashable, list[Row]] = {}
    kinds = _Kinds(scene)
    for row in selection.rows:
        kind = kinds.of(row)
        programs.setdefault(row.id if kind is None else kind, []).append(row)
    groups = [group for rows in programs.values() for group in _groups(scene, rows)]
    folded = {rows[0].id: rows for rows in groups}
    gone = {row.id for rows in groups for row in rows[1:]}
    rows = tuple(
        Row(row.id, tuple(i for r in folded[row.id] for i in r.ids)[1:])
        if row.id in folded
        else row
        for row in selection.rows
        if row.id not in gone
    )
    return Selection(rows, selection.left_out)


def _groups(scene: Scene, rows: list[Row]) -> Iterator[list[Row]]:
    """Yield those of one kind together, or those of them that did just the same."""
    if sum(row.count for row in rows) >= MANY:
        yield rows
        return
    same: dict[Hashable, list[Row]] = {}
    for row in rows:
        process = scene.launch.processes[row.id]
        same.setdefault((*process.argv, end_of(process)), []).append(row)
    yield from (alike for alike in same.values() if sum(row.count for row in alike) >= SAME)


class _Kinds:
    """Tell which rows can share one: those of one kind."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._containers = containers_of(scene.findings)

    def of(self, row: Row) -> Hashable | None:
        """Return what those that share a row have in common, None of one that keeps its own."""
        scene = self._scene
        process = scene.launch.processes[row.id]
        if row.within or row.id in scene.under or not self._is_brief(process):
            return None
        found = scene.findings.roles.get(row.id)
        role, container = found and found.role, self._containers.get(row.id)
        return scene.above[row.id], process.creator, process.name, role, container

    def _is_brief(self, process: Process) -> bool:
        findings = self._scene.findings
        return (
            process.exit is not None
            and not process.attached
            and not process.adoptions
            and not process.untraced
            and process.id not in findings.unwaited
            and process.id not in findings.subreapers
        )
