"""Logs of strace, written by hand: who they say did what, and what they leave open."""

import pytest

from forktrace.errors import LogFormatError
from forktrace.model.launch import Launch
from forktrace.trace import events
from tests.unit.strace_logs import (
    children,
    launch_of_log,
    launch_of_logs,
    only,
    pids,
    summary,
    trace_of_log,
    trace_of_logs,
)

QUESTION = """
    execve("/usr/bin/podman", ["podman", "run", "alpine"], 0x7ffeceb01518 /* 30 vars */) = 0
    ...
    [pid  8480] clone(child_stack=0x7fac6bffeef0, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, parent_tid=[8484], tls=0x7fac6bfff700, child_tidptr=0x7fac6bfff9d0) = 8484
    ...
    [pid  8484] clone(child_stack=NULL, flags=CLONE_VM|CLONE_VFORK|SIGCHLD <unfinished ...>
    [pid  8491] execve("/usr/bin/conmon", ... <unfinished ...>
    [pid  8484] <... clone resumed>)        = 8491
"""  # noqa: E501


def warnings(launch: Launch) -> str:
    return "\n".join(launch.warnings)


def test_the_log_of_the_question() -> None:
    launch = launch_of_log(QUESTION)
    podman, conmon = launch.inside
    assert (podman.pid, podman.argv, podman.exit) == (8480, ["podman", "run", "alpine"], None)
    assert launch.root == podman.id
    assert [t.tid for t in podman.threads] == [8484]
    assert (conmon.pid, conmon.name, conmon.creator) == (8491, "conmon", podman.id)
    assert conmon.creation is not None
    assert conmon.creation.tid == 8484
    assert conmon.creation.flags == ["CLONE_VM", "CLONE_VFORK"]
    (image,) = [i for i in conmon.images if not i.inherited]
    assert (image.path, image.argv, image.errors) == (
        "/usr/bin/conmon", [], {"argv": "not in the log"},
    )  # fmt: skip
    assert not any(p.outside for p in launch.processes.values())
    assert "the log shows clone, execve: the rest is not known" in warnings(launch)
    assert "2 lines of dots" in warnings(launch)
    assert "the first pid that no line announces" in warnings(launch)
    assert "no times" in warnings(launch)


PIPELINE = """
    10 execve("/bin/sh", ["sh", "-c", "a | b"], 0x7ff /* 9 vars */) = 0
    10 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 11
    10 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>
    11 execve("/bin/a", ["a"], 0x7ff /* 9 vars */ <unfinished ...>
    10 <... clone resumed>, child_tidptr=0x7f) = 12
    12 execve("/bin/b", ["b"], 0x7ff /* 9 vars */) = 0
    11 <... execve resumed>) = 0
    11 exit_group(3) = ?
    11 +++ exited with 3 +++
    10 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 11
    10 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=11, si_uid=0, si_status=3} ---
    12 --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---
    12 +++ killed by SIGSEGV (core dumped) +++
    10 exit_group(0) = ?
    10 +++ exited with 0 +++
"""


def test_a_pipeline() -> None:
    launch = launch_of_log(PIPELINE)
    assert pids(list(launch.inside)) == [10, 11, 12]
    assert children(launch, 10) == [11, 12]
    assert [only(launch, p).name for p in (10, 11, 12)] == ["sh", "a", "b"]
    first, second = only(launch, 11).exit, only(launch, 12).exit
    assert first is not None
    assert second is not None
    assert (first.code, first.signal) == (3, None)
    assert (second.code, second.signal, second.core) == (None, "SIGSEGV", True)
    assert only(launch, 11).reap is not None
    assert only(launch, 12).reap is None
    assert all(p.parent_inferred for p in launch.inside if p.pid != 10)
    assert not any(p.adoptions for p in launch.inside)
    assert summary(trace_of_log(PIPELINE)).unreadable == 0


def test_the_same_without_lines_of_ends() -> None:
    lines = PIPELINE.splitlines(keepends=True)
    quiet = "".join(line for line in lines if "+++ exited" not in line)
    launch = launch_of_log(quiet)
    ends = [p.exit for p in launch.inside]
    assert [e and (e.code, e.signal) for e in ends] == [(0, None), (3, None), (None, "SIGSEGV")]


