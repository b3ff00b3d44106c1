"""Check the lane diagram's layout: nothing overlaps, everything is where it should be."""

from itertools import combinations

import pytest

from forktrace.model.build import build_launch
from forktrace.views.lanes.style import FACES
from forktrace.views.shapes import Bounds, Box, Curve, Group, Label, Line
from tests.unit.events import launch_of
from tests.unit.lane_cases import (
    BEHIND,
    CASES,
    PIPELINE,
    boxes_of,
    drawn,
    labels,
    picture_of,
    placed,
    texts,
)
from tests.unit.podman import podman_runc

# Each case with both axes, and narrow; a snapshot has no time.
WAYS = ((False, None), (True, None), (False, 900), (True, 500))
DRAWN = [(name, *way) for name in CASES for way in WAYS if name != "snapshot" or not way[0]]
each_drawn = pytest.mark.parametrize(("name", "time", "width"), DRAWN)


@each_drawn
def test_no_two_labels_overlap(name: str, time: bool, width: int | None) -> None:
    pairs = combinations(placed(drawn(name, time, width)), 2)
    assert [(a, b) for (a, one), (b, other) in pairs if one.meets(other)] == []


@each_drawn
def test_no_label_overlaps_a_line_or_a_mark(name: str, time: bool, width: int | None) -> None:
    picture = drawn(name, time, width)
    marks = [m for m in picture.marks if not isinstance(m, Label) and m.kind not in BEHIND]
    texts = placed(picture)
    clashes = [
        (text, mark)
        for mark in marks
        for box in boxes_of(mark)
        for text, bounds in texts
        if bounds.meets(box)
    ]
    assert clashes == []


@each_drawn
def test_everything_is_inside_the_page(name: str, time: bool, width: int | None) -> None:
    picture = drawn(name, time, width)
    page = Bounds(0, 0, picture.width, picture.height)
    for mark in picture.marks:
        for box in [mark.bounds] if isinstance(mark, Label) else boxes_of(mark):
            assert page.left <= box.left <= box.right <= page.right, mark
            assert page.top <= box.top <= box.bottom <= page.bottom, mark


@pytest.mark.parametrize("name", CASES)
def test_a_default_picture_fits_1600_px(name: str) -> None:
    assert drawn(name).width <= 1600


@pytest.mark.parametrize("name", CASES)
def test_labels_are_set_as_they_were_measured(name: str) -> None:
    assert all(label.face == FACES[label.kind.split()[0]] for label in labels(drawn(name)))


def test_podman_lanes_stand_under_their_creators() -> None:
    groups = [item.name for item in drawn("podman").items if isinstance(item, Group)]
    assert " ".join(groups) == "x1 p1 p2 p3 p4 p5 p6 p7 p8 p10 p11 p12 p9"


def test_podman_says_how_each_process_was_made_and_adopted() -> None:
    words = texts(drawn("podman"), "word")
    assert words.count("vfork") == 6
    assert words.count("fork") == 3
    assert words.count("clone") == 2
    assert "adopted by x1: a double fork" in words
    assert "adopted by p4" in words
    assert "subreaper (inferred)" in words


def test_podman_commands_are_cut_to_what_tells() -> None:
    argv = texts(drawn("podman"), "argv")
    assert "conmon --version" in argv
    assert "echo hi" in argv
    assert any(text.startswith("runc … create") for text in argv)
    assert any(text.startswith("podman … container cleanup") for text in argv)
    assert min(len(text) for text in argv if text.endswith("…")) >= 12


def test_podman_draws_both_ties_to_the_real_parent() -> None:
    ties = [m for m in drawn("podman").marks if isinstance(m, Line) and m.kind == "tie"]
    titles = sorted(tie.title or "" for tie in ties if tie.title)
    assert titles == [
        "p5 is the real parent of p7, from birth on",
        "p5 is the real parent of p8, from birth on",
    ]


def test_podman_adoption_curves_start_just_after_the_old_parents_death() -> None:
    picture = drawn("podman")
    curves = [m for m in picture.marks if isinstance(m, Curve) and m.title]
    crosses = {
        group.name: max(m.x2 for m in group.marks if isinstance(m, Line) and m.kind == "cross") - 5
        for group in picture.items
        if isinstance(group, Group) and group.name in ("p3", "p5")
    }
    starts = [curve.start[0] for curve in curves]
    assert len(starts) == 2
    for start, cross in zip(starts, (crosses["p3"], crosses["p5"]), strict=True):
        assert 0 < start - cross < 30


