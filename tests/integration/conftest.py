"""Fixtures for tests on real processes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.harness import Forktrace, end_process


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
