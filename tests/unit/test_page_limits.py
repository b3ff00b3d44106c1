"""What a page leaves to ``forktrace explain``, and that it says so."""

from forktrace.analysis import analyse
from forktrace.views.options import ViewOptions
from forktrace.views.page import Page, make_page
from tests.unit.events import Step, launch_of


def page_of(parents: list[int]) -> Page:
    """Return the page of a launch with a process for each of these parents, pid by pid."""
    steps: list[Step] = [("root", 10, "sh")]
    steps += [("fork", parent, pid) for pid, parent in enumerate(parents, start=11)]
    launch = launch_of(*steps)
    return make_page(launch, analyse(launch), ViewOptions())


def test_many_children_are_told_of() -> None:
    page = page_of([10] * 460)
    assert len(page.data["sentences"]) == 461
    assert page.data["left"] == {"sentences": "", "places": ""}


def test_of_a_deep_chain_no_sentences_are_told_and_it_is_said() -> None:
    page = page_of(list(range(10, 470)))  # 460 * 461 / 2 steps up from them all
    assert page.data["sentences"] == {}
    assert page.data["story"] == []
    assert "as the launch is so deep" in page.data["left"]["sentences"]
