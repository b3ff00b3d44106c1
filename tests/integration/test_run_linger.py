"""What the command leaves behind is waited for, then left alone: untraced, unharmed, named."""

import os
import re
import signal
from collections.abc import Callable

import pytest

from tests.integration.harness import (
    Forktrace,
    alive,
    end_process,
    finish,
    python,
    read_line,
    read_records,
    sleeps_as,
    status_field,
    wait_until,
)

LEAVE = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; exit 3"


def is_untraced(pid: int) -> bool:
    return status_field(pid, "TracerPid:") == "0"


@pytest.mark.parametrize("linger", ["0", "0.3"])
def test_what_is_left_runs_on_untraced_and_is_named(
    forktrace: Forktrace, linger: str, end_later: Callable[[int], None]
) -> None:
    done = forktrace.record("sh", "-c", LEAVE, options=["--linger", linger])
    daemon = int(done.out)
    end_later(daemon)
    assert done.status == 3
    assert alive(daemon)
    assert is_untraced(daemon)
    wait_until(lambda: (status_field(daemon, "State:") or "").startswith("S"), "it sleeps")
    end = done.records[-1]
    assert (end["event"], end["reason"], end["left"]) == ("end", "linger", [daemon])
    # without any wait it may not have executed its program yet
    assert re.search(rf"still running, untraced: (sh|sleep) \(pid {daemon}\)", done.err)
    shown = forktrace("show", str(done.trace))
    assert (shown.status, shown.err) == (0, "")
    assert str(daemon) in shown.out.decode()


def test_without_end_the_wait_lasts_until_the_last_one_is_gone(forktrace: Forktrace) -> None:
    process, trace = forktrace.start_recording("sh", "-c", LEAVE, options=["--linger", "inf"])
    daemon = int(read_line(process))
    end_process(daemon)
    status, _, err = finish(process)
    assert status == 3
    assert "still running" not in err
    end = read_records(trace)[-1]
    assert (end["reason"], end.get("left", [])) == ("exited", [])
    (death,) = [r for r in read_records(trace) if r["event"] == "exit" and r["pid"] == daemon]
    assert death["signal"] == "SIGKILL"


def test_nothing_left_nothing_waited_for(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "true & wait", options=["--linger", "inf"])
    assert done.status == 0
    assert done.records[-1]["reason"] == "exited"
    assert "still running" not in done.err


# Blocks in epoll_wait, which tells of any disturbance by EINTR; says what it returned.
WAITING = """
import ctypes, os, select, signal, sys
if os.fork():
    os._exit(3)
os.setsid()
libc = ctypes.CDLL(None, use_errno=True)
poll = select.epoll()
poll.register(int(sys.argv[1]), select.EPOLLIN)
events = (ctypes.c_char * 64)()
os.write(1, b"%d\\n" % os.getpid())
os.closerange(0, 3)
got = libc.epoll_wait(poll.fileno(), events, 4, -1)
os.write(int(sys.argv[2]), b"%d %d\\n" % (got, ctypes.get_errno()))
"""


@pytest.mark.parametrize("ended_by", ["linger", "SIGKILL"])
def test_no_system_call_is_disturbed_by_the_parting(forktrace: Forktrace, ended_by: str) -> None:
    ask, answer = os.pipe(), os.pipe()
    command = (*python(WAITING), str(ask[0]), str(answer[1]))
    linger = "0" if ended_by == "linger" else "inf"
    process, _ = forktrace.start_recording(
        *command, options=["--linger", linger], pass_fds=[ask[0], answer[1]]
    )
    os.close(ask[0])
    os.close(answer[1])
    daemon = int(read_line(process))
    if ended_by == "SIGKILL":
        process.kill()
    assert finish(process)[0] == (3 if ended_by == "linger" else -9)
    assert alive(daemon)
    wait_until(lambda: is_untraced(daemon), "the daemon is untraced")
    os.write(ask[1], b"x")
    with os.fdopen(answer[0]) as pipe:
        assert pipe.read() == "1 0\n"
    os.close(ask[1])


def test_a_stopped_process_stays_stopped_and_can_go_on(
    forktrace: Forktrace, end_later: Callable[[int], None]
) -> None:
    process, _ = forktrace.start_recording("sh", "-c", LEAVE, options=["--linger", "inf"])
    daemon = int(read_line(process))
    end_later(daemon)
    wait_until(lambda: sleeps_as(daemon, "sleep"), "the daemon has come up")
    os.kill(daemon, signal.SIGSTOP)
    wait_until(lambda: (status_field(daemon, "State:") or "")[:1] in "Tt", "it is stopped")
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == 3
    assert is_untraced(daemon)
    wait_until(lambda: (status_field(daemon, "State:") or "").startswith("T "), "it is stopped")
    os.kill(daemon, signal.SIGCONT)
    wait_until(lambda: (status_field(daemon, "State:") or "").startswith("S"), "it goes on")


def test_what_forks_without_pause_is_left_too(
    forktrace: Forktrace, end_later: Callable[[int], None]
) -> None:
    """The end of the linger time comes although stops never cease; all loops go on."""
    loop = "(while :; do (:); done) </dev/null >/dev/null 2>&1 & echo $!;"
    done = forktrace.record("sh", "-c", f"{loop * 6} exit 3", options=["--linger", "0.3"])
    loops = [int(word) for word in done.out.split()]
    for pid in loops:
        end_later(pid)
    assert done.status == 3
    assert len(loops) == 6
    assert done.records[-1]["reason"] == "linger"
    assert set(loops) <= set(done.records[-1]["left"])
    for pid in loops:
        assert alive(pid)
        assert is_untraced(pid)


def test_a_whole_family_is_left_and_works_on(forktrace: Forktrace) -> None:
    """Parents left behind still wait for their children and see how they ended."""
    fifo, out = forktrace.folder / "go", forktrace.folder / "out"
    os.mkfifo(fifo)
    inner = f"sh -c 'read x <{fifo}; exit 5'; echo $? >{out}.new; mv {out}.new {out}"
    done = forktrace.record(
        "sh", "-c", f"({inner}) </dev/null >/dev/null 2>&1 & exit 0", options=["--linger", "0"]
    )
    assert done.status == 0
    fifo.write_text("go\n")
    assert wait_until(lambda: out.exists() and out.read_text(), "the family has ended") == "5\n"
    assert len(done.records[-1]["left"]) >= 1


def test_many_left_are_counted(forktrace: Forktrace, end_later: Callable[[int], None]) -> None:
    command = (
        "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; done"
    )
    done = forktrace.record("sh", "-c", command, options=["--linger", "0.3"])
    pids = [int(word) for word in done.out.split()]
    for pid in pids:
        end_later(pid)
    assert sorted(done.records[-1]["left"]) == sorted(pids)
    assert "and 2 more" in done.err
    assert all(alive(pid) for pid in pids)


def test_a_wait_longer_than_the_kernel_can_count_has_no_end(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "sleep 0.1 & exit 7", options=["--linger", "1e18"])
    assert (done.status, done.records[-1]["reason"]) == (7, "exited")
