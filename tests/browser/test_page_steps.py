"""Step through a real podman launch as a reader would, with buttons, keys and the scrubber."""

from pathlib import Path

import pytest

from forktrace.cli.pictures import load
from forktrace.model.moment import Timeline
from forktrace.views.ps import choose
from tests.browser.conftest import EXAMPLES, Open, Opened

PODMAN = "podman-run"
PALE_IN_SIGHT = """[...document.querySelectorAll('#picture [opacity]')].filter(
    e => e.getAttribute('visibility') !== 'hidden' && e.getAttribute('opacity') !== '0').length"""


def test_page_opens_complete_at_the_end(open_page: Open) -> None:
    opened = open_page(PODMAN)
    assert opened.page.inner_text("#where").startswith("Step 36 of 36")
    assert opened.says() == "p1 podman ends: exit 0"
    assert opened.run(PALE_IN_SIGHT) == 0
    assert opened.page.is_disabled("#next")
    assert opened.page.is_visible("#picture svg")


def test_arrows_home_and_end_step(open_page: Open) -> None:
    opened = open_page(PODMAN)
    press = opened.page.keyboard.press
    press("Home")
    assert opened.step() == 0
    assert opened.says().startswith("p1 executes podman --runtime runc run")
    press("ArrowRight")
    assert opened.says() == "p1 podman vforks p2"
    press("ArrowLeft")
    assert opened.step() == 0
    press("ArrowLeft")
    assert opened.step() == 0
    press("Shift+ArrowRight")
    assert opened.step() == 10
    press("Shift+ArrowLeft")
    assert opened.step() == 0
    press("End")
    assert opened.step() == 35
    press("ArrowRight")
    assert opened.step() == 35


def test_buttons_step(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.click("#first")
    assert opened.step() == 0
    assert opened.page.is_disabled("#back")
    opened.page.click("#next")
    opened.page.click("#next")
    assert opened.says() == "p2 podman executes conmon --version"
    opened.page.click("#back")
    assert opened.step() == 1
    opened.page.click("#last")
    assert opened.step() == 35


def test_scrubber_goes_to_any_moment(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.fill("#scrubber", "8")
    assert opened.says().startswith("x1 systemd (outside the trace) becomes the real parent of p4")
    spoken = opened.page.get_attribute("#scrubber", "aria-valuetext")
    assert spoken is not None
    assert "Step 9 of 36" in spoken
    opened.page.focus("#scrubber")
    opened.page.keyboard.press("ArrowRight")
    assert opened.step() == 9  # once, not twice


def test_play_goes_on_until_paused(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.click("#play")
    opened.until("STATE.at >= 2")
    assert opened.page.get_attribute("#play", "aria-label") == "Pause"
    opened.page.click("#play")
    assert opened.page.get_attribute("#play", "aria-label") == "Play"
    assert opened.run("timer") == 0


def test_play_ends_at_the_last_step(open_page: Open) -> None:
    opened = open_page("fork-exec", "#e=0")
    opened.page.keyboard.press("Space")
    opened.until("STATE.at === LAST && timer === 0")
    assert opened.page.get_attribute("#play", "aria-label") == "Play"


ADOPTIONS_BY_DEATH = """[...Array(STEPS).keys()].filter(k => isAdoption(k) && S.more[k] >= 0)
    .map(k => [ENDED[S.more[k]], k, REAPED[S.more[k]]])"""


def pale(opened: Opened, selector: str) -> bool:
    """Say if a mark is one of those still to come."""
    found = opened.run(f"document.querySelector({selector!r}).getAttribute('opacity')")
    return found is not None


def test_marks_of_the_future_are_pale_and_lanes_end_at_the_moment(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    assert pale(opened, ".ft-adopt")
    assert pale(opened, ".ft-adopt-head")
    opened.page.keyboard.press("ArrowRight")
    assert not pale(opened, ".ft-adopt")
    assert not pale(opened, ".ft-adopt-head")
    cursor = opened.run("Number(document.querySelector('.cursor').getAttribute('x1'))")
    ends = opened.run(
        "[...document.querySelectorAll('g > .ft-lane:not([opacity])')]"
        ".filter(e => e.getAttribute('visibility') !== 'hidden')"
        ".map(e => Number(e.getAttribute('x')) + Number(e.getAttribute('width')))"
    )
    assert ends
    assert max(ends) <= cursor + 3


def test_exit_code_comes_with_its_cross(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    group = "document.querySelector('[id$=\"-p3\"]')"
    shown = opened.run(
        f"[...{group}.querySelectorAll('.ft-cross, .ft-end')].map(e => e.getAttribute('opacity'))"
    )
    assert shown == [None, None, None]
    opened.page.keyboard.press("ArrowLeft")
    before = opened.run(
        f"[...{group}.querySelectorAll('.ft-cross, .ft-end')].map(e => e.hasAttribute('opacity'))"
    )
    assert before == [True, True, True]


def rows_of(opened: Opened) -> list[tuple[str, str, int]]:
    """Return what the page's tree shows: pid, state, depth."""
    found = opened.run(
        "[...document.querySelectorAll('#forest li')].map(e => ["
        "e.querySelector('.pid').textContent,"
        " e.querySelector('.stat').textContent, Number(e.getAttribute('aria-level')) - 1])"
    )
    return [tuple(row) for row in found]


def ps_at(path: Path, seq: int) -> list[tuple[str, str, int]]:
    """Return what `forktrace ps` shows after an event."""
    launch, _ = load(path)
    letters = {"zombie": "Z", "unwaited": "Z?", "alive": "-", "outside": "-"}
    rows = choose(Timeline(launch).at(seq), ended=None).rows
    return [
        (
            str(row.standing.process.pid or "?"),
            letters.get(row.standing.life, "?"),
            row.depth,
        )
        for row in rows
    ]


@pytest.mark.parametrize(
    "example",
    [PODMAN, "zombie", "orphan", "daemon", "podman-detached", "bubblewrap", "podman-pod"],
)
def test_tree_is_that_of_ps_at_every_step(open_page: Open, example: str) -> None:
    opened = open_page(example)
    path = EXAMPLES / example / "launch.jsonl"
    events = opened.run("S.event")
    adoptions = opened.run(ADOPTIONS_BY_DEATH)
    compared = 0
    for step, event in enumerate(events):
        told_later = any(death <= step < min(told, gone) for death, told, gone in adoptions)
        out_of_order = max(events[: step + 1]) > event or min(events[step:]) < event
        if told_later or out_of_order:
            continue  # a death and the adoptions by it are one moment of the kernel's
        opened.run(f"showMoment({step})")
        assert rows_of(opened) == ps_at(path, event), f"step {step}, event #{event}"
        compared += 1
    assert compared >= len(events) / 2


def test_death_and_adoption_are_told_one_after_the_other(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    assert ("285", "-", 3) in rows_of(opened)  # still below the dying conmon
    opened.page.keyboard.press("ArrowRight")
    assert rows_of(opened)[:2] == [("1", "-", 0), ("285", "-", 1)]


def test_empty_moment_offers_a_fuller_one(open_page: Open) -> None:
    opened = open_page(PODMAN)
    assert rows_of(opened) == []
    opened.page.click("#now-notes button")
    assert opened.says() == "p8 runc executes echo hi"
    assert ("297", "-", 2) in rows_of(opened)
