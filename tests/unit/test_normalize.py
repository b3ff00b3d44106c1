"""Normalising: what differs from run to run goes, what makes a launch another one stays."""

import dataclasses
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.registry import find_format
from forktrace.trace import events
from forktrace.trace.reader import TraceFile, read_trace
from forktrace.views.normalize import normalize
from forktrace.views.options import ViewOptions
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps

EXAMPLES = Path(__file__).parents[2] / "examples"
TRACES = sorted(EXAMPLES.glob("*/launch.jsonl"))
FORMATS = ("text", "svg", "json", "markdown", "dot", "mermaid", "graphml", "perfetto", "html")
ID = "0123456789abcdef" * 4
OTHER_ID = "fedcba9876543210" * 4
ENGINE_END: Step = ("exit", 3000, 0)


def drawn(launch: Launch, name: str = "json") -> str:
    normal, findings = normalize(launch, analyse(launch))
    made = find_format(name).load()(normal, findings, ViewOptions())
    assert isinstance(made, str)
    return made


def story(launch: Launch) -> list[str]:
    """Write what happened in the new order: "p2 exec ls", "p2 exit"."""
    normal, _ = normalize(launch, analyse(launch))
    found = []
    for p in normal.inside:
        found += [(p.born.seq, f"{p.creator or '-'} made {p.id}")]
        found += [(i.at.seq, f"{p.id} exec {i.argv[0]}") for i in p.images if not i.inherited]
        found += [(a.at.seq, f"{a.parent} adopted {p.id}") for a in p.adoptions]
        found += [(p.exit.at.seq, f"{p.id} exit")] if p.exit else []
    return [words for _, words in sorted(found)]


def branch(pid: int, child: int) -> list[Step]:
    return [
        ("exec", pid, f"work {ID if pid % 2 else OTHER_ID}"),
        ("fork", pid, child),
        ("exec", child, "helper"),
        ("exit", child, 0),
        ("exit", pid, 0),
    ]


def merged(first: list[Step], second: list[Step], choice: random.Random) -> list[Step]:
    """Mix two lists at random, each in its own order."""
    result = []
    left, right = list(first), list(second)
    while left or right:
        take = left if left and (not right or choice.random() < 0.5) else right
        result.append(take.pop(0))
    return result


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), shift=st.integers(0, 20000))
def test_the_order_of_two_branches_that_run_at_the_same_time_is_no_matter(
    seed: int, shift: int
) -> None:
    a, b = 1000 + 2 * shift, 1001 + 2 * shift  # the one even, the other odd
    mixed = merged(branch(a, a + 50), branch(b, b + 50), random.Random(seed))
    start: list[Step] = [("root", 10 + shift, "sh")]
    start += [("fork", 10 + shift, a), ("fork", 10 + shift, b)]
    made = drawn(launch_of(*start, *mixed, ("exit", 10 + shift, 0)))
    one_by_one: list[Step] = [("root", 10, "sh"), ("fork", 10, 200), ("fork", 10, 201)]
    one_by_one += [*branch(200, 300), *branch(201, 301), ("exit", 10, 0)]
    assert made == drawn(launch_of(*one_by_one))


def test_branches_run_side_by_side() -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 10, 12)]
    steps += [("exec", 11, "a"), ("exit", 11, 0), ("exec", 12, "b"), ("exit", 12, 0)]
    assert story(launch_of(*steps, ("exit", 10, 0))) == [
        "- made p1",
        "p1 exec sh",
        "p1 made p2",
        "p1 made p3",
        "p2 exec a",
        "p2 exit",
        "p3 exec b",
        "p3 exit",
        "p1 exit",
    ]


def test_what_a_process_did_after_its_child_ended_stays_after_it() -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "a"), ("exit", 11, 0)]
    steps += [("fork", 10, 12), ("exec", 12, "b"), ("exit", 12, 0), ("exit", 10, 0)]
    told = story(launch_of(*steps))
    assert told.index("p2 exit") < told.index("p1 made p3")


def test_whoever_calls_vfork_goes_on_after_the_exec() -> None:
    steps: list[Step] = [("root", 10, "sh"), ("vfork", 10, 11), ("exec", 11, "a")]
    steps += [("vfork", 10, 12), ("exec", 12, "b"), ("exit", 12, 0), ("exit", 11, 0)]
    told = story(launch_of(*steps, ("exit", 10, 0)))
    assert told.index("p2 exec a") < told.index("p1 made p3")


def test_an_orphan_ends_after_its_parent_and_adoption_follows_the_death() -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12), ("exit", 11, 0)]
    steps += [("reparent", 12, 1), ("exec", 12, "daemon"), ("exit", 12, 0), ("exit", 10, 0)]
    told = story(launch_of(*steps))
    assert told.index("x1 adopted p3") == told.index("p2 exit") + 1
    assert told.index("p2 exit") < told.index("p3 exit")


