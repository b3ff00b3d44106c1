"""Joining events to processes: every order in which the tracer may be told of them."""

import pytest

from forktrace.model.build import build_launch
from forktrace.model.history import History
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace import events
from forktrace.trace.reader import TraceFile
from tests.unit.events import HEADER, TRACER, Step, launch_of
from tests.unit.podman import podman_steps

ROOT: Step = ("root", 10, "sh script")


def of_pid(launch: Launch, pid: int) -> Process:
    (found,) = [p for p in launch.processes.values() if p.pid == pid]
    return found


def edges(launch: Launch) -> list[tuple[str, str, str]]:
    return sorted((s, t, d["kind"]) for s, t, d in launch.graph.edges(data=True))


def test_the_root_has_neither_creator_nor_parent() -> None:
    launch = launch_of(ROOT, ("exit", 10, 3))
    root = of_pid(launch, 10)
    assert (launch.root, root.id, root.creator, root.parent) == ("p1", "p1", None, None)
    assert [(i.path, i.inherited) for i in root.images] == [("sh", False)]
    assert root.exit is not None
    assert (root.exit.code, root.exit.signal) == (3, None)
    assert list(launch.processes) == ["p1"]


CREATE: Step = ("create", 10, 11, "", "fork")
START: Step = ("start", 11, 10)


@pytest.mark.parametrize(
    "steps",
    [
        [CREATE, START, ("exec", 11, "true"), ("exit", 11, 0)],
        [START, CREATE, ("exec", 11, "true"), ("exit", 11, 0)],
        [START, ("exec", 11, "true"), CREATE, ("exit", 11, 0)],
        [START, ("exec", 11, "true"), ("exit", 11, 0), CREATE],
    ],
    ids=["announced", "stop first", "exec first", "ended first"],
)
def test_the_order_of_announcement_and_first_stop_does_not_matter(steps: list[Step]) -> None:
    launch = launch_of(ROOT, *steps, ("exit", 10, 0))
    child = of_pid(launch, 11)
    assert (child.id, child.creator, child.parent) == ("p2", "p1", "p1")
    assert not child.parent_inferred
    assert not child.unseen
    assert child.creation is not None
    assert (child.creation.how, child.creation.tid) == ("fork", 10)
    assert [(i.path, i.inherited) for i in child.images] == [("sh", True), ("true", False)]
    assert child.exit is not None
    assert edges(launch) == [("p1", "p2", "create")]


def test_a_creator_that_was_killed_never_announces() -> None:
    launch = launch_of(ROOT, START, ("exit", 10, "SIGKILL"), ("exit", 11, 0))
    child = of_pid(launch, 11)
    assert (child.creator, child.parent) == (None, "p1")
    assert [(i.path, i.inherited) for i in child.images] == [("sh", True)]
    assert edges(launch) == [("p1", "p2", "parent")]


def test_an_announced_process_that_never_stops_is_unseen() -> None:
    launch = launch_of(ROOT, CREATE, ("exit", 10, 0))
    child = of_pid(launch, 11)
    assert child.unseen
    assert child.exit is None
    assert (child.creator, child.parent, child.parent_inferred) == ("p1", "p1", True)


def test_an_announced_process_that_is_killed_at_once_was_seen_to_end() -> None:
    launch = launch_of(ROOT, CREATE, ("exit", 11, "SIGKILL"))
    child = of_pid(launch, 11)
    assert not child.unseen
    assert child.exit is not None
    assert child.exit.signal == "SIGKILL"


def test_a_pid_used_again_is_another_process() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("exec", 11, "one"),
        ("exit", 11, 1),
        ("fork", 10, 11),
        ("exec", 11, "two"),
        ("exit", 11, 2),
    )
    first, second = launch.processes["p2"], launch.processes["p3"]
    assert (first.pid, second.pid) == (11, 11)
    assert (first.argv, second.argv) == (["one"], ["two"])
    assert first.exit is not None
    assert second.exit is not None
    assert (first.exit.code, second.exit.code) == (1, 2)


