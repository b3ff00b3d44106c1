"""When the processes of a log ended that has no lines of ends."""

from tests.unit.strace_logs import launch_of_log, only, trace_of_log

QUIET = """
    100 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
    100 fork() = 101
    100 fork() = 102
    102 exit_group(2) = ?
    101 exit_group(1) = ?
    100 getpid() = 100
    100 exit_group(0) = ?
"""
OLD = """
    5000 execve("/bin/sh", ["sh"], [/* 3 vars */]) = 0
    5000 clone(child_stack=0, flags=SIGCHLD) = 5001
    Process 5001 attached
    5001 exit_group(0) = ?
    Process 5001 detached
    5000 --- SIGCHLD (Child exited) @ 0 (0) ---
    5000 getpid() = 5000
    5000 exit_group(0) = ?
    Process 5000 detached
"""


def test_a_quiet_log_ends_them_in_the_order_of_their_calls() -> None:
    launch = launch_of_log(QUIET)
    ends = {p.exit.at.seq: p.pid for p in launch.inside if p.exit}
    assert [ends[seq] for seq in sorted(ends)] == [102, 101, 100]
    assert not any(p.adoptions for p in launch.inside)


def test_what_an_orphan_outlived_is_still_seen() -> None:
    launch = launch_of_log(
        """
        100 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
        100 fork() = 101
        100 exit_group(0) = ?
        101 exit_group(0) = ?
        """
    )
    assert [a.death for a in only(launch, 101).adoptions] == [only(launch, 100).id]


def test_ends_that_a_report_makes_known_keep_their_order() -> None:
    launch = launch_of_log(
        """
        100 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
        100 fork() = 101
        101 fork() = 102
        102 exit_group(0) = ?
        101 exit_group(0) = ?
        100 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=101, si_status=0} ---
        100 exit_group(0) = ?
        """
    )
    assert not any(p.adoptions for p in launch.inside)


def test_an_old_log_says_detached_of_what_has_ended() -> None:
    trace = trace_of_log(OLD)
    launch = launch_of_log(OLD)
    assert not any(p.adoptions for p in launch.inside)
    assert trace.end is not None
    assert trace.end.left == []
    child, shell = only(launch, 5001).exit, only(launch, 5000).exit
    assert child is not None
    assert shell is not None
    assert child.at.seq < shell.at.seq


def test_who_ran_on_is_left() -> None:
    trace = trace_of_log(
        """
        5000 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
        5000 clone(child_stack=0, flags=SIGCHLD) = 5001
        5001 exit_group(0) = ?
        5001 +++ exited with 0 +++
        strace: Process 5001 detached
        strace: Process 5000 detached
        """
    )
    assert trace.end is not None
    assert trace.end.left == [5000]