def test_each_kind_of_prefix_makes_the_same_of_it() -> None:
    plain = launch_of_log(PIPELINE)
    for prefix in (
        "22:28:48.{:06} ",
        "179547292{}.5 ",
        "     0.00{} ",
        "[  59] [00007f90e17a9ad7] ",
    ):
        lines = [
            f"{line[:7]}{prefix.format(n)}{line[7:]}\n" if line.strip() else ""
            for n, line in enumerate(PIPELINE.splitlines())
        ]
        launch = launch_of_log("".join(lines))
        assert [(p.pid, p.name, p.parent) for p in launch.inside] == [
            (p.pid, p.name, p.parent) for p in plain.inside
        ], prefix
        assert launch.header.times == ("." in prefix), prefix


def test_standard_error_names_no_pid_while_a_process_is_alone() -> None:
    launch = launch_of_log(
        """
        execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
        vfork(strace: Process 30873 attached
         <unfinished ...>
        [pid 30873] execve("/bin/true", ["/bin/true"], 0x55 /* 39 vars */ <unfinished ...>
        [pid 30871] <... vfork resumed>)        = 30873
        [pid 30871] wait4(-1,  <unfinished ...>
        [pid 30873] <... execve resumed>) = 0
        [pid 30873] +++ exited with 7 +++
        <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL) = 30873
        --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=30873, si_status=7} ---
        setsid() = 30871
        +++ exited with 2 +++
        """
    )
    shell, child = launch.inside
    assert (shell.pid, child.pid) == (30871, 30873)
    assert launch.root == shell.id
    assert [i.path for i in child.images if not i.inherited] == ["/bin/true"]
    assert child.reap is not None
    assert [c.name for c in shell.calls] == ["wait4", "setsid"]
    assert shell.exit is not None
    assert shell.exit.code == 2


def test_a_message_in_the_middle_of_a_line() -> None:
    launch = launch_of_log(
        """
        execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
        clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLDstrace: Process 21 attached
        , child_tidptr=0x7f2a43e84990) = 21
        [pid    20] exit_group(0) = ?
        [pid    21] exit_group(1strace: Process 99 detached
        ) = ?
        """
    )
    assert children(launch, 20) == [21]
    assert summary(trace_of_log(b"exit_group(0) = ?\n")).lines == 1
    assert [p.exit and p.exit.code for p in launch.inside] == [0, 1]


def test_a_message_that_comes_late_cuts_the_line_of_another_creation() -> None:
    launch = launch_of_log(
        """
        execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
        clone(child_stack=NULL, flags=SIGCHLD) = 21
        clone(child_stack=NULL, flags=SIGCHLDstrace: Process 21 attached
        strace: Process 22 attached
         <unfinished ...>
        [pid    22] set_robust_list(0x7f13b05bea20, 24 <unfinished ...>
        [pid    21] set_robust_list(0x7f13b05bea20, 24 <unfinished ...>
        [pid    20] <... clone resumed>) = 22
        """
    )
    assert pids(list(launch.inside)) == [20, 21, 22]
    assert children(launch, 20) == [21, 22]


def test_a_pid_that_only_a_call_returns() -> None:
    launch = launch_of_log(
        """
        execve("/bin/true", ["true"], 0x7ff /* 9 vars */) = 0
        brk(NULL)                               = 0x55
        set_tid_address(0x7f2a)                 = 777
        exit_group(0)                           = ?
        +++ exited with 0 +++
        """
    )
    assert pids(list(launch.inside)) == [777]


def test_a_pid_that_is_nowhere() -> None:
    trace = trace_of_log('execve("/bin/true", ["true"], 0x7ff) = 0\n+++ exited with 0 +++\n')
    started = trace.events[0]
    assert isinstance(started, events.Started)
    assert (started.pid, started.state) == (0, events.State(errors={"pid": "not in the log"}))