def test_a_late_announcement_goes_to_the_oldest_that_fits() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 20),
        ("start", 11, 10),
        ("exit", 11, 1),
        ("start", 11, 20),
        ("create", 20, 11),
        ("create", 10, 11),
    )
    first, second = launch.processes["p3"], launch.processes["p4"]
    assert (first.creator, second.creator) == ("p1", "p2")
    assert first.exit is not None
    assert second.exit is None


def test_a_ghost_does_not_take_the_next_owner_of_its_pid() -> None:
    """A killed child never stopped; its pid went to a child of another, whose stop came first."""
    launch = launch_of(
        ROOT,
        ("fork", 10, 20),
        ("create", 10, 11),
        ("start", 11, 20),
        ("exec", 11, "true"),
        ("create", 20, 11, "", "vfork"),
    )
    ghost, child = launch.processes["p3"], launch.processes["p4"]
    assert (ghost.unseen, ghost.creator) == (True, "p1")
    assert (child.unseen, child.creator, child.parent) == (False, "p2", "p2")


def test_clone_parent_makes_a_sibling() -> None:
    launch = launch_of(ROOT, ("fork", 10, 11), ("clone", 11, 12, "PARENT"))
    sibling = of_pid(launch, 12)
    assert (sibling.creator, sibling.parent, sibling.parent_inferred) == ("p2", "p1", False)
    assert edges(launch) == [
        ("p1", "p2", "create"),
        ("p1", "p3", "parent"),
        ("p2", "p3", "create"),
    ]


def test_a_late_announcement_with_clone_parent_is_joined_by_the_creators_parent() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("exec", 11, "other"),
        ("start", 12, 10),
        ("exit", 12, 0),
        ("create", 11, 12, "PARENT"),
    )
    sibling = of_pid(launch, 12)
    assert (sibling.creator, sibling.parent) == ("p2", "p1")
    assert sibling.images[0].path == "other"  # the creator's image, not the parent's


def test_clone_parent_of_the_root_makes_a_child_of_forktrace() -> None:
    launch = launch_of(ROOT, ("clone", 10, 11, "PARENT"))
    tracer = of_pid(launch, TRACER)
    assert (tracer.id, tracer.outside, tracer.name) == ("x1", True, "forktrace")
    assert of_pid(launch, 11).parent == "x1"


@pytest.mark.parametrize(("flags", "parent"), [("", "p2"), ("VM VFORK", "p2"), ("PARENT", "p1")])
def test_without_samples_the_parent_follows_from_the_flags(flags: str, parent: str) -> None:
    launch = launch_of(
        ROOT,
        ("create", 10, 11),
        ("start", 11, None),
        ("create", 11, 12, flags),
        ("start", 12, None),
        detail="minimal",
    )
    child = of_pid(launch, 12)
    assert (child.creator, child.parent, child.parent_inferred) == ("p2", parent, True)


@pytest.mark.parametrize(("ppid", "inferred"), [(11, False), (None, True), (1, True)])
def test_a_later_look_confirms_an_inferred_parent(ppid: int | None, inferred: bool) -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("create", 11, 12),
        ("start", 12, None),
        ("exec", 12, "true", "/bin/true", {"ppid": ppid, "comm": "true"}),
    )
    child = of_pid(launch, 12)
    assert (child.parent, child.parent_inferred) == ("p2", inferred)


def test_without_samples_a_dead_creators_parent_stays_unknown() -> None:
    launch = launch_of(
        ROOT,
        ("create", 10, 11),
        ("start", 11, None),
        ("create", 11, 12),
        ("start", 12, None),
        ("exit", 11, 0),
        ("create", 12, 13, "PARENT"),
        detail="minimal",
    )
    assert of_pid(launch, 13).parent is None


def test_reparenting_keeps_the_parent_at_birth() -> None:
    launch = launch_of(
        ROOT, ("fork", 10, 11), ("fork", 11, 12), ("exit", 11, 0), ("reparent", 12, 1)
    )
    orphan = of_pid(launch, 12)
    assert orphan.parent == "p2"
    (adoption,) = orphan.adoptions
    assert (adoption.parent, adoption.previous, adoption.death) == ("x1", "p2", "p2")
    assert launch.parent_now(orphan) == "x1"
    assert ("x1", "p3", "reparent") in edges(launch)


