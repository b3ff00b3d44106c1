"""When the processes of a log ended that has no lines of ends."""

from tests.unit.strace_logs import children, launch_of_log, launch_of_logs, only, trace_of_log

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


def test_no_pid_is_named_once_all_others_have_called_exit() -> None:
    """The daemon has not shown itself yet when the shell, alone to be seen, goes on."""
    log = """
        execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
        set_tid_address(0x7f10) = 1000
        clone(child_stack=NULL, flags=SIGCHLD) = 1001
        wait4(1001,  <unfinished ...>
        [pid  1001] setsid() = 1001
        [pid  1001] clone(child_stack=NULL, flags=SIGCHLD) = 1002
        [pid  1001] exit_group(0) = ?
        <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 1001
        --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=1001, si_uid=0, si_status=0} ---
        [pid  1002] exit_group(7) = ?
        exit_group(0) = ?
    """
    trace = trace_of_log(log)
    assert trace.end is not None
    assert trace.end.log is not None
    assert trace.end.log.unassigned == 0
    launch = launch_of_log(log)
    ends = {p.exit.at.seq: (p.pid, p.exit.code) for p in launch.inside if p.exit}
    assert [ends[seq] for seq in sorted(ends)] == [(1001, 0), (1002, 7), (1000, 0)]


def test_pids_of_a_log_each_may_begin_anew() -> None:
    """The command has the highest pid here: its log is the one that begins with an exec."""
    shell = """
        execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
        clone(child_stack=NULL, flags=SIGCHLD) = 300
        wait4(300, [{WIFEXITED(s) && WEXITSTATUS(s) == 1}], 0, NULL) = 300
        exit_group(0) = ?
        +++ exited with 0 +++
    """
    child = """
        set_robust_list(0x7f10, 24) = 0
        exit_group(1) = ?
        +++ exited with 1 +++
    """
    launch = launch_of_logs(("x.log.300", child), ("x.log.32767", shell))
    assert launch.root is not None
    assert launch.processes[launch.root].pid == 32767
    assert children(launch, 32767) == [300]
