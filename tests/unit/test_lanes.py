"""Check the lane diagram's layout: nothing overlaps, everything is where it should be."""

from itertools import combinations, pairwise
from pathlib import Path

import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace.reader import read_trace
from forktrace.views.lanes.layout import lay_out
from forktrace.views.lanes.style import FACES
from forktrace.views.options import ViewOptions
from forktrace.views.shapes import Bounds, Box, Curve, Dot, Group, Label, Line, Picture, Polygon
from tests.unit.events import Step, launch_of, trace_of
from tests.unit.podman import podman_runc, podman_steps, podman_syscall_steps, subreaper

PIPELINE: list[Step] = [
    ("root", 10, ["sh", "-c", "cat /etc/passwd | grep root"]),
    ("fork", 10, 11),
    ("fork", 10, 12),
    ("exec", 11, "cat /etc/passwd"),
    ("exec", 12, "grep root"),
    ("exit", 11, "SIGPIPE"),
    ("exit", 12, 1),
    ("exit", 10, 1),
]
DAEMON: list[Step] = [
    ("root", 10, "daemonize served"),
    ("fork", 10, 11),
    ("fork", 11, 12),
    ("exit", 11, 0),
    ("reparent", 12, 1),
    ("outside", 1, "systemd"),
    ("exec", 12, "/usr/sbin/served --port 80"),
    ("exit", 10, 0),
]
ORPHANS: list[Step] = [
    ("root", 10, "parent"),
    *(("fork", 10, pid) for pid in range(11, 17)),
    ("exit", 10, "SIGKILL"),
    *(("reparent", pid, 1) for pid in range(11, 17)),
    ("outside", 1, "init"),
    *(("exit", pid, 0) for pid in range(11, 16)),
]
CHAIN: list[Step] = [
    ("root", 10, "sh"),
    *(("fork", pid, pid + 1) for pid in range(10, 48)),
    *(("exit", pid, 0) for pid in range(48, 9, -1)),
]
FAN: list[Step] = [
    ("root", 10, "./configure"),
    *(
        step
        for pid in range(11, 40)
        for step in (
            ("vfork", 10, pid),
            ("exec", pid, f"/usr/bin/tool{pid} --check feature{pid} header.h"),
            ("exit", pid, pid % 3),
        )
    ),
    ("exit", 10, 0),
]
CUT_OFF: list[Step] = podman_steps()[:30]
HOSTILE: list[Step] = [
    ("root", 10, ["<script>", "]]>", "a\nb", "\x1b[31m", "\u202eRTL", "\udcff", "x" * 100_000]),
    ("fork", 10, 11),
    ("exec", 11, ["漢字" * 40, "W" * 300]),
    ("exit", 11, "SIGSEGV"),
    ("exit", 10, 255),
]
ZOMBIES: list[Step] = [
    ("root", 10, "server"),
    subreaper(10, 1),
    ("fork", 10, 11),
    ("exit", 11, 0),
    ("fork", 10, 12),
    ("exec", 12, "worker --once"),
    ("fork", 12, 13),
    ("call", 13, "setsid"),
    ("exit", 13, "SIGKILL"),
    ("fork", 12, 14),
    ("fork", 12, 15),
    ("exit", 15, 3),
    ("exit", 12, 0),
    ("wait", 10, 12),
    ("reparent", 14, 10),
    ("exit", 14, 0),
    ("wait", 10, 14),
    ("wait", 10, 13),
    ("exit", 10, 0),
]
MAKE: list[Step] = [
    ("root", 10, "make"),
    *(
        step
        for pid in range(11, 40)
        for step in (
            ("vfork", 10, pid),
            ("call", pid, "setsid"),
            ("exec", pid, f"/usr/bin/cc -c file{pid}.c"),
            ("exit", pid, 0),
            ("wait", 10, pid),
        )
    ),
    ("exit", 10, 0),
]
SAVED = Path(__file__).parent / "data" / "podman-syscalls.jsonl"
CASES = {
    "podman": trace_of(*podman_steps()),
    "pipeline": trace_of(*PIPELINE),
    "daemon": trace_of(*DAEMON),
    "orphans": trace_of(*ORPHANS),
    "chain": trace_of(*CHAIN),
    "fan": trace_of(*FAN),
    "cut off": trace_of(*CUT_OFF),
    "hostile": trace_of(*HOSTILE),
    "podman with calls": trace_of(*podman_syscall_steps(), detail="syscalls"),
    "saved podman with calls": read_trace(SAVED),
    "zombies": trace_of(*ZOMBIES, detail="syscalls"),
    "make with calls": trace_of(*MAKE, detail="syscalls"),
}


def picture_of(launch: Launch, width: int | None = None) -> Picture:
    return lay_out(launch, analyse(launch), ViewOptions(width=width))


def drawn(name: str) -> Picture:
    return picture_of(build_launch(CASES[name]))


