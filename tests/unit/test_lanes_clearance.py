"""Check that marks which mean different things stand apart, where a picture has the room."""

from itertools import pairwise

import pytest

from forktrace.views.shapes import Group, Line, Picture, Polygon
from tests.unit.lane_cases import drawn, lane_y, lines

GALLERY = ("docker-daemon", "podman-5", "podman-netavark", "podman-pod", "podman-quadlet")
each_drawn = pytest.mark.parametrize("name", [f"example {name}" for name in GALLERY])


def marks_at(picture: Picture, process: str, kind: str) -> list[float]:
    """Return where the middles of ticks and crosses stand: two strokes each."""
    found = sorted(sum((m.x1, m.x2)) / 2 for m in lines(picture, process, kind))
    return [(one + other) / 2 for one, other in zip(found[::2], found[1::2], strict=True)]


def processes(picture: Picture) -> list[str]:
    return [item.name for item in picture.items if isinstance(item, Group)]


@pytest.mark.parametrize(
    ("name", "process"), [("podman-netavark", "p43"), ("podman-pod", "p15"), ("podman-5", "p11")]
)
def test_a_containers_own_program_is_seen_however_short_it_ran(name: str, process: str) -> None:
    picture = drawn(f"example {name}")
    executed = marks_at(picture, process, "exec")[-1]
    (ended,) = marks_at(picture, process, "cross")
    assert ended - executed >= 20 - 0.1


@each_drawn
def test_a_tick_of_a_cgroup_is_not_one_of_an_exec(name: str) -> None:
    picture = drawn(name)
    for process in processes(picture):
        strokes = [m.x1 for m in lines(picture, process, "exec")]
        for tick in lines(picture, process, "cgroup"):
            assert all(abs(stroke - tick.x1) >= 4 for stroke in strokes), (process, tick)


@each_drawn
def test_a_bracket_is_clear_of_the_exec_after_it(name: str) -> None:
    picture = drawn(name)
    for process in processes(picture):
        strokes = [m.x1 for m in lines(picture, process, "exec")]
        for part in lines(picture, process, "session"):
            after = [x - part.x2 for x in strokes if x > part.x1]
            assert min(after, default=99.0) >= 6


@each_drawn
def test_no_line_runs_close_past_a_cross(name: str) -> None:
    picture = drawn(name)
    upright = [
        m for m in picture.marks if isinstance(m, Line) and m.kind in ("create", "tie", "reap")
    ]
    crosses = [m for m in picture.marks if isinstance(m, Line) and m.kind.startswith("cross")]
    for line in (m for m in upright if m.title):
        top, bottom = sorted((line.y1, line.y2))
        for cross in crosses:
            middle = (cross.y1 + cross.y2) / 2
            if top + 8 < middle < bottom - 8:
                assert not min(cross.x1, cross.x2) - 10 < line.x1 < max(cross.x1, cross.x2) + 10


def test_hollow_arrowheads_on_one_lane_do_not_touch() -> None:
    picture = drawn("example podman-pod")
    heads = [m for m in picture.marks if isinstance(m, Polygon) and m.kind == "reap-head"]
    on_p12 = [m for m in heads if abs(m.points[2][1] - lane_y(picture, "p12")) < 4]
    assert len(on_p12) == 2
    for before, after in pairwise(sorted(on_p12, key=lambda head: head.points[0][0])):
        assert after.points[0][0] - before.points[1][0] >= 10 - 0.1
