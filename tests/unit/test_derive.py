"""Adoptions that no log shows follow from the kernel's rule: nearest subreaper, else init."""

import pytest

from forktrace.analysis.passes import analyse
from forktrace.model.derive import ANY_ADOPTER, OUTSIDE_ADOPTER
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from tests.unit.events import launch_of
from tests.unit.strace_logs import launch_of_log, only

FORK = "{} clone(child_stack=NULL, flags={}SIGCHLD) = {}\n"
SUBREAPER = "{} prctl(PR_SET_CHILD_SUBREAPER, {}) = 0\n"
END = "{0} exit_group(0) = ?\n{0} +++ exited with 0 +++\n"
ROOT = '10 execve("/bin/sh", ["sh"], 0x7ff) = 0\n'
NAMED = '10 prctl(PR_SET_NAME, "x") = 0\n'


def fork(pid: int, child: int, flags: str = "") -> str:
    return FORK.format(pid, flags, child) + f"{child} setsid() = 1\n"


def adopters(launch: Launch, pid: int) -> list[Process]:
    found = only(launch, pid).adoptions
    assert all(a.inferred and a.death is not None for a in found)
    return [launch.processes[a.parent] for a in found]


def adopter_of(log: str, pid: int) -> Process:
    (found,) = adopters(launch_of_log(log.encode()), pid)
    return found


def test_the_nearest_subreaper_adopts() -> None:
    log = ROOT + SUBREAPER.format(10, 1) + fork(10, 11) + SUBREAPER.format(11, 1)
    log += fork(11, 12) + fork(12, 13) + fork(13, 14)
    launch = launch_of_log((log + END.format(13) + END.format(11) + END.format(12)).encode())
    assert [p.pid for p in adopters(launch, 14)] == [11, 10]
    assert [p.pid for p in adopters(launch, 12)] == [10]
    deaths = [launch.processes[a.death or ""].pid for a in only(launch, 14).adoptions]
    assert deaths == [13, 11]
    assert [a.at.seq for a in only(launch, 12).adoptions] == [
        e.at.seq for p in launch.inside if p.pid == 11 and (e := p.exit)
    ]


def test_the_one_that_ends_is_not_its_own_reaper() -> None:
    log = ROOT + fork(10, 11) + SUBREAPER.format(11, 1) + fork(11, 12) + END.format(11)
    found = adopter_of(log, 12)
    assert (found.name, found.outside, found.pid) == (OUTSIDE_ADOPTER, True, 0)


@pytest.mark.parametrize(
    "calls", [SUBREAPER.format(10, 1) + SUBREAPER.format(10, 0), SUBREAPER.format(10, 0), NAMED]
)
def test_who_is_no_subreaper_does_not(calls: str) -> None:
    log = ROOT + calls + fork(10, 11) + fork(11, 12) + END.format(11)
    assert adopter_of(log, 12).name == OUTSIDE_ADOPTER


def test_one_that_became_a_subreaper_too_late_does_not() -> None:
    log = ROOT + fork(10, 11) + fork(11, 12) + END.format(11) + SUBREAPER.format(10, 1)
    assert adopter_of(log, 12).name == OUTSIDE_ADOPTER


def test_a_failed_prctl_counts_for_nothing() -> None:
    failed = "10 prctl(PR_SET_CHILD_SUBREAPER, 1) = -1 EINVAL (Invalid argument)\n"
    log = ROOT + failed + fork(10, 11) + fork(11, 12) + END.format(11)
    assert adopter_of(log, 12).name == OUTSIDE_ADOPTER


def test_without_prctl_in_the_log_nobody_knows() -> None:
    launch = launch_of_log((ROOT + fork(10, 11) + fork(11, 12) + END.format(11)).encode())
    (adopter,) = adopters(launch, 12)
    assert (adopter.name, adopter.outside, adopter.pid) == (ANY_ADOPTER, True, 0)
    assert any("the log shows no prctl" in w for w in launch.warnings)
    assert analyse(launch).double_forks == {}


