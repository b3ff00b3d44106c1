"""Read a page by keyboard, by ear, on paper, in the dark, without script; take pictures from it."""

import re
from pathlib import Path

import pytest

from tests.browser.conftest import Open, Opened
from tests.unit.events import trace_of

PODMAN = "podman-run"


def background(opened: Opened, selector: str = "body") -> str:
    return str(
        opened.run(f"getComputedStyle(document.querySelector({selector!r})).backgroundColor")
    )


WHITE, DARK = "rgb(255, 255, 255)", "rgb(13, 17, 23)"


@pytest.mark.parametrize(("scheme", "colour"), [("light", WHITE), ("dark", DARK)])
def test_page_and_picture_follow_the_system(open_page: Open, scheme: str, colour: str) -> None:
    opened = open_page(PODMAN, color_scheme=scheme)
    assert background(opened) == colour
    assert opened.run("getComputedStyle(document.querySelector('.ft-page')).fill") == colour


def test_theme_button_goes_round(open_page: Open) -> None:
    opened = open_page(PODMAN, color_scheme="dark")
    seen = []
    for _ in range(4):
        fill = opened.run("getComputedStyle(document.querySelector('.ft-page')).fill")
        assert background(opened) == fill
        seen.append((opened.page.inner_text("#theme"), fill))
        opened.page.click("#theme")
    assert seen == [
        ("Theme: auto", DARK),
        ("Theme: light", WHITE),
        ("Theme: dark", DARK),
        ("Theme: auto", DARK),
    ]