THREADS = """
    30 execve("/bin/t", ["t"], 0x7ff /* 9 vars */) = 0
    30 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0} => {parent_tid=[31]}, 88) = 31
    30 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD <unfinished ...>
    32 set_robust_list(0x7f, 24 <unfinished ...>
    30 <... clone resumed>, parent_tid=[32]) = 32
    31 exit(0) = ?
    31 +++ exited with 0 +++
"""


def test_threads() -> None:
    launch = launch_of_log(THREADS)
    (process,) = launch.inside
    assert [t.tid for t in process.threads] == [31, 32]
    assert [t.ended is None for t in process.threads] == [False, True]


EXEC_BY_A_THREAD = {
    "with a file": """
    32 execve("/bin/x", ["x"], 0x7ff /* 9 vars */ <unfinished ...>
    30 <... futex resumed>) = ?
    30 +++ superseded by execve in pid 32 +++
    30 <... execve resumed>) = 0
""",
    "on standard error": """
    [pid    32] execve("/bin/x", ["x"], 0x7ff /* 9 vars */ <pid changed to 30 ...>
    +++ superseded by execve in pid 32 +++
    <... execve resumed>)                   = 0
""",
    "very quietly": """
    32 execve("/bin/x", ["x"], 0x7ff /* 9 vars */ <unfinished ...>
    30 <... execve resumed>) = 0
""",
}


@pytest.mark.parametrize("how", EXEC_BY_A_THREAD)
def test_exec_by_a_thread(how: str) -> None:
    end = "    30 exit_group(5) = ?\n    30 +++ exited with 5 +++\n"
    launch = launch_of_log(THREADS + EXEC_BY_A_THREAD[how].lstrip("\n") + end)
    (process,) = launch.inside
    assert [i.path for i in process.images] == ["/bin/t", "/bin/x"]
    assert process.images[-1].tid == 32
    assert all(t.ended for t in process.threads)
    assert process.exit is not None
    assert process.exit.code == 5


def test_a_leader_that_ends_before_its_threads() -> None:
    end = "    30 exit(9) = ?\n    32 exit(0) = ?\n    32 +++ exited with 0 +++\n"
    ended = launch_of_log(THREADS + end + "    30 +++ exited with 9 +++\n")
    assert [p.exit and p.exit.code for p in ended.inside] == [9]
    (process,) = ended.inside
    assert process.exit is not None
    assert process.exit.at.seq > max(t.ended.seq for t in process.threads if t.ended)


INSIDE = """
    40 execve("/bin/unshare", ["unshare"], 0x7ff /* 9 vars */) = 0
    40 unshare(CLONE_NEWPID) = 0
    40 clone(child_stack=NULL, flags=SIGCHLD) = 41
    41 execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
"""


def test_children_of_another_namespace_one_by_one() -> None:
    launch = launch_of_log(
        INSIDE
        + """
    41 clone(child_stack=NULL, flags=SIGCHLD) = 2
    42 exit_group(6) = ?
    42 +++ exited with 6 +++
    41 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 6}], 0, NULL) = 2
    41 clone(child_stack=NULL, flags=SIGCHLD) = 3
    43 exit_group(7) = ?
    43 +++ exited with 7 +++
    """.lstrip("\n")
    )
    assert children(launch, 41) == [42, 43]
    assert [p.nspid for p in launch.inside] == [[], [41, 1], [42, 2], [43, 3]]
    assert only(launch, 42).reap is not None
    assert [p.exit and p.exit.code for p in launch.inside] == [None, None, 6, 7]


def test_children_of_another_namespace_that_could_be_either() -> None:
    launch = launch_of_log(
        INSIDE
        + """
    41 clone(child_stack=NULL, flags=SIGCHLD) = 2
    41 clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD) = 3
    43 setsid() = 3
    """.lstrip("\n")
    )
    assert only(launch, 43).creation is None
    assert "no line announces 1 task" in warnings(launch)
    unknown = [p for p in launch.inside if p.pid == 0]
    assert [p.unseen for p in unknown] == [True, True]
    assert {p.creator for p in unknown} == {only(launch, 41).id}


