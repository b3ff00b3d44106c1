"""Check the lane diagram's layout: nothing overlaps, everything is where it should be."""

from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import msgspec
import pytest

from forktrace.analysis.findings import Container
from forktrace.analysis.passes import analyse
from forktrace.errors import UsageError
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from forktrace.trace.text import from_str
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
UNSHARE: list[Step] = [
    ("root", 10, "unshare --pid --fork sh"),
    ("fork", 10, 11, "", {"nspid": [11, 1]}),
    ("call", 11, "setsid"),
    ("exec", 11, "sh"),
    ("exit", 11, 0),
    ("exit", 10, 0),
]


def standing(pid: int, ppid: int, command: str = "") -> list[Step]:
    """Return what tells of a process that ran before the trace; without a command of a zombie."""
    state = events.State(comm=command or "gone", ppid=ppid, nspid=[pid])
    started = events.Started(at_ns=0, pid=pid, attached=True, state=state)
    if not command:
        return [started, ("exit", pid, 125)]
    argv = [from_str(word) for word in command.split()]
    return [started, events.Executed(at_ns=0, pid=pid, attached=True, argv=argv)]


SNAPSHOT: list[Step] = [
    *standing(1, 0, "/sbin/init splash"),
    *standing(20, 1, "/usr/sbin/sshd -D"),
    *standing(21, 20, "bash"),
    *(step for pid in range(22, 30) for step in standing(pid, 21, "sleep 9" * (pid % 3))),
    *standing(30, 1),
    *standing(31, 1, "cron"),
]
ATTACHED: list[Step] = [
    ("outside", 1, "systemd"),
    *standing(20, 1, "containerd --config /etc/containerd/config.toml"),
    *standing(21, 20, "shim"),
    ("fork", 20, 22),
    ("exec", 22, "containerd-shim-runc-v2 start"),
    ("exit", 22, 0),
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
    "snapshot": trace_of(*SNAPSHOT, source="snapshot"),
    "attach": trace_of(*ATTACHED, source="attach"),
    "unshare": trace_of(*UNSHARE, detail="syscalls"),
    "make with calls": trace_of(*MAKE, detail="syscalls"),
}


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/launch.jsonl"))
CASES |= {f"example {path.parent.name}": read_trace(path) for path in EXAMPLES}
CONTAINER_ID = "be65b6760a67"  # of the saved trace


def picture_of(launch: Launch, width: int | None = None) -> Picture:
    return lay_out(launch, analyse(launch), ViewOptions(width=width))


@cache
def drawn(name: str, time: bool = False) -> Picture:
    launch = build_launch(CASES[name])
    return lay_out(launch, analyse(launch), ViewOptions(time=time))


def labels(picture: Picture) -> list[Label]:
    return [mark for mark in picture.marks if isinstance(mark, Label)]


def placed(picture: Picture) -> list[tuple[str, Bounds]]:
    """Return every text with the box that it fits in."""
    return [(label.text, label.bounds) for label in labels(picture)]


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


BEHIND = {"page", "frame", "container-frame", "badge-frame"}  # grounds that a text stands on


# Each case with both axes; a snapshot has no time.
DRAWN = [(name, time) for name in CASES for time in (False, True) if not time or name != "snapshot"]


@pytest.mark.parametrize(("name", "time"), DRAWN)
def test_no_two_labels_overlap(name: str, time: bool) -> None:
    pairs = combinations(placed(drawn(name, time)), 2)
    assert [(a, b) for (a, one), (b, other) in pairs if one.meets(other)] == []


@pytest.mark.parametrize(("name", "time"), DRAWN)
def test_no_label_overlaps_a_line_or_a_mark(name: str, time: bool) -> None:
    picture = drawn(name, time)
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


@pytest.mark.parametrize(("name", "time"), DRAWN)
def test_everything_is_inside_the_page(name: str, time: bool) -> None:
    picture = drawn(name, time)
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
    assert len(frames(picture, "container-frame")) == 1
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


