"""The same trace gives the same bytes: in any process, locale, time zone, folder and Python."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import PATIENCE, PROJECT

TRACES = ("podman-run", "podman-netavark", "docker-daemon", "pipeline")
OUTPUTS = (
    *("a.txt", "a.svg", "tree:tree.svg", "a.json", "a.html", "a.dot", "a.mmd"),
    *("sequence:seq.mmd", "a.md", "story:story.md", "a.graphml", "a.perfetto.json"),
)
VARIATIONS: dict[str, dict[str, str]] = {
    "C locale, east": {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu"},
    "Turkish, no UTF-8, wide": {
        "PYTHONHASHSEED": "4242",
        "LC_ALL": "tr_TR",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "COLUMNS": "200",
        "FORCE_COLOR": "1",
    },
    "another user, optimised": {"HOME": "/nowhere", "USER": "alice", "PYTHONOPTIMIZE": "2"},
}


def draw(folder: Path, trace: str, python: str, *options: str, **more: str) -> dict[str, bytes]:
    """Draw a trace in all formats, in a process of its own; return each file's bytes."""
    folder.mkdir(parents=True)
    outputs = [part for output in OUTPUTS for part in ("-o", output)]
    source = str(PROJECT / "examples" / trace / "launch.jsonl")
    command = [python, "-m", "forktrace", "render", source, *outputs, *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "PYTHON"))}
    environment |= {"PYTHONPATH": str(PROJECT), **more}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr.decode()
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module", params=TRACES)
def drawn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, bytes]]:
    """Return a trace's name and what it is drawn as here."""
    folder = tmp_path_factory.mktemp("here") / "x"
    return request.param, draw(folder, request.param, sys.executable, PYTHONHASHSEED="0")


def assert_same(made: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert made.keys() == expected.keys()
    assert len(made) == len(OUTPUTS)
    assert [name for name in made if made[name] != expected[name]] == []


@pytest.mark.parametrize("name", VARIATIONS)
def test_surroundings_are_no_matter(
    tmp_path: Path, drawn: tuple[str, dict[str, bytes]], name: str
) -> None:
    trace, expected = drawn
    made = draw(tmp_path / "a folder é" / name, trace, sys.executable, **VARIATIONS[name])
    assert_same(made, expected)


def test_normalised_too(tmp_path: Path) -> None:
    one = draw(tmp_path / "1", TRACES[0], sys.executable, "--normalize", PYTHONHASHSEED="1")
    two = draw(tmp_path / "2", TRACES[0], sys.executable, "--normalize", PYTHONHASHSEED="2")
    assert_same(two, one)


def other_pythons() -> Iterator[str]:
    """Yield other versions of Python that have what forktrace needs."""
    named = os.environ.get("FORKTRACE_OTHER_PYTHON", "").split(":")
    for name in (*named, "python3.11", "python3.12", "python3.13", "python3.14"):
        path = shutil.which(name) if name else None
        if path is None:
            continue
        probe = "import sys, msgspec, networkx, click, rich, graphviz; print(sys.version_info[:2])"
        done = subprocess.run([path, "-c", probe], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() != str(sys.version_info[:2]):
            yield path


def test_another_version_of_python_is_no_matter(
    tmp_path: Path, drawn: tuple[str, dict[str, bytes]]
) -> None:
    python = next(other_pythons(), None)
    if python is None:
        pytest.skip("no other Python has forktrace's dependencies (FORKTRACE_OTHER_PYTHON)")
    trace, expected = drawn
    assert_same(draw(tmp_path / "x", trace, python), expected)