def test_the_death_may_be_reported_after_the_reparenting() -> None:
    launch = launch_of(
        ROOT, ("fork", 10, 11), ("fork", 11, 12), ("reparent", 12, 1), ("exit", 11, 0)
    )
    (adoption,) = of_pid(launch, 12).adoptions
    assert (adoption.previous, adoption.death) == ("p2", "p2")


def test_the_death_is_of_who_had_the_pid_then() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("exit", 11, 0),
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("exit", 11, 0),
        ("reparent", 12, 10),
        ("fork", 10, 11),
    )
    (adoption,) = of_pid(launch, 12).adoptions
    assert (adoption.parent, adoption.death) == ("p1", "p3")


def test_a_parent_outside_that_is_left_caused_no_known_death() -> None:
    launch = launch_of(
        ROOT,
        ("clone", 10, 11, "PARENT"),
        events.Reparented(at_ns=9_000_000, pid=11, ppid=1, previous=TRACER),
    )
    (adoption,) = of_pid(launch, 11).adoptions
    assert (adoption.parent, adoption.previous, adoption.death) == ("x2", "x1", None)


def test_two_adoptions_by_the_same_process_are_two_edges() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        events.Reparented(at_ns=8_000_000, pid=11, ppid=1, previous=10, death=10),
        events.Reparented(at_ns=9_000_000, pid=11, ppid=77, previous=1),
        events.Reparented(at_ns=9_500_000, pid=11, ppid=1, previous=77),
    )
    adopted = [(s, k) for s, _, k, d in launch.graph.edges(keys=True, data=True) if s[0] == "x"]
    assert sorted(adopted) == [("x1", "reparent"), ("x1", "reparent-2"), ("x2", "reparent")]


@pytest.mark.parametrize("death_first", [False, True])
def test_an_adoption_before_the_first_look_is_inferred(death_first: bool) -> None:
    """The creator was gone before its child's first stop was served; no record tells of it."""
    death: Step = ("exit", 11, 0)
    look: Step = ("start", 12, 1)
    steps = [death, look] if death_first else [look, death]
    launch = launch_of(ROOT, ("fork", 10, 11), ("create", 11, 12), *steps)
    child = of_pid(launch, 12)
    assert (child.creator, child.parent, child.parent_inferred) == ("p2", "p2", True)
    (adoption,) = child.adoptions
    assert (adoption.parent, adoption.previous, adoption.death) == ("x1", "p2", "p2")
    assert adoption.inferred
    assert adoption.at.seq == 6  # of the later of the two


def test_an_observed_parent_is_believed_while_the_creator_lives() -> None:
    launch = launch_of(ROOT, ("fork", 10, 11), ("create", 11, 12), ("start", 12, 1))
    child = of_pid(launch, 12)
    assert (child.parent, child.parent_inferred, child.adoptions) == ("x1", False, [])


def test_outside_processes_are_named_by_what_is_known() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("exit", 10, 0),
        ("reparent", 11, 1),
        events.Outside(at_ns=9_000_000, pid=1, argv=["/sbin/init", "splash"]),
        ("fork", 11, 12),
        ("exit", 11, 0),
        ("reparent", 12, 4000),
    )
    init, unknown = launch.processes["x1"], launch.processes["x2"]
    assert (init.name, init.argv, init.outside) == ("init", ["/sbin/init", "splash"], True)
    assert (unknown.name, unknown.argv) == ("pid 4000", [])
    assert list(launch.processes)[-2:] == ["x1", "x2"]


def test_threads_are_no_processes() -> None:
    launch = launch_of(
        ROOT,
        events.ThreadStarted(at_ns=3_000_000, pid=10, tid=20),
        ("thread", 10, 20),
        ("thread", 10, 21),
        events.ThreadExited(at_ns=6_000_000, pid=10, tid=21),
        ("exit", 10, 0),
    )
    (root,) = launch.processes.values()
    first, second = root.threads
    assert (first.tid, first.creator_tid, first.at.seq) == (20, 10, 2)
    assert first.ended == root.exit.at  # type: ignore[union-attr]
    assert (second.tid, second.ended.seq) == (21, 5)  # type: ignore[union-attr]


