"""Fixtures for tests of real engines: what they need, an image without a registry, clean-up."""

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.engines.lab import Need, Watched, podman, unique_name
from tests.integration.harness import end_process

# What the image's shell scripts need; all are links to busybox.
LINKS = ("sh", "echo", "sleep", "true", "false", "cat", "kill", "read", "ps", "setsid", "date")
SEARCH = f"{os.environ['PATH']}:/usr/sbin:/sbin:/usr/libexec/podman:/usr/lib/podman"


@pytest.fixture
def forktrace(tmp_path: Path) -> Iterator[Watched]:
    """Return forktrace, to be run as a process with its own state folder; end what is left."""
    made = Watched(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def need(missing: Missing) -> Need:
    """Return what a test calls with the names of the programs that it can't do without."""

    def check(*programs: str) -> None:
        if os.geteuid() != 0:
            missing("engines are traced as root here")
        for program in programs:
            if shutil.which(program, path=SEARCH) is None:
                missing(f"{program} is not installed")

    return check


@pytest.fixture(scope="session")
def rootfs(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a root file system: busybox, links to it, and empty folders."""
    need("busybox")
    folder = tmp_path_factory.mktemp("rootfs")
    for name in ("bin", "proc", "dev", "sys", "tmp", "etc", "run", "usr", "var"):
        (folder / name).mkdir()
    shutil.copy(str(shutil.which("busybox")), folder / "bin" / "busybox")
    for name in LINKS:
        (folder / "bin" / name).symlink_to("busybox")
    return folder


@pytest.fixture(scope="session")
def image_archive(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tar file of the root file system, for ``podman import`` or ``docker import``."""
    archive = tmp_path_factory.mktemp("image") / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(rootfs, ".")
    archive.chmod(0o644)
    return archive


@pytest.fixture(scope="session")
def image(need: Need, image_archive: Path) -> Iterator[str]:
    """Import the image into root's podman, under a name of its own; remove it at the end."""
    need("podman", "conmon", "runc")
    name = unique_name()
    podman("import", str(image_archive), name)
    yield name
    podman("rmi", "-f", name)


@pytest.fixture
def container() -> Iterator[str]:
    """Return a name for a podman container, which is removed at the end if it is still there."""
    name = unique_name()
    yield name
    podman("rm", "-f", "-t", "0", name, check=False)


@pytest.fixture
def unique() -> str:
    """Return a name that nothing else has, for a container, a pod, a user."""
    return unique_name()


@pytest.fixture
def end_later() -> Iterator[Callable[[int], None]]:
    """Return what names a left-over process, which is killed by its pid after the test."""
    pids: list[int] = []
    yield pids.append
    for pid in pids:
        end_process(pid)
