"""Turn what a user asked for into passes."""

import re
from fnmatch import translate

from forktrace.errors import UsageError
from forktrace.model.process import Process
from forktrace.views.options import ViewOptions
from forktrace.views.select.focus import focus_on
from forktrace.views.select.limits import fit, to_depth
from forktrace.views.select.many import fold_many
from forktrace.views.select.scene import Scene
from forktrace.views.select.selection import Pass, Selection, drop, keep


def asked_for(options: ViewOptions) -> list[Pass]:
    """Return the passes that a user asked for, but the limit, which comes last of all.

    Raises (the passes do):
        UsageError: nothing would be left.
    """
    passes: list[Pass] = []
    if options.focus is not None:
        passes.append(focus_on(options.focus))
    if options.only:
        passes.append(only_roles(options.only))
    if options.hide:
        passes.append(hide(options.hide))
    if options.depth is not None:
        passes.append(to_depth(options.depth))
    return passes


def folded(options: ViewOptions) -> list[Pass]:
    """Return what is folded unless the user says how much there is to be."""
    return [] if options.unfolded or options.max_processes else [fold_many]


def limited(options: ViewOptions, default: int | None) -> list[Pass]:
    """Return the pass that fits a view into its most rows, none where there is no limit."""
    limit = options.max_processes or (None if options.unfolded else default)
    return [fit(limit)] if limit is not None else []


def only_roles(roles: tuple[str, ...]) -> Pass:
    """Make a pass that keeps processes with one of these roles, and those above them."""

    def select(scene: Scene, selection: Selection) -> Selection:
        found = {id_ for id_, role in scene.findings.roles.items() if role.role in roles}
        result = keep(scene, selection, found)
        if not result.rows:
            raise UsageError(f"no process has the role {' or '.join(roles)} in what is shown")
        return result

    return select


def hide(patterns: tuple[str, ...]) -> Pass:
    """Make a pass that takes away processes whose program fits a pattern, with all below them.

    Patterns are those of a shell ("ip*"), for the short name of the last program.
    """
    matches = [re.compile(translate(pattern)).match for pattern in patterns]

    def is_hidden(process: Process) -> bool:
        return any(match(process.name) for match in matches)

    def select(scene: Scene, selection: Selection) -> Selection:
        found = {p.id for p in scene.launch.processes.values() if is_hidden(p)}
        result = drop(scene, selection, scene.with_below(found))
        if not result.rows:
            raise UsageError(f"--hide {patterns[0]} leaves nothing to show")
        return result

    return select
