"""Teach with a page: true words for each step, nothing told too early, nothing that jumps."""

import pytest

from forktrace.trace.reader import TraceFile
from forktrace.views import page, page_processes
from tests.browser.conftest import Open, Opened
from tests.unit.events import Step, trace_of

PODMAN = "podman-run"
# The lanes and the details stand where they stood.
PLACES = """[PICTURE, byId('details'), byId('scrubber')].map(e => {
    const box = e.getBoundingClientRect();
    return [box.left, box.top, box.width, box.height].map(Math.round).join();
}).join(' ')"""
CASES = [PODMAN, "daemon", "docker-daemon", "podman-pod", "zombie"]


def details(opened: Opened, process: str) -> str:
    """Choose a process and return what is told of it."""
    opened.run(f"choose(PLACE.get({process!r}))")
    return opened.page.inner_text("#detail")


@pytest.mark.parametrize("example", CASES)
def test_nothing_jumps_from_step_to_step(open_page: Open, example: str) -> None:
    opened = open_page(example, "#e=0")
    seen = opened.run(
        f"[...Array(STEPS).keys()].map(step => {{ showMoment(step); return {PLACES}; }})"
    )
    assert len(set(seen)) == 1


@pytest.mark.parametrize("example", CASES)
def test_no_question_moves_the_lanes(open_page: Open, example: str) -> None:
    opened = open_page(example, "#e=0")
    opened.page.check("#predict")
    before = opened.run(PLACES)
    asked = 0
    for step in opened.run("[...Array(STEPS).keys()].filter(isQuestion)"):
        opened.run(f"showMoment({step - 1}); ask({step})")
        assert opened.page.is_visible("#reveal")
        assert opened.run(PLACES) == before
        asked += 1
    assert asked


def test_roles_fit_in_one_line(open_page: Open) -> None:
    opened = open_page("podman-detached")  # all eight
    tops = opened.run("[...document.querySelectorAll('.filters button')].map(e => e.offsetTop)")
    assert len(tops) == 10
    assert max(tops) - min(tops) < 10


def test_no_control_lies_over_the_lanes(open_page: Open) -> None:
    for width in (1920, 1280, 900, 390):
        opened = open_page("docker-daemon", viewport={"width": width, "height": 800})
        covered = opened.run(
            "[...document.querySelectorAll('button, input')].filter(e => {"
            " const [a, b] = [e.getBoundingClientRect(), PICTURE.getBoundingClientRect()];"
            " return a.width && !PICTURE.contains(e) && getComputedStyle(e).position !== 'sticky'"
            " && !e.closest('.player') && a.top < b.bottom - 1 && a.bottom > b.top + 1"
            " && a.left < b.right && a.right > b.left; }).map(e => e.id)"
        )
        assert covered == [], width
        assert opened.run("document.documentElement.scrollWidth <= innerWidth"), width


def test_every_tool_can_be_reached_on_a_phone(open_page: Open) -> None:
    opened = open_page(PODMAN, viewport={"width": 360, "height": 740})
    for button in ("#copy", "#download", "#theme", "#help", "#fold", "#fit", "#play", "#predict"):
        opened.page.locator(button).scroll_into_view_if_needed()
        box = opened.page.locator(button).bounding_box()
        assert box is not None, button
        assert box["x"] >= 0, button
        assert box["x"] + box["width"] <= 360, button


def test_launch_of_a_few_lanes_is_seen_whole(open_page: Open) -> None:
    opened = open_page("pid-namespace", viewport={"width": 1920, "height": 1080})
    assert opened.run("PICTURE.scrollHeight <= PICTURE.clientHeight")
    assert opened.run("PICTURE.scrollWidth <= PICTURE.clientWidth")


def test_programs_are_quoted_as_a_shell_needs_them(open_page: Open) -> None:
    opened = open_page("pid-namespace", "#e=2")
    said = "p1 executes unshare --pid --fork sh -c 'sh -c \"sleep 0.1 &\"; sleep 0.3'"
    assert opened.says() == said


