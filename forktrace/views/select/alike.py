"""Fold processes that did the same, with all below them, into one row and its rows below.

Of ten "gcc" with a "cc1" each two rows remain: one for all "gcc", one below for all "cc1".
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby

from forktrace.model.process import Process
from forktrace.views.select.scene import Scene
from forktrace.views.select.selection import Pass, Row, Selection, drop

Key = Callable[[Process], Hashable | None]
_Shape = int | str  # an id, of one that is like no other
_Family = Sequence[Row]  # the rows right below a row
_Group = tuple[_Shape, list[Row]]  # those of one shape in a family

_SHORTEST = 3  # two alike are as clear in two rows


def fold_alike(key: Key, *, only_neighbours: bool = False) -> Pass:
    """Make a pass that folds siblings that did the same.

    Args:
        key: says what a process did, apart from what is below it; None of one that is like none.
        only_neighbours: fold only those that stand one after the other.
    """

    def fold(scene: Scene, selection: Selection) -> Selection:
        families = _families(scene, selection)
        shapes = _shapes(scene, selection, key, ordered=only_neighbours)
        place = {id_: place for place, id_ in enumerate(scene.order)}

        def groups(family: _Family) -> list[_Group]:
            ranked = family if only_neighbours else _by_first(family, shapes)
            runs = groupby(ranked, key=lambda row: shapes[row.id])
            return [(shape, list(rows)) for shape, rows in runs]

        rows: list[Row] = []

        def bundles(alike: Sequence[_Family]) -> list[list[Row]]:
            # Last first; two alike that keep their rows keep their places too.
            found = _bundles(alike, groups)
            return sorted(found, key=lambda bundle: place[bundle[0].id], reverse=True)

        stack = bundles([families.get(None, [])])
        while stack:
            bundle = stack.pop()
            rows.append(_joined(bundle))
            stack.extend(bundles([families.get(row.id, []) for row in bundle]))
        return Selection(tuple(rows), selection.left_out)

    return fold


def tuck_in(scene: Scene, selection: Selection) -> Selection:
    """Count what stands below a folded row in that row."""
    folded = {row.id for row in selection.rows if row.count > 1}
    gone: set[str] = set()
    for row in selection.rows:
        over = scene.above[row.id]
        if over in folded or over in gone:
            gone.add(row.id)
    return drop(scene, selection, gone)


def _families(scene: Scene, selection: Selection) -> dict[str | None, list[Row]]:
    present = {row.id for row in selection.rows}
    result: dict[str | None, list[Row]] = {}
    for row in selection.rows:
        over = scene.above[row.id]
        result.setdefault(over if over in present else None, []).append(row)
    return result


def _shapes(scene: Scene, selection: Selection, key: Key, *, ordered: bool) -> dict[str, _Shape]:
    """Tell what each process did, with all below it: equal shapes did the same."""
    shown = {id_ for row in selection.rows for id_ in row.ids}
    numbers: dict[Hashable, int] = {}
    result: dict[str, _Shape] = {}
    for id_ in reversed(scene.order):  # children before who is above them
        below = [result[child] for child in scene.under.get(id_, ())]
        what = key(scene.launch.processes[id_])
        if what is None or any(isinstance(shape, str) for shape in below):
            result[id_] = id_
        else:
            children = tuple(below if ordered else sorted(below, key=int))
            result[id_] = numbers.setdefault((what, id_ in shown, children), len(numbers))
    return result


def _by_first(family: _Family, shapes: dict[str, _Shape]) -> list[Row]:
    """Put rows of the same shape together, at the place of the first."""
    together: dict[_Shape, list[Row]] = {}
    for row in family:
        together.setdefault(shapes[row.id], []).append(row)
    return [row for rows in together.values() for row in rows]


def _bundles(
    families: Sequence[_Family], groups: Callable[[_Family], list[_Group]]
) -> list[list[Row]]:
    """Return which rows become one.

    ``families`` are the children of processes that are one row already, so they did the same too:
    what is one row in one family is one with its likes in the others.
    """
    likes: dict[tuple[_Shape, int], list[list[Row]]] = {}
    for family in families:
        times: Counter[_Shape] = Counter()
        for shape, rows in groups(family):
            times[shape] += 1
            likes.setdefault((shape, times[shape]), []).append(rows)
    result: list[list[Row]] = []
    for alike in likes.values():
        if sum(row.count for row in alike[0]) >= _SHORTEST or len({*map(len, alike)}) > 1:
            result.append([row for rows in alike for row in rows])
        else:
            result += [list(bundle) for bundle in zip(*alike, strict=True)]
    return result


def _joined(rows: Iterable[Row]) -> Row:
    first, *others = rows
    return Row(
        first.id,
        first.alike + tuple(id_ for row in others for id_ in row.ids),
        first.within + tuple(id_ for row in others for id_ in row.within),
    )
