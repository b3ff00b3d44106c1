"""Choose, find, filter and fold, in a real podman launch."""

from itertools import pairwise

from tests.browser.conftest import Open, Opened

PODMAN = "podman-run"
EDGES_IN_SIGHT = """Object.fromEntries(["create", "adopt"].map(kind => [kind,
    [...ROOT.querySelectorAll(`:scope > .ft-${kind}`)].filter(e => !e.hasAttribute("display")
        && !(e.getAttribute("transform") ?? "").includes("-")).length]))"""


def rows_in_sight(opened: Opened) -> list[str]:
    """Return the processes whose lanes are shown, from top to bottom."""
    found = opened.run(
        "[...document.querySelectorAll('#picture .names > g')]"
        ".filter(e => e.getAttribute('display') !== 'none')"
        ".map(e => [e.getBoundingClientRect().top, e.querySelector('.ft-id').textContent])"
    )
    return [id_.partition(" ")[0] for _, id_ in sorted((top, text) for top, text in found)]


def names(opened: Opened) -> list[str]:
    """Return the ids of the lanes in sight, without the titles that stand in them."""
    ids = opened.run("P.id")
    return [
        next(i for i in sorted(ids, key=len, reverse=True) if r.endswith(i))
        for r in rows_in_sight(opened)
    ]


def click_mark(opened: Opened, selector: str) -> None:
    """Click a mark of the picture, thin as it may be."""
    opened.run(
        f"document.querySelector({selector!r})"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )


