"""Give a test cgroups of its own, so that what an engine makes there is gone with them."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.integration.harness import wait_until

ENTER = 'for file in $FORKTRACE_TEST_CGROUPS; do echo 0 >"$file"; done; exec "$@"'


@contextmanager
def new_cgroups() -> Iterator[list[Path]]:
    """Make a cgroup in every hierarchy, below the one that we are in; remove them at the end.

    Yields:
        The ``cgroup.procs`` of each: a process that writes 0 to it enters.
    """
    name = f"forktrace-{uuid.uuid4().hex[:12]}"
    made: list[Path] = []
    try:
        for parent in own_cgroups():
            cgroup = parent / name
            cgroup.mkdir()
            made.append(cgroup)
            if (parent / "cpuset.cpus").exists() and (parent / "tasks").exists():
                for file in ("cpuset.cpus", "cpuset.mems"):  # v1: nobody can enter an empty one
                    (cgroup / file).write_text((parent / file).read_text())
        yield [cgroup / "cgroup.procs" for cgroup in made]
    finally:
        for cgroup in made:
            wait_until(partial(_remove, cgroup), f"{cgroup} is removed")


def own_cgroups() -> Iterator[Path]:
    """Yield our own cgroup in each hierarchy that is mounted, as a folder."""
    paths = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        paths[controllers] = path.lstrip("/")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, target, kind, options, *_ = line.split()
        if kind == "cgroup2":
            yield Path(target) / paths[""]
        elif kind == "cgroup":
            told = set(options.split(","))
            (path,) = [p for c, p in paths.items() if c and set(c.split(",")) <= told]
            yield Path(target) / path


def _remove(cgroup: Path) -> bool:
    """Remove a cgroup and all below it; False where a process that ends is in one yet."""
    try:
        for folder, _, _ in os.walk(cgroup, topdown=False):
            Path(folder).rmdir()
    except OSError:
        return False
    return True
