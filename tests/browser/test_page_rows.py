"""Scroll, find and fold in a launch too large for a picture: only rows in sight are drawn."""

import pytest

from forktrace.trace.reader import TraceFile
from forktrace.views.page_lanes import MOST_PROCESSES
from tests.browser.conftest import Open, Opened
from tests.unit.events import Step, trace_of

MANY = 1500


@pytest.fixture(scope="module")
def large() -> TraceFile:
    """Return a launch in which one child has many of its own, and another is adopted."""
    steps: list[Step] = [("root", 10, "make all"), ("outside", 1, "init")]
    steps += [("fork", 10, 11), ("exec", 11, "sh build"), ("fork", 10, 12)]
    for pid in range(100, 100 + MANY):
        steps += [("fork", 11, pid), ("exec", pid, f"cc -c file{pid}.c"), ("exit", pid, pid % 2)]
    steps += [("fork", 12, 13), ("exit", 12, 0), ("reparent", 13, 1), ("exit", 11, 0)]
    assert MANY > MOST_PROCESSES
    return trace_of(*steps, ("exit", 13, "SIGKILL"), ("exit", 10, 0))


def drawn(opened: Opened) -> list[str]:
    """Return the ids of the rows that are drawn now."""
    found = opened.run("[...document.querySelectorAll('svg.rows .id')].map(e => e.textContent)")
    return [str(id_) for id_ in found]


def scroll_to_row(opened: Opened, row: int) -> None:
    """Scroll until a row is the highest in sight, and wait until the rows there are drawn."""
    opened.run(f"PICTURE.scrollTop = 26 * {row}")
    opened.until(
        f"[...document.querySelectorAll('svg.rows .id')].some(e => e.textContent === 'p{row + 3}')"
    )


def test_deep_rows_are_folded_first_and_counted(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large)
    assert drawn(opened) == ["x1", "p1", "p2", "p3"]
    assert "1,501 processes are folded or filtered away" in opened.page.inner_text("#missing")
    assert "+1,500" in opened.page.inner_html("svg.rows")


def test_rows_are_drawn_where_they_are_scrolled_to(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large)
    opened.page.click("#unfold")
    assert drawn(opened)[:4] == ["x1", "p1", "p2", "p4"]
    assert len(drawn(opened)) < 60
    scroll_to_row(opened, 1000)
    assert "p1003" in drawn(opened)
    assert len(drawn(opened)) < 60
    assert opened.run("document.querySelectorAll('*').length") < 3000


def test_search_scrolls_to_what_it_finds(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large)
    opened.page.fill("#query", "file1234.c")
    opened.page.press("#query", "Enter")
    assert "p1138" in drawn(opened)
    assert opened.page.inner_text("#detail .name").split() == ["p1138", "cc", "other"]
    lane = opened.run(
        "document.querySelector(`svg.rows .lane[data-process='${PLACE.get('p1138')}']`)"
        ".getBoundingClientRect().left"
    )
    assert 264 <= lane <= 900


def test_rows_step_fade_and_are_chosen(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large, "#e=9")
    opened.page.click("#unfold")
    assert opened.page.locator("svg.rows .future").count() > 5
    before = opened.page.locator("svg.rows .future").count()
    opened.page.keyboard.press("Shift+ArrowRight")
    assert opened.page.locator("svg.rows .future").count() < before
    opened.page.locator("svg.rows .name").nth(2).click()
    assert opened.where().endswith("p=p2")
    assert opened.page.locator("svg.rows rect.chosen").count() == 2


def test_fold_toggle_and_off_screen_hint(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large, "#e=0")
    toggles = "[...document.querySelectorAll('svg.rows .toggle')]"
    opened.run(f"{toggles}[1].dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    assert "p4" in drawn(opened)
    scroll_to_row(opened, 700)
    # One script, as a drawing between two would exchange the hint for another row's.
    p = opened.run(
        "(hint => { hint.dispatchEvent(new MouseEvent('click', {bubbles: true}));"
        " return hint.dataset.jump; })(document.querySelector('svg.rows .chevron'))"
    )
    assert opened.run(f"!!document.querySelector(`svg.rows .lane[data-process='{p}']`)")


def test_rows_zoom(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large)
    width = opened.run("PICTURE.scrollWidth")
    opened.page.click("#unfold")
    wide = opened.run("PICTURE.scrollWidth")
    assert wide > width
    opened.page.click("#larger")
    assert opened.run("PICTURE.scrollWidth") > wide
    opened.page.click("#smaller")
    assert opened.run("PICTURE.scrollWidth") == wide


def test_large_launch_prints_and_reads_as_an_overview(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large)
    assert not opened.page.is_visible("#overview svg")
    opened.page.emulate_media(media="print")
    assert opened.page.is_visible("#overview svg")
    assert "Folded" in (opened.page.text_content("#overview svg") or "")
    bare = open_page(large, java_script_enabled=False)
    assert bare.page.is_visible("#picture svg .ft-process >> nth=0")


def test_rows_in_sight_can_be_taken_as_a_file(open_page: Open, large: TraceFile) -> None:
    opened = open_page(large, permissions=["clipboard-read", "clipboard-write"])
    opened.page.click("#copy")
    opened.until("byId('live').textContent === 'Copied'")
    copied = str(opened.run("navigator.clipboard.readText()"))
    assert copied.startswith("<svg")
    assert "svg.rows" in copied  # its style came along,
    assert "var(" not in copied  # with literal colours, as other programs need them
    assert "Folded or filtered away: 1,501 processes. Only the rows that were in sight" in copied
