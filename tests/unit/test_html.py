"""Check the interactive page's file; tests/browser checks what it does."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis.passes import analyse
from forktrace.cli.pictures import load
from forktrace.errors import UsageError
from forktrace.model.launch import Launch
from forktrace.render.html import SCRIPTS, embed_json, render
from forktrace.views.options import ViewOptions
from forktrace.views.page import make_page
from tests.unit.events import launch_of

PODMAN = Path(__file__).parents[2] / "examples" / "podman-run" / "launch.jsonl"
HOSTILE = "</script><script>alert(1)</script>\u2028\u2029<!--&amp;\udcff\x1b]0;x\x07"


class Elements(HTMLParser):
    """Collect the elements of a document, with the text of scripts and styles."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(written)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag in self.texts:
            self.texts[tag].append("")
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside][-1] += data


def page_of(launch: Launch, options: ViewOptions | None = None) -> str:
    return render(launch, analyse(launch), options or ViewOptions())


def podman_page() -> str:
    launch, findings = load(PODMAN)
    return render(launch, findings, ViewOptions())


def data_of(written: str) -> dict[str, Any]:
    found = json.loads(Elements(written).texts["script"][0])
    assert isinstance(found, dict)
    return found


def test_page_allows_its_own_script_and_styles_alone() -> None:
    elements = Elements(podman_page())
    policy = next(v for k, v in elements.attributes if k == "content" and "default-src" in v)
    assert policy.startswith("default-src 'none';")
    for texts in (elements.texts["script"][1:], elements.texts["style"]):
        for text in texts:
            digest = b64encode(sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
    assert policy.count("sha256-") == 3
    assert "unsafe" not in policy


def test_page_refers_to_nothing_outside() -> None:
    elements = Elements(podman_page())
    links = [(k, v) for k, v in elements.attributes if k in ("src", "href", "srcset", "action")]
    assert [v for _, v in links if not v.startswith(("#", "data:"))] == []
    assert "style" not in {name for name, _ in elements.attributes}  # the policy forbids them
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    for word in ("@import", "url(", "fetch(", "XMLHttpRequest", "import("):
        assert word not in podman_page()


def test_same_trace_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    command = [sys.executable, "-m", "forktrace", "render", str(PODMAN), "--format", "html"]
    made = [
        subprocess.run(
            [*command, "-o", "-"], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert made[0] == made[1]
    assert made[0].decode() == podman_page()


def test_hostile_strings_do_not_end_an_element() -> None:
    launch = launch_of(
        ("root", 10, [HOSTILE, HOSTILE]),
        ("fork", 10, 11),
        ("exec", 11, [HOSTILE]),
        command=[HOSTILE],
    )
    written = page_of(launch)
    calm = page_of(
        launch_of(("root", 10, "a b"), ("fork", 10, 11), ("exec", 11, "a"), command=["a"])
    )
    assert Elements(written).names.count("script") == Elements(calm).names.count("script") == 2
    assert "img" not in Elements(written).names
    block = re.search(r'id="data">(.*?)</script>', written, re.DOTALL)
    assert block is not None
    assert not re.search("[<>&\u2028\u2029\x00-\x1f]", block[1])
    argv = data_of(written)["arguments"]
    assert any(
        "</script><script>alert(1)</script>\\u2028\\u2029<!--&amp;\\xff" in a for a in argv[0]
    )


def test_template_marks_in_a_trace_stay_as_they_are() -> None:
    written = page_of(launch_of(("root", 10, ["{{script}}", "}}{{data}}"]), command=["{{style}}"]))
    assert ["{{script}}", "}}{{data}}"] in data_of(written)["arguments"]
    assert "<title>forktrace: &#39;{{style}}&#39;</title>" in written


def test_json_survives_its_escapes() -> None:
    value = ["</script>", "a&b", "\u2028\u2029", {"<k>": 1}]
    assert json.loads(embed_json(value)) == value


def test_data_tells_processes_and_steps() -> None:
    data = data_of(podman_page())
    processes = data["processes"]
    assert processes["id"] == [*(f"p{i}" for i in range(1, 13)), "x1", "forktrace"]
    assert processes["pid"][7] == 297
    assert processes["pids"][processes["nspid"][7]] == [297, 1]
    assert processes["parent"][7] == 4  # p5 is p8's real parent at birth,
    assert processes["creator"][7] == 6  # which p7 created
    assert processes["parent"][0] == 13  # forktrace forked the command
    steps = data["steps"]
    adoptions = [i for i, kind in enumerate(steps["kind"]) if kind in "aA"]
    assert [(steps["process"][i], steps["other"][i], steps["more"][i]) for i in adoptions] == [
        (3, 12, 2),
        (7, 3, 4),
    ]
    assert (
        len({len(steps[name]) for name in ("kind", "event", "ns", "process", "other", "more")}) == 1
    )


def test_every_process_has_what_explain_says() -> None:
    data = data_of(podman_page())
    sentences = [data["strings"][text] for text, _, _ in data["sentences"]["3"]]
    assert "p3 conmon forked p4 conmon (pid 285)." in sentences
    assert set(data["sentences"]) == {str(place) for place in range(13)}


def test_geometry_is_that_of_the_picture() -> None:
    launch, findings = load(PODMAN)
    page = make_page(launch, findings, ViewOptions())
    written = render(launch, findings, ViewOptions())
    crosses = {float(x) for x in re.findall(r'class="ft-create-dot" cx="([\d.]+)"', written)}
    columns = {x for x, step in page.data["lanes"]["columns"]}
    assert len(crosses) >= 11
    legend = {x for x in crosses if x not in columns}
    assert len(legend) <= 1
    lines = {
        float(y) + 3
        for y in re.findall(r'class="ft-lane [^"]*" height="6" [^>]*y="([\d.]+)"', written)
    }
    for _, top, y, bottom in page.data["lanes"]["rows"][1:]:
        assert y in lines
        assert top < y < bottom


def test_what_is_chosen_holds_for_the_page() -> None:
    launch, findings = load(PODMAN)
    page = make_page(launch, findings, ViewOptions(only=("monitor",)))
    rows = [page.data["processes"]["id"][row[0]] for row in page.data["lanes"]["rows"]]
    assert rows == ["x1", "p1", "p3", "p4"]
    with pytest.raises(UsageError):
        make_page(launch, findings, ViewOptions(focus="nobody"))


@pytest.mark.parametrize("theme", ["auto", "light", "dark", "print"])
def test_theme_is_handed_to_the_page(theme: Any) -> None:
    launch = launch_of(("root", 10, "a"))
    assert f'data-theme="{theme}"' in page_of(launch, ViewOptions(theme=theme))


def test_scripts_hold_no_way_to_make_markup_of_a_string() -> None:
    folder = Path(__file__).parents[2] / "forktrace" / "render" / "page"
    assert {path.name for path in folder.glob("*.js")} == set(SCRIPTS)
    for name in SCRIPTS:
        source = (folder / name).read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", source
        )
        assert "</script" not in source
