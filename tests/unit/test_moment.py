"""The state of the tree at a moment: who was there, under whom, in which group and session."""

import dataclasses
from typing import Any

import pytest

from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.model.moment import Timeline
from forktrace.model.standing import Standing
from forktrace.trace import events
from tests.unit.events import Step, launch_of, trace_of

PODMAN_LIKE = (
    ("root", 10, "sh -c script"),  # events #0 and #1
    ("fork", 10, 11),  # #2, #3
    ("exec", 11, "daemon"),  # #4
    ("fork", 11, 12),  # #5, #6
    ("exit", 11, 0),  # #7
    ("reparent", 12, 1),  # #8
    ("outside", 1, "init"),  # #9
    ("exec", 12, "worker"),  # #10
    ("exit", 12, "SIGKILL"),  # #11
    ("exit", 10, 0),  # #12
)


def at(launch: Launch, seq: int) -> dict[str, Standing]:
    return {s.process.id: s for s in Timeline(launch).at(seq)}


def lives(launch: Launch, seq: int) -> dict[str, str]:
    return {id_: standing.life for id_, standing in at(launch, seq).items()}


def test_who_is_there_after_each_event() -> None:
    launch = launch_of(*PODMAN_LIKE)
    assert [list(at(launch, seq)) for seq in range(13)] == [
        ["p1", "forktrace"],
        ["p1", "forktrace"],
        ["p1", "p2", "forktrace"],
        ["p1", "p2", "forktrace"],
        ["p1", "p2", "forktrace"],
        ["p1", "p2", "p3", "forktrace"],
        ["p1", "p2", "p3", "forktrace"],
        ["p1", "p2", "p3", "forktrace", "x1"],  # p2 has ended; p1 did not do anything since
        ["p1", "p2", "p3", "forktrace", "x1"],
        ["p1", "p2", "p3", "forktrace", "x1"],
        ["p1", "p2", "p3", "forktrace", "x1"],
        ["p1", "p2", "forktrace"],  # x1 is nobody's parent any more; its waits are unknown
        [],
    ]


def test_the_parent_changes_with_the_death_though_the_adoption_is_seen_later() -> None:
    launch = launch_of(*PODMAN_LIKE)
    parents = [(s.parent, s.ppid) for s in (at(launch, seq)["p3"] for seq in (6, 7, 8, 10))]
    assert parents == [("p2", 11), ("x1", 1), ("x1", 1), ("x1", 1)]


def test_the_parent_changes_with_the_adoption_where_the_death_is_told_later() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("reparent", 12, 10),  # 6
        ("exit", 11, 0),  # 7
    )
    assert [at(launch, seq)["p3"].parent for seq in (5, 6, 7)] == ["p2", "p1", "p1"]


def test_without_a_known_cause_the_parent_changes_when_that_is_seen() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("sample", 10, {"ppid": 9}),
        events.Reparented(at_ns=9_000_000, pid=10, ppid=1, previous=9),  # 3
    )
    assert [at(launch, seq)["p1"].ppid for seq in (2, 3)] == [9, 1]


def test_the_image_is_the_one_of_then() -> None:
    launch = launch_of(*PODMAN_LIKE)
    argvs = [at(launch, seq)["p3"].image.argv for seq in (6, 9, 10)]  # type: ignore[union-attr]
    assert argvs == [["daemon"], ["daemon"], ["worker"]]


def test_what_one_stop_showed_is_known_at_once() -> None:
    # The tracer writes a death and the adoption that it caused as events of the same time.
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("fork", 11, 12),
        events.Exited(at_ns=9_000_000, pid=11, code=0),  # 6
        events.Reparented(at_ns=9_000_000, pid=12, ppid=1, previous=11, death=11),  # 7
    )
    assert at(launch, 5)["p3"].parent == "p2"
    assert at(launch, 6)["p3"].parent == "x1"


def test_events_of_an_imported_second_are_no_stop() -> None:
    launch = launch_of(
        events.Started(at_ns=0, pid=10, root=True),
        events.Executed(at_ns=0, pid=10, argv=["a"]),  # 1
        events.Executed(at_ns=0, pid=10, argv=["b"]),  # 2
        events.Created(at_ns=0, pid=10, tid=10, child=11),  # 3
        events.Exited(at_ns=0, pid=10, code=0),  # 4
        events.Reparented(at_ns=0, pid=11, ppid=1, previous=10, death=10),  # 5
        source="import",
    )
    argvs = [at(launch, seq)["p1"].image.argv for seq in (1, 2, 3)]  # type: ignore[union-attr]
    assert argvs == [["a"], ["b"], ["b"]]
    assert [at(launch, seq)["p2"].ppid for seq in (3, 4, 5)] == [10, 1, 1]


