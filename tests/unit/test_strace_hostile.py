"""Whatever a log holds: one clear error, or a trace that every view takes; never a traceback."""

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forktrace.analysis.passes import analyse
from forktrace.errors import LogFormatError
from forktrace.model.build import build_launch
from forktrace.render.registry import FORMATS
from forktrace.views.options import ViewOptions
from tests.unit.strace_logs import trace_of_logs
from tests.unit.test_strace_import import EXEC_BY_A_THREAD, INSIDE, NOISE, PIPELINE, THREADS

REAL = (PIPELINE + THREADS + "".join(EXEC_BY_A_THREAD.values()) + INSIDE + NOISE).encode()
LINES = [line for line in REAL.splitlines(keepends=True) if line.strip()]
IN_PYTHON = [f for f in FORMATS if f.name in ("text", "json")]
few = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def whole_way(*logs: tuple[str, bytes]) -> None:
    """Import, join, find and draw; what is no log at all must say so."""
    with suppress(LogFormatError):
        launch = build_launch(trace_of_logs(*logs))
        findings = analyse(launch)
        for made in IN_PYTHON:
            made.load()(launch, findings, ViewOptions())


@few
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    whole_way(("x", data))
    whole_way(("x", LINES[0] + data))


WORDS = [
    b"10 ", b"11 ", b"[pid 12] ", b"12:00:00 ", b"     0.5 ", b"execve(", b"clone(", b"clone3({",
    b"vfork(", b"exit_group(", b"wait4(", b"flags=CLONE_THREAD|", b"SIGCHLD", b'"/bin/x"', b'["a"',
    b"]", b"}", b", ", b")", b" = ", b"0", b"2", b"11", b"-1 ENOENT", b"?", b"4294967296", b"...",
    b" <unfinished ...>", b"<... clone resumed>", b"<... execve resumed>", b"+++ exited with 0 +++",
    b"+++ killed by SIGKILL +++", b"+++ superseded by execve in pid 11 +++",
    b"strace: Process 11 attached", b"--- SIGCHLD {si_code=CLD_EXITED, si_pid=11, si_status=0} ---",
    b" <pid changed to 10 ...>", b"unshare(CLONE_NEWPID) = 0", b"\n", b"\n", b"\n",
]  # fmt: skip


@few
@given(st.lists(st.sampled_from(WORDS), max_size=80))
def test_any_words_of_strace(words: list[bytes]) -> None:
    whole_way(("x", b"10 setsid() = 10\n" + b"".join(words)))


@few
@given(st.lists(st.sampled_from(LINES), max_size=60))
def test_lines_in_any_order(lines: list[bytes]) -> None:
    whole_way(("x", b"".join(lines)))


@few
@given(st.lists(st.tuples(st.sampled_from([10, 11, 30]), st.sampled_from(LINES)), max_size=40))
def test_lines_in_any_files(lines: list[tuple[int, bytes]]) -> None:
    logs = {10: b"", 11: b"", 30: b""}
    for tid, line in lines:
        logs[tid] += line
    whole_way(*((f"x.{tid}", data) for tid, data in logs.items()))


@few
@given(
    st.lists(
        st.tuples(st.integers(0, len(REAL)), st.integers(0, 40), st.binary(max_size=5)), max_size=8
    )
)
def test_damage_to_a_good_log(changes: list[tuple[int, int, bytes]]) -> None:
    data = REAL
    for at, removed, added in changes:
        data = data[:at] + added + data[at + removed :]
    whole_way(("x", data))


def test_lines_that_nest_deep_or_are_long() -> None:
    for piece in (
        b"[" * 200_000,
        b'"' * 200_001,
        b"/*" * 100_000,
        b"1<" * 100_000,
        b"{a=" * 90_000,
    ):
        whole_way(("x", LINES[0] + b"10 execve(" + piece + b") = 0\n"))
        whole_way(("x", LINES[0] + b'10 execve("a", [' + piece + b"], [" + piece + b"]) = 0\n"))
        whole_way(("x", LINES[0] + b"10 prctl(" + piece + b", " + piece + b") = 0\n"))
    whole_way(("x", LINES[0] + b"1" * 300_000 + b"\n" + b" " * 300_000 + b"\n"))