def test_what_lies_a_second_apart_stays_in_order() -> None:
    """The server's child comes long after the client's birth, though nothing tells why."""
    early: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 10, 12), ("fork", 10, 13)]
    wait: list[Step] = [("exit", 13, 0), ("exec", 12, "client")]
    late = events.Created(at_ns=5_000_000_000, pid=11, tid=11, child=20, how="fork", flags=[])
    told = story(launch_of(*early, *wait, late))
    assert told.index("p3 exec client") < told.index("p2 made p5")


def test_a_second_is_nothing_on_a_machine_that_takes_as_long_for_an_exec() -> None:
    early: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 10, 12), ("fork", 10, 13)]
    slow = events.Executed(at_ns=600_000_000, pid=12, path="/client", argv=["client"])
    late = events.Created(at_ns=5_000_000_000, pid=11, tid=11, child=20, how="fork", flags=[])
    told = story(launch_of(*early, slow, late))
    (made,) = (i for i, words in enumerate(told) if words.startswith("p2 made"))
    (executed,) = (i for i, words in enumerate(told) if words.endswith("exec client"))
    assert made < executed


def test_the_payload_runs_after_the_runtime_was_told_to_start_it() -> None:
    told = story(launch_of(*podman_steps()))
    start = next(i for i, words in enumerate(told) if words.startswith("p9 exec"))
    assert told[start:].count("p8 exec echo") == 1


def ended_early(after: Step) -> Launch:
    """Return podman's launch with the engine's end right after another step."""
    steps = [step for step in podman_steps() if step != ENGINE_END]
    at = steps.index(after) + 1
    return launch_of(*steps[:at], ENGINE_END, *steps[at:])


@pytest.mark.parametrize("after", [("exit", 3032, 0), ("exit", 3056, 0), ("exit", 3050, 0)])
def test_whether_the_engine_or_the_cleanup_of_its_container_ends_first_is_no_matter(
    after: Step,
) -> None:
    for name in ("svg", "json"):
        assert drawn(ended_early(after), name) == drawn(launch_of(*podman_steps()), name)


def end_event(trace: TraceFile, process: str) -> events.Event:
    found = build_launch(trace).processes[process]
    return next(e for e in trace.events if isinstance(e, events.Exited) and e.pid == found.pid)


@pytest.mark.parametrize(("case", "monitor"), [("podman-exec", "p4"), ("podman-run", "p4")])
def test_a_monitor_may_end_long_after_its_engine(case: str, monitor: str) -> None:
    trace = read_trace(EXAMPLES / case / "launch.jsonl")
    engine_end, end = end_event(trace, "p1"), end_event(trace, monitor)
    others = [event for event in trace.events if event is not end]
    after = others.index(engine_end) + 1
    late = replace(end, at_ns=engine_end.at_ns + 500_000_000)
    moved = dataclasses.replace(trace, events=[*others[:after], late, *others[after:]])
    assert drawn(build_launch(moved)) == drawn(build_launch(trace))


def test_a_container_that_outlives_its_engine_is_another_launch() -> None:
    early = ended_early(("exit", 3040, 0))
    assert drawn(early) != drawn(launch_of(*podman_steps()))
    told = story(early)
    assert told.index("p1 exit") < told.index("p8 exit")


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.parent.name)
def test_a_real_launch_keeps_its_processes_parents_and_roles(path: Path) -> None:
    launch = build_launch(read_trace(path))
    findings = analyse(launch)
    normal, found = normalize(launch, findings)

    def family(of: Launch, roles: object) -> list[tuple[object, ...]]:
        result = []
        for p in of.inside:
            creator, parent = of.processes.get(p.creator or ""), of.processes.get(p.parent or "")
            end = (p.exit.code, p.exit.signal) if p.exit else None
            names = [x.name if x and not x.outside else "-" for x in (creator, parent)]
            result.append((p.name, *names, end, len(p.adoptions), len(p.images)))
        return sorted(result, key=str)

    assert family(normal, found) == family(launch, findings)
    assert sorted(r.role for r in found.roles.values()) == sorted(
        r.role for r in findings.roles.values()
    )
    assert len(found.double_forks) == len(findings.double_forks)
    assert len(found.containers) == len(findings.containers)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.parent.name)
def test_the_new_order_holds_together(path: Path) -> None:
    launch = build_launch(read_trace(path))
    normal, _ = normalize(launch, analyse(launch))
    assert list(normal.processes) == [p.id for p in normal.processes.values()]
    assert list(normal.times_ns) == sorted(normal.times_ns)
    for process in normal.inside:
        moments = [i.at.seq for i in process.images] + [a.at.seq for a in process.adoptions]
        moments += [s.at.seq for s in process.samples]
        assert all(seq >= process.born.seq for seq in moments)
        if process.exit:
            assert all(seq <= process.exit.at.seq for seq in moments)
        samples = [s.at.seq for s in process.samples]
        assert samples == sorted(samples)
        for other in (process.creator, process.parent):
            above = normal.processes.get(other or "")
            assert above is None or above.outside or above.born.seq < process.born.seq
        for adoption in process.adoptions:
            dead = normal.processes.get(adoption.death or "")
            assert dead is None or (dead.exit and dead.exit.at.seq < adoption.at.seq)


