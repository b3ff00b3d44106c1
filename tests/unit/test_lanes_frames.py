"""Check the frames around the lanes of containers and PID namespaces."""

from forktrace.analysis.findings import Container
from forktrace.analysis.passes import analyse
from forktrace.views.lanes.layout import lay_out
from forktrace.views.options import ViewOptions
from forktrace.views.shapes import Bounds, Group, Label
from tests.unit.events import launch_of
from tests.unit.lane_cases import (
    CASES,
    boxes_of,
    drawn,
    frames,
    group,
    labels,
    lane_y,
    picture_of,
    texts,
)

CONTAINER_ID = "be65b6760a67"  # of the saved trace


def test_a_process_in_a_pid_namespace_is_framed_and_says_its_pid_there() -> None:
    picture = drawn("podman")
    assert len(frames(picture, "container-frame")) == 1
    assert any("pid 1 in ns" in text for text in texts(picture, "detail"))


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
