"""Reading the descriptors of live processes, without a trace, and what stands in the way."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forktrace.capture.descriptors import NOTHING, Table, read_table
from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import TaskTable, TracedProcess
from forktrace.model.build import build_launch
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration.harness import (
    PATIENCE,
    PROJECT,
    Forktrace,
    Record,
    default_signals,
    read_records,
)

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
WAITING = (
    "import socket, sys; a, b = socket.socketpair(); print('up', flush=True); sys.stdin.read()"
)
ASKING = """
import json, sys
from forktrace.capture.descriptors import NOTHING, read_table
table = read_table(int(sys.argv[1]), NOTHING, whole=True, mounts=None)
found = {fd: opened.link.decode() for fd, opened in table.fds.items()}
print(json.dumps([found, table.errors]))
"""


def read(whole: bool = True, known: Table = NOTHING) -> Table:
    mounts = Path("/proc/self/ns/mnt").stat().st_ino
    return read_table(os.getpid(), known, whole=whole, mounts=mounts)


@contextmanager
def waiting(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that says a line when it is ready, and ends with its standard input."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=default_signals
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdout.readline()
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def test_what_has_not_changed_is_the_same_table() -> None:
    whole = read()
    assert read(known=whole) is whole
    standard = read(whole=False)
    assert read(whole=False, known=standard) is standard


def test_both_ends_of_a_terminal() -> None:
    master, slave = os.openpty()
    try:
        fds = read().fds
        number = int(os.ttyname(slave).rpartition("/")[2])
        assert (fds[master].told.tty, fds[master].told.slave) == (number, None)
        assert (fds[slave].told.tty, fds[slave].told.slave) == (None, number)
        assert fds[slave].told.device == fds[master].told.device == os.fstat(slave).st_dev
    finally:
        os.close(master)
        os.close(slave)


def test_a_connection_that_is_not_accepted_yet() -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind("\0forktrace-test-" + os.urandom(8).hex())
        listener.listen()
        client.connect(listener.getsockname())
        before = read()
        assert before.fds[client.fileno()].told.peer == 0
        assert before.fds[listener.fileno()].told.peer is None
        name = before.fds[listener.fileno()].told.bound
        assert name == "@" + listener.getsockname()[1:].decode()
        accepted, _ = listener.accept()
        with accepted:
            told = read(known=before).fds[client.fileno()].told
            assert (told.peer, told.bound) == (os.fstat(accepted.fileno()).st_ino, name)


def test_access_of_each_kind() -> None:
    kinds = {os.O_RDONLY: "r", os.O_WRONLY: "w", os.O_RDWR: "rw", os.O_PATH: None}
    opened = {os.open("/dev/null", flags): access for flags, access in kinds.items()}
    try:
        fds = read().fds
        assert {fd: fds[fd].told.access for fd in opened} == opened
    finally:
        for fd in opened:
            os.close(fd)


def test_a_process_that_is_gone_has_not_closed_its_descriptors() -> None:
    child = subprocess.Popen(["true"], stdout=subprocess.DEVNULL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    # Without memory it counts as not dumpable, which root alone may read (ptrace(2)).
    error = "ESRCH" if os.geteuid() == 0 else "EACCES"
    for whole in (False, True):
        found = read_table(child.pid, NOTHING, whole=whole, mounts=None)
        assert (found.fds, found.errors) == ({}, {"fd": error})
    child.wait()
    gone = read_table(child.pid, NOTHING, whole=True, mounts=None)
    assert (gone.fds, gone.errors) == ({}, {"fd": "ENOENT"})


def as_nobody(pid: int) -> list[Record]:
    done = subprocess.run(
        [*NOBODY, sys.executable, "-c", ASKING, str(pid)],
        capture_output=True,
        check=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    found: list[Record] = json.loads(done.stdout)
    return found


@pytest.fixture
def root(missing: Missing) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None or shutil.which("unshare") is None:
        missing("root, setpriv and unshare")


def test_a_network_namespace_that_may_not_be_entered(root: None) -> None:
    inside = ("unshare", "-n", *NOBODY, sys.executable, "-c", WAITING)
    with waiting(*inside) as process:
        fds, errors = as_nobody(process.pid)
        sockets = {fd for fd, link in fds.items() if link.startswith("socket:[")}
        assert len(sockets) == 2
        assert errors == dict.fromkeys(sockets, "EPERM")


def test_a_process_of_somebody_else(root: None) -> None:
    with waiting(sys.executable, "-c", WAITING) as process:
        assert as_nobody(process.pid) == [{}, {"fd": "EACCES"}]


def test_dead_creators_are_not_kept() -> None:
    """A chain of processes, each of which creates the next and ends, leaves none behind."""
    table = TaskTable()
    first = TracedProcess(1, None, Snapshot())
    table.add_process(first)
    process = first
    for pid in range(2, 2000):
        child = TracedProcess(pid, None, Snapshot())
        child.creator = process
        table.add_process(child)
        if process is not first:
            table.remove_process(process.pid)
        process = child
    kept = []
    creator = process.creator
    while creator is not None:
        kept.append(creator.pid)
        creator = creator.creator
    assert len(kept) <= 3
    assert table.living_creator(process) is first


NESTED = "exec 5</dev/zero; unshare -pf sh -c 'echo up; read line'; :"


@pytest.mark.parametrize("how", ["snapshot", "attach"])
def test_the_parent_of_another_namespace_is_read_whole(
    forktrace: Forktrace, root: None, how: str
) -> None:
    with waiting("sh", "-c", NESTED) as shell:
        trace = forktrace.folder / "t.jsonl"
        options = ("--children", "--for", "0.2") if how == "attach" else ()
        done = forktrace(how, "-q", "-o", str(trace), "-p", str(shell.pid), *options)
        assert done.status == 0, done.err
        written = [r for r in read_records(trace) if r["event"] == "descriptors"]
        assert {r["at"] for r in written} == {"birth"}
        names = {p.pid: p.name for p in build_launch(read_trace(trace)).inside}
        assert {names[r["pid"]]: r.get("whole", False) for r in written[:2]} == {
            "sh": False,
            "unshare": True,
        }
        assert written[1]["fds"]["5"] == {"to": "/dev/zero", "access": "r"}
        assert "5" not in written[0]["fds"]
