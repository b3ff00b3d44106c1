"""A few of CPython's own tests under forktrace; ``python -m tests.other_suites`` runs them all."""

from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.other_suites import suites
from tests.other_suites.cpython import CPython, interpreter

SHORT = (
    CPython(
        "test_subprocess",
        tuple(
            f"*POSIXProcessTestCase.test_*{word}*"
            for word in ("exception", "kill", "preexec", "session", "group", "restore", "signal")
        ),
    ),
    CPython("test_os", ("*SpawnTests*", "*PidTests*")),
    CPython("test_signal", ("*PosixTests*", "*PendingSignalsTests*")),
    CPython("test_posix", ("*PosixSpawn*",)),
    CPython("test_popen"),
    CPython("test_pty"),
)


@pytest.mark.parametrize("suite", SHORT, ids=lambda suite: suite.name)
def test_each_test_ends_as_it_does_untraced(
    suite: CPython, tmp_path: Path, missing: Missing
) -> None:
    try:
        interpreter(suite.name)
        found = suites.compare(suite, tmp_path)
    except suites.Missing as error:
        missing(str(error))
    assert found.differences == {}
    assert found.tests - found.skipped >= 3
