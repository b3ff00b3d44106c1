"""forktrace's record against the kernel's: the short run of ``python -m tests.ground_truth``."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.ground_truth import run
from tests.ground_truth import workloads as lab
from tests.ground_truth.compare import compare
from tests.ground_truth.recorded import read_records
from tests.ground_truth.tracefs import Incomplete, Unavailable, require_tracefs
from tests.integration import harness

BUFFER_KB = 8 * 1024
PATIENCE = max(100.0, harness.PATIENCE)  # seconds; a hang ends as a failure


@pytest.fixture(scope="module")
def tracefs(missing: Missing) -> None:
    try:
        require_tracefs()
    except Unavailable as error:
        missing(str(error))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, missing: Missing) -> Iterator[None]:
    try:
        lab.make_image(tmp_path_factory.mktemp("image"))
    except lab.Missing as error:
        missing(str(error))
    yield
    lab.remove_image()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that other users can reach too, as some workloads run as another user."""
    with tempfile.TemporaryDirectory(prefix="forktrace-ground-truth-") as made:
        yield Path(made)


@pytest.mark.parametrize("workload", lab.WORKLOADS, ids=lambda w: w.name)
def test_every_fork_exec_and_exit_is_as_the_kernel_recorded_it(
    workload: lab.Workload,
    folder: Path,
    tracefs: None,
    missing: Missing,
    request: pytest.FixtureRequest,
) -> None:
    if "podman" in workload.needs:
        request.getfixturevalue("image")
    try:
        command = workload.prepare(folder, 1)
    except lab.Missing as error:
        missing(str(error))
    found = run.check(command, folder, buffer_kb=BUFFER_KB, patience=PATIENCE)
    assert found.differences == []
    assert found.events >= workload.least


def test_a_record_without_one_of_its_events_differs(tmp_path: Path, tracefs: None) -> None:
    command = ["sh", "-c", "/bin/true; ( : ); echo a | cat"]
    kernel, records = run.record(command, tmp_path, buffer_kb=BUFFER_KB, patience=PATIENCE)
    assert compare(kernel, read_records(records)).differences == []
    for kind in ("create", "exec", "exit"):
        places = [i for i, r in enumerate(records) if r["event"] == kind]
        for place in places:
            rest = records[:place] + records[place + 1 :]
            assert compare(kernel, read_records(rest)).differences, records[place]


def test_a_buffer_that_is_too_small_is_an_error_and_no_difference(
    tmp_path: Path, tracefs: None
) -> None:
    command = ["sh", "-c", "for i in $(seq 300); do /bin/true; done"]
    with pytest.raises(Incomplete, match="lost events"):
        run.record(command, tmp_path, buffer_kb=4, patience=PATIENCE)
