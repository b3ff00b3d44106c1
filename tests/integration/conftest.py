"""Fixtures for tests on real processes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration.harness import Forktrace, end_process
from tests.integration.pitfalls import Tracer


@pytest.fixture
def forktrace(tmp_path: Path) -> Forktrace:
    """Return forktrace, to be run as a process with its own state folder."""
    return Forktrace(tmp_path)


@pytest.fixture
def end_later() -> Iterator[Callable[[int], None]]:
    """Return what names a left-over process, which is killed by its pid after the test."""
    pids: list[int] = []
    yield pids.append
    for pid in pids:
        end_process(pid)


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for programs that are built once."""
    return tmp_path_factory.mktemp("builds")


@pytest.fixture
def tracer(
    request: pytest.FixtureRequest, tmp_path: Path, builds: Path, missing: Missing
) -> Iterator[Tracer]:
    """Return forktrace as the marker ``pitfalls.without`` wants it."""
    made = Tracer(tmp_path, builds, missing, *request.param)
    yield made
    made.close()


@pytest.fixture
def whole(tmp_path: Path, builds: Path, missing: Missing) -> Iterator[Tracer]:
    """Return forktrace as it is."""
    made = Tracer(tmp_path, builds, missing)
    yield made
    made.close()