def test_process_goes_by_what_it_ran_then(open_page: Open) -> None:
    opened = open_page("thread-exec", "#e=2")  # the process becomes echo later
    assert opened.says() == "p1 executes thread-exec"
    opened.page.keyboard.press("ArrowRight")
    assert opened.says() == "p1 thread-exec executes echo hi"
    opened = open_page(PODMAN, "#e=73")
    told = details(opened, "p8")
    assert "At this moment: alive, as runc init, a child of p4 conmon." in told


def test_exec_of_the_same_again_is_told_so(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=35")
    assert opened.says() == "p6 runc executes runc init"
    opened.page.keyboard.press("ArrowRight")
    assert opened.says() == "p6 runc executes runc init, once more"


def test_command_was_made_by_forktrace(open_page: Open) -> None:
    told = details(open_page("fork-exec"), "p1")
    assert "forktrace, which ran it as the command" in told
    assert "not recorded: its parent then, forktrace, is outside the trace" in told
    told = details(open_page("docker-daemon"), "p1")  # attached to
    assert "before the trace began" in told


def test_call_tells_a_thread_only_if_it_is_not_the_main_one(open_page: Open) -> None:
    opened = open_page(PODMAN)
    calls = opened.run("P.call.map(text)")
    callers = [call.rpartition(" ")[2] for call in calls if "called by thread" in call]
    assert callers
    assert not {int(tid) for tid in callers} & set(opened.run("P.pid"))


def test_exec_step_tells_only_of_itself(open_page: Open) -> None:
    opened = open_page("fork-exec", "#e=2")
    opened.page.click("#where a")
    told = opened.page.locator("#detail .sentences li").all_inner_texts()
    assert "p1 fork-exec (pid 23) is the command that forktrace started." in told
    assert not [sentence for sentence in told if "exited" in sentence]


def test_orphan_between_two_steps_is_told(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    assert "whose parent p3 conmon has died." in details(opened, "p4")
    assert "The parent of p4 has died" in opened.page.inner_text("#now-notes")
    opened.page.keyboard.press("ArrowRight")
    assert "has died" not in opened.page.inner_text("#now-notes")


def test_prediction_keeps_the_future_to_itself(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=20")
    future = "[...document.querySelectorAll('#picture .ft-adopt')]"
    visible = f"{future}.filter(e => getComputedStyle(e).visibility === 'visible').length"
    assert opened.run(visible) == 3  # one is the legend's
    story = opened.page.inner_text("#detail")
    assert "the kernel made p4 conmon a child of x1 systemd" in story
    opened.page.check("#predict")
    assert opened.run(visible) == 1
    for process in (None, "p4", "p8"):
        told = details(opened, process) if process else opened.page.inner_text("#detail")
        assert "is not told" in told
        assert "x1 systemd" not in told
    opened.page.keyboard.press("Escape")
    opened.page.keyboard.press("ArrowRight")
    opened.page.click("#reveal")
    assert opened.run(visible) == 2
    assert "the kernel made p4 conmon a child of x1 systemd" in opened.page.inner_text("#detail")
    opened.page.uncheck("#predict")
    assert opened.run(visible) == 3


def test_question_has_more_than_one_answer(open_page: Open) -> None:
    for example in ("fork-exec", "zombie", "nspawn", "buildah-chroot"):
        opened = open_page(example)
        counts = opened.run(
            "[...Array(STEPS).keys()].filter(isQuestion)"
            ".map(step => (showMoment(step - 1), candidates(step).length))"
        )
        assert counts, example
        assert min(counts) >= 2, example


def test_step_by_keyboard_leads_to_its_details(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=21")
    opened.page.focus("#where a")
    opened.page.keyboard.press("Enter")
    assert "adoption" in opened.page.inner_text("#detail .name")
    assert opened.run("STATE.step") == 8


def test_focus_stays_in_the_details(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=73&p=p4")
    opened.page.focus("#detail button:has-text('Go to its start')")
    opened.page.keyboard.press("Enter")
    assert opened.run("document.activeElement.textContent") == "Go to its start"
    assert opened.says() == "p3 conmon forks p4"


def test_name_of_a_container_stays_when_scrolled(open_page: Open) -> None:
    opened = open_page(PODMAN, viewport={"width": 420, "height": 800})
    opened.run("PICTURE.scrollLeft = 300")
    opened.until("ROOT.classList.contains('scrolled')")
    left = opened.run("document.querySelector('.ft-frame-name').getBoundingClientRect().left")
    assert 0 <= left < 60


def test_help_tells_keys_and_signs(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.keyboard.press("?")
    told = opened.page.inner_text("#keys")
    for words in ("play, pause", "a zombie: ended, and not yet waited for", "long and orange"):
        assert words in told


def test_one_role_needs_no_filter(open_page: Open) -> None:
    assert open_page("fork-exec").page.locator("#roles button").count() == 0
    assert open_page(PODMAN).page.locator("#roles button").count() == 7


def test_long_arguments_scroll_by_keys(open_page: Open) -> None:
    opened = open_page(PODMAN, "#p=p4")
    long = opened.page.locator(".argv").filter(has_text="--api-version")
    assert long.get_attribute("tabindex") == "0"
    assert opened.page.get_attribute("#details", "tabindex") == "0"


def test_tree_items_are_named_by_what_they_show(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=78")
    item = opened.page.get_by_role("treeitem", name="297 echo hi , p8, alive", exact=True)
    assert item.count() == 1


@pytest.fixture
def many() -> TraceFile:
    """Return a launch that is too large for a picture."""
    steps: list[Step] = [("root", 10, "make all")]
    for pid in range(100, 700):
        steps += [("fork", 10, pid), ("exec", pid, f"cc -c file{pid}.c"), ("exit", pid, 0)]
    return trace_of(*steps, ("exit", 10, 0))


def test_large_page_has_the_sentences(open_page: Open, many: TraceFile) -> None:
    opened = open_page(many)
    assert "p1 make (pid 10) is the command that forktrace started." in details(opened, "p1")
    assert "p500 executed `cc -c file598.c`" in details(opened, "p500")
    assert opened.page.locator(".left-out").count() == 0


def test_page_tells_what_it_has_not(
    open_page: Open, many: TraceFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_TOLD", 600)
    monkeypatch.setattr(page, "MOST_SURROUNDED", 600)
    monkeypatch.setattr(page_processes, "MOST_SURROUNDED", 600)
    opened = open_page(many)
    sentences = "in this page, as it has over 600 processes: `forktrace explain TRACE ID` says it."
    assert sentences in opened.page.inner_text("#detail")
    told = details(opened, "p500")
    assert sentences in told
    assert "Cgroups and namespaces over time are not in this page" in told
    opened.run("chooseStep(3)")
    assert sentences in opened.page.inner_text("#detail")


@pytest.mark.parametrize(("process", "words"), [("p5", "exit 137"), ("p7", "SIGKILL")])
def test_an_end_beside_a_name_is_there_from_the_end_on(
    open_page: Open, process: str, words: str
) -> None:
    opened = open_page("podman-quadlet", "#e=0")  # its lanes have no room for some ends
    place = opened.run(f"PLACE.get({process!r})")
    (step,) = opened.run(
        f"[...Array(STEPS).keys()].filter(i => S.process[i] === {place} && kindOf(i) === 'x')"
    )
    pill = (
        "[...document.querySelectorAll('#picture .ft-badge-end')]"
        f".find(e => e.textContent.includes({process + ': ' + words!r}))"
    )
    for moment in (0, step - 1):
        opened.run(f"showMoment({moment})")
        opened.until(f"getComputedStyle({pill}).opacity === '0.13'")  # it fades
    assert not opened.run(f"(showMoment({step}), {pill}.hasAttribute('opacity'))")


def test_the_launch_is_not_told_to_its_end_while_predicting(open_page: Open) -> None:
    opened = open_page("podman-quadlet", "#e=9")
    assert "still running" in opened.page.inner_text("#detail")
    opened.page.check("#predict")
    opened.run("showMoment(9)")
    told = opened.page.inner_text("#detail")
    assert "still running" not in told
    assert "Recorded with ptrace" in told
