"""The comparison itself: it sees each event that is missing, and excuses no more than it should."""

import copy
from typing import Any

import pytest

from tests.ground_truth.compare import FLAGLESS, KILLED, UNANNOUNCED, Comparison, compare
from tests.ground_truth.kernel import read_kernel_events
from tests.ground_truth.recorded import Record, read_records
from tests.ground_truth.tracefs import Incomplete

# forktrace is 10 and its tracing thread 12. The command, 11, makes thread 13, which forks 14 and
# then executes b, by which it becomes 11. 14 is a process with a child 15 that is killed.
KERNEL = """\
# tracer: nop
sched_process_exec: filename=/usr/bin/python3 pid=10 old_pid=10
task_newtask: pid=11 comm=python3 clone_flags=1200000 oom_score_adj=0
sched_process_fork: comm=python3 pid=10 child_comm=python3 child_pid=11
task_newtask: pid=12 comm=python3 clone_flags=3d0f00 oom_score_adj=0
sched_process_fork: comm=python3 pid=10 child_comm=python3 child_pid=12
sched_process_exec: filename=./a pid=11 old_pid=11
task_newtask: pid=13 comm=a clone_flags=3d0f00 oom_score_adj=0
sched_process_fork: comm=a pid=11 child_comm=a child_pid=13
task_newtask: pid=14 comm=a pid=9 clone_flags=1200000 oom_score_adj=0
sched_process_fork: comm=a pid=9 pid=13 child_comm=a child_pid=14
sched_process_exit: comm=a pid=11 prio=120 group_dead=false
sched_process_exec: filename=b c pid=11 old_pid=13
task_newtask: pid=15 comm=a clone_flags=4100 oom_score_adj=0
sched_process_fork: comm=a pid=14 child_comm=a child_pid=15
sched_process_exit: comm=a pid=14 prio=120 group_dead=true
sched_process_exit: comm=a pid=15 prio=120 group_dead=true
sched_process_exit: comm=b pid=11 prio=120 group_dead=true
sched_process_exit: comm=python3 pid=12 prio=120 group_dead=false
"""
THREAD = [
    "CLONE_VM", "CLONE_FS", "CLONE_FILES", "CLONE_SIGHAND", "CLONE_THREAD", "CLONE_SYSVSEM",
    "CLONE_SETTLS", "CLONE_PARENT_SETTID", "CLONE_CHILD_CLEARTID",
]  # fmt: skip
FORK = ["CLONE_CHILD_CLEARTID", "CLONE_CHILD_SETTID"]
VFORK = ["CLONE_VM", "CLONE_VFORK"]
RECORDS: list[Record] = [
    {"event": "header", "tracer": 10},
    {"event": "process", "pid": 11, "root": True, "state": {"ppid": 10}},
    {"event": "exec", "pid": 11, "path": "./a"},
    {"event": "create", "pid": 11, "tid": 11, "child": 13, "flags": THREAD, "thread": True},
    {"event": "process", "pid": 14, "state": {"ppid": 11}},
    {"event": "create", "pid": 11, "tid": 13, "child": 14, "flags": FORK},
    {"event": "exec", "pid": 11, "tid": 13, "path": "b c"},
    {"event": "create", "pid": 14, "tid": 14, "child": 15, "flags": VFORK},
    {"event": "process", "pid": 15},
    {"event": "exit", "pid": 15, "signal": "SIGKILL"},
    {"event": "exit", "pid": 14, "signal": "SIGKILL"},
    {"event": "exit", "pid": 11, "code": 0},
    {"event": "end"},
]
# All but the header and the end, which are no events, and the root's own first record.
EVENTS = range(2, len(RECORDS) - 1)


def outcome(kernel: str, records: list[Record]) -> Comparison:
    return compare(read_kernel_events(kernel.encode(), 10, 11), read_records(records))


def without(index: int) -> list[Record]:
    return RECORDS[:index] + RECORDS[index + 1 :]


def changed(index: int, **fields: Any) -> list[Record]:
    records = copy.deepcopy(RECORDS)
    records[index].update(fields)
    return records