def test_a_look_counts_from_the_event_of_its_stop() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        events.Created(at_ns=9_000_000, pid=10, tid=10, child=11),  # 2
        events.Sampled(
            at_ns=9_000_000, pid=10, at="create", state=events.State(comm="new", sid=10)
        ),
        events.Sampled(at_ns=9_000_001, pid=10, at="create", state=events.State(comm="later")),
    )
    told = [(s.comm, s.sid) for s in (at(launch, seq)["p1"] for seq in (1, 2, 3, 4))]
    assert told == [("python3", 5), ("new", 10), ("new", 10), ("later", 10)]


WITH_WAITS = (
    ("root", 10, "sh"),  # 0, 1
    ("fork", 10, 11),  # 2, 3
    ("fork", 10, 12),  # 4, 5
    ("exit", 11, 0),  # 6
    ("exit", 12, 0),  # 7
    ("wait", 10, 11),  # 8
    ("fork", 10, 13),  # 9, 10
)


def test_a_zombie_is_one_until_its_reap() -> None:
    launch = launch_of(*WITH_WAITS, detail="syscalls")
    assert [lives(launch, seq).get("p2") for seq in (5, 6, 7, 8)] == [
        "alive",
        "zombie",
        "zombie",
        None,
    ]


def test_one_that_nobody_was_seen_to_wait_for() -> None:
    launch = launch_of(*WITH_WAITS, ("exit", 10, 0), detail="syscalls")
    assert [lives(launch, seq).get("p3") for seq in (7, 10, 11)] == ["unwaited", "unwaited", None]


def test_one_that_a_wait_may_have_been_for() -> None:
    untold: Step = ("call", 10, "waitid", {"reaped": None})  # 11
    launch = launch_of(*WITH_WAITS, untold, ("exit", 10, 0), detail="syscalls")
    assert [lives(launch, seq).get("p3") for seq in (10, 11, 12)] == ["unwaited", "past", None]


def test_without_recorded_waits_an_ended_one_is_never_called_a_zombie() -> None:
    steps = [step for step in WITH_WAITS if step[0] != "wait"]
    launch = launch_of(*steps)
    assert [lives(launch, seq).get("p2") for seq in (6, 7, 8)] == ["ended", "ended", "past"]


@pytest.mark.parametrize(
    ("log", "life"),
    [
        (None, "ended"),
        (events.LogSummary(lines=9, calls=["wait4"]), "ended"),
        (events.LogSummary(lines=9, unfiltered=True), "unwaited"),
        (events.LogSummary(lines=9, unfiltered=True, left_out=1), "ended"),
    ],
)
def test_an_imported_log_has_all_waits_only_if_it_has_all_calls(
    log: events.LogSummary | None, life: str
) -> None:
    trace = trace_of(
        ("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), source="import", detail="syscalls"
    )
    end = events.Ended(at_ns=9_000_000, reason="log", log=log)
    launch = build_launch(dataclasses.replace(trace, end=end))
    assert lives(launch, 4)["p2"] == life


@pytest.mark.parametrize("act", [("exec", 10, "next"), ("thread", 10, 20), ("fork", 10, 30)])
def test_every_act_of_the_parent_makes_it_past(act: tuple[Any, ...]) -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), act)
    assert (lives(launch, 4)["p2"], lives(launch, 5)["p2"]) == ("ended", "past")


def test_an_exit_in_a_snapshot_is_of_a_zombie() -> None:
    launch = launch_of(
        events.Started(at_ns=1, pid=10, attached=True, state=events.State(ppid=1)),
        events.Started(at_ns=2, pid=11, attached=True, state=events.State(ppid=10)),
        events.Exited(at_ns=3, pid=11, code=0),
        source="snapshot",
        tracer=None,
    )
    assert lives(launch, 2) == {"p1": "alive", "p2": "zombie", "x1": "outside"}


def test_a_released_or_never_seen_process_is_unseen() -> None:
    launch = launch_of(
        ("root", 10, "gdb"),
        ("fork", 10, 11),
        events.Released(at_ns=9_000_000, pid=11),
        ("create", 10, 12),
    )
    before, after = lives(launch, 3), lives(launch, 5)
    assert before == {"p1": "alive", "p2": "alive", "forktrace": "outside"}
    assert after == {"p1": "alive", "p2": "unseen", "p3": "unseen", "forktrace": "outside"}


