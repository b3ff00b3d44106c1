"""Fold a selection only as far as needed for a number of rows, what tells least first."""

from collections.abc import Hashable, Iterable, Iterator

from forktrace.analysis.findings import Findings, Role
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.select.alike import fold_alike, tuck_in
from forktrace.views.select.scene import Scene
from forktrace.views.select.selection import Pass, Row, Selection, drop, keep

_FULL = 1 / 3  # of the rows that there may be, which is better than just a few
MAX_ROWS = 60  # more lanes than this and a picture is a wallpaper


def fit(limit: int) -> Pass:
    """Make a pass that folds only as far as needed for at most ``limit`` rows."""

    def fold(scene: Scene, selection: Selection) -> Selection:
        for step in _ever_harder(scene, limit):
            if len(selection.rows) <= limit:
                break
            selection = step(scene, selection)
        return selection

    return fold


def _ever_harder(scene: Scene, limit: int) -> Iterator[Pass]:
    key = Deeds(scene.launch, scene.findings)
    yield fold_alike(key, only_neighbours=True)
    yield fold_alike(key)
    yield tuck_in
    pins = scene.with_above(pinned(scene.launch, scene.findings))
    yield fold_deepest(limit, pins)
    yield keep_first(limit)


class Deeds:
    """Tell what each process did: equal ones ran the same program, with the same part and end.

    Who adopted or left orphans is like no other (None). Orphans of one parent are alike.
    """

    def __init__(self, launch: Launch, findings: Findings) -> None:
        adoptions = [a for process in launch.inside for a in process.adoptions]
        self._unlike = {id_ for a in adoptions for id_ in (a.parent, a.previous)}
        self._roles = findings.roles
        self._containers = containers_of(findings)

    def __call__(self, process: Process) -> Hashable | None:
        """Return what a process did, to be compared; None where nothing is like it."""
        if process.id in self._unlike:
            return None
        found = self._roles.get(process.id)
        return (
            process.name,
            process.attached,
            found and found.role,
            end_of(process),
            tuple((a.parent, a.death) for a in process.adoptions),
            self._containers.get(process.id),
        )


def end_of(process: Process) -> Hashable:
    """Return how a process ended, None if it was not seen to."""
    return process.exit and (process.exit.code, process.exit.signal)


def containers_of(findings: Findings) -> dict[str, str]:
    """Map each process in a container to the container's key."""
    return {id_: found.key for found in findings.containers for id_ in found.members}


def fold_deepest(limit: int, pins: set[str]) -> Pass:
    """Make a pass that folds level by level from below, but ``pins``, until ``limit`` rows stay.

    Where so little would be left that the picture tells nothing, it folds nothing.
    """

    def fold(scene: Scene, selection: Selection) -> Selection:
        foldable = sorted(scene.depth[row.id] for row in selection.rows if row.id not in pins)
        room = max(limit - (len(selection.rows) - len(foldable)), 0)
        if len(foldable) <= room:
            return selection
        deepest = max(foldable[room] - 1, 0)
        deeper = {row.id for row in selection.rows if scene.depth[row.id] > deepest} - pins
        too_few = len(selection.rows) - len(deeper) < limit * _FULL
        return selection if too_few else drop(scene, selection, deeper)

    return fold


def to_depth(depth: int) -> Pass:
    """Make a pass that folds all that is deeper than ``depth`` levels below the top."""

    def fold(scene: Scene, selection: Selection) -> Selection:
        return keep(scene, selection, (i for i, level in scene.depth.items() if level <= depth))

    return fold


def keep_first(limit: int) -> Pass:
    """Make a pass that keeps ``limit`` rows: those that tell most, then those nearest the top."""

    def fold(scene: Scene, selection: Selection) -> Selection:
        ranks: dict[str, int] = {}
        groups = list(_telling_most_first(scene))
        for rank, ids in enumerate(groups):
            for id_ in scene.with_above(ids):
                ranks.setdefault(id_, rank)

        def order(row: Row) -> tuple[int, int]:
            found = [ranks[id_] for id_ in row.ids if id_ in ranks]
            return min(found, default=len(groups)), scene.depth[row.id]

        ordered = sorted(selection.rows, key=order)
        return drop(scene, selection, {row.id for row in ordered[limit:]})

    return fold


def _telling_most_first(scene: Scene) -> Iterator[Iterable[str]]:
    """Yield whom a picture should keep with all above them, each group before the next.

    Those are one container after the other, so that the first one's path is whole before that of
    another begins; what starts or cleans up after them comes behind what they are made of.
    """
    launch, findings = scene.launch, scene.findings
    containers = findings.containers
    for container in containers:
        yield [container.init] if container.init else []
    yield [container.monitor for container in containers if container.monitor]
    yield [id_ for container in containers for id_ in container.members]
    telling = _telling(launch, findings)
    yield {id_ for id_ in telling if _role(findings, id_) not in ("runtime", "cleanup")}
    yield telling
    yield _lasting(launch)


def _role(findings: Findings, id_: str) -> Role | None:
    found = findings.roles.get(id_)
    return found.role if found else None


def pinned(launch: Launch, findings: Findings) -> set[str]:
    """Return the processes that a picture should keep.

    These are the launch's root, those with a part in a container launch, those that changed
    parent or adopted, and those that the launch left running.
    """
    return _telling(launch, findings) | _lasting(launch)


def _telling(launch: Launch, findings: Findings) -> set[str]:
    result = {launch.root} if launch.root else set()
    for process in launch.inside:
        finding = findings.roles.get(process.id)
        if finding and finding.role not in ("helper", "other"):
            result.add(process.id)
        for adoption in process.adoptions:
            result |= {process.id, adoption.parent}
            result |= {adoption.death} if adoption.death else set()
    return result


def _lasting(launch: Launch) -> set[str]:
    return {p.id for p in launch.inside if p.exit is None and not p.attached}