def test_a_tid_used_again_is_another_thread() -> None:
    launch = launch_of(
        ROOT,
        ("thread", 10, 20),
        events.ThreadExited(at_ns=4_000_000, pid=10, tid=20),
        ("thread", 10, 20),
    )
    first, second = of_pid(launch, 10).threads
    assert first.ended is not None
    assert second.ended is None


def test_exec_by_a_thread_ends_the_others() -> None:
    launch = launch_of(
        ROOT,
        ("thread", 10, 20),
        ("thread", 10, 21),
        events.Executed(at_ns=9_000_000, pid=10, tid=21, path="/bin/next", argv=["next"]),
        events.ThreadExited(at_ns=10_000_000, pid=10, tid=20),
    )
    root = of_pid(launch, 10)
    assert root.images[-1].tid == 21
    assert [t.ended.seq for t in root.threads if t.ended] == [4, 4]


def test_the_image_at_birth_is_the_creators_at_that_moment() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("exec", 10, "later"),
        ("fork", 10, 12),
        ("exec", 12, "own"),
    )
    assert [i.path for i in of_pid(launch, 11).images] == ["sh"]
    assert [i.path for i in of_pid(launch, 12).images] == ["later", "own"]
    assert of_pid(launch, 12).images[0].at == of_pid(launch, 12).born


def test_attached_processes_inherit_nothing() -> None:
    state = events.State(ppid=1)
    launch = launch_of(
        events.Started(at_ns=0, pid=50, attached=True, state=state),
        events.Executed(at_ns=0, pid=50, argv=["dockerd"]),
        events.Started(at_ns=0, pid=51, attached=True, state=events.State(ppid=50)),
        source="attach",
    )
    daemon, child = of_pid(launch, 50), of_pid(launch, 51)
    assert launch.root is None
    assert (daemon.parent, daemon.argv, daemon.attached) == ("x1", ["dockerd"], True)
    assert (child.parent, child.creator, child.images) == ("p1", None, [])


def test_what_could_not_be_read_keeps_its_errno() -> None:
    launch = launch_of(
        ROOT,
        events.Executed(at_ns=9_000_000, pid=10, path="/bin/x", errors={"argv": "EACCES"}),
        events.Sampled(
            at_ns=9_500_000, pid=10, at="exit", state=events.State(errors={"ns": "EPERM"})
        ),
    )
    root = of_pid(launch, 10)
    assert root.images[-1].errors == {"argv": "EACCES"}
    assert (root.samples[-1].at_event, root.samples[-1].errors) == ("exit", {"ns": "EPERM"})


def test_samples_keep_their_occasion() -> None:
    launch = launch_of(
        ("root", 10, "sh", {"cgroup": ["0::/a"]}), ("sample", 10, {"cgroup": ["0::/b"]})
    )
    cgroups = [(s.at_event, s.cgroup) for s in of_pid(launch, 10).samples]
    assert cgroups == [("birth", ["0::/a"]), ("create", ["0::/b"])]


def test_a_field_left_out_is_as_it_was_for_the_parent_at_birth() -> None:
    launch = launch_of(
        ("root", 10, "sh", {"sid": 5}),  # at 1 ms, its exec at 2 ms
        ("create", 10, 11),  # at 3 ms
        ("start", 11, None),
        ("sample", 10, {"sid": 10}),  # at 5 ms
        ("create", 10, 12),
        ("start", 12, None),
        ("sample", 12, {"sid": 12}),  # at 8 ms
        ("outside", 1, "init"),
    )
    sessions = History(launch, "sid")
    assert [sessions.last(p) for p in ("p1", "p2", "p3", "x1")] == [10, 5, 12, None]
    assert [sessions.at("p3", ms * 1_000_000) for ms in (5, 6, 7, 8)] == [None, 10, 10, 12]
    assert [sessions.at("p1", ms * 1_000_000) for ms in (0, 1, 4, 5)] == [None, 5, 5, 10]


