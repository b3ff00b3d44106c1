"""Group processes by what they share: a container, a cgroup, a session, a PID namespace."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from forktrace.analysis.findings import Findings
from forktrace.analysis.hierarchies import V2, paths, telling
from forktrace.model.history import History
from forktrace.model.launch import Launch
from forktrace.views.containers import container_words
from forktrace.views.namespaces import pid_namespaces
from forktrace.views.options import Cluster
from forktrace.views.select.limits import containers_of
from forktrace.views.words import cut, printable, short_ids

_PATH_CHARS = 60


@dataclass(frozen=True, slots=True)
class Group:
    """Be the processes that share something; ``label`` is printable and says what."""

    label: str
    ids: frozenset[str]


def find_groups(launch: Launch, findings: Findings, by: Cluster) -> list[Group]:
    """Return the groups, in the order of their first processes.

    A process that moved is where it was seen last; one of which that is not known is in none.
    """
    finders: Mapping[Cluster, Callable[[], Iterable[tuple[str, str]]]] = {
        "container": lambda: _containers(findings),
        "cgroup": lambda: _cgroups(launch),
        "session": lambda: _sessions(launch),
        "pidns": lambda: _pid_namespaces(launch),
    }
    labels = dict(finders[by]())
    members: dict[str, set[str]] = {}
    for id_ in launch.processes:
        if id_ in labels:
            members.setdefault(labels[id_], set()).add(id_)
    return [Group(label, frozenset(ids)) for label, ids in members.items()]


def _containers(findings: Findings) -> Iterable[tuple[str, str]]:
    words = {found.key: container_words(found) for found in findings.containers}
    many = len(set(words.values())) < len(words)
    for id_, key in containers_of(findings).items():
        yield id_, f"{words[key]} ({key})" if many else words[key]


def _sessions(launch: Launch) -> Iterable[tuple[str, str]]:
    history = History(launch, "sid")
    for id_ in launch.processes:
        sid = history.last(id_)
        if sid:  # 0: led by a process in another PID namespace, which can be any (proc(5))
            yield id_, f"session {sid}"


def _pid_namespaces(launch: Launch) -> Iterable[tuple[str, str]]:
    found = pid_namespaces(launch)
    for process in launch.inside:
        if process.id in found:
            yield process.id, f"PID namespace, {found[process.id]}"
        elif process.nspid:
            yield process.id, "PID namespace of the tracer"


def _cgroups(launch: Launch) -> Iterable[tuple[str, str]]:
    """Yield the paths in the hierarchy that tells most apart; of equal ones in that of v2."""
    history = History(launch, "cgroup")
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for id_ in launch.processes:
        for hierarchy, path in paths(history.last(id_) or ()).items():
            found[hierarchy][id_] = path
    best = telling(found) or V2
    kind = f"cgroup ({printable(best)})" if best else "cgroup"
    for id_, path in found[best].items():
        yield id_, f"{kind} {_short(printable(path))}"


def _short(path: str) -> str:
    """Shorten ids, and leave out the middle of a path that is still long."""
    path = short_ids(path)
    if len(path) <= _PATH_CHARS:
        return path
    half = _PATH_CHARS // 2
    return cut(path, half) + path[-half:]
