"""What strace prints of arguments, strings and results is understood to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forktrace.trace.strace.clock import Clock
from forktrace.trace.strace.lines import find_message, read_line
from forktrace.trace.strace.literals import (
    Result,
    Unreadable,
    fields,
    read_number,
    read_result,
    read_string,
    read_strings,
    split_call,
)
from forktrace.trace.strace.meaning import read_called, read_creation, read_execution
from forktrace.trace.strace.status import Status, child_status, reaped

STRINGS = {
    rb'"plain"': b"plain",
    rb'""': b"",
    rb'"a\nb\tc\"d\\e"': b'a\nb\tc"d\\e',
    rb'"\33[2J\0071"': b"\x1b[2J\x071",
    rb'"h\303\251"': "hé".encode(),
    rb'"\x68\xc3\xa9"': "hé".encode(),
    rb'"\1\00012"': b"\x01\x0012",
    rb'"\v\f\r"': b"\v\f\r",
}


@pytest.mark.parametrize("text", STRINGS)
def test_a_string(text: bytes) -> None:
    assert read_string(text) == (STRINGS[text], True)


def test_a_string_that_was_cut_off_is_no_whole_one() -> None:
    assert read_string(rb'"abc"...') == ("abc…".encode(), False)
    assert read_strings(rb'["a", "b"...]') == ([b"a", "b…".encode()], False)
    assert read_strings(rb'["a", ...]') == ([b"a", "…".encode()], False)
    assert read_strings(rb'["a", 0x7ffe1234]') == ([b"a", "…".encode()], False)
    assert read_strings(rb'["a", "...", "]"]') == ([b"a", b"...", b"]"], True)
    assert read_strings(b"[]") == ([], True)
    assert read_strings(b"0x55d0 /* 3 vars */") == (None, False)
    assert read_strings(b"NULL") == (None, False)


@pytest.mark.parametrize("text", [b"", b'"', b'"a', b'a"', b'"a\\"', b"NULL", b'"a"b'])
def test_no_string(text: bytes) -> None:
    with pytest.raises(Unreadable):
        read_string(text)


def as_strace_prints(data: bytes) -> bytes:
    """Write bytes as ``strace -xx`` does."""
    return b'"' + b"".join(b"\\x%02x" % byte for byte in data) + b'"'


@given(st.lists(st.binary()))
def test_any_argv_survives(argv: list[bytes]) -> None:
    text = b"[" + b", ".join(map(as_strace_prints, argv)) + b"]"
    assert read_strings(text) == (argv, True)


CALLS = {
    b'"a, b", [1, {x=2}], 3) = 0': ([b'"a, b"', b"[1, {x=2}]", b"3"], b" = 0"),
    b") = 0": ([], b" = 0"),
    b'") = 7", 1) = 0': ([b'") = 7"', b"1"], b" = 0"),
    b"3</a,b)>, 1) = 0": ([b"3</a,b)>", b"1"], b" = 0"),
    b"5<TCP:[1.2.3.4:5->6.7.8.9:10]>, 1) = 0": ([b"5<TCP:[1.2.3.4:5->6.7.8.9:10]>", b"1"], b" = 0"),
    b"1 /* a, b) */, 2) = 0": ([b"1 /* a, b) */", b"2"], b" = 0"),
    b"{a=1} => {b=[2]}, 88) = 9": ([b"{a=1} => {b=[2]}", b"88"], b" = 9"),
}


@pytest.mark.parametrize("text", CALLS)
def test_splitting_a_call(text: bytes) -> None:
    assert split_call(text) == CALLS[text]


@pytest.mark.parametrize("text", [b"", b"1, 2", b'"a) = 0', b"(1) = 0", b"/* ) = 0"])
def test_a_call_without_an_end(text: bytes) -> None:
    with pytest.raises(Unreadable):
        split_call(text)


RESULTS = {
    b" = 0": Result(0),
    b"            = 8491": Result(8491),
    b" = 0 <0.000123>": Result(0),
    b" = ?": Result(),
    b" = ? ERESTARTNOINTR (To be restarted)": Result(None, "ERESTARTNOINTR"),
    b" = -1 ENOENT (No such file or directory)": Result(None, "ENOENT"),
    b" = -1 (errno 2)": Result(None, "ENOENT"),
    b" = 2 /* 30841 in strace's PID NS */": Result(2, None, 30841),
    b" = 30840<sh>": Result(30840),
    b" = 2<sh> /* 30841 in strace's PID NS */ <0.1>": Result(2, None, 30841),
    b" = 0x7fff": Result(0x7FFF),
}


@pytest.mark.parametrize("text", RESULTS)
def test_a_result(text: bytes) -> None:
    assert read_result(text) == RESULTS[text]


@pytest.mark.parametrize("text", [b"", b" = ", b"0", b" = x"])
def test_no_result(text: bytes) -> None:
    with pytest.raises(Unreadable):
        read_result(text)


def test_numbers() -> None:
    assert read_number(b"-1") == -1
    assert read_number(b"0x10 /* SIGX */") == 16
    assert read_number(b"12<sh>") == 12
    assert read_number(b"0010") == 10
    assert read_number(b"9" * 20) is None
    assert read_number(b"NULL") is None


def test_a_struct() -> None:
    assert fields(b'{a=1, b={c=2}, d="x, y"}') == {b"a": b"1", b"b": b"{c=2}", b"d": b'"x, y"'}
    assert fields(b"0x7ffe") == {}
    assert fields(b"{a=1") == {}


PREFIXES: dict[bytes, tuple[int | None, bytes | None, bytes | None]] = {
    b"": (None, None, None),
    b"30719 ": (30719, None, None),
    b"  719  ": (719, None, None),
    b"[pid  8480] ": (8480, None, None),
    b"[pid 10291<sh>] ": (10291, None, None),
    b"10280<a b> ": (10280, None, None),
    b"22:28:48 ": (None, b"22:28:48", None),
    b"30719 22:28:48.266973 ": (30719, b"22:28:48.266973", None),
    b"[pid 30822] 22:28:48 ": (30822, b"22:28:48", None),
    b"30814 1795472928.821755 ": (30814, b"1795472928.821755", None),
    b"1795472928 ": (None, b"1795472928", None),
    b"     0.000173 ": (None, None, b"0.000173"),
    b"30814      0.000173 ": (30814, None, b"0.000173"),
    b"1795472929.945216633 (+     0.000000000) ": (None, b"1795472929.945216633", None),
    b"30719 22:28:48.266973 [  59] [00007f90e17a9ad7] ": (30719, b"22:28:48.266973", None),
    b"30719 [????????????????] ": (30719, None, None),
    b"\t\t": (None, None, None),
}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("rest", [b"setsid() = 5", b"+++ exited with 0 +++", b"<... fork resumed>"])
def test_what_stands_before_a_call(prefix: bytes, rest: bytes) -> None:
    line = read_line(prefix + rest)
    assert line is not None
    assert (line.tid, line.clock, line.relative) == PREFIXES[prefix]
    assert (line.name, line.body) == ((b"setsid", b") = 5") if b"(" in rest else (None, rest))


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"12345", b"+++", b"...", b"\xff\0", b"[pid x] a()"]
)
def test_no_line_of_strace(text: bytes) -> None:
    assert read_line(text) is None


def test_messages() -> None:
    found = find_message(b"vfork(strace: Process 30873 attached")
    assert found is not None
    assert (found[0], found[1].pid, found[1].what) == (b"vfork(", 30873, "attached")
    found = find_message(b"flags=SIGCHLD/usr/bin/strace: Process 7 detached")
    assert found is not None
    assert (found[0], found[1].pid, found[1].what) == (b"flags=SIGCHLD", 7, "detached")
    found = find_message(b"Process 12 attached with 5 threads")
    assert found is not None
    assert (found[0], found[1].pid, found[1].threads) == (b"", 12, 5)
    assert find_message(b'write(1, "Process 5 attached", 18) = 18') is None
    assert find_message(b"Process of elimination") is None


def test_clock() -> None:
    clock = Clock()
    assert clock.at(b"23:59:59.5", None) == 86_399_500_000_000
    assert clock.at(b"23:59:59.4", None) == 86_399_500_000_000  # it never goes back
    assert clock.at(b"00:00:00.5", None) == 86_400_500_000_000  # past midnight
    assert clock.kind == "day"
    clock = Clock()
    assert [clock.at(None, t) for t in (b"0.000000", b"1.5", b"0.000000001")] == [
        0, 1_500_000_000, 1_500_000_001,
    ]  # fmt: skip
    clock = Clock()
    assert [clock.at(None, None) for _ in range(3)] == [1, 2, 3]
    assert clock.kind == "none"


def test_creations() -> None:
    flags = b"flags=CLONE_CHILD_CLEARTID|CLONE_VM|SIGCHLD"
    made = read_creation(b"clone", [b"child_stack=NULL", flags, b"child_tidptr=0x1"])
    assert (made.how, made.flags) == ("clone", ["CLONE_VM", "CLONE_CHILD_CLEARTID"])
    assert made.exit_signal == "SIGCHLD"
    made = read_creation(b"clone", [b"child_stack=NULL", b"flags=0x4111"])
    assert made.flags == ["CLONE_VM", "CLONE_VFORK"]
    assert made.exit_signal == "SIGCHLD"
    made = read_creation(b"clone", [b"flags=CLONE_THREAD|0x8000000000000000"])
    assert made.flags == ["CLONE_THREAD", "0x8000000000000000"]
    made = read_creation(b"clone3", [b"{flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGUSR1, stack=0}"])
    assert (made.how, made.flags, made.exit_signal) == (
        "clone3", ["CLONE_VM", "CLONE_VFORK"], "SIGUSR1",
    )  # fmt: skip
    made = read_creation(b"clone3", [b"{flags=0, exit_signal=0} => {}", b"88"])
    assert (made.flags, made.exit_signal) == ([], None)
    assert read_creation(b"clone", []).flags is None
    assert read_creation(b"clone3", [b"0x7ffe"]).flags is None
    made = read_creation(b"vfork", [])
    assert (made.flags, made.exit_signal) == (["CLONE_VM", "CLONE_VFORK"], "SIGCHLD")


def test_executions() -> None:
    env = b'["INVOCATION_ID=secret", "PATH=/bin"]'
    told = read_execution(b"execve", [b'"/bin/sh"', b'["sh", "-c"]', env])
    assert (told.path, told.argv, told.env) == (b"/bin/sh", [b"sh", b"-c"], ["INVOCATION_ID"])
    assert told.errors == {}
    told = read_execution(b"execve", [b'"/bin/sh"', b"0x7ffe", b"0x7fff /* 3 vars */"])
    assert (told.argv, told.env) == (None, None)
    assert told.errors == {"argv": "not in the log"}
    told = read_execution(b"execveat", [b"6</>", b'""', b'["runc", "init"...]', b"NULL"])
    assert told.path == b"/dev/fd/6"
    assert told.errors == {"argv": "cut off in the log"}
    told = read_execution(b"execveat", [b"AT_FDCWD", b'"x"', b'["x"]', b"NULL"])
    assert told.path == b"x"


def test_ends_that_others_tell_of() -> None:
    told = child_status(
        b"SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=0, si_status=3}"
    )
    assert told == Status(7, 3)
    told = child_status(b"SIGCHLD {si_signo=17, si_code=0x1, si_pid=7, si_uid=0, si_status=0}")
    assert told == Status(7, 0)
    told = child_status(b"SIGCHLD {si_code=CLD_DUMPED, si_pid=7, si_status=SIGSEGV}")
    assert told == Status(7, None, "SIGSEGV", True)
    assert child_status(b"SIGCHLD {si_code=CLD_STOPPED, si_pid=7, si_status=SIGTSTP}") is None
    assert child_status(b"SIGCHLD {si_signo=SIGCHLD, si_code=SI_USER, si_pid=7, si_uid=0}") is None
    done = [b"-1", b"[{WIFEXITED(s) && WEXITSTATUS(s) == 4}]", b"0", b"NULL"]
    assert reaped(b"wait4", done, Result(7)) == Status(7, 4)
    done[1] = b"[{WIFSIGNALED(s) && WTERMSIG(s) == SIGABRT && WCOREDUMP(s)}]"
    assert reaped(b"wait4", done, Result(7)) == Status(7, None, "SIGABRT", True)
    assert reaped(b"wait4", [b"-1", b"[0x300]", b"0", b"NULL"], Result(7)) == Status(7, 3)
    stopped = [b"-1", b"[{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}]", b"WSTOPPED", b"NULL"]
    assert reaped(b"wait4", stopped, Result(7)) is None
    assert reaped(b"wait4", [b"-1", b"NULL", b"0", b"NULL"], Result(7)) == Status(7)
    assert reaped(b"wait4", [b"-1", b"NULL", b"WNOHANG|WSTOPPED", b"NULL"], Result(7)) is None
    assert reaped(b"wait4", done, Result(0)) is None
    info = b"{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=9, si_uid=0, si_status=SIGKILL}"
    waited = [b"P_PID", b"9", info, b"WEXITED", b"NULL"]
    assert reaped(b"waitid", waited, Result(0)) == Status(9, None, "SIGKILL")
    waited[3] = b"WEXITED|WNOWAIT"
    assert reaped(b"waitid", waited, Result(0)) is None


CALLED: list[tuple[bytes, list[bytes], object]] = [
    (b"setsid", [], {}),
    (b"setpgid", [b"0", b"12<sh>"], {"pid": 0, "pgid": 12}),
    (b"prctl", [b"PR_SET_NAME", b'"x\\"y"'], {"option": "PR_SET_NAME", "name": 'x"y'}),
    (b"prctl", [b"PR_SET_CHILD_SUBREAPER", b"1"], {"option": "PR_SET_CHILD_SUBREAPER", "value": 1}),
    (b"prctl", [b"0x24", b"0"], {"option": "PR_SET_CHILD_SUBREAPER", "value": 0}),
    (
        b"prctl",
        [b"PR_SET_PDEATHSIG", b"SIGKILL"],
        {"option": "PR_SET_PDEATHSIG", "signal": "SIGKILL"},
    ),
    (b"prctl", [b"PR_GET_DUMPABLE"], None),
    (b"unshare", [b"CLONE_NEWNS|CLONE_NEWPID"], {"flags": ["CLONE_NEWNS", "CLONE_NEWPID"]}),
    (
        b"setns",
        [b"3</proc/7/ns/net>", b"CLONE_NEWNET"],
        {"target": "/proc/7/ns/net", "flags": ["CLONE_NEWNET"]},
    ),
    (b"setns", [b"3", b"0"], {"target": None, "flags": []}),
    (b"kill", [b"1 /* 77 in strace's PID NS */", b"SIGTERM"], {"pid": 1, "signal": "SIGTERM"}),
    (b"kill", [b"7", b"0"], {"pid": 7, "signal": None}),
    (b"tgkill", [b"7", b"8", b"SIGRT_1"], {"pid": 7, "tid": 8, "signal": "SIGRT_1"}),
    (b"chroot", [b'"/new"'], {"path": "/new"}),
    (b"pivot_root", [b'"."', b'"old"'], {"path": ".", "old": "old"}),
    (
        b"write",
        [b"5</sys/fs/cgroup/x/cgroup.procs>", b'"77"', b"2"],
        {"path": "/sys/fs/cgroup/x/cgroup.procs", "pid": 77},
    ),
    (b"write", [b"5</sys/fs/cgroup/x/cgroup.procs>", b'"+cpu"', b"4"], None),
    (b"getpid", [], None),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), CALLED)
def test_recorded_calls(name: bytes, arguments: list[bytes], expected: object) -> None:
    assert read_called(name, arguments) == expected


def test_a_call_that_lacks_arguments() -> None:
    with pytest.raises(Unreadable):
        read_called(b"kill", [b"1"])