def test_keyboard_alone_reaches_everything(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=73")
    reached = []
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        at = opened.run(
            "[document.activeElement.id || document.activeElement.getAttribute('data-toggle')"
            " || document.activeElement.getAttribute('role') || document.activeElement.tagName,"
            " document.activeElement.matches(':focus-visible')]"
        )
        assert at[1] or at[0] == "BODY"  # the focus can be seen
        if at[0] == "BODY":
            break
        reached.append(str(at[0]))
    wanted = ["copy", "download", "theme", "help", "query", "picture", "first", "back", "play"]
    wanted += ["next", "last", "scrubber", "predict", "treeitem"]
    positions = [reached.index(name) for name in wanted if name != "query"]
    assert "query" in reached
    assert positions == sorted(positions)


def test_skip_link_leads_to_the_tree(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=73")
    opened.page.keyboard.press("Tab")
    assert opened.run("document.activeElement.className") == "skip"
    opened.page.keyboard.press("Enter")
    assert opened.run("document.activeElement.id") == "now"
    assert opened.step() == 22  # the moment stays


def test_tree_is_walked_by_arrows(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=73")
    opened.page.focus("#forest li[tabindex='0']")
    opened.page.keyboard.press("ArrowDown")
    opened.page.keyboard.press("ArrowDown")
    opened.page.keyboard.press("ArrowUp")
    opened.page.keyboard.press("Enter")
    assert opened.where() == "e=73&p=p4"
    assert opened.run("document.activeElement.getAttribute('data-process')") == "3"
    opened.page.keyboard.press("ArrowRight")
    assert opened.step() == 23  # left and right still step


def test_steps_are_spoken(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    assert opened.page.get_attribute("#live", "aria-live") == "polite"
    opened.page.keyboard.press("ArrowRight")
    assert opened.page.text_content("#live") == opened.says()


def test_parts_have_names_and_roles(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=73")
    page = opened.page
    for role, name in (
        ("region", "Processes at this moment"),
        ("region", "Details"),
        ("tree", "Processes at this moment"),
        ("slider", "Moment"),
        ("button", "Next step"),
        ("search", None),
        ("main", None),
        ("banner", None),
    ):
        found = page.get_by_role(role, name=name) if name else page.get_by_role(role)  # type: ignore[arg-type]
        assert found.count() == 1, (role, name)
    nameless = opened.run(
        "[...document.querySelectorAll('button, input, [role=button]')].filter(e =>"
        " !e.textContent.trim() && !e.getAttribute('aria-label') && !e.labels?.length).length"
    )
    assert nameless == 0


def test_help_opens_and_closes(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.keyboard.press("?")
    assert opened.page.is_visible("#keys")
    opened.page.keyboard.press("ArrowLeft")
    assert opened.step() == 35  # a dialog keeps the keys
    opened.page.keyboard.press("Escape")
    assert not opened.page.is_visible("#keys")


def test_prediction_stops_before_an_adoption(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    opened.page.keyboard.press("p")
    opened.page.keyboard.press("ArrowRight")
    assert opened.step() == 7
    assert "Who becomes the real parent of p4 conmon?" in opened.page.inner_text("#question")
    assert opened.page.locator("#question .answer").all_inner_texts() == [
        "forktrace (outside the trace)",
        "x1 systemd (outside the trace)",
        "p1 podman",
    ]
    opened.page.click("#question .answer:has-text('p1 podman')")
    assert opened.step() == 8
    assert opened.page.inner_text("#question").startswith("Not p1 podman: x1 systemd")


def test_prediction_can_be_right_or_revealed(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    opened.page.check("#predict")
    opened.page.click("#next")
    opened.page.click("#question .answer:has-text('x1 systemd')")
    assert opened.page.inner_text("#question").startswith("Right: x1 systemd")
    opened.page.click("#back")
    opened.page.click("#next")
    opened.page.click("#reveal")
    assert opened.step() == 8
    assert not opened.page.is_visible("#question")


def test_prediction_stops_play_and_asks_for_waits(open_page: Open) -> None:
    opened = open_page("zombie", "#e=0")
    opened.page.check("#predict")
    opened.page.click("#play")
    opened.until("asking !== NONE")
    assert opened.run("timer") == 0
    assert "Who waits for it?" in opened.page.inner_text("#question")
    assert opened.page.inner_text("#live").endswith("to choose from.") or opened.run(
        "byId('live').textContent.includes('to choose from')"
    )


def test_reduced_motion_has_no_transitions(open_page: Open) -> None:
    calm = open_page(PODMAN, reduced_motion="reduce")
    durations = (
        "[...document.querySelectorAll('*')].filter(e =>"
        " parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert calm.run(durations) == 0
    lively = open_page(PODMAN, reduced_motion="no-preference")
    assert lively.run(durations) > 0


def test_printed_page_has_the_whole_picture_and_no_controls(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=73&p=p4")
    opened.page.emulate_media(media="print")
    for hidden in ("#play", "#query", "#copy", ".skip", "#fit"):
        assert not opened.page.is_visible(hidden)
    for shown in ("#picture svg", "#forest", "#detail", "#title"):
        assert opened.page.is_visible(shown)
    assert opened.run("getComputedStyle(document.body).overflow") == "visible"
    assert opened.run("document.querySelector('#picture').scrollWidth <= innerWidth")


def test_printed_page_tells_its_moment(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=73")
    opened.page.emulate_media(media="print")
    assert opened.page.inner_text(".says").startswith("Step 23 of 36 · event #73")
    assert "p9 runc ends: exit 0" in opened.page.inner_text(".says")


def test_picture_scrolled_sideways_is_printed_from_its_left_edge(open_page: Open) -> None:
    opened = open_page(PODMAN, viewport={"width": 420, "height": 800})
    opened.run("PICTURE.scrollLeft = 300")
    opened.until("ROOT.classList.contains('scrolled')")
    opened.page.emulate_media(media="print")
    name, picture = opened.run(
        "['.names .ft-id', '#picture svg'].map(s => document.querySelector(s))"
        ".map(e => e.getBoundingClientRect().left)"
    )
    assert 0 <= name - picture < 30


def test_page_reads_without_script(open_page: Open) -> None:
    opened = open_page(PODMAN, java_script_enabled=False)
    assert opened.page.is_visible("#picture svg")
    assert opened.page.locator("#picture svg .ft-process").count() == 13
    assert "With JavaScript it can be stepped through" in opened.page.inner_text("noscript")
    assert not opened.page.is_visible("#play")


def test_copied_moment_is_a_picture_of_its_own(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(PODMAN, "#e=73&p=p4", permissions=["clipboard-read", "clipboard-write"])
    opened.page.click("#copy")
    opened.until("byId('live').textContent === 'Copied'")  # the button says it for a moment
    copied = str(opened.run("navigator.clipboard.readText()"))
    assert copied.startswith("<svg")
    for own in ("data-process", "cursor", "toggle", "chosen"):
        assert f'"{own}' not in copied
    assert 'opacity="0.13"' in copied
    assert '<title id="' in copied
    assert "p10" in copied  # the future is pale, not gone
    assert "After event #73; what follows is pale." in copied
    assert "Folded" not in copied


def test_copied_picture_tells_what_was_folded(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.run("toggleFold(3)")
    written = str(opened.run("momentFile()"))
    assert ">Folded or filtered away: 7 processes.<" in written
    assert "After event" not in written  # it is the whole launch


def test_downloaded_moment_draws_alone(open_page: Open, tmp_path: Path) -> None:
    opened = open_page(PODMAN, "#e=73", accept_downloads=True)
    opened.page.click("#theme")
    opened.page.click("#theme")
    with opened.page.expect_download() as waiting:
        opened.page.click("#download")
    assert waiting.value.suggested_filename == "launch-e73.svg"
    path = tmp_path / "moment.svg"
    waiting.value.save_as(path)
    written = path.read_text(encoding="utf-8")
    assert "@media all" in written  # it was dark
    drawn = opened.page.context.new_page()
    drawn.goto(path.as_uri())
    assert drawn.evaluate("document.documentElement.localName") == "svg"
    assert drawn.evaluate("getComputedStyle(document.querySelector('.ft-page')).fill") == DARK


HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><!-- \u2028 \x1b[31m ${1} `"


def test_hostile_strings_stay_strings(open_page: Open) -> None:
    trace = trace_of(
        ("root", 10, [HOSTILE, HOSTILE]),
        ("fork", 10, 11),
        ("exec", 11, [HOSTILE, "{{data}}", "]]>"], f"/bin/{HOSTILE}"),
        ("outside", 1, HOSTILE),
        ("exit", 10, 0),
        ("reparent", 11, 1),
        command=[HOSTILE, "{{script}}"],
    )
    opened = open_page(trace, "#p=p2")
    assert opened.run("document.images.length") == 0
    assert opened.run("document.scripts.length") == 2
    assert opened.page.title().startswith("forktrace: ")
    assert "<img src=x" in opened.page.title()
    argv = opened.page.locator(".program code").all_inner_texts()
    assert any("</script><img src=x onerror=" in text for text in argv)
    assert "{{data}}" in argv
    assert "\\x1b[31m" in opened.page.inner_text("#detail")
    opened.page.fill("#query", "onerror")
    assert opened.run("STATE.found.size") == 3
    for step in range(opened.run("STEPS")):
        opened.run(f"go({step})")
    assert opened.run("document.images.length") == 0


def test_policy_forbids_what_the_page_does_not_need(open_page: Open) -> None:
    opened = open_page("fork-exec")
    policy = opened.page.get_attribute("meta[http-equiv]", "content")
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-[^']+'; style-src( 'sha256-[^']+'){2};"
        r" img-src data:; base-uri 'none'; form-action 'none'",
        policy,
    )
    blocked = opened.run("fetch('data:text/plain,x').then(() => 'allowed', () => 'blocked')")
    assert blocked == "blocked"
    assert opened.complaints  # the browser told of the breach
    opened.complaints.clear()


def test_snapshot_has_no_steps_but_its_tree(open_page: Open) -> None:
    trace = trace_of(("root", 10, "a"), ("fork", 10, 11), source="snapshot")
    opened = open_page(trace)
    assert opened.page.is_disabled("#play")
    assert opened.page.is_disabled("#scrubber")
    assert opened.page.locator("#forest li").count() >= 2