def test_a_log_of_all_calls_without_prctl_shows_that_there_was_no_subreaper() -> None:
    log = ROOT + "10 set_robust_list(0x7f, 24) = 0\n" + fork(10, 11) + fork(11, 12) + END.format(11)
    launch = launch_of_log(log.encode())
    (adopter,) = adopters(launch, 12)
    assert adopter.name == OUTSIDE_ADOPTER
    found = analyse(launch).double_forks[only(launch, 12).id]
    assert found.middle == only(launch, 11).id


def test_the_init_of_a_namespace_adopts_and_no_subreaper_beyond_it() -> None:
    log = ROOT + SUBREAPER.format(10, 1) + "10 clone(flags=CLONE_NEWPID|SIGCHLD) = 11\n"
    log += "11 setsid() = 1\n11 clone(flags=SIGCHLD) = 2\n12 setsid() = 2\n"
    log += "12 clone(flags=SIGCHLD) = 3\n13 setsid() = 3\n" + END.format(12)
    assert adopter_of(log, 13).pid == 11


def test_a_subreaper_in_the_namespace_comes_first() -> None:
    log = ROOT + "10 unshare(CLONE_NEWPID) = 0\n" + fork(10, 11)
    log += "11 clone(flags=SIGCHLD) = 2\n12 prctl(PR_SET_CHILD_SUBREAPER, 1) = 0\n"
    log += "12 clone(flags=SIGCHLD) = 3\n13 setsid() = 3\n"
    log += "13 clone(flags=SIGCHLD) = 4\n14 setsid() = 4\n" + END.format(13)
    assert adopter_of(log, 14).pid == 12


def test_the_second_child_of_unshare_has_the_first_as_init() -> None:
    log = ROOT + NAMED + "10 unshare(CLONE_NEWPID) = 0\n" + fork(10, 11) + fork(10, 12)
    log += "12 clone(flags=SIGCHLD) = 3\n13 setsid() = 3\n" + END.format(12)
    assert adopter_of(log, 13).pid == 11


def test_below_setns_the_namespace_is_unknown() -> None:
    log = ROOT + NAMED + "10 setns(3, CLONE_NEWPID) = 0\n" + fork(10, 11)
    log += "11 clone(flags=SIGCHLD) = 7\n12 setsid() = 7\n" + END.format(11)
    assert adopter_of(log, 12).name == ANY_ADOPTER


def test_a_child_that_ended_before_is_not_adopted() -> None:
    log = ROOT + NAMED + fork(10, 11) + fork(11, 12) + END.format(12) + END.format(11)
    assert adopters(launch_of_log(log.encode()), 12) == []


def test_a_child_that_was_never_seen_is_not_adopted() -> None:
    log = ROOT + NAMED + "10 clone(flags=SIGCHLD) = 11\n" + END.format(10)
    assert adopters(launch_of_log(log.encode()), 11) == []


def test_a_sibling_goes_with_its_real_parent() -> None:
    log = ROOT + SUBREAPER.format(10, 1) + fork(10, 11) + fork(11, 12)
    log += "12 clone(flags=CLONE_PARENT|SIGCHLD) = 13\n13 setsid() = 13\n"
    launch = launch_of_log((log + END.format(12) + END.format(11)).encode())
    sibling = only(launch, 13)
    assert (sibling.creator, sibling.parent) == (only(launch, 12).id, only(launch, 11).id)
    assert [p.pid for p in adopters(launch, 13)] == [10]
    assert [launch.processes[a.death or ""].pid for a in sibling.adoptions] == [11]


def test_nothing_is_derived_for_a_trace_that_was_recorded() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12), ("exit", 11))
    assert not any(p.adoptions for p in launch.inside)


def test_children_of_one_parent_are_adopted_in_creation_order() -> None:
    log = ROOT + NAMED + fork(10, 11) + "".join(fork(11, n) for n in range(12, 30)) + END.format(11)
    launch = launch_of_log(log.encode())
    found = {p.pid: adopters(launch, p.pid) for p in launch.inside if p.pid > 11}
    assert len(found) == 18
    assert {adopter.id for (adopter,) in found.values()} == {"x1"}
    outside = [p for p in launch.processes.values() if p.outside]
    assert [p.id for p in outside] == ["x1"]
