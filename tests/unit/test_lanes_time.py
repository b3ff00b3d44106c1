"""Check the axis of time."""

from itertools import pairwise

import msgspec
import pytest

from forktrace.analysis.passes import analyse
from forktrace.errors import UsageError
from forktrace.trace import events
from forktrace.views.lanes.clock import draw_axis, is_stretched
from forktrace.views.lanes.layout import lay_out
from forktrace.views.options import ViewOptions
from forktrace.views.shapes import Label, Line
from tests.unit.events import launch_of, trace_of
from tests.unit.lane_cases import PIPELINE, drawn, labels, lines, texts


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


def test_the_axis_is_dashed_where_it_is_stretched() -> None:
    picture = drawn("example podman-run", time=True)
    parts = [m for m in picture.marks if isinstance(m, Line) and m.y1 == m.y2]
    axis = sorted((m for m in parts if m.kind.startswith("axis")), key=lambda m: m.x1)
    assert {m.kind for m in axis} == {"axis", "axis-stretched"}
    assert all(a.x2 == pytest.approx(b.x1) and a.kind != b.kind for a, b in pairwise(axis))
    caption = texts(picture, "caption")
    assert "Where the axis is dashed its time is stretched: events lie close there." in caption


def test_an_axis_to_scale_is_not_dashed() -> None:
    marks = list(draw_axis([0, 10, 30], [0.0, 100.0, 300.0], 50.0))
    assert [m.kind for m in marks if isinstance(m, Line) and m.y1 == m.y2] == ["axis"]
    assert not is_stretched([0, 10, 30], [0.0, 100.0, 300.0])
    assert is_stretched([0, 10, 30], [0.0, 100.0, 200.0])


def told(end_s: int, width: float) -> list[str]:
    """Return the texts at the ticks of an axis of so many seconds."""
    marks = draw_axis([0, end_s * 10**9], [0.0, width], 50.0)
    return [mark.text for mark in marks if isinstance(mark, Label)]


def test_ticks_are_all_in_seconds() -> None:
    assert told(72, 1000) == ["0", *(f"{s} s" for s in range(10, 80, 10))]
    assert told(7200, 1000)[-1] == "7,000 s"


def test_where_a_text_has_no_room_every_second_tick_has_one() -> None:
    assert told(72, 200) == ["0", "20 s", "40 s", "60 s"]
    assert told(72, 90) == ["0", "50 s"]
    assert told(72, 5) == ["0"]