def frames(picture: Picture, kind: str) -> list[Box]:
    """Return the frames of a kind; a sample in the legend has no title."""
    return [m for m in picture.marks if isinstance(m, Box) and m.kind == kind and m.title]


def test_a_namespace_frame_holds_what_is_inside() -> None:
    picture = drawn("unshare")
    (frame,) = frames(picture, "frame")
    inner = [m for m in group(picture, "p2").marks if isinstance(m, Label) and m.x > frame.x]
    assert "setsid" in [label.text for label in inner]
    for label in inner:
        assert label.bounds.bottom <= frame.y + frame.height
        assert label.bounds.right <= frame.x + frame.width


def test_a_containers_frame_holds_its_lanes_and_no_other() -> None:
    picture = drawn("podman with calls")
    (frame,) = frames(picture, "container-frame")
    assert frames(picture, "frame") == []  # its PID namespace is the same lane
    held = {
        item.name
        for item in picture.items
        if isinstance(item, Group)
        for mark in item.marks
        if isinstance(mark, Label)
        and mark.kind == "id"
        and frame.y < mark.y < frame.y + frame.height
    }
    assert held == {"p8"}
    for mark in group(picture, "p8").marks:
        box = mark.bounds if isinstance(mark, Label) else boxes_of(mark)[0]
        assert frame.x <= box.left <= box.right <= frame.x + frame.width
        assert frame.y <= box.top <= box.bottom <= frame.y + frame.height


def test_a_containers_frame_says_which_it_is() -> None:
    picture = drawn("saved podman with calls")
    (frame,) = frames(picture, "container-frame")
    (name,) = [label for label in labels(picture) if label.kind == "frame-name"]
    assert name.text.startswith("container ")
    assert f"id {CONTAINER_ID}" in name.text
    assert frame.y < name.bounds.top
    assert "monitor p4" in (frame.title or "")
    assert "a PID namespace of its own" in (frame.title or "")


def test_a_container_whose_lanes_stand_apart_has_two_frames_of_one_name() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        *(step for pid in (11, 12, 13) for step in (("fork", 10, pid), ("exit", pid, 0))),
        ("exit", 10, 0),
    )
    findings = analyse(launch)
    findings.containers = [Container("c1", "f" * 64, "web", init="p2", members=["p2", "p4"])]
    picture = lay_out(launch, findings, ViewOptions())
    names = [label.text for label in labels(picture) if label.kind == "frame-name"]
    assert names == ["container web · id ffffffffffff"] * 2
    inside = {
        label.text
        for label in labels(picture)
        for frame in frames(picture, "container-frame")
        if label.kind == "id" and frame.y < label.y < frame.y + frame.height
    }
    assert inside == {"p2", "p4"}


def test_of_a_container_no_more_is_said_than_is_known() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), ("exit", 10, 0))
    findings = analyse(launch)
    findings.containers = [Container("c1", members=["p2"])]
    picture = lay_out(launch, findings, ViewOptions())
    assert [label.text for label in labels(picture) if label.kind == "frame-name"] == ["container"]


def test_no_label_stands_on_a_frames_edge() -> None:
    for name in CASES:
        picture = drawn(name)
        for frame in frames(picture, "container-frame"):
            right, bottom = frame.x + frame.width, frame.y + frame.height
            sides = [
                Bounds(frame.x - 1, frame.y - 1, right + 1, frame.y + 1),
                Bounds(frame.x - 1, bottom - 1, right + 1, bottom + 1),
            ]
            assert [
                label.text for label in labels(picture) for s in sides if label.bounds.meets(s)
            ] == []


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


def test_a_snapshot_ties_each_process_to_its_parent_and_claims_no_events() -> None:
    picture = drawn("snapshot")
    ties = [m for m in picture.marks if isinstance(m, Line) and m.kind == "stand" and m.title]
    assert len(ties) == 12  # all but init
    assert (ties[0].title or "").startswith("p1 was the parent of p2 ")
    assert {m.kind for m in picture.marks}.isdisjoint({"create", "create-dot", "exec"})
    said = " ".join(texts(picture, "subtitle") + texts(picture, "caption"))
    assert "ptrace" not in said
    assert "order of events" not in said
    assert "Read from /proc at one moment" in said