def test_two_records_of_one_run_agree() -> None:
    found = outcome(KERNEL, RECORDS)
    assert (found.differences, found.permitted) == ([], {})
    # three forks below the command, two execs, and exits of 11 (twice: a leader, a process), 14, 15
    assert found.events == 9


@pytest.mark.parametrize("index", EVENTS)
def test_an_event_that_forktrace_lacks_is_a_difference(index: int) -> None:
    assert outcome(KERNEL, without(index)).differences


@pytest.mark.parametrize("index", EVENTS)
def test_an_event_that_forktrace_has_twice_is_a_difference(index: int) -> None:
    records = RECORDS[: index + 1] + RECORDS[index:]
    assert outcome(KERNEL, records).differences


@pytest.mark.parametrize("number", [7, 9, 11, 12, 13, 15, 16, 17, 18])
def test_an_event_that_the_kernel_lacks_is_noticed(number: int) -> None:
    lines = KERNEL.splitlines()
    del lines[number - 1]
    try:
        found = outcome("\n".join(lines), RECORDS)
    except Incomplete:
        return
    assert found.differences


@pytest.mark.parametrize(
    ("index", "fields"),
    [
        (2, {"path": "./b"}),
        (2, {"path": None}),
        (3, {"tid": 14}),
        (3, {"thread": False}),
        (5, {"pid": 14}),
        (5, {"tid": 11}),
        (5, {"flags": VFORK}),
        (5, {"flags": None}),
        (6, {"tid": 11}),
        (11, {"pid": 14}),
    ],
)
def test_an_event_that_says_something_else_is_a_difference(
    index: int, fields: dict[str, Any]
) -> None:
    assert outcome(KERNEL, changed(index, **fields)).differences


def test_an_unknown_creating_thread_is_excused_only_with_its_process_known() -> None:
    known = changed(8, state={"ppid": 14})
    del known[7]
    found = outcome(KERNEL, known)
    assert (found.differences, found.permitted) == ([], {KILLED: 1})
    adopted = changed(8, state={"ppid": 1})
    del adopted[7]
    assert len(outcome(KERNEL, adopted).differences) == 1


def test_an_unknown_creating_thread_is_excused_only_if_it_was_killed() -> None:
    known = changed(8, state={"ppid": 14})
    known[10] = {"event": "exit", "pid": 14, "code": 0}
    del known[7]
    assert len(outcome(KERNEL, known).differences) == 1


def test_unknown_flags_are_excused_only_if_the_creator_did_nothing_more() -> None:
    found = outcome(KERNEL, changed(7, flags=None))
    assert (found.differences, found.permitted) == ([], {FLAGLESS: 1})
    assert outcome(KERNEL, changed(5, flags=None)).differences


def test_what_clone_untraced_hides_is_counted_with_what_is_below_it() -> None:
    hidden = KERNEL.replace("clone_flags=1200000", "clone_flags=1a00000").replace(
        "clone_flags=1a00000", "clone_flags=1200000", 1
    )
    seen = [r for r in RECORDS if not {14, 15} & {r.get("pid"), r.get("child")}]
    found = outcome(hidden, seen)
    assert found.differences == []
    assert found.permitted == {
        "created with CLONE_UNTRACED": 1,
        "created below a CLONE_UNTRACED child": 1,
    }
    assert outcome(KERNEL, seen).differences


def test_clone_ptrace_attaches_a_child_whose_creating_call_stays_unseen() -> None:
    both = KERNEL.replace("clone_flags=4100", "clone_flags=806000")
    records = changed(8, state={"ppid": 14})
    del records[7]
    found = outcome(both, records)
    assert (found.differences, found.permitted) == ([], {UNANNOUNCED: 1})


def test_a_line_that_is_not_understood_ends_the_comparison() -> None:
    with pytest.raises(Incomplete, match="not understood"):
        outcome(KERNEL + "sched_process_exit: what is this\n", RECORDS)


def test_a_contradiction_in_the_kernels_record_ends_the_comparison() -> None:
    with pytest.raises(Incomplete, match="no exit says that all threads of 14 have gone"):
        outcome(
            KERNEL.replace("pid=14 prio=120 group_dead=true", "pid=14 prio=120 group_dead=false"),
            RECORDS,
        )
