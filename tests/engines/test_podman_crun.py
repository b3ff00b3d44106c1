"""podman with crun, which needs no stages, and can do without cgroups."""

from collections.abc import Sequence

import pytest

from tests.engines.lab import (
    RUN,
    WAIT,
    Need,
    cgroup_of,
    inspect,
    namespaces_of,
    start,
)
from tests.engines.traced import Traced
from tests.integration.harness import Forktrace, status_field

pytestmark = pytest.mark.engine
CRUN = [word.replace("runc", "crun") for word in RUN]
# crun refuses v1 hierarchies with a v2 one beside them: then it gets the former alone, in a mount
# namespace of its own.
V1_ALONE = (
    "unshare", "--mount", "sh", "-c",
    'if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi; exec "$@"',
    "sh",
)  # fmt: skip
V2_ALONE = (
    "unshare", "--mount", "sh", "-c",
    'umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"', "sh",
)  # fmt: skip


@pytest.fixture
def crun(forktrace: Forktrace, need: Need) -> Forktrace:
    """Return forktrace where crun runs."""
    need("crun", "unshare", "mountpoint")
    forktrace.program = (*V1_ALONE, *forktrace.program)
    return forktrace


def run_one(
    crun: Forktrace, name: str, *more: str, command: Sequence[str] = CRUN
) -> tuple[Traced, dict[int, dict[str, object]]]:
    """Run a container to its end; returns its trace, and what /proc said of conmon and it."""
    run = start(crun, *command, "--rm", "-i", "--name", name, *more, "sh", "-c", WAIT)
    run.up()
    state = inspect(name)["State"]
    seen: dict[int, dict[str, object]] = {
        int(state[each]): {
            "cgroup": cgroup_of(int(state[each])),
            "ns": namespaces_of(int(state[each])),
            "ppid": status_field(int(state[each]), "PPid:"),
        }
        for each in ("ConmonPid", "Pid")
    }
    return run.end(status=7), seen


def test_no_stages(crun: Forktrace, image: str, container: str) -> None:
    traced, seen = run_one(crun, container, image)
    conmon, payload = map(traced.with_pid, seen)
    create = traced.the("crun", "create", creator=conmon)
    assert payload.creator == create.id
    assert traced.parents(payload) == [create.id, conmon.id]
    assert seen[payload.pid]["ppid"] == str(conmon.pid)
    assert payload.creation is not None
    assert "CLONE_NEWPID" in payload.creation.flags
    assert traced.with_role("init-stage") == []
    # crun executes a sealed copy of itself first
    words = [image.argv for image in create.images if "create" in image.argv]
    assert len(words) == 2
    assert words[0] == words[1]
    assert payload.exit is not None
    assert payload.exit.code == 7
    roles = [traced.role(p) for p in (traced.root, conmon, create, payload)]
    assert roles == ["engine", "monitor", "runtime", "container"]
    for process in (conmon, payload):
        assert traced.cgroup(process) == seen[process.pid]["cgroup"]
        assert traced.namespaces(process) == seen[process.pid]["ns"]
    assert traced.cgroup(payload) != traced.cgroup(conmon)
    made = traced.container()
    assert (made.name, made.image) == (container, image)
    assert (made.monitor, made.init) == (conmon.id, payload.id)
    calls = [set(traced.process(id_).argv) for id_ in made.runtimes]
    assert [call & {"create", "start", "delete"} for call in calls] == [
        {"create"}, {"start"}, {"delete"},
    ]  # fmt: skip


def test_without_cgroups(crun: Forktrace, image: str, container: str) -> None:
    """All stay where podman is, and the graph is the same."""
    traced, seen = run_one(crun, container, "--cgroups=disabled", image)
    conmon, payload = map(traced.with_pid, seen)
    own = traced.cgroup(traced.root)
    for process in (conmon, payload):
        assert traced.cgroup(process) == own == seen[process.pid]["cgroup"]
        assert {stay.how for stay in traced.findings.cgroups[process.id]} == {"inherited"}
    create = traced.the("crun", "create", creator=conmon)
    assert traced.parents(payload) == [create.id, conmon.id]
    assert traced.role(payload) == "container"


def test_born_in_its_cgroup(forktrace: Forktrace, need: Need, image: str, container: str) -> None:
    """On cgroup v2, without systemd, CLONE_INTO_CGROUP spares the move.

    The options are for a v2 hierarchy without controllers, and a crun that may raise no limit.
    """
    need("crun", "unshare")
    forktrace.program = (*V2_ALONE, *forktrace.program)
    command = ["podman", "--cgroup-manager", "cgroupfs", *CRUN[1:]]
    more = ("--privileged", "--pids-limit=0", image)
    traced, seen = run_one(forktrace, container, *more, command=command)
    conmon, payload = map(traced.with_pid, seen)
    assert payload.creation is not None
    assert "CLONE_INTO_CGROUP" in payload.creation.flags
    for process in (conmon, payload):
        assert traced.cgroup(process) == seen[process.pid]["cgroup"]
    (stay,) = [s for s in traced.findings.cgroups[payload.id] if s.hierarchy == ""]
    assert stay.how == "clone"
    assert f"0::{stay.path}" in traced.cgroup(payload)
    assert stay.since == payload.born