def test_siblings_of_before_hang_on_one_tie_and_those_of_others_on_another() -> None:
    picture = drawn("snapshot")
    ties = {m.title: m for m in picture.marks if isinstance(m, Line) and m.kind == "stand"}
    when = "when it was first looked at"
    of_init = [ties[f"p1 was the parent of {id_} {when}"] for id_ in ("p2", "p12", "p13")]
    assert len({tie.x1 for tie in of_init}) == 1
    assert of_init[1].y1 == lane_y(picture, "p2")
    assert ties[f"p2 was the parent of p3 {when}"].x1 > of_init[0].x1


def test_a_zombie_in_a_snapshot_is_one_from_edge_to_edge() -> None:
    picture = drawn("snapshot")
    (tail,) = lines(picture, "p12", "zombie")
    (first, _) = lines(picture, "p12", "cross")
    running = next(m for m in group(picture, "p1").marks if isinstance(m, Box))
    assert first.x1 + 5 == running.x
    assert max(tail.x1, tail.x2) == running.x + running.width
    words = [m.text for m in group(picture, "p12").marks if isinstance(m, Label)]
    assert words[-2:] == ["zombie", "125"]


def test_what_ran_already_shows_its_command_with_its_name() -> None:
    assert "sshd -D" in texts(drawn("snapshot"), "detail-argv")


def test_an_attach_says_once_what_ran_before() -> None:
    picture = drawn("attach")
    caption = " ".join(texts(picture, "caption"))
    assert "p1, p2 ran before the trace began" in caption
    assert "Recorded with ptrace" in caption
    assert len([m for m in picture.marks if m.kind == "create" and m.title]) == 1  # type: ignore[union-attr]


def moment(at_ns: int, step: events.Event) -> events.Event:
    return msgspec.structs.replace(step, at_ns=at_ns)


def test_the_axis_of_time_is_to_scale_where_events_are_not_close() -> None:
    plain = trace_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), ("exit", 10, 0)).events
    times = [0, 0, 100_000_000, 100_000_000, 600_000_000, 900_000_000]
    shifted = [moment(at_ns, event) for at_ns, event in zip(times, plain, strict=True)]
    launch = launch_of(*shifted)
    launch.end = events.Ended(at_ns=1_000_000_000, reason="exited")
    picture = lay_out(launch, analyse(launch), ViewOptions(time=True))
    ticks = {label.text: label.x for label in labels(picture) if label.text.endswith("ms")}
    assert ticks["300 ms"] - ticks["200 ms"] == pytest.approx(ticks["900 ms"] - ticks["800 ms"])
    (cross, _) = lines(picture, "p2", "cross")
    assert cross.x1 + 5 == pytest.approx(ticks["600 ms"])
    assert any("time since the start" in text for text in texts(picture, "subtitle"))


def test_a_trace_without_times_has_no_axis_of_time() -> None:
    for header in ({"source": "snapshot"}, {"times": False}):
        launch = launch_of(*PIPELINE, **header)
        with pytest.raises(UsageError, match="leave --time out"):
            lay_out(launch, analyse(launch), ViewOptions(time=True))


def test_what_was_born_into_a_namespace_shares_the_frame_of_who_was_there_before() -> None:
    inside = {"nspid": [11, 1], "ns": {"pid": 4026531999}}
    picture = picture_of(
        launch_of(
            ("root", 10, "unshare --pid --fork sh"),
            ("fork", 10, 11, "", inside),
            ("fork", 11, 12, "", {"nspid": [12, 2]}),
            ("exit", 12, 0),
            ("exit", 11, 0),
            ("exit", 10, 0),
        )
    )
    (frame,) = frames(picture, "frame")
    assert frame.title == "PID namespace (inode 4026531999)"
    for id_ in ("p2", "p3"):
        assert frame.y < lane_y(picture, id_) < frame.y + frame.height
