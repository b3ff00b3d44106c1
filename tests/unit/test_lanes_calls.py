"""Check what recorded system calls add to the lanes: waits, zombies, sessions, subreapers."""

import pytest

from forktrace.views.shapes import Curve, Group, Label, Line, Polygon
from tests.unit.events import Step, launch_of
from tests.unit.lane_cases import MAKE, drawn, group, lane_y, lines, picture_of, reap_lines, texts

CALLED = ["podman with calls", "saved podman with calls"]


@pytest.mark.parametrize("name", CALLED)
def test_podman_is_reaped_by_whom_it_was(name: str) -> None:
    waits = {title.partition(" and ")[0] for title in reap_lines(drawn(name))}
    assert waits == {
        "p1 waited for p2",
        "p1 waited for p3",
        "p1 waited for p9",
        "p4 waited for p5",
        "p4 waited for p8",
        "p4 waited for p10",
        "p5 waited for p6",
        "p5 waited for p7",
        "p10 waited for p11",
        "p10 waited for p12",
    }


@pytest.mark.parametrize("name", CALLED)
def test_podman_subreapers_and_sessions_are_marked_where_they_began(name: str) -> None:
    picture = drawn(name)
    diamonds = {
        g.name: [m.title for m in g.marks if isinstance(m, Polygon) and m.kind == "subreaper"]
        for g in picture.items
        if isinstance(g, Group)
    }
    titles = {owner: found[0] for owner, found in diamonds.items() if found}
    assert list(titles) == ["p4", "p5"]
    assert "and took it back" in str(titles["p4"])
    assert str(titles["p4"]).endswith("; it adopted p8")
    assert str(titles["p5"]).endswith("; it adopted nobody")
    words = texts(picture, "word")
    assert words.count("subreaper") == 2
    assert "subreaper (inferred)" not in words
    assert words.count("setsid") == 2
    assert [n for n in ("p3", "p4", "p5", "p8") if lines(picture, n, "session")] == ["p4", "p8"]


@pytest.mark.parametrize("name", CALLED)
def test_podman_with_calls_keeps_its_command_lines(name: str) -> None:
    picture = drawn(name)
    argv = texts(picture, "argv")
    assert argv.count("conmon --version") == 2
    assert any(text.startswith("runc … create --bundle") for text in argv)
    assert min(len(text) for text in argv if text.endswith("…")) >= 12
    assert texts(picture, "end") == ["0"] * 12


def test_a_zombie_lasts_from_its_end_to_its_reaping() -> None:
    picture = drawn("zombies")
    (tail,) = lines(picture, "p3", "zombie")
    cross = lines(picture, "p3", "cross")[0]
    reap = reap_lines(picture)["p1 waited for p3 and took its exit status"]
    assert cross.x2 < tail.x2 < tail.x1 == reap.x1 == reap.x2
    assert tail.y1 == tail.y2 == reap.y1 == lane_y(picture, "p3")
    assert reap.y2 == pytest.approx(lane_y(picture, "p1") + 3 + 7)
    heads = [m for m in picture.marks if isinstance(m, Polygon) and m.kind == "reap-head"]
    tips = [min(head.points, key=lambda point: point[1]) for head in heads]
    assert (reap.x1, lane_y(picture, "p1") + 3) in tips


def test_one_whose_parent_did_not_wait_stays_open_until_that_one_ends() -> None:
    picture = drawn("zombies")
    (tail,) = lines(picture, "p6", "zombie")
    parent = lines(picture, "p3", "cross")[0]
    assert tail.x1 == pytest.approx(parent.x1 + 5)
    marks = group(picture, "p6").marks
    (note,) = [m for m in marks if isinstance(m, Label) and m.text == "wait unseen"]
    assert note.title == (
        "p6: no wait seen: a zombie at least until p3 ended, unless p3 ignores SIGCHLD"
    )


def test_one_left_to_an_adopter_is_reaped_by_that_one() -> None:
    picture = drawn("zombies")
    reap = reap_lines(picture)["p1 waited for p4 and took its exit status"]
    assert reap.y1 == lane_y(picture, "p4")
    assert reap.y2 == pytest.approx(lane_y(picture, "p1") + 3 + 7)


def test_marks_of_calls_are_in_the_legend_where_they_are_used() -> None:
    assert texts(drawn("zombies"), "legend")[2:] == [
        "end, with exit code or signal",
        "zombie: not waited for yet",
        "waited for: exit status taken",
        "adopted: the old parent died",
        "setsid: leads a new session",
        "becomes a subreaper: adopts orphans below it",
    ]


def test_at_event_detail_there_are_no_marks_of_calls() -> None:
    kinds = {mark.kind.split()[0] for mark in drawn("podman").marks}
    assert kinds.isdisjoint({"zombie", "reap", "reap-head", "session"})
    assert "subreaper" not in kinds
    assert "setsid" not in texts(drawn("podman"), "word")


def test_a_mark_of_a_call_has_a_column_of_its_own() -> None:
    picture = drawn("podman with calls")
    reaps = [line.x1 for line in reap_lines(picture).values()]
    curves = [m for m in picture.marks if isinstance(m, Curve) and m.title]
    others = [m.x1 for m in picture.marks if isinstance(m, Line) and m.kind == "create" and m.title]
    others += [x for curve in curves for x in (curve.start[0], curve.end[0])]
    assert len(set(reaps)) == 10
    assert min(abs(x - other) for x in reaps for other in others) >= 8


def test_in_a_crowd_waits_that_are_a_matter_of_course_are_left_out_and_counted() -> None:
    picture = drawn("make with calls", unfolded=True)
    assert reap_lines(picture) == {}
    assert "Not drawn: 29 waits of a parent right after its child had ended." in texts(
        picture, "caption"
    )
    assert not any("Not drawn" in text for text in texts(drawn("zombies"), "caption"))


def test_in_a_crowd_a_late_wait_is_drawn() -> None:
    late: list[Step] = [("fork", 10, 50), ("exit", 50, 0), *MAKE[2:-1], ("wait", 10, 50)]
    picture = picture_of(launch_of(*MAKE[:2], *late, MAKE[-1], detail="syscalls"))
    assert list(reap_lines(picture)) == ["p1 waited for p3 and took its exit status"]