def test_colour_follows_the_program_not_the_process() -> None:
    groups = {g.name: g for g in drawn("podman").items if isinstance(g, Group)}
    payload = [m.kind for m in groups["p8"].marks if isinstance(m, Box) and "lane" in m.kind]
    assert payload == ["lane init-stage", "lane container"]
    monitor = [m.kind for m in groups["p3"].marks if isinstance(m, Box) and "lane" in m.kind]
    assert monitor == ["lane engine", "lane monitor"]


def test_a_vfork_caller_is_thin_until_its_child_execs() -> None:
    launch = launch_of(
        ("root", 10, "parent"),
        ("vfork", 10, 11),
        ("exec", 11, "child"),
        ("exit", 11, 0),
        ("exit", 10, 0),
    )
    picture = picture_of(launch)
    groups = {g.name: g for g in picture.items if isinstance(g, Group)}
    pieces = [m for m in groups["p1"].marks if isinstance(m, Box) and "lane" in m.kind]
    assert [piece.height for piece in pieces] == [6, 2, 6]
    child = [m for m in groups["p2"].marks if isinstance(m, Line) and m.kind == "exec"]
    assert pieces[1].x + pieces[1].width == pytest.approx((child[0].x1 + child[1].x1) / 2)


def test_the_legend_has_only_the_marks_in_use() -> None:
    entries = texts(drawn("pipeline"), "legend")
    assert entries == [
        "created (dot: who called)",
        "exec: another program, same process",
        "end, with exit code or signal",
    ]


def test_what_runs_on_has_no_cross_and_says_so() -> None:
    picture = drawn("daemon")
    groups = {g.name: g for g in picture.items if isinstance(g, Group)}
    assert [m for m in groups["p3"].marks if isinstance(m, Line) and m.kind == "cross"] == []
    assert "end unseen" in texts(picture, "word")


def test_a_child_that_was_only_announced_has_no_lane() -> None:
    launch = launch_of(("root", 10, "parent"), ("create", 10, 11), ("exit", 10, 0))
    picture = picture_of(launch)
    groups = {g.name: g for g in picture.items if isinstance(g, Group)}
    assert [m for m in groups["p2"].marks if isinstance(m, Box)] == []
    assert "never seen to run" in texts(picture, "word")


def test_a_cgroup_is_marked_only_where_it_was_not_inherited() -> None:
    picture = drawn("podman")
    ticked = [
        group.name
        for group in picture.items
        if isinstance(group, Group)
        for mark in group.marks
        if isinstance(mark, Line) and mark.kind == "cgroup"
    ]
    assert ticked == ["p3", "p6"]


def test_a_demo_is_called_a_demo() -> None:
    launch = launch_of(*PIPELINE, source="demo")
    assert "demo" in texts(picture_of(launch), "badge")


def test_a_death_reported_after_the_adoption_is_drawn_before_it() -> None:
    launch = launch_of(
        ("root", 10, "parent"),
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("reparent", 12, 1),
        ("outside", 1, "init"),
        ("exit", 11, 0),
        ("exit", 12, 0),
        ("exit", 10, 0),
    )
    picture = picture_of(launch)
    groups = {g.name: g for g in picture.items if isinstance(g, Group)}
    cross = next(m for m in groups["p2"].marks if isinstance(m, Line) and m.kind == "cross")
    curve = next(m for m in picture.marks if isinstance(m, Curve) and m.title)
    assert cross.x1 < curve.start[0]


def test_a_narrow_picture_keeps_its_width() -> None:
    launch = build_launch(podman_runc())
    assert picture_of(launch, width=1300).width <= 1300


def test_a_crowded_field_leaves_command_lines_to_the_names() -> None:
    picture = drawn("fan", width=800)
    beside = texts(picture, "detail-argv")
    assert any(text.startswith("tool11 --check") for text in beside)
    assert len(texts(picture, "argv")) + len(beside) == 30
    assert any("no room" in text for text in texts(picture, "caption"))
    assert not any("no room" in text for text in texts(drawn("podman"), "caption"))
