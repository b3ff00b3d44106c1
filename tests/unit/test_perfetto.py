"""Chrome trace JSON, by the rules of the Trace Event Format that Perfetto's importer has."""

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.perfetto import render
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions
from tests.unit.events import launch_of
from tests.unit.podman import podman_steps

EXAMPLES = Path(__file__).parents[2] / "examples"
REQUIRED = {
    "M": {"name", "pid", "args"},
    "X": {"name", "pid", "tid", "ts", "dur"},
    "i": {"name", "pid", "tid", "ts", "s"},
    "s": {"name", "cat", "id", "pid", "tid", "ts"},
    "f": {"name", "cat", "id", "pid", "tid", "ts", "bp"},
}
Event = dict[str, Any]


def events_of(launch: Launch) -> list[Event]:
    found: list[Event] = json.loads(render(launch, analyse(launch), ViewOptions()))["traceEvents"]
    return found


def named(events: list[Event]) -> dict[int, str]:
    return {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}


def test_the_programs_of_a_process_are_slices_from_exec_to_exec() -> None:
    launch = launch_of(
        ("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "first x"), ("exec", 11, "second"),
        ("exit", 11, 3), ("exit", 10, 0),
    )  # fmt: skip
    mine = [e for e in events_of(launch) if e["pid"] == 2 and e["ph"] == "X"]
    assert [(e["name"], e["ts"], e["dur"]) for e in mine] == [
        ("sh", 3000.0, 1100.0),
        ("first", 4100.0, 1000.0),
        ("second", 5100.0, 1000.0),
    ]
    assert mine[1]["args"] == {"argv": "first x", "path": "first"}
    instants = [(e["name"], e["ts"]) for e in events_of(launch) if e["ph"] == "i" and e["pid"] == 2]
    assert instants == [("exec first", 4100.0), ("exec second", 5100.0), ("exit 3", 6100.0)]


def test_arrows_lead_from_creator_to_child_and_from_orphan_to_adopter() -> None:
    found = events_of(launch_of(*podman_steps()))
    names = named(found)
    ends: defaultdict[int, dict[str, Event]] = defaultdict(dict)
    for event in found:
        if event["ph"] in "sf":
            ends[event["id"]][event["ph"]] = event
    arrows = {
        (e["s"]["name"], *(names[e[end]["pid"]].split(" ")[0] for end in "sf"))
        for e in ends.values()
    }
    assert ("clone", "p7", "p8") in arrows
    assert ("adopted by", "p8", "p4") in arrows
    assert ("adopted by", "p4", "x1") in arrows


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("*/launch.jsonl")), ids=lambda p: p.parent.name
)
def test_every_example_keeps_the_rules_of_the_format(path: Path) -> None:
    found = events_of(build_launch(read_trace(path)))
    slices: defaultdict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for event in found:
        assert REQUIRED[event["ph"]] <= event.keys()
        if event["ph"] == "X":
            assert event["dur"] > 0
            slices[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for spans in slices.values():  # of a thread: one after the other
        ordered = sorted(spans)
        for (_, end), (start, _) in pairwise(ordered):
            assert start >= end - 0.002
    for event in found:
        if event["ph"] in "sf":  # an arrow's end binds to the slice around it
            around = slices[event["pid"], event["tid"]]
            assert any(start <= event["ts"] < end + 0.001 for start, end in around), event
    counts: defaultdict[int, list[str]] = defaultdict(list)
    for event in found:
        if event["ph"] in "sf":
            counts[event["id"]].append(event["ph"])
    assert all(sorted(kinds) == ["f", "s"] for kinds in counts.values())
    instants = {(event["pid"], event["ts"]) for event in found if event["ph"] == "i"}
    assert {(event["pid"], event["ts"]) for event in found if event["ph"] == "s"} <= instants
    assert len(named(found)) == len({e["pid"] for e in found})


def test_creation_and_adoption_are_instants_of_both_who_take_part() -> None:
    found = events_of(launch_of(*podman_steps()))
    names = {pid: name.split(" ")[0] for pid, name in named(found).items()}
    instants = {(names[e["pid"]], e["name"]) for e in found if e["ph"] == "i"}
    assert {("p7", "clone p8"), ("p8", "adopted by p4"), ("p4", "adopts p8")} <= instants


def test_programs_of_one_tick_of_a_coarse_clock_do_not_overlap() -> None:
    launch = launch_of(("root", 10, "sh"), ("exec", 10, "first"), ("exec", 10, "second"))
    for image in launch.processes["p1"].images:
        object.__setattr__(image, "at", launch.processes["p1"].born)
    spans = [(e["ts"], e["dur"]) for e in events_of(launch) if e["ph"] == "X"]
    assert spans == [(1000.0, 0.001), (1000.001, 0.001), (1000.002, 3999.998)]


def test_a_pid_that_is_used_again_stays_two_processes() -> None:
    launch = launch_of(
        ("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), ("fork", 10, 11), ("exit", 11, 0)
    )
    assert len(named(events_of(launch))) == 3


def test_it_is_plain_ascii_whatever_the_arguments() -> None:
    text = render(
        launch := launch_of(("root", 10, ["\x1b[31m", "é", "\udcff", "</script>"])),
        analyse(launch),
        ViewOptions(),
    )
    assert text.isascii()
    assert "\x1b" not in text