@pytest.mark.parametrize("name", FORMATS)
def test_neither_pids_nor_times_nor_ids_are_left(name: str) -> None:
    launch = launch_of(*podman_steps())
    made = drawn(launch, name)
    pids = {str(p.pid) for p in launch.inside}
    container = next(c.id for c in analyse(launch).containers)
    assert container is not None
    assert container not in made
    assert container[:12] not in made
    assert not [pid for pid in pids if f"pid {pid}" in made or f'"pid": {pid},' in made]


def test_a_normalised_launch_is_normal() -> None:
    launch = launch_of(*podman_steps())
    once = normalize(launch, analyse(launch))
    again = normalize(*once)
    assert again == once
    assert once[0].normalized


def test_the_launch_itself_stays_as_it_is() -> None:
    launch, same = launch_of(*podman_steps()), launch_of(*podman_steps())
    findings = analyse(launch)
    normalize(launch, findings)
    assert launch.processes == same.processes
    assert launch.header == same.header
    assert findings == analyse(same)


def test_a_helper_more_makes_a_difference() -> None:
    steps: list[Step] = [("root", 10, "sh"), ("vfork", 10, 11), ("exec", 11, "a"), ("exit", 11, 0)]
    more: list[Step] = [("vfork", 10, 12), ("exec", 12, "a"), ("exit", 12, 0)]
    end: list[Step] = [("exit", 10, 0)]
    assert drawn(launch_of(*steps, *end)) != drawn(launch_of(*steps, *more, *end))


@pytest.mark.parametrize(
    "other",
    [
        [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "b"), ("exit", 11, 0)],
        [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "a"), ("exit", 11, 1)],
        [("root", 10, "sh"), ("vfork", 10, 11), ("exec", 11, "a"), ("exit", 11, 0)],
        [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "a"), ("exit", 11, "SIGKILL")],
        [("root", 10, "sh -x"), ("fork", 10, 11), ("exec", 11, "a"), ("exit", 11, 0)],
    ],
)
def test_another_launch_is_another_picture(other: list[Step]) -> None:
    one: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "a"), ("exit", 11, 0)]
    for name in ("svg", "json"):
        assert drawn(launch_of(*one), name) != drawn(launch_of(*other), name)


def test_threads_are_not_counted() -> None:
    steps: list[Step] = [("root", 10, "go")]
    threads: list[Step] = [("thread", 10, 20), ("thread", 10, 21)]
    assert drawn(launch_of(*steps, *threads, ("exit", 10, 0)), "text") == drawn(
        launch_of(*steps, ("exit", 10, 0)), "text"
    )


def test_a_change_is_told_at_the_process_own_next_step_whenever_it_was_seen() -> None:
    def told(*between: Step) -> str:
        steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "d"), *between]
        return drawn(launch_of(*steps, ("fork", 11, 12), ("sample", 11, moved), ("exit", 12, 0)))

    moved = {"cgroup": ["0::/there"], "pgid": 11}
    assert told(("sample", 11, moved)) == told()


def test_who_adopts_outside_has_no_name() -> None:
    def told(pid: int, name: str) -> str:
        steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12)]
        steps += [("exit", 11, 0), ("outside", pid, name), ("reparent", 12, pid)]
        return drawn(launch_of(*steps), "text")

    assert told(1, "systemd") == told(77, "tini")
    assert "a subreaper or init" in told(1, "systemd")


def earlier(looks: list[events.Event]) -> list[events.Event]:
    """Return events as if a monitor had opened before what it had when the payload was executed.

    A look that then finds nothing new leaves no record.
    """
    result: list[events.Event] = []
    for event in looks:
        mine = (e for e in reversed(result) if isinstance(e, events.Descriptors))
        known = next((e for e in mine if e.pid == event.pid and e.whole), None)
        if not (isinstance(event, events.Descriptors) and event.at == "container" and known):
            result.append(event)
            continue
        fds = {fd: to for fd, to in known.fds.items() if int(fd) not in event.closed} | event.fds
        closed = [*known.closed, *event.closed]
        result[result.index(known)] = replace(known, fds=fds, closed=closed)
    return result


@pytest.mark.parametrize("case", ["podman-4", "podman-5", "podman-systemd-unit", "rootless"])
def test_when_a_monitor_had_opened_what_it_has_is_no_matter(case: str) -> None:
    trace = read_trace(EXAMPLES / case / "launch.jsonl")
    kept = earlier(trace.events)
    assert len(kept) < len(trace.events)
    for name in ("json", "svg"):
        before = drawn(build_launch(trace), name)
        assert drawn(build_launch(dataclasses.replace(trace, events=kept)), name) == before
