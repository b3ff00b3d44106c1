"""Mermaid's text, drawn by Mermaid itself in a browser."""

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.mermaid import render as render_flowchart
from forktrace.render.mermaid_sequence import render as render_sequence
from forktrace.render.notices import LeftOutWarning
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions
from forktrace.views.words import printable
from tests.browser.conftest import EXAMPLES
from tests.conftest import Missing
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps
from tests.unit.test_mermaid import HOSTILE

LIBRARY = Path(__file__).parents[2] / "node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"
DRAW = """async text => {
    const drawn = await mermaid.render("drawing", text);
    document.body.innerHTML = drawn.svg;
    return [...document.querySelectorAll("svg text, svg foreignObject")].map(e => e.textContent);
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, missing: Missing) -> Iterator[Page]:
    """Open an empty page with Mermaid in it, as strict as GitHub's."""
    if not LIBRARY.is_file():
        missing("Mermaid is not installed (npm install)")
    with browser.new_context() as context:
        opened = context.new_page()
        opened.set_content("<!doctype html><body></body>")
        opened.add_script_tag(path=LIBRARY)
        opened.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
        yield opened


def flowchart(launch: Launch) -> str:
    return render_flowchart(launch, analyse(launch), ViewOptions())


def sequence(launch: Launch) -> str:
    return render_sequence(launch, analyse(launch), ViewOptions())


def words(page: Page, text: str) -> list[str]:
    """Return the texts in Mermaid's drawing; what it cannot read makes it throw."""
    found: list[str] = page.evaluate(DRAW, text)
    return [re.sub(r"\s+", " ", word.replace("\u200b", "")).strip() for word in found]


@pytest.mark.parametrize("folder", sorted(EXAMPLES.glob("*/")), ids=lambda f: f.name)
def test_mermaid_draws_every_example(folder: Path, page: Page) -> None:
    launch = build_launch(read_trace(folder / "launch.jsonl"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOutWarning)
        texts = flowchart(launch), sequence(launch)
    words(page, texts[0])
    boxes = re.findall(r'^  [px]\d+\["', texts[0], re.MULTILINE)
    assert page.locator("g.node").count() == len(boxes) > 0
    words(page, texts[1])
    lanes = re.findall(r"^  participant ", texts[1], re.MULTILINE)
    assert page.locator("rect.actor-top").count() == len(lanes) > 0
    messages = re.findall(r"^  [px]\d+--?>>[px]\d+: ", texts[1], re.MULTILINE)
    assert page.locator(".messageText").count() == len(messages)


def test_the_flowchart_says_what_happened(page: Page) -> None:
    found = words(page, flowchart(launch_of(*podman_steps())))
    assert sum(word == "adopted" for word in found) == 2
    assert sum(word == "real parent" for word in found) == 2
    assert any(word.startswith("p8") and "echo" in word for word in found)


def test_the_sequence_tells_a_double_fork(page: Page) -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12), ("exit", 11, 0)]
    steps += [("reparent", 12, 1), ("exec", 12, "daemon -x"), ("exit", 10, 1)]
    found = words(page, sequence(launch_of(*steps)))
    told = ["exec sh", "fork", "fork", "exit 0", "adopts, as p2 ended", "exec daemon -x", "exit 1"]
    assert sorted(word for word in found if word in told) == sorted(told)


@pytest.mark.parametrize("draw", [flowchart, sequence], ids=lambda f: f.__name__)
@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_are_drawn_as_they_are(
    word: str, draw: Callable[[Launch], str], page: Page
) -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, [word, "safe"])]
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    drawn = words(page, draw(launch_of(*steps)))
    assert dialogs == []
    assert page.locator("svg script, svg a, svg [onclick]").count() == 0
    name = printable(word.rpartition("/")[2])[:16]  # a box is no wider
    assert any(name in text for text in drawn), drawn
