"""Arrange the processes of a moment by cgroup, in one of the hierarchies that a system has."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from forktrace.analysis.findings import Findings
from forktrace.analysis.hierarchies import SYSTEMD, V2, paths, telling
from forktrace.errors import UsageError
from forktrace.model.standing import Standing
from forktrace.views.ps import PsRow
from forktrace.views.words import ELLIPSIS, cut, printable

_LEVELS = 40  # of a path that are told apart; the kernel's own limit is far above what is used
_PARTS = 4  # of a path, at its end, that a short name may need to be telling
_CHARS = 200  # of a hierarchy's name, and of a part of a path
_NAMED = 16  # hierarchies named in an error
_ID = re.compile(r"[0-9a-f]{32,}")


@dataclass(slots=True)
class Group:
    """Be a cgroup: its ``name`` in the one above, the processes in it, and the groups below."""

    name: str
    members: list[Standing] = field(default_factory=list)
    groups: dict[str, "Group"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Be one hierarchy at a moment: ``paths`` maps a process' id to its cgroup, where known."""

    name: str
    paths: Mapping[str, str]

    @property
    def words(self) -> str:
        """Return what to call it."""
        return "v2" if self.name == V2 else f"v1, {cut(printable(self.name), _CHARS)}"


def hierarchies(
    standings: Iterable[Standing], findings: Findings, at_ns: int
) -> dict[str, Hierarchy]:
    """Return the hierarchies that any of the processes was in, in the kernel's order.

    Where analysis knows when a process came to a cgroup, that is taken; it is more exact than
    what the last look at it showed.

    Args:
        standings: how the processes stood.
        findings: what analysis found in the launch.
        at_ns: the moment, in ns from the start of the trace.
    """
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for standing in standings:
        id_ = standing.process.id
        for name, path in paths(standing.cgroup or ()).items():
            found[name][id_] = path
        for stay in findings.cgroups.get(id_, ()):
            if stay.since.at_ns <= at_ns:
                found[stay.hierarchy][id_] = stay.path
    return {name: Hierarchy(name, of) for name, of in found.items()}


def choose_hierarchy(
    found: Mapping[str, Hierarchy], findings: Findings, wanted: str | None
) -> Hierarchy:
    """Return the hierarchy to show: the one that is asked for, else the one that tells most.

    That is the one that sets engine, monitor and first process of the containers apart, then all
    processes; of equal ones v2, then systemd's.

    Args:
        found: the hierarchies by name.
        findings: what analysis found in the launch.
        wanted: "v2", "systemd", or a controller ("memory"); None for the telling one.

    Raises:
        UsageError: there is none of that name.
    """
    if wanted is not None:
        return _wanted(found, wanted)
    parts = [i for c in findings.containers for i in (c.engine, c.monitor, c.init) if i]
    parts += [session.process for c in findings.containers for session in c.exec_sessions]
    best = telling({name: hierarchy.paths for name, hierarchy in found.items()}, parts)
    return Hierarchy(V2, {}) if best is None else found[best]


def _wanted(found: Mapping[str, Hierarchy], wanted: str) -> Hierarchy:
    names = {"v2": V2, "unified": V2, "systemd": SYSTEMD}
    fitting = names.get(wanted, wanted)
    for name, hierarchy in found.items():
        if name == fitting or (name != V2 and fitting in name.split(",")):
            return hierarchy
    known = [cut(printable(name), _CHARS) or "v2" for name in found][:_NAMED]
    there = f"it has: {', '.join(known)}" if known else "no cgroup is known at this moment"
    raise UsageError(f"this trace has no cgroup hierarchy '{cut(printable(wanted), 40)}'; {there}")


def group(rows: Iterable[PsRow], hierarchy: Hierarchy) -> tuple[Group, list[Standing]]:
    """Return the root cgroup with all others below it, and those whose cgroup is not known."""
    root = Group("/")
    unknown = []
    for row in rows:
        path = hierarchy.paths.get(row.standing.process.id)
        if path is None:
            unknown.append(row.standing)
            continue
        at = root
        for part in path.strip("/").split("/", _LEVELS):
            if part:
                at = at.groups.setdefault(part, Group(part))
        at.members.append(row.standing)
    return root, unknown


def short_names(hierarchy: Hierarchy) -> dict[str, str]:
    """Map each path to a short name: its last part, with ids cut, or as many as tell it apart."""
    paths = set(hierarchy.paths.values())
    names = {path: _end(path, 1) for path in paths}
    for parts in range(2, _PARTS + 1):
        count = Counter(names.values())
        names = {p: _end(p, parts) if count[n] > 1 else n for p, n in names.items()}
    return names


def _end(path: str, parts: int) -> str:
    ends = path.rsplit("/", parts)[1:] if path.count("/") >= parts else path.split("/")
    return "/".join(short_part(part) for part in ends) or "/"


def short_part(part: str) -> str:
    """Return a part of a path made harmless to print, ids cut to their first 12 digits."""
    return _ID.sub(lambda id_: id_[0][:12] + ELLIPSIS, printable(part[:_CHARS]))
