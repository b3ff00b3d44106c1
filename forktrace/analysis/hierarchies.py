"""Read which cgroup hierarchies a process is in, and choose the one that tells most."""

from collections.abc import Collection, Mapping, Sequence

V2 = ""  # as /proc/PID/cgroup has it: no controllers stand there
SYSTEMD = "name=systemd"
_BEST_KNOWN = (V2, SYSTEMD, "memory", "pids")


def paths(lines: Sequence[str]) -> dict[str, str]:
    """Return the path in each hierarchy from the lines of /proc/PID/cgroup (cgroups(7))."""
    found = {}
    for line in lines:
        _, colon, rest = line.partition(":")
        controllers, second, path = rest.partition(":")
        if colon and second:
            found[controllers] = path
    return found


def rank(hierarchy: str) -> int:
    """Return the place of a hierarchy among those that people look at first."""
    return _BEST_KNOWN.index(hierarchy) if hierarchy in _BEST_KNOWN else len(_BEST_KNOWN)


def telling(found: Mapping[str, Mapping[str, str]], mattering: Collection[str] = ()) -> str | None:
    """Return the hierarchy that sets processes apart most; None where there is none.

    Of those that do so equally, cgroup v2 is taken first, then systemd's own: with cgroup v1 a
    process may be moved in some hierarchies only, as podman moves conmon in those of controllers.

    Args:
        found: the path of each process by its id, for each hierarchy.
        mattering: the ids of those that are to be told apart before all others.
    """

    def order(hierarchy: str) -> tuple[int, int, bool, int, str]:
        of = found[hierarchy]
        kinds = set(of.values())
        first = {of[id_] for id_ in mattering if id_ in of}
        return -len(first), -len(kinds), kinds == {"/"}, rank(hierarchy), hierarchy

    return min(found, key=order, default=None)