def test_both_pids_are_told() -> None:
    launch = launch_of_log(
        INSIDE
        + """
    41 clone(child_stack=NULL, flags=SIGCHLD) = 2 /* 52 in strace's PID NS */
    41 clone(child_stack=NULL, flags=SIGCHLD) = 3 /* 53 in strace's PID NS */
    53 setsid() = 3
    52 setsid() = 2
    """.lstrip("\n")
    )
    assert children(launch, 41) == [52, 53]
    assert only(launch, 53).nspid == [53, 3]


def test_a_namespace_that_only_the_pids_show() -> None:
    log = INSIDE.replace("    40 unshare(CLONE_NEWPID) = 0\n", "").replace(" 4", " 304")
    launch = launch_of_log(log + "    3041 clone(flags=SIGCHLD) = 2\n    3042 setsid() = 2\n")
    assert children(launch, 3041) == [3042]
    assert only(launch, 3042).nspid == []


def test_the_only_creation_under_way() -> None:
    launch = launch_of_log(
        """
    50 execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
    50 vfork( <unfinished ...>
    51 execve("/bin/a", ["a"], 0x7ff /* 9 vars */) = 0
    50 <... vfork resumed>) = 1234
    51 exit_group(0) = ?
        """
    )
    assert children(launch, 50) == [51]


def test_threads_in_another_namespace() -> None:
    log = INSIDE + "".join(
        f"    41 clone3({{flags=CLONE_VM|CLONE_THREAD, exit_signal=0}}, 88) = {n}\n"
        for n in (2, 3, 4)
    )
    launch = launch_of_log(log + "    47 futex(0x7f) = 0\n    41 exit_group(0) = ?\n")
    assert sorted(t.tid for t in only(launch, 41).threads) == [0, 0, 47]


def test_a_creator_that_was_killed() -> None:
    launch = launch_of_log(
        """
    60 execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
    60 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
    60 <... clone resumed>) = ?
    60 +++ killed by SIGKILL +++
    61 exit_group(0) = ?
    61 +++ exited with 0 +++
        """
    )
    assert only(launch, 61).creator == only(launch, 60).id


def test_a_pid_is_used_again() -> None:
    again = """
    70 clone(child_stack=NULL, flags=SIGCHLD) = 71
    71 execve("/bin/{0}", ["{0}"], 0x7ff /* 9 vars */) = 0
    71 exit_group({1}) = ?
    71 +++ exited with {1} +++
"""
    launch = launch_of_log(
        '    70 execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0'
        + again.format("a", 1).rstrip("\n") + again.format("b", 2)
    )  # fmt: skip
    found = [p for p in launch.inside if p.pid == 71]
    assert [(p.name, p.exit and p.exit.code) for p in found] == [("a", 1), ("b", 2)]


def test_a_log_that_begins_in_the_middle() -> None:
    launch = launch_of_log(
        """
    80 restart_syscall(<... resuming interrupted read ...>) = 0
    81 <... read resumed>"", 1) = 0
    80 exit_group(0) = ?
    80 +++ exited with 0 +++
        """
    )
    first, second = launch.inside
    assert (launch.root, first.attached) == (None, True)
    assert (second.pid, second.attached, second.creation) == (81, False, None)
    assert "no line announces 1 task" in warnings(launch)
    assert list(launch.header.command) == ["forktrace", "import", "x.log"]


def test_a_process_with_threads_that_strace_attached_to() -> None:
    launch = launch_of_log(
        """
        strace: Process 90 attached with 3 threads
        [pid    92] futex(0x7f <unfinished ...>
        [pid    91] clone(child_stack=NULL, flags=SIGCHLD) = 93
        [pid    90] exit_group(0) = ?
        """
    )
    assert pids(list(launch.inside)) == [90, 93]
    assert [t.tid for t in only(launch, 90).threads] == [92, 91]
    assert children(launch, 90) == [93]


def test_without_f_the_children_are_known_by_what_they_tell_their_parent() -> None:
    launch = launch_of_log(
        """
        execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
        vfork() = 101
        vfork() = 102
        --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=102, si_status=SIGTERM} ---
        wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 4}], 0, NULL) = 101
        --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=103, si_status=5} ---
        exit_group(0) = ?
        +++ exited with 0 +++
        """
    )
    ends = {p.pid: p.exit and (p.exit.code, p.exit.signal) for p in launch.inside}
    assert ends == {0: (0, None), 101: (4, None), 102: (None, "SIGTERM")}
    shell = launch.processes[launch.root or ""]
    assert [(c.pid, c.code) for c in shell.untraced] == [(103, 5)]
    assert only(launch, 101).reap is not None


