"""What makes containers without an OCI runtime: bubblewrap, systemd-nspawn, buildah's chroot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.cgroups import ENTER, new_cgroups
from tests.engines.lab import WAIT, Need, Watched, call, cgroup_of, namespaces_of, start
from tests.engines.traced import Traced
from tests.integration.harness import Forktrace, Record, read_records, wait_until

pytestmark = pytest.mark.engine


def the_exec(trace: Path, *argv: str) -> Record | None:
    """Return the record of the execution of these arguments, None while there is none."""
    found = [r for r in read_records(trace) if r["event"] == "exec" and r.get("argv") == [*argv]]
    return found[0] if found else None


def pid_of(trace: Path, *argv: str) -> int:
    """Wait until these arguments were executed; returns by whom."""
    found = wait_until(lambda: the_exec(trace, *argv), f"{argv} was executed")
    return int(found["pid"])


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_bubblewrap(forktrace: Forktrace, rootfs: Path, need: Need, detail: str) -> None:
    """With a PID namespace of its own bwrap's child stays as its init, and forks the payload."""
    need("bwrap")
    command = ("bwrap", "--ro-bind", str(rootfs), "/", "--unshare-pid", "/bin/sh", "-c", WAIT)
    run = start(forktrace, *command, options=("--detail", detail))
    run.up()
    pid = pid_of(run.trace, "/bin/sh", "-c", WAIT)
    namespaces, cgroup = namespaces_of(pid), cgroup_of(pid)
    traced = run.end(status=7)
    payload = traced.with_pid(pid)
    init = traced.process(payload.creator)
    assert init.creator == traced.root.id
    assert init.nspid == [init.pid, 1]
    assert payload.nspid == [payload.pid, 2]
    assert traced.namespaces(payload) == namespaces
    assert traced.cgroup(payload) == cgroup == traced.cgroup(traced.root)
    assert [traced.role(p) for p in (traced.root, init, payload)] == [
        "monitor", "container", "container",
    ]  # fmt: skip
    made = traced.container()
    assert (made.id, made.monitor) == (None, traced.root.id)
    assert made.init == init.id
    assert made.members == [init.id, payload.id]


def test_bubblewrap_without_a_pid_namespace(forktrace: Forktrace, rootfs: Path, need: Need) -> None:
    need("bwrap")
    run = start(forktrace, "bwrap", "--ro-bind", str(rootfs), "/", "/bin/sh", "-c", WAIT)
    run.up()
    pid = pid_of(run.trace, "/bin/sh", "-c", WAIT)
    namespaces = namespaces_of(pid)
    traced = run.end(status=7)
    payload = traced.with_pid(pid)
    assert payload.creator == traced.root.id
    assert traced.namespaces(payload) == namespaces
    assert traced.namespaces(traced.root)["mnt"] != namespaces["mnt"]
    assert [traced.role(p) for p in (traced.root, payload)] == ["monitor", "container"]


@pytest.fixture
def confined(forktrace: Watched) -> Iterator[Forktrace]:
    """Return forktrace in cgroups of its own, as nspawn leaves behind those that it makes."""
    with new_cgroups() as files:
        forktrace.env["FORKTRACE_TEST_CGROUPS"] = " ".join(map(str, files))
        forktrace.program = ("sh", "-c", ENTER, "sh", *forktrace.program)
        yield forktrace
        forktrace.close()  # nobody may be in there when they are removed


