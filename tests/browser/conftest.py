"""Open pages in a real browser, and fail a test on any request, message or breach of policy."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from forktrace.cli.pictures import load
from forktrace.render.html import render
from forktrace.trace.reader import TraceFile
from forktrace.views.options import ViewOptions
from tests.conftest import Missing
from tests.unit.events import write_trace

_TRIES, _PAUSE_MS = 300, 50
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def browser(missing: Missing) -> Iterator[Browser]:
    """Start Chromium, which has to be installed."""
    path = shutil.which("chromium")
    if path is None:
        missing("chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@dataclass
class Opened:
    """Be a page in a browser, with all that it asked for and complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def run(self, script: str) -> Any:
        """Return what a script gives, in the page's own world."""
        return self.page.evaluate(script)

    def until(self, condition: str) -> None:
        """Wait until a script gives true; the page's policy forbids the browser's own way."""
        for _ in range(_TRIES):
            if self.run(condition):
                return
            self.page.wait_for_timeout(_PAUSE_MS)
        pytest.fail(f"never came true: {condition}")

    def step(self) -> int:
        """Return the last step that has happened."""
        found = self.run("STATE.at")
        assert isinstance(found, int)
        return found

    def says(self) -> str:
        """Return the sentence under the scrubber."""
        return self.page.inner_text("#narration")

    def where(self) -> str:
        """Return the page's own address behind the file's name; the driver's comes later."""
        found = self.run("location.hash.slice(1)")
        assert isinstance(found, str)
        return found


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Return what renders a trace and opens it from its file; see that it stayed quiet."""
    contexts: list[BrowserContext] = []
    pages: list[Opened] = []

    def open_(
        trace: TraceFile | str,
        fragment: str = "",
        options: ViewOptions | None = None,
        **context: Any,
    ) -> Opened:
        path = tmp_path / "launch.html"
        path.write_text(html_of(trace, tmp_path, options), encoding="utf-8")
        context = {"viewport": {"width": 1280, "height": 800}, **context}
        contexts.append(browser.new_context(**context))
        opened = Opened(contexts[-1].new_page())
        pages.append(opened)
        listen(opened)
        opened.page.goto(path.as_uri() + fragment)
        if context.get("java_script_enabled", True):
            opened.page.wait_for_selector("html[data-ready=yes]")
        return opened

    yield open_
    for opened in pages:
        assert opened.complaints == []
        assert [r for r in opened.requests if not r.startswith(("file:", "data:", "blob:"))] == []
        assert len([r for r in opened.requests if r.startswith("file:")]) <= opened_files(opened)
    for one in contexts:
        one.close()


def opened_files(opened: Opened) -> int:
    """Return how many files a page may ask for: itself, each time it was opened."""
    return sum(1 for r in opened.requests if r.partition("#")[0].endswith("launch.html"))


def listen(opened: Opened) -> None:
    """Note every request, message, error and breach of the policy."""
    page = opened.page
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("console", lambda message: opened.complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: opened.complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: opened.complaints.append(f"dialog: {dialog.message}"))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error(e.violatedDirective))"
    )


def html_of(trace: TraceFile | str, folder: Path, options: ViewOptions | None = None) -> str:
    """Render a trace, or the one of an example."""
    if isinstance(trace, str):
        path = EXAMPLES / trace / "launch.jsonl"
    else:
        path = write_trace(folder / "launch.jsonl", trace)
    launch, findings = load(path)
    return render(launch, findings, options or ViewOptions())
