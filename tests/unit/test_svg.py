"""Check what is written as SVG: well-formed, safe, the same bytes each time."""

import re
from typing import cast
from xml.etree import ElementTree

import pytest

from forktrace.analysis.findings import Role
from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.svg import render
from forktrace.render.xml import escape
from forktrace.views.options import Theme, ViewOptions
from forktrace.views.palette import (
    ALERT,
    BACKGROUND,
    INK,
    MUTED,
    PANEL,
    ROLE_WORDS,
    ROLES,
    TINT,
    Shade,
    mix,
)
from tests.unit.events import launch_of
from tests.unit.lane_cases import CASES
from tests.unit.podman import podman_steps, podman_syscall_steps

NS = "{http://www.w3.org/2000/svg}"


def podman() -> Launch:
    return launch_of(*podman_steps())


def podman_svg(theme: Theme = "auto") -> str:
    return svg_of(podman(), theme)


def svg_of(launch: Launch, theme: Theme = "auto") -> str:
    return render(launch, analyse(launch), ViewOptions(theme=theme))


def test_it_names_itself_and_tells_its_story() -> None:
    root = ElementTree.fromstring(podman_svg())
    assert root.get("role") == "img"
    names = [root.find(f"{NS}title"), root.find(f"{NS}desc")]
    assert root.get("aria-labelledby", "").split() == [e.get("id") for e in names if e is not None]
    story = names[1].text if names[1] is not None else None
    assert story is not None
    assert "x1 systemd outside the trace adopted p4 when p3 died" in story
    assert "double fork" in story
    assert "p6 created p7, whose real parent is p5." in story
    assert "p8 echo ended with exit code 0." in story


def test_its_story_tells_of_waits_that_are_no_matter_of_course() -> None:
    svg = svg_of(launch_of(*podman_syscall_steps(), detail="syscalls"))
    story = ElementTree.fromstring(svg).findtext(f"{NS}desc", "")
    assert "p4 called setsid and leads a new session." in story
    assert "p4 became a subreaper." in story
    assert "p4 waited for p8 and took its exit status." in story
    assert "p5 waited for p7 and took its exit status." in story
    assert "waited for p2" not in story
    assert "not seen to wait" not in story


def test_its_story_tells_of_a_wait_that_was_not_seen() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), detail="syscalls")
    story = ElementTree.fromstring(svg_of(launch)).findtext(f"{NS}desc", "")
    assert story.endswith("p2 sh ended with exit code 0. p1 was not seen to wait for p2.")


def test_only_what_is_in_it_has_style() -> None:
    for launch in (podman(), launch_of(("root", 10, "sh"))):
        svg = svg_of(launch)
        classes = {
            c for e in ElementTree.fromstring(svg).iter() for c in e.get("class", "").split()
        }
        styled = set(re.findall(r"\.(ft-[\w-]+)", svg.split("</style>")[0]))
        assert styled
        assert styled <= classes


def test_it_needs_nothing_but_itself() -> None:
    svg = podman_svg()
    root = ElementTree.fromstring(svg)
    assert {e.tag.removeprefix(NS) for e in root.iter()} == {
        *("svg", "title", "desc", "metadata", "style", "g"),
        *("rect", "line", "circle", "path", "polygon", "text"),
    }
    assert "var(" not in svg
    assert "url(" not in svg
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or "href" in a]


def test_ids_and_styles_are_its_own() -> None:
    root = ElementTree.fromstring(podman_svg())
    scope = cast(str, root.get("id"))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert all(cast(str, id_).startswith(scope) for id_ in ids)
    style = cast(str, root.findtext(f"{NS}style"))
    rules = [line for line in style.split("\n") if "{" in line and not line.startswith("@media")]
    assert rules
    assert all(rule.startswith(f"#{scope} ") for rule in rules)
    classes = {c for e in root.iter() for c in e.get("class", "").split()}
    assert all(c.startswith("ft-") for c in classes)


def test_other_pictures_have_other_ids() -> None:
    one = ElementTree.fromstring(podman_svg()).get("id")
    steps = [*podman_steps()[:-1], ("exit", 3000, 1)]
    assert ElementTree.fromstring(svg_of(launch_of(*steps))).get("id") != one


def test_the_same_launch_gives_the_same_bytes() -> None:
    assert podman_svg() == podman_svg()


def test_coordinates_have_one_decimal_and_attributes_are_sorted() -> None:
    body = podman_svg().split("</style>")[1]
    assert re.findall(r'="-?\d+\.\d\d', body) == []
    for line in body.splitlines():
        for tag in re.findall(r"<\w+( [^>]*?)/?>", line):
            names = re.findall(r' ([\w-]+)="', tag)
            assert names == sorted(names)


def test_hostile_strings_stay_text() -> None:
    launch = launch_of(
        ("root", 10, ["/bin/<script>alert(1)", "]]>", "a\nb", "\x1b[31m", "\u202egnp", "\udcff"]),
        ("fork", 10, 11),
        ("exec", 11, ["x" * 100_000, "&amp;", '"', "'"]),
        ("exit", 11, 0),
        ("exit", 10, 0),
        command=["<script>alert(1)</script>", "]]>", "--></style></svg>"],
    )
    svg = svg_of(launch)
    root = ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert root.find(f".//{NS}script") is None
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\ud800-\udfff]", svg)
    assert "\\x1b[31m" in svg
    assert "\\u202egnp" in svg
    assert len(svg) < 60_000