def test_the_dead_parent_of_an_orphan_without_a_record_is_unknown() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("create", 10, 11),
        ("start", 11, None),
        ("exit", 10, 0),
        detail="minimal",
    )
    (orphan,) = Timeline(launch).at(4)
    assert (orphan.process.id, orphan.parent, orphan.ppid) == ("p2", None, None)


def test_group_and_session_are_as_last_seen_and_handed_on() -> None:
    launch = launch_of(
        ("root", 10, "sh", {"tty": 34816}),
        ("fork", 10, 11),
        ("exec", 11, "daemon", None, {"pgid": 11, "sid": 11, "tty": 0}),
        ("fork", 11, 12),
    )
    before, after, child = at(launch, 3)["p2"], at(launch, 4)["p2"], at(launch, 6)["p3"]
    assert (before.pgid, before.sid, before.tty) == (10, 5, 34816)
    assert (after.pgid, after.sid, after.tty) == (11, 11, 0)
    assert (child.pgid, child.sid, child.tty) == (11, 11, 0)


def test_recorded_setsid_and_setpgid_count_before_any_look() -> None:
    launch = launch_of(
        ("root", 10, "sh", {"tty": 34816}),
        ("fork", 10, 11),
        ("call", 11, "setpgid", {"pid": 0, "pgid": 0}),  # 4
        ("call", 11, "setsid"),  # 5
        ("fork", 10, 12),
        ("call", 12, "setsid", {}, "EPERM"),  # 8
        ("call", 12, "setpgid", {"pid": 0, "pgid": 10}),  # 9: joins a group
        detail="syscalls",
    )
    assert [(s.pgid, s.sid, s.tty) for s in (at(launch, seq)["p2"] for seq in (3, 4, 5))] == [
        (10, 5, 34816),
        (11, 5, 34816),
        (11, 11, 0),
    ]
    last = at(launch, 9)["p3"]
    assert (last.pgid, last.sid, last.tty) == (10, 5, 34816)


def test_what_a_first_stop_showed_held_since_the_announcement() -> None:
    launch = launch_of(
        ("root", 10, "sh", {"cgroup": ["0::/a"]}),
        ("create", 10, 11, "INTO_CGROUP", "clone3"),  # 2
        ("start", 11, 10, {"cgroup": ["0::/b"]}),  # 3
    )
    assert [at(launch, seq)["p2"].cgroup for seq in (2, 3)] == [("0::/b",), ("0::/b",)]


def test_threads_are_those_of_then() -> None:
    launch = launch_of(
        ("root", 10, "go"),
        ("thread", 10, 11),  # 2
        ("thread", 10, 12),  # 3
        events.ThreadExited(at_ns=9_000_000, pid=10, tid=11),  # 4
        ("exec", 10, "next"),  # 5: ends all threads
    )
    assert [at(launch, seq)["p1"].threads for seq in range(6)] == [0, 0, 1, 2, 1, 0]


def test_times_that_run_backwards_do_not_mix_up_the_order() -> None:
    launch = launch_of(
        events.Started(at_ns=50, pid=10, root=True),
        events.Executed(at_ns=20, pid=10, argv=["a"]),
        events.Exited(at_ns=40, pid=10, code=0),
    )
    timeline = Timeline(launch)
    assert [timeline.time_ns(seq) for seq in range(3)] == [50, 50, 50]
    assert (timeline.seq_at(49), timeline.seq_at(50)) == (0, 2)
    there = [[s.process.id for s in timeline.at(seq)] for seq in range(3)]
    assert there == [["p1", "forktrace"], ["p1", "forktrace"], []]


def test_the_busiest_moment_is_the_end_of_the_first_stretch_with_the_most_alive() -> None:
    launch = launch_of(
        ("root", 10, "sh"),  # 0, 1
        ("fork", 10, 11),  # 2, 3
        ("exit", 11, 0),  # 4
        ("fork", 10, 12),  # 5, 6
        ("fork", 12, 13),  # 7, 8
        ("exec", 13, "a"),  # 9
        ("exit", 13, 0),  # 10
        ("fork", 12, 14),  # 11, 12
        ("exec", 14, "b"),
    )
    assert Timeline(launch).busiest() == 9


def test_the_busiest_moment_may_last_to_the_end() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "a"))
    assert Timeline(launch).busiest() == 4


def test_a_trace_without_events() -> None:
    timeline = Timeline(launch_of())
    assert (timeline.last, timeline.busiest(), timeline.seq_at(5), timeline.at(0)) == (-1, 0, 0, [])
