"""The gallery's pictures are the same bytes wherever they are drawn from the same traces.

That other Python, other kernel and other processor must give what is committed.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.harness import PATIENCE, PROJECT

pytestmark = pytest.mark.timeout(6 * PATIENCE)
EXAMPLES = PROJECT / "examples"
CASES = sorted(path.parent.name for path in EXAMPLES.glob("*/launch.jsonl"))
DRAWN = ("launch.svg", "launch.txt", "tree.svg")
FORKTRACE = "/usr/local/bin/forktrace"


@pytest.mark.parametrize("case", CASES)
def test_drawn_here_it_is_as_committed(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    (folder / case).mkdir(parents=True)
    shutil.copy(EXAMPLES / "redraw", folder)
    shutil.copy(EXAMPLES / case / "launch.jsonl", folder / case)
    command = ("sh", str(folder / "redraw"), FORKTRACE, case)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    committed = {name: (EXAMPLES / case / name).read_bytes() for name in DRAWN}
    drawn = {name: (folder / case / name).read_bytes() for name in DRAWN}
    assert [name for name in DRAWN if drawn[name] != committed[name]] == []


def test_there_is_a_gallery() -> None:
    assert "podman-run" in CASES
