"""Check the axis of time."""

import msgspec
import pytest

from forktrace.analysis.passes import analyse
from forktrace.errors import UsageError
from forktrace.trace import events
from forktrace.views.lanes.layout import lay_out
from forktrace.views.options import ViewOptions
from tests.unit.events import launch_of, trace_of
from tests.unit.lane_cases import PIPELINE, labels, lines, texts


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