def labels(picture: Picture) -> list[Label]:
    return [mark for mark in picture.marks if isinstance(mark, Label)]


def texts(picture: Picture, kind: str) -> list[str]:
    return [label.text for label in labels(picture) if label.kind.split()[0] == kind]


def boxes_of(mark: object) -> list[Bounds]:
    """Return what a mark covers: small boxes along a curve or a line, its own box else."""
    match mark:
        case Line(x1, y1, x2, y2):
            return [Bounds(min(x1, x2) - 0.9, min(y1, y2), max(x1, x2) + 0.9, max(y1, y2))]
        case Curve():
            points = [mark.point(i / 60) for i in range(61)]
            pairs = pairwise(points)
            return [
                Bounds(
                    min(a[0], b[0]) - 0.9, min(a[1], b[1]), max(a[0], b[0]) + 0.9, max(a[1], b[1])
                )
                for a, b in pairs
            ]
        case Dot(x, y, radius):
            return [Bounds(x - radius, y - radius, x + radius, y + radius)]
        case Polygon(points):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            return [Bounds(min(xs), min(ys), max(xs), max(ys))]
        case Box(x, y, width, height):
            return [Bounds(x, y, x + width, y + height)]
    raise AssertionError(mark)


BEHIND = {"page", "frame", "badge-frame"}  # grounds that a text stands on


@pytest.mark.parametrize("name", CASES)
def test_no_two_labels_overlap(name: str) -> None:
    pairs = combinations(labels(drawn(name)), 2)
    clashes = [(a.text, b.text) for a, b in pairs if a.bounds.meets(b.bounds)]
    assert clashes == []


@pytest.mark.parametrize("name", CASES)
def test_no_label_overlaps_a_line_or_a_mark(name: str) -> None:
    picture = drawn(name)
    marks = [m for m in picture.marks if not isinstance(m, Label) and m.kind not in BEHIND]
    clashes = [
        (label.text, mark)
        for mark in marks
        for box in boxes_of(mark)
        for label in labels(picture)
        if label.bounds.meets(box)
    ]
    assert clashes == []


@pytest.mark.parametrize("name", CASES)
def test_everything_is_inside_the_page(name: str) -> None:
    picture = drawn(name)
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
    assert "adopted by x1" in words
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


def test_a_process_in_a_pid_namespace_is_framed_and_says_its_pid_there() -> None:
    picture = drawn("podman")
    frames = [m for m in picture.marks if isinstance(m, Box) and m.kind == "frame" and m.title]
    assert len(frames) == 1
    assert any("pid 1 in ns" in text for text in texts(picture, "detail"))


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
    picture = drawn("fan")
    assert texts(picture, "argv") == []
    assert "tool11 --check feature11 header.h" in texts(picture, "detail-argv")
    assert any("no room" in text for text in texts(picture, "caption"))


CALLED = ["podman with calls", "saved podman with calls"]


def group(picture: Picture, name: str) -> Group:
    return next(i for i in picture.items if isinstance(i, Group) and i.name == name)


def lines(picture: Picture, name: str, kind: str) -> list[Line]:
    marks = group(picture, name).marks
    return [m for m in marks if isinstance(m, Line) and m.kind.split()[0] == kind]


def lane_y(picture: Picture, name: str) -> float:
    return next(
        m.y + m.height / 2
        for m in group(picture, name).marks
        if isinstance(m, Box) and m.kind.startswith("lane ")
    )


def reap_lines(picture: Picture) -> dict[str, Line]:
    """Return the reap lines by their titles; a sample in the legend has none."""
    found = [m for m in picture.marks if isinstance(m, Line) and m.kind == "reap"]
    return {m.title: m for m in found if m.title}


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


def test_a_frame_holds_what_is_inside() -> None:
    picture = drawn("podman with calls")
    (frame,) = [m for m in picture.marks if isinstance(m, Box) and m.kind == "frame" and m.title]
    inner = [m for m in group(picture, "p8").marks if isinstance(m, Label) and m.x > frame.x]
    assert "setsid" in [label.text for label in inner]
    for label in inner:
        assert label.bounds.bottom <= frame.y + frame.height
        assert label.bounds.right <= frame.x + frame.width


def test_in_a_crowd_waits_that_are_a_matter_of_course_are_left_out_and_counted() -> None:
    picture = drawn("make with calls")
    assert reap_lines(picture) == {}
    assert "Not drawn: 29 waits of a parent right after its child had ended." in texts(
        picture, "caption"
    )
    assert not any("Not drawn" in text for text in texts(drawn("zombies"), "caption"))


def test_in_a_crowd_a_late_wait_is_drawn() -> None:
    late: list[Step] = [("fork", 10, 50), ("exit", 50, 0), *MAKE[2:-1], ("wait", 10, 50)]
    picture = picture_of(launch_of(*MAKE[:2], *late, MAKE[-1], detail="syscalls"))
    assert list(reap_lines(picture)) == ["p1 waited for p3 and took its exit status"]