def test_calls_that_failed_or_were_restarted() -> None:
    launch = launch_of_log(
        """
    10 execve("/usr/bin/x", ["x"], 0x7ff /* 9 vars */) = -1 ENOENT (No such file or directory)
    10 execve("/bin/x", ["x"], 0x7ff /* 9 vars */) = 0
    10 clone(child_stack=NULL, flags=SIGCHLD) = ? ERESTARTNOINTR (To be restarted)
    10 clone(child_stack=NULL, flags=SIGCHLD) = -1 EAGAIN (Resource temporarily unavailable)
    10 wait4(-1, 0x7ff, 0, NULL) = -1 ECHILD (No child processes)
    10 wait4(-1, 0x7ff, 0, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
    10 kill(11, SIGTERM) = -1 ESRCH (No such process)
        """
    )
    (process,) = launch.inside
    assert [(c.name, c.error) for c in process.calls] == [("execve", "ENOENT"), ("kill", "ESRCH")]
    assert [i.path for i in process.images] == ["/bin/x"]


def test_arguments_that_were_cut_off_are_marked() -> None:
    trace = trace_of_log(r'10 execve("/bin/x", ["x", "\33[2J\377"..., ...], 0x7ff) = 0' + "\n")
    event = trace.events[1]
    assert isinstance(event, events.Executed)
    assert event.errors == {"argv": "cut off in the log"}
    launch = launch_of_log(r'10 execve("/bin/x", ["x", "\33[2J\377"..., ...], 0x7ff) = 0' + "\n")
    assert next(launch.inside).argv == ["x", "\x1b[2J\udcff…", "…"]


def test_lines_that_make_no_sense_are_counted() -> None:
    lines = PIPELINE.splitlines(keepends=True)
    lines[3:3] = ["hello from the program\n", "\xff\x00\n"]
    lines[6:6] = ["    10 kill(1, = 0\n"]
    trace = trace_of_log("".join(lines))
    told = summary(trace)
    assert (told.lines, told.unreadable, told.first_unreadable) == (18, 3, 3)
    launch = launch_of_log("".join(lines))
    assert "3 of 18 lines could not be read, first at line 3" in warnings(launch)
    assert pids(list(launch.inside)) == [10, 11, 12]


NOISE = """
     > /usr/lib/x86_64-linux-gnu/libc.so.6(__libc_fork+0x4b) [0xd3ecb]
     | 00000  68 69 0a                                          hi.              |
    strace: [ Process PID=11 runs in 32 bit mode. ]
    10 ???() = ?
    10 wait4(-1, <detached ...>
    11 read(0,  <ptrace(SYSCALL):No such process>
    % time     seconds  usecs/call     calls    errors syscall
    ------ ----------- ----------- --------- --------- ----------------
     64.29    0.000054          54         1           execve
"""


def test_noise_is_no_loss() -> None:
    told = summary(trace_of_log(PIPELINE + NOISE.lstrip("\n")))
    assert told.unreadable == 0


SEPARATE = (
    ("x.30", """\
    {0}execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0
    {0}vfork() = 31
    {0}vfork() = 32
    {0}wait4(-1, [{{WIFEXITED(s) && WEXITSTATUS(s) == 3}}], 0, NULL) = 32
    {9}exit_group(0) = ?
    {9}+++ exited with 0 +++
    """),
    ("x.32", """\
    {4}execve("/bin/b", ["b"], 0x7ff /* 9 vars */) = 0
    {5}exit_group(3) = ?
    {5}+++ exited with 3 +++
    """),
    ("x.31", """\
    {4}execve("/bin/a", ["a"], 0x7ff /* 9 vars */) = 0
    {9}exit_group(2) = ?
    {9}+++ exited with 2 +++
    """),
)  # fmt: skip


