"""What the traces in examples/ say of containers: each engine's, as it was recorded."""

from pathlib import Path

import pytest

from forktrace.analysis.findings import Findings
from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace.reader import read_trace

EXAMPLES = Path(__file__).parents[2] / "examples"

# For each case the program that watches over each container, and what its init executed last.
CONTAINERS = {
    "podman-run": [("conmon", "echo hi")],
    "podman-foreground": [("conmon", "sh -c /bin/date; /bin/sleep 0.2; exit 3")],
    "podman-detached": [("conmon", "sleep 1000")],
    "podman-pod": [("conmon", "/catatonit -P"), ("conmon", "echo hi")],
    "podman-netavark": [("conmon", "echo hi")],
    "podman-no-conmon": [("conmon", "echo hi")],
    "podman-crun": [("conmon", "echo hi")],
    "podman-crun-no-cgroups": [("conmon", "echo hi")],
    "rootless": [("conmon", "echo hi")],
    "buildah": [("buildah-oci-runtime", "/bin/echo hi")],
    "buildah-chroot": [(None, "/bin/echo hi")],
    "bubblewrap": [("bwrap", None)],
    "nspawn": [("systemd-nspawn", "/bin/sleep 0.1")],
}  # fmt: skip
WITHOUT = (
    "fork-exec", "vfork", "pipeline", "zombie", "orphan", "daemon", "subreaper", "clone-parent",
    "thread-exec", "pid-namespace",
)  # fmt: skip


def load(case: str) -> tuple[Launch, Findings]:
    launch = build_launch(read_trace(EXAMPLES / case / "launch.jsonl"))
    return launch, analyse(launch)


@pytest.mark.parametrize("case", CONTAINERS)
def test_containers(case: str) -> None:
    launch, findings = load(case)
    found = []
    for container in findings.containers:
        assert container.init is not None
        init = launch.processes[container.init]
        own = bool(init.images) and not init.images[-1].inherited
        monitor = launch.processes[container.monitor].name if container.monitor else None
        found.append((monitor, " ".join(init.argv) if own else None))
        assert container.init in container.members
        assert findings.roles[container.init].role == "container"
    assert found == CONTAINERS[case]


def test_an_exec_session() -> None:
    """The container ran before: nothing is known of its init, but what was executed in it."""
    launch, findings = load("podman-exec")
    (container,) = findings.containers
    assert container.init is None
    (session,) = container.exec_sessions
    assert session.monitor is not None
    process = launch.processes[session.process]
    assert process.argv == ["date"]
    assert process.adoptions[-1].parent == session.monitor


@pytest.mark.parametrize("case", WITHOUT)
def test_no_containers(case: str) -> None:
    _, findings = load(case)
    assert findings.containers == []
    assert {found.role for found in findings.roles.values()} == {"other"}
