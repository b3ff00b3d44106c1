"""Fixtures for tests that only a whole machine of its own can run; elsewhere none is collected."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.conftest import container, forktrace, image, image_archive, need, rootfs, unique
from tests.engines.systemd_lab import is_whole_machine

__all__ = ["container", "forktrace", "image", "image_archive", "need", "rootfs", "unique"]

if not is_whole_machine():
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def keep() -> Callable[[Path, str], None]:
    """Return what gives a trace a name, under which it is brought back."""
    folder = os.environ.get("FORKTRACE_KEEP")

    def copy(trace: Path, name: str) -> None:
        if folder:
            shutil.copy(trace, Path(folder) / f"{name}.jsonl")

    return copy
