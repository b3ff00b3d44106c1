"""forktrace killed at any moment: the command goes on to its end, the trace up to there is kept."""

import random
import time
from functools import partial
from pathlib import Path

import pytest

from tests.integration.harness import (
    Forktrace,
    alive,
    python,
    read_line,
    read_records,
    status_field,
    the_sentence,
    wait_until,
)

# Forks until its input ends, threads and execs among it, and writes down for each child its pid
# and its status.
FORKER = """
import os, select, sys, threading, time
log = open(sys.argv[1], "w", buffering=1)
os.write(1, b"%d\\n" % os.getpid())
number = 0
while not select.select([0], [], [], 0)[0]:
    number += 1
    pid = os.fork()
    if pid == 0:
        if number % 7 == 0:
            os.execv("/bin/true", ["true", str(number)])
        if number % 5 == 0:
            threading.Thread(target=time.sleep, args=(0.001,)).start()
        os._exit(number % 3)
    status = os.waitpid(pid, 0)[1]
    print(number, pid, os.waitstatus_to_exitcode(status), file=log)
print("done", file=log)
"""


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_a_random_moment(forktrace: Forktrace, seed: int) -> None:
    log = forktrace.folder / "log"
    process, trace = forktrace.start_recording(*python(FORKER), str(log))
    command = int(read_line(process))
    time.sleep(random.Random(seed).uniform(0, 0.5))
    written = trace.read_bytes()
    process.kill()
    assert process.wait() == -9

    before = len(log.read_text().splitlines())
    wait_until(lambda: len(log.read_text().splitlines()) > before + 5, "the command forks on")
    assert alive(command)
    assert status_field(command, "TracerPid:") == "0"
    assert process.stdin is not None
    process.stdin.close()
    wait_until(lambda: log.read_text().endswith("done\n"), "the command has come to its end")

    children = [[int(n) for n in line.split()] for line in log.read_text().splitlines()[:-1]]
    for number, _pid, status in children:
        assert status == (0 if number % 7 == 0 else number % 3), f"child {number} was harmed"
    check_trace(forktrace, trace, [pid for _, pid, _ in children], written)


def check_trace(forktrace: Forktrace, trace: Path, children: list[int], written: bytes) -> None:
    """Compare with the command's own record: only what came last may lack, and nothing written."""
    assert trace.read_bytes().startswith(written)
    records = read_records(trace)
    assert records[0]["event"] == "header"
    assert records[-1]["event"] != "end"
    root = records[1]["pid"]
    created = [r["child"] for r in records if r["event"] == "create" and r["pid"] == root]
    assert created == children[: len(created)]
    shown = forktrace("show", str(trace))
    assert shown.status == 0
    assert "cut off" in the_sentence(shown.err)
    assert b"python" in shown.out


def test_killed_before_the_command_has_started(forktrace: Forktrace) -> None:
    """No half-started child may be left: it reads the end of a pipe, and ends."""
    for delay in range(15):
        ran = forktrace.folder / f"ran{delay}"
        process, trace = forktrace.start_recording("sh", "-c", f"echo $$; : >{ran}; exec sleep 0")
        wait_until(trace.exists, "forktrace has made its trace")
        process.kill()
        process.wait()
        if read_line(process):  # it had started: then it goes on
            wait_until(ran.exists, "the command goes on")
        else:
            assert not ran.exists()
        for record in read_records(trace):
            if record["event"] == "process":
                wait_until(partial(has_ended, record["pid"]), "the child has ended")


def has_ended(pid: int) -> bool:
    return not alive(pid)
