"""Check that no word of a small picture is lost: what has no room in the field stands elsewhere."""
# ruff: noqa: RUF001 (a multiplication sign is what lanes count with)

from functools import cache

import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.views.lanes.columns import Note
from forktrace.views.lanes.draw import Canvas
from forktrace.views.lanes.field import Aside, is_end
from forktrace.views.lanes.labels import BIRTH_KIND
from forktrace.views.lanes.layout import lay_out_lanes
from forktrace.views.notes import closing_notes, ends_words, inferred_words
from forktrace.views.options import ViewOptions
from forktrace.views.shapes import Label, Picture
from tests.unit.events import Step, launch_of
from tests.unit.lane_cases import CASES, drawn, group, lines, picture_of, reap_lines, texts
from tests.unit.podman import podman_syscall_steps

FEW = 40  # processes


def launch_called(name: str) -> Launch:
    return build_launch(CASES[name])


SMALL = [name for name in CASES if len(list(launch_called(name).inside)) < FEW]


@cache
def laid_out(name: str, width: int | None = None) -> tuple[Picture, Canvas]:
    launch = launch_called(name)
    return lay_out_lanes(launch, analyse(launch), ViewOptions(width=width))


def stands_with_the_name(aside: Aside, note: Note) -> bool:
    if note.kind == "argv":
        return note.lane in aside.commands
    if note.kind == BIRTH_KIND:
        return note.lane in aside.births
    return is_end(note) and note.lane in aside.ends


def test_most_cases_are_small() -> None:
    assert {"podman", "fan", "example podman-pod", "example rootless"} <= set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_no_word_is_lost(name: str) -> None:
    _, canvas = laid_out(name)
    lost = [
        note.words(note.most)
        for note, text in canvas.field.texts
        if not text and not stands_with_the_name(canvas.field.aside, note)
    ]
    assert lost == []


@pytest.mark.parametrize("name", SMALL)
def test_no_word_is_cut_below_twelve_characters(name: str) -> None:
    picture, _ = laid_out(name)
    cut = [m.text for m in picture.marks if isinstance(m, Label) and m.text.endswith("…")]
    cut = [text for text in cut if not text.endswith(" …")]  # of several, with other arguments
    assert [text for text in cut if len(text) < 12] == []


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("width", [None, 1100, 800])
def test_every_end_is_told(name: str, width: int | None) -> None:
    picture, canvas = laid_out(name, width)
    for lane in canvas.plan.lanes:
        if lane.process.exit is None:
            continue
        end = ends_words(canvas.plan.launch, lane.row.ids)
        marks = [m for m in group(picture, lane.process.id).marks if isinstance(m, Label)]
        at_cross = [m.text for m in marks if m.kind.split()[0] == "end"]
        in_badge = [m.text for m in marks if m.kind.split()[0] == "badge-end"]
        assert (at_cross, in_badge) in (([end.removeprefix("exit ")], []), ([], [end]))


def test_command_lines_stand_at_their_execs_where_there_is_room() -> None:
    for name in ("podman", "example podman-foreground", "example docker-daemon"):
        _, canvas = laid_out(name)
        assert canvas.field.aside == Aside()


IPTABLES: list[Step] = [
    ("root", 10, "netavark setup"),
    *(
        step
        for pid in range(11, 31)
        for step in (
            ("vfork", 10, pid),
            ("exec", pid, f"iptables -A chain{pid}"),
            ("exit", pid, pid % 2),
        )
    ),
    ("exit", 10, 0),
]


def test_many_of_one_program_share_a_lane_that_tells_how_they_ended() -> None:
    picture = picture_of(launch_of(*IPTABLES))
    assert texts(picture, "id") == ["p1", "p2"]
    assert "iptables ×20" in texts(picture, "name")
    assert texts(picture, "end") == ["0", "10 exit 1"]
    assert [line.kind for line in lines(picture, "p2", "cross")] == ["cross", "cross"]
    caption = texts(picture, "caption")
    assert any(text.startswith("Folded: 21 processes in 2 lanes") for text in caption)


def test_a_move_to_a_cgroup_says_who_did_it() -> None:
    picture = picture_of(launch_of(*podman_syscall_steps(), detail="syscalls"))
    words = [text for text in texts(picture, "word") if text.startswith("cgroup ")]
    assert len(words) == 2
    titles = {m.title for m in picture.marks if isinstance(m, Label) and "cgroup" in m.text}
    assert any("first seen in the cgroup" in (title or "") for title in titles)
    saved = [t for t in texts(drawn("example podman-foreground"), "word") if t.startswith("cgroup")]
    assert [text.rpartition(" by ")[2] for text in saved] == ["p1", "p5"]


def test_a_long_zombie_is_seen_and_called_so() -> None:
    picture = drawn("example zombie")
    tail = lines(picture, "p2", "zombie")[0]
    assert abs(tail.x2 - tail.x1) > 30
    assert "zombie" in texts(picture, "word")


def test_a_client_says_that_its_container_is_made_elsewhere() -> None:
    caption = " ".join(texts(drawn("example docker-client"), "caption"))
    assert "a daemon outside this trace makes its container" in caption
    assert "forktrace attach -p $(pidof dockerd) -p $(pidof containerd)" in caption
    for name in ("example docker-daemon", "podman", "example podman-exec"):
        assert "daemon outside" not in " ".join(texts(drawn(name), "caption"))


def test_an_inferred_parent_is_told_of_as_in_other_views() -> None:
    launch = launch_called("example podman-crun")
    words = inferred_words(launch)
    assert words == "1 parent follows from the clone flags (not read from /proc)"
    assert f"{words}." in texts(drawn("example podman-crun"), "caption")
    assert words in closing_notes(launch, analyse(launch))
    assert not any("clone flags" in text for text in texts(drawn("pipeline"), "caption"))
    minimal = texts(picture_of(launch_of(*IPTABLES, detail="minimal")), "caption")
    assert any(text.startswith("Recorded with --detail minimal: parents") for text in minimal)


def test_a_wait_for_a_long_zombie_is_no_plain_one() -> None:
    picture = drawn("example podman-quadlet")
    assert any(text.startswith("Not drawn: 11 waits") for text in texts(picture, "caption"))
    waits = {title.partition(" and ")[0] for title in reap_lines(picture)}
    assert {"p1 waited for p16", "p1 waited for p18"} <= waits
    assert texts(picture, "word").count("zombie") == 2
