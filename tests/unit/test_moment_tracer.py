"""Forktrace itself at a moment: the real parent of the command that it ran, as far as known."""

from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.model.moment import Timeline
from forktrace.model.standing import Standing
from forktrace.render.ps import Request, render
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions
from tests.unit.events import TRACER, launch_of

UNIT = Path(__file__).parents[2] / "examples" / "podman-systemd-unit" / "launch.jsonl"
GROUP: dict[str, Any] = {"pgid": 7, "sid": 5, "cgroup": ["0::/unit"]}


def at(launch: Launch, seq: int) -> dict[str, Standing]:
    return {s.process.id: s for s in Timeline(launch).at(seq)}


def under(launch: Launch, seq: int) -> tuple[str | None, int | None, bool]:
    """Return the command's parent, that one's pid, and whether this is inferred."""
    root = at(launch, seq)["p1"]
    return root.parent, root.ppid, root.inferred


def place(standing: Standing) -> tuple[object, ...]:
    return standing.pgid, standing.sid, standing.tty, standing.cgroup


def command(pid: int, ppid: int | None, **more: Any) -> events.Started:
    state = events.State(**{"ppid": ppid, **more})
    return events.Started(at_ns=1, pid=pid, root=True, state=state)


def test_it_is_where_the_command_was_before_that_did_anything() -> None:
    launch = launch_of(
        command(10, TRACER, **GROUP),  # 0
        ("exec", 10, "sh", None, {"tty": 34816, "cgroup": ["0::/moved"]}),  # 1
        ("sample", 10, {"pgid": 10, "sid": 10, "tty": 0}),  # 2
    )
    assert under(launch, 2) == ("forktrace", TRACER, False)
    tracers = [at(launch, seq)["forktrace"] for seq in (0, 1, 2)]
    assert [place(tracer) for tracer in tracers] == [
        (7, 5, None, ("0::/unit",)),
        (7, 5, 34816, ("0::/unit",)),
        (7, 5, 34816, ("0::/unit",)),
    ]
    assert {(t.process.pid, t.comm, t.ppid, t.life) for t in tracers} == {
        (TRACER, "forktrace", None, "outside")
    }


def test_where_nothing_was_read_it_is_the_inferred_parent_and_its_place_unknown() -> None:
    launch = launch_of(
        events.Started(at_ns=1, pid=10, root=True), ("exec", 10, "sh"), detail="minimal"
    )
    assert under(launch, 1) == ("forktrace", TRACER, True)
    assert place(at(launch, 1)["forktrace"]) == (None, None, None, None)


def test_it_goes_with_the_command() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 10, 0), ("reparent", 11, 1))
    assert list(at(launch, 3)) == ["p1", "p2", "forktrace"]
    assert list(at(launch, 5)) == ["p2", "x1"]


def test_an_adopted_command_is_not_its_child_any_more() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        events.Reparented(at_ns=9_000_000, pid=10, ppid=1, previous=TRACER),  # 2
    )
    assert [under(launch, seq) for seq in (1, 2)] == [
        ("forktrace", TRACER, False),
        ("x1", 1, False),
    ]
    assert list(at(launch, 2)) == ["p1", "x1"]


def test_another_child_of_it_stands_under_the_same_row() -> None:
    launch = launch_of(("root", 10, "sh"), ("clone", 10, 11, "PARENT"), ("exit", 10, 0))
    assert {id_: (s.parent, s.ppid) for id_, s in at(launch, 3).items()} == {
        "p1": ("x1", TRACER),
        "p2": ("x1", TRACER),
        "x1": (None, None),
    }
    assert (at(launch, 3)["x1"].pgid, at(launch, 3)["x1"].sid) == (10, 5)
    assert list(at(launch, 4)) == ["p2", "x1"]


@pytest.mark.parametrize("ppid", [0, 1, 4711])
def test_a_command_that_was_seen_under_another_is_not_its_child(ppid: int) -> None:
    launch = launch_of(command(10, ppid, **GROUP))
    assert under(launch, 0) == (None, ppid, False)
    assert list(at(launch, 0)) == ["p1"]


@pytest.mark.parametrize("source", ["attach", "snapshot", "import"])
@pytest.mark.parametrize("state", [None, events.State(ppid=TRACER)])
def test_what_forktrace_did_not_start_is_not_its_child(
    source: str, state: events.State | None
) -> None:
    launch = launch_of(events.Started(at_ns=1, pid=10, root=True, state=state), source=source)
    assert list(at(launch, 0)) == ["p1"]


def test_one_that_it_attached_to_is_not_its_child() -> None:
    launch = launch_of(events.Started(at_ns=1, pid=10, root=True, attached=True))
    assert list(at(launch, 0)) == ["p1"]


def test_a_trace_that_does_not_name_its_pid() -> None:
    launch = launch_of(command(10, TRACER), tracer=None)
    assert list(at(launch, 0)) == ["p1"]


def test_it_is_the_main_process_of_a_systemd_unit() -> None:
    # The trace's header has the pid 147; its first event shows the command, 148, in group and
    # session 147, so forktrace leads them; the exec, #2, shows that there is no terminal.
    launch = build_launch(read_trace(UNIT))

    def lines(*, cgroups: bool) -> list[str]:
        request = Request("#2", cgroups=cgroups, hierarchy="systemd")
        return render(launch, analyse(launch), request, ViewOptions(width=80)).splitlines()

    podman = ["/usr/bin/podman", "run", "--rm", "--name", "baz", "…"]
    assert [line.split() for line in lines(cgroups=False)[2:4]] == [
        ["147", "?", "147", "147", "-", "-s", "baz.service", "(forktrace)"],
        ["148", "147", "147", "147", "-", "-", "baz.service", "\\_", *podman],
    ]
    assert lines(cgroups=True)[3:7] == [
        "└─system.slice",
        "  └─baz.service",
        "    ├─147 (forktrace)",
        "    └─148 /usr/bin/podman run --rm --name baz --network=host alpine sh -c while…",
    ]