@pytest.mark.parametrize("clock", ["", "12:00:0{} ", "170000000{} "])
def test_a_log_for_each_task(clock: str) -> None:
    times = [clock.format(n) for n in range(10)]
    launch = launch_of_logs(*((name, text.format(*times)) for name, text in SEPARATE))
    assert children(launch, 30) == [31, 32]
    ends = {p.pid: p.exit.code for p in launch.inside if p.exit}
    assert ends == {30: 0, 31: 2, 32: 3}
    assert only(launch, 32).reap is not None
    assert ("what happened first in two of them is not known" in warnings(launch)) == (not clock)
    assert launch.header.times == bool(clock)
    if not clock:
        assert not any(p.adoptions for p in launch.inside)


def test_one_log_of_several() -> None:
    text = 'execve("/bin/sh", ["sh"], 0x7ff) = 0\n+++ exited with 0 +++\n'
    assert pids(list(launch_of_logs(("x.30", text)).inside)) == [30]
    assert pids(list(launch_of_logs(("x.30", "12 " + text[:37])).inside)) == [12]


def test_a_name_without_a_pid_among_several_logs() -> None:
    with pytest.raises(LogFormatError, match=r"b\.log is not named"):
        trace_of_logs(("a.1", b""), ("b.log", b""))


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"dear diary\n", b"\x00\xff" * 100, b'{"event":"header"}\n', b"foo(bar);\n" * 2000,
     b"int main(void) {\n  return printf(1);\n}\n", b"12345\n"],
)  # fmt: skip
def test_no_log_at_all(data: bytes) -> None:
    with pytest.raises(LogFormatError, match="no log of strace"):
        trace_of_log(data)


def test_times() -> None:
    launch = launch_of_log(
        """
    10 1700000000.500000 execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0 <0.1>
    10 1700000001.000000 vfork( <unfinished ...>
    11 1700000001.100000 exit_group(0) = ?
    11 1700000001.200000 +++ exited with 0 +++
    10 1700000001.300000 <... vfork resumed>) = 11 <0.3>
        """
    )
    assert launch.header.started_ns == 1_700_000_000_500_000_000
    child = only(launch, 11)
    assert child.born.at_ns == 600_000_000  # its first sign
    assert child.exit is not None
    assert child.exit.at.at_ns == 700_000_000


def test_what_is_not_in_a_log_is_left_open() -> None:
    header = trace_of_log(PIPELINE).header
    assert (header.source, header.detail, header.tracer) == ("import", "events", None)
    assert (header.user, header.kernel, header.machine, header.cwd) == (None, None, None, None)
    assert list(header.command) == ["sh", "-c", "a | b"]


def test_a_wait_that_stands_before_the_log_of_a_child_elsewhere() -> None:
    launch = launch_of_logs(
        ("x.40", '12:00:00 execve("/bin/u", ["u"], 0x7f) = 0\n'
                 "12:00:01 clone(flags=CLONE_NEWPID|SIGCHLD) = 41\n"),
        ("x.41", "12:00:02 clone(flags=SIGCHLD) = 2\n"
                 "12:00:03 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 6}], 0, NULL) = 2\n"),
        ("x.42", "12:00:04 setsid() = 2\n12:00:05 +++ exited with 6 +++\n"),
    )  # fmt: skip
    child = only(launch, 42)
    assert (child.creator, child.nspid) == (only(launch, 41).id, [42, 2])
    assert child.exit is not None
    assert child.reap is not None
    assert pids(list(launch.inside)) == [40, 41, 42]


def test_a_thread_whose_lines_go_on_while_its_process_executes() -> None:
    launch = launch_of_logs(
        ("x.30", '12:00:00 execve("/bin/t", ["t"], 0x7f) = 0\n'
                 "12:00:01 clone(flags=CLONE_VM|CLONE_THREAD) = 31\n"
                 '12:00:03 execve("/bin/x", ["x"], 0x7f) = 0\n'),
        ("x.31", "12:00:02 setsid() = 3\n12:00:04 kill(30, SIGURG) = 0\n"
                 "12:00:05 +++ exited with 0 +++\n"),
    )  # fmt: skip
    assert pids(list(launch.inside)) == [30]
    assert launch.warnings[0].startswith("of the calls")