@pytest.mark.parametrize(
    ("theme", "media", "page"),
    [
        ("auto", True, BACKGROUND.light),
        ("light", False, BACKGROUND.light),
        ("dark", False, BACKGROUND.dark),
        ("print", False, BACKGROUND.light),
    ],
)
def test_themes(theme: Theme, media: bool, page: str) -> None:
    svg = podman_svg(theme)
    assert ("prefers-color-scheme:dark" in svg) == media
    pages = re.findall(r"\.ft-page\{fill:(#\w+)\}", svg)
    assert pages[0] == page
    assert len(pages) == 1 + media


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", [BACKGROUND, PANEL])
@pytest.mark.parametrize("role", ROLES)
def test_role_colours_stand_out_from_the_page(role: Role, ground: Shade) -> None:
    assert contrast(ROLES[role].light, ground.light) >= 3
    assert contrast(ROLES[role].dark, ground.dark) >= 3


@pytest.mark.parametrize("shade", [INK, MUTED, ALERT])
@pytest.mark.parametrize("ground", [BACKGROUND, PANEL])
def test_text_can_be_read(shade: Shade, ground: Shade) -> None:
    assert contrast(shade.light, ground.light) >= 4.5
    assert contrast(shade.dark, ground.dark) >= 4.5


@pytest.mark.parametrize("role", ROLES)
def test_words_in_a_roles_colour_can_be_read(role: Role) -> None:
    words, box = ROLE_WORDS[role], ROLES[role]
    for ground in (BACKGROUND, PANEL):
        assert contrast(words.light, ground.light) >= 4.5
        assert contrast(words.dark, ground.dark) >= 4.5
    assert contrast(words.light, mix(box.light, BACKGROUND.light, TINT)) >= 4.5
    assert contrast(words.dark, mix(box.dark, BACKGROUND.dark, TINT)) >= 4.5


@pytest.mark.parametrize("theme", ["auto", "light", "dark", "print"])
def test_every_text_has_a_colour_that_can_be_read_in_each_theme(theme: Theme) -> None:
    svg = podman_svg(theme)
    light, _, dark = svg.partition("prefers-color-scheme:dark")
    grounds = {"dark": [BACKGROUND.dark, PANEL.dark]}.get(theme, [BACKGROUND.light, PANEL.light])
    kinds = set(re.findall(r'<text class="([^"]+)"', svg))
    assert len(kinds) >= 8
    for kind in kinds:
        selector = "".join(f".{part}" for part in kind.split() if part in ("ft-end", "ft-alert"))
        selector = selector or f".{kind.split()[0]}"
        fill = re.compile(re.escape(selector) + r"\{fill:(#\w+)\}")
        parts = [(light, grounds)]
        parts += [(dark, [BACKGROUND.dark, PANEL.dark])] if theme == "auto" else []
        for part, on in parts:
            colour = fill.findall(part)[0]
            assert min(contrast(colour, ground) for ground in on) >= 4.5, (kind, colour)


def test_escaping_leaves_nothing_that_xml_forbids() -> None:
    assert escape("<&>\"'") == "&lt;&amp;&gt;&quot;&#39;"
    assert escape("a\x00b\x1bc\ud800d\ufffe") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert escape("line\n\ttab é 漢") == "line\n\ttab é 漢"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("dot", ["create-dot", "adopt-dot"])
def test_a_dot_stands_out_from_the_lane_that_it_stands_on(theme: Theme, dot: str) -> None:
    svg = podman_svg(theme)
    (ring,) = re.findall(rf"\.ft-{dot}\{{stroke:(#\w+)\}}", svg)
    (fill,) = re.findall(rf"\.ft-{dot}\{{fill:(#\w+)\}}", svg)
    assert f".ft-{dot}{{stroke-width:" in svg
    assert contrast(fill, ring) >= 3
    for shade in ROLES.values():
        assert contrast(ring, shade.dark if theme == "dark" else shade.light) >= 3


def size_of(svg: str) -> tuple[float, float, list[float]]:
    root = ElementTree.fromstring(svg)
    box = [float(number) for number in root.attrib["viewBox"].split()[2:]]
    return float(root.attrib["width"]), float(root.attrib["height"]), box


def test_a_picture_that_can_not_be_so_narrow_is_scaled_down() -> None:
    launch = podman()
    svg = render(launch, analyse(launch), ViewOptions(width=200))
    width, height, box = size_of(svg)
    assert width == 200 < box[0]
    assert height == pytest.approx(box[1] * 200 / box[0], abs=0.1)


def test_a_width_is_no_more_than_the_most() -> None:
    launch = podman()
    for options in (ViewOptions(), ViewOptions(width=5000)):
        width, height, box = size_of(render(launch, analyse(launch), options))
        assert [width, height] == box
        assert width < 5000


def test_several_in_one_lane_show_two_dashes_at_least() -> None:
    svg = svg_of(build_launch(CASES["example rootless-systemd"]))
    (dash, gap) = re.findall(r"\.ft-lane-many\{stroke-dasharray:(\d+) (\d+);", svg)[0]
    ends = re.findall(r'<line class="ft-lane-many[^>]* x1="([\d.]+)" x2="([\d.]+)"', svg)
    assert ends
    for start, end in ends:
        under_cross = 5
        assert float(end) - float(start) - under_cross > int(dash) + int(gap)