def test_click_on_a_name_tells_all_of_a_process(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.click("#picture .names [data-process='7'] .ft-id")
    told = opened.page.inner_text("#detail")
    assert "p8 echo" in told
    assert "297 → 1" in told  # its pid in each PID namespace
    assert "p7 runc by clone(CLONE_PARENT | SIGCHLD)" in told
    assert "p4 conmon, when p5 runc died #60" in told
    assert "p5 runc created p8" in told or "CLONE_PARENT" in told
    programs = opened.page.locator(".program").all_inner_texts()
    assert [p.splitlines()[0] for p in programs] == [
        "born running runc",
        "executed echo #78 497.5 ms",
    ]
    assert opened.page.locator(".program").nth(1).locator("code").all_inner_texts()[:2] == [
        "echo",
        "hi",
    ]
    assert "/libpod-" in opened.page.inner_text("#detail table >> nth=0")
    assert opened.page.locator("#detail .sentences li").count() > 5
    assert opened.where() == "e=129&p=p8"


def test_click_on_an_adoption_tells_the_step(open_page: Open) -> None:
    opened = open_page(PODMAN)
    click_mark(opened, "#picture .ft-adopt")
    told = opened.page.inner_text("#detail")
    assert "event #21" in told
    assert "x1 systemd (outside the trace) becomes the real parent of p4 conmon" in told
    assert "When p3 conmon, its parent, exited with 0, the kernel made p4 conmon a child" in told
    opened.page.click("#detail button:has-text('Go to this moment')")
    assert opened.step() == 8


def test_every_kind_of_mark_tells_its_own_step(open_page: Open) -> None:
    opened = open_page(PODMAN)
    kinds = {
        ".ft-create": "b",
        ".ft-create-dot": "b",
        ".ft-create-head": "b",
        ".ft-tie": "b",
        "g > .ft-exec": "e",
        "g > .ft-argv": "e",
        "g > .ft-cross": "x",
        "g > .ft-end": "x",
        ".ft-adopt-head": "a",
    }
    for selector, kind in kinds.items():
        click_mark(opened, f"#picture {selector}")
        assert opened.run("kindOf(STATE.step)") == kind, selector


def test_marks_of_calls_tell_their_steps(open_page: Open) -> None:
    opened = open_page("subreaper")
    click_mark(opened, "#picture .ft-reap")
    assert opened.run("kindOf(STATE.step)") == "w"
    click_mark(opened, "#picture g > .ft-subreaper")
    assert opened.run("kindOf(STATE.step)") == "r"


def test_page_tells_the_story_until_something_is_chosen(open_page: Open) -> None:
    opened = open_page(PODMAN)
    told = opened.page.inner_text("#detail")
    assert "p1 podman (pid 274) is the command that forktrace started." in told
    assert "12 processes and 37 more threads" in told
    opened.page.click("#detail .sentences a:has-text('#21') >> nth=0")
    assert "becomes the real parent of p4 conmon" in opened.page.inner_text("#detail")
    opened.page.keyboard.press("Escape")
    assert "12 processes and 37 more threads" in opened.page.inner_text("#detail")


def test_links_lead_to_other_processes_and_steps(open_page: Open) -> None:
    opened = open_page(PODMAN, "#p=p8")
    opened.page.click("#detail a:has-text('p7 runc')")
    assert opened.where() == "e=129&p=p7"
    opened.page.click("#detail button:has-text('Go to its start')")
    assert opened.says() == "p6 runc clones p7; its real parent is p5 runc, by CLONE_PARENT"


def test_address_names_moment_and_process_and_back_returns(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=21&p=p4")
    assert opened.step() == 8
    assert opened.page.inner_text("#detail .name").startswith("p4")
    opened.page.click("#picture .names [data-process='2'] .ft-id")
    assert opened.where() == "e=21&p=p3"
    opened.page.click("#last")
    assert opened.where() == "e=129&p=p3"
    opened.page.go_back()
    assert (opened.step(), opened.where()) == (8, "e=21&p=p3")
    opened.page.go_back()
    assert opened.where() == "e=21&p=p4"
    assert opened.page.inner_text("#detail .name").startswith("p4")
    opened.page.go_forward()
    assert opened.page.inner_text("#detail .name").startswith("p3")


def test_steps_update_the_address_without_a_history_of_each(open_page: Open) -> None:
    opened = open_page(PODMAN, "#e=0")
    before = opened.run("history.length")
    for _ in range(3):
        opened.page.keyboard.press("ArrowRight")
    opened.until("location.hash === '#e=' + S.event[3]")
    assert opened.run("history.length") == before


def test_address_that_makes_no_sense_shows_the_end(open_page: Open) -> None:
    for fragment in ("#e=x&p=p999", "#e=99999999", "#now", "#e=-3", "#%00&p=__proto__"):
        opened = open_page("fork-exec", fragment)
        assert opened.step() == opened.run("LAST")


def test_search_marks_and_goes_through_matches(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.keyboard.press("/")
    opened.page.keyboard.type("--version")
    assert opened.page.inner_text("#found") == "2 matches"
    assert opened.page.locator("#picture rect.found").count() == 2
    opened.page.keyboard.press("Enter")
    assert opened.where() == "e=129&p=p2"
    opened.page.keyboard.press("Enter")
    assert opened.where() == "e=129&p=p11"
    assert opened.page.inner_text("#found") == "2 of 2"
    opened.page.keyboard.press("Enter")
    assert opened.where() == "e=129&p=p2"
    opened.page.keyboard.press("Escape")
    assert opened.page.locator("#picture rect.found").count() == 0
    opened.page.keyboard.press("ArrowLeft")
    assert opened.step() == 34  # keys are the player's again


def test_search_takes_ids_and_pids_exactly(open_page: Open) -> None:
    opened = open_page(PODMAN)
    # Two of the six were conmon only until they executed something else.
    for query, found in (("p1", 1), ("297", 1), ("97", 0), ("conmon", 6), ("nothing like it", 0)):
        opened.page.fill("#query", query)
        assert opened.run("STATE.found.size") == found, query


def test_role_filter_hides_rows_and_says_so(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.click("#roles [data-role=helper]")
    assert opened.page.get_attribute("#roles [data-role=helper]", "aria-pressed") == "false"
    assert names(opened) == ["x1", "p1", "p3", "p4", "p5", "p6", "p7", "p8", "p10", "p12", "p9"]
    assert "2 processes are folded or filtered away" in opened.page.inner_text("#missing")
    opened.page.click("#missing button")
    assert len(names(opened)) == 13
    assert not opened.page.is_visible("#missing")


def test_folding_hides_what_is_below_and_moves_the_rest_up(open_page: Open) -> None:
    opened = open_page(PODMAN)
    height = opened.run("num(ROOT, 'height')")
    opened.page.click("#picture [data-toggle='3']")
    assert names(opened) == ["x1", "p1", "p2", "p3", "p4", "p9"]
    assert opened.run("num(ROOT, 'height')") < height
    toggle = opened.page.locator("#picture [data-toggle='3']")
    assert toggle.get_attribute("aria-expanded") == "false"
    assert toggle.text_content() == "+7"
    shown = opened.run(EDGES_IN_SIGHT)
    assert shown == {"create": 4, "adopt": 1}  # p8's adoption is not told at another's lane
    toggle.focus()
    opened.page.keyboard.press("Enter")
    assert len(names(opened)) == 13


def test_fold_and_unfold_everything(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.click("#fold")
    assert names(opened) == ["x1", "p1", "p2", "p3", "p9"]
    opened.page.click("#unfold")
    assert len(names(opened)) == 13


def test_choice_of_a_folded_process_unfolds_it(open_page: Open) -> None:
    opened = open_page(PODMAN)
    opened.page.click("#fold")
    opened.page.fill("#query", "p8")
    opened.page.press("#query", "Enter")
    assert "p8" in names(opened)


def test_rows_never_overlap_when_some_are_folded(open_page: Open) -> None:
    opened = open_page("podman-pod")
    for _ in range(4):
        opened.run(
            "toggleFold(DATA.order.filter(p => hasBelow(p) && !hiddenProcesses().has(p)).at(-1))"
        )
        tops = opened.run(
            "[...document.querySelectorAll('#picture .names > g')]"
            ".filter(e => e.getAttribute('display') !== 'none')"
            ".map(e => e.querySelector('.names-back').getBoundingClientRect())"
            ".map(r => [r.top, r.bottom]).sort((a, b) => a[0] - b[0])"
        )
        for (_, bottom), (top, _) in pairwise(tops):
            assert top >= bottom - 0.5


def test_sizes(open_page: Open) -> None:
    opened = open_page(PODMAN)
    width = opened.run("num(ROOT, 'width')")
    opened.page.click("#larger")
    assert opened.run("num(ROOT, 'width')") > width * 1.1
    opened.page.click("#fit")
    assert opened.run("num(ROOT, 'width') <= PICTURE.clientWidth")
    opened.page.keyboard.press("-")
    assert opened.run("num(ROOT, 'width')") < width


def test_names_stay_in_sight_when_scrolled(open_page: Open) -> None:
    opened = open_page(PODMAN, viewport={"width": 420, "height": 800})
    opened.run("PICTURE.scrollLeft = 300")
    opened.until("ROOT.classList.contains('scrolled')")
    left = opened.run("document.querySelector('.names .ft-id').getBoundingClientRect().left")
    assert 0 <= left < 60