def test_processes_that_were_never_introduced_are_shown_and_said() -> None:
    launch = launch_of(ROOT, ("exec", 44, "stray"))
    stray = of_pid(launch, 44)
    assert (stray.creator, stray.parent, stray.argv) == (None, None, ["stray"])
    assert launch.warnings == [
        "1 process does something in this trace that it never introduced: "
        "where they come from is unknown"
    ]


def test_contradictions_are_left_out_and_counted() -> None:
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("exit", 11, 0),
        ("exec", 11, "undead"),
        events.Reparented(at_ns=9_000_000, pid=10, ppid=10, previous=1),
    )
    assert of_pid(launch, 11).argv == ["sh", "script"]
    assert of_pid(launch, 10).adoptions == []
    assert launch.warnings[0].startswith("2 records of this trace contradict")


def test_a_trace_that_was_cut_off_is_incomplete() -> None:
    launch = build_launch(TraceFile(HEADER, [], None, ["cut off"]))
    assert (launch.complete, launch.root, launch.warnings) == (False, None, ["cut off"])


def test_the_graph_of_a_podman_launch() -> None:
    launch = launch_of(*podman_steps())
    assert edges(launch) == sorted(
        [
            ("p1", "p2", "create"),
            ("p1", "p3", "create"),
            ("p3", "p4", "create"),
            ("x1", "p4", "reparent"),
            ("p4", "p5", "create"),
            ("p5", "p6", "create"),
            ("p6", "p7", "create"),
            ("p5", "p7", "parent"),
            ("p7", "p8", "create"),
            ("p5", "p8", "parent"),
            ("p4", "p8", "reparent"),
            ("p1", "p9", "create"),
            ("p4", "p10", "create"),
            ("p10", "p11", "create"),
            ("p10", "p12", "create"),
        ]
    )
    assert launch.graph.edges["p1", "p3", "create"]["flags"] == ["CLONE_VM", "CLONE_VFORK"]
    assert launch.graph.edges["p4", "p8", "reparent"]["previous"] == "p5"
    assert launch.graph.nodes["p8"]["process"].argv == ["echo", "hi"]


def test_a_parent_by_flags_is_confirmed_by_the_first_ppid_that_was_read() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("create", 10, 11),
        ("start", 11, None),
        ("exec", 11, "true", "/bin/true", {"ppid": 10}),
        ("create", 10, 12),
        ("start", 12, None),
        ("exec", 12, "true"),
    )
    confirmed, by_flags = launch.processes["p2"], launch.processes["p3"]
    assert (confirmed.parent, confirmed.parent_inferred) == ("p1", False)
    assert (by_flags.parent, by_flags.parent_inferred) == ("p1", True)


def test_a_ppid_that_was_read_after_an_adoption_confirms_nothing() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("create", 10, 11),
        ("start", 11, None),
        ("exit", 10, 0),
        events.Reparented(at_ns=9_000_000, pid=11, ppid=1, previous=10, death=10),
        ("exec", 11, "true", "/bin/true", {"ppid": 1}),
    )
    assert launch.processes["p2"].parent_inferred


def test_whoever_made_a_call_was_seen() -> None:
    launch = launch_of(("root", 10, "sh"), ("create", 10, 11), ("call", 11, "setsid"))
    assert not launch.processes["p2"].unseen


def test_an_adoption_that_the_first_look_shows_and_a_record_tells_of_counts_once() -> None:
    """The parent had died before that look; its death, and with it the record, came after it."""
    launch = launch_of(
        ROOT,
        ("fork", 10, 11),
        ("create", 11, 12),
        ("start", 12, 10),
        ("exit", 11, 0),
        events.Reparented(at_ns=7_000_000, pid=12, ppid=10, previous=11, death=11),
    )
    child = launch.processes["p3"]
    assert (child.creator, child.parent, child.parent_inferred) == ("p2", "p2", True)
    (adoption,) = child.adoptions
    assert (adoption.parent, adoption.death, adoption.inferred) == ("p1", "p2", False)