@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_nspawn(confined: Forktrace, rootfs: Path, need: Need, detail: str, unique: str) -> None:
    """The outer child makes the inner one, and leaves it to nspawn, which is a subreaper."""
    need("systemd-nspawn")
    (rootfs / "etc" / "os-release").touch()
    command = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--pipe")
    run = start(
        confined,
        *(*command, f"--machine={unique}", "-D", str(rootfs), "/bin/sh", "-c", WAIT),
        options=("--detail", detail),
    )
    run.up()
    pid = pid_of(run.trace, "/bin/sh", "-c", WAIT)
    namespaces, cgroup = namespaces_of(pid), cgroup_of(pid)
    traced = run.end(status=7)
    payload, nspawn = traced.with_pid(pid), traced.root
    outer = traced.process(payload.creator)
    assert outer.creator == nspawn.id
    assert traced.parents(payload) == [outer.id, nspawn.id]
    assert payload.nspid == [pid, 1]
    assert traced.namespaces(payload) == namespaces
    assert traced.cgroup(payload) == cgroup
    assert [traced.role(p) for p in (nspawn, outer, payload)] == [
        "monitor", "init-stage", "container",
    ]  # fmt: skip
    made = traced.container()
    assert (made.monitor, made.init, made.members) == (nspawn.id, payload.id, [payload.id])
    assert traced.findings.subreapers[nspawn.id].inferred is (detail == "events")


@pytest.fixture
def work(need: Need, image_archive: Path, unique: str) -> Iterator[str]:
    """Return a container of buildah's, made from the image; both are removed at the end."""
    need("buildah", "podman", "runc")
    call("podman", "import", str(image_archive), unique)
    name = call("buildah", "from", "--name", f"{unique}-work", unique)
    yield name
    call("buildah", "rm", name)
    call("podman", "rmi", "-f", unique)


def run_buildah(
    forktrace: Forktrace, work: str, *options: str
) -> tuple[Traced, int, dict[str, int], list[str]]:
    """Run a command in buildah's container; returns its trace, and of the payload its pid,

    namespaces and cgroup.
    """
    run = start(forktrace, "buildah", "run", *options, work, "--", "/bin/sh", "-c", WAIT)
    run.up()
    pid = pid_of(run.trace, "/bin/sh", "-c", WAIT)
    namespaces, cgroup = namespaces_of(pid), cgroup_of(pid)
    return run.end(status=7), pid, namespaces, cgroup


def test_buildah_with_a_runtime(forktrace: Forktrace, work: str) -> None:
    """There is no conmon: buildah's own child calls the runtime, and adopts what that leaves."""
    traced, pid, namespaces, cgroup = run_buildah(
        forktrace, work, "--isolation", "oci", "--runtime", "runc", "--network=host"
    )
    payload = traced.with_pid(pid)
    assert traced.ran("conmon") == []
    (holder,) = [p for p in traced.created_by(traced.root) if p.argv[:1] == ["buildah-oci-runtime"]]
    create = traced.the("runc", "create", creator=holder)
    assert traced.parents(payload) == [create.id, holder.id]
    assert traced.role(traced.root) == "engine"
    assert traced.role(create) == "runtime"
    assert traced.role(payload) == "container"
    assert traced.namespaces(payload) == namespaces
    assert traced.cgroup(payload) == cgroup
    made = traced.container()
    assert (made.engine, made.init) == (traced.root.id, payload.id)
    assert made.monitor == holder.id


def test_buildah_with_chroot(forktrace: Forktrace, work: str) -> None:
    """Here nobody calls a runtime: buildah's grandchild changes its own namespaces."""
    traced, pid, namespaces, cgroup = run_buildah(forktrace, work, "--isolation", "chroot")
    payload = traced.with_pid(pid)
    setter = traced.process(payload.creator)
    assert setter.argv[:1] == ["buildah-chroot-exec"]
    assert traced.with_role("runtime") == []
    assert traced.namespaces(payload) == namespaces
    assert namespaces["mnt"] != traced.namespaces(traced.root)["mnt"]
    assert namespaces["pid"] == traced.namespaces(traced.root)["pid"]
    assert traced.cgroup(payload) == cgroup == traced.cgroup(traced.root)
    assert payload.exit is not None
    assert payload.exit.code == 7
    assert traced.role(traced.root) == "engine"
    assert traced.role(payload) == "container"
