"""The pictures in examples/ are what the program draws from the traces there."""

from pathlib import Path

import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.render.registry import find_format
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/launch.jsonl"))


def test_there_are_examples() -> None:
    assert EXAMPLES / "podman-run" in FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", ["launch.svg", "launch.txt"])
def test_a_committed_picture_is_what_is_drawn_now(folder: Path, name: str) -> None:
    launch = build_launch(read_trace(folder / "launch.jsonl"))
    made = find_format(name.rpartition(".")[2]).load()(launch, analyse(launch), ViewOptions())
    committed = (folder / name).read_text()
    assert made == committed, "draw it again with 'make gallery', and look at the difference"
