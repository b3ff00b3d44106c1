"""Open descriptors, on real processes: what was recorded, and who holds the other ends.

Truth is what the programs themselves say of their descriptors.
"""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from forktrace.analysis.findings import StreamEnd
from forktrace.analysis.streams import Streams
from forktrace.model.build import build_launch
from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration.harness import Forktrace, Record, Result, sleeps_as, wait_until

PAIR = """
import os, socket, subprocess, sys
ours, theirs = socket.socketpair()
inodes = [os.fstat(s.fileno()).st_ino for s in (ours, theirs)]
print(*inodes, ours.fileno(), flush=True)
subprocess.run(["sleep", "0"], stdin=theirs)
"""
IN_A_NAMESPACE = """
import ctypes, os, socket, subprocess
ours, theirs = socket.socketpair()
print(os.fstat(ours.fileno()).st_ino, os.fstat(theirs.fileno()).st_ino, ours.fileno(), flush=True)
assert ctypes.CDLL(None).unshare(0x40000000) == 0
subprocess.run(["sleep", "0"], stdin=theirs)
"""
TERMINAL = """
import os, pty
pid, master = pty.fork()
if pid == 0:
    os.execvp("sleep", ["sleep", "0"])
print(master, flush=True)
os.waitpid(pid, 0)
"""
SERVER = """
import os, socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.connect(sys.argv[1])
accepted, _ = listener.accept()
tcp = socket.socket()
subprocess.run(["sleep", "0"], stdin=client, stdout=accepted, stderr=tcp)
"""
ADOPTER = """
import ctypes, os
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
print(os.open("/dev/zero", os.O_RDONLY), flush=True)
reading, writing = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os.close(writing)
        os.read(reading, 1)  # until the middle one has ended
    os._exit(0)
os.wait()
os.close(writing)
os.wait()
"""
MANY = """
import os, subprocess, sys
kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(int(sys.argv[1]))]
subprocess.run(["sleep", "0"], stdin=subprocess.PIPE)
"""


def launch(result: Result) -> Launch:
    assert result.status == 0, result.err
    return build_launch(read_trace(result.trace))


def ran(built: Launch, name: str) -> Process:
    """Return the one process that ended as a program."""
    (found,) = [p for p in built.inside if p.name == name]
    return found


def when(process: Process) -> Moment:
    """Return when a process executed what it ended as."""
    return process.images[-1].at


def end(built: Launch, process: Process, fd: int, at: Moment | None = None) -> StreamEnd:
    return Streams(built).other_end(process.id, fd, at or when(process))


def held(found: StreamEnd) -> list[tuple[str, tuple[int, ...]]]:
    assert found.certainty == "observed", found
    return [(h.process, h.fds) for h in found.holders]


def descriptors(records: list[Record]) -> list[Record]:
    return [r for r in records if r["event"] == "descriptors"]


def test_a_pipeline_of_a_shell(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "sleep 0.3 | cat | wc -l", stdin=subprocess.DEVNULL)
    assert done.out.strip() == b"0"
    built = launch(done)
    sleep, cat, wc = (ran(built, name) for name in ("sleep", "cat", "wc"))
    last = max((when(p) for p in (sleep, cat, wc)), key=lambda moment: moment.seq)
    for writer, reader in ((sleep, cat), (cat, wc)):
        # the shell may have been seen before it closed its own descriptors of the pipe
        for found, other in (
            (held(end(built, writer, 1, last)), (reader.id, (0,))),
            (held(end(built, reader, 0, last)), (writer.id, (1,))),
        ):
            assert [holder for holder in found if holder[0] != "p1"] == [other]
    stdin = end(built, sleep, 0)
    assert (stdin.kind, stdin.certainty) == ("null", "observed")


def test_redirected_to_a_file_and_closed(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "sleep 0 >here 2>&- <here")
    built = launch(done)
    sleep = ran(built, "sleep")
    ends = [end(built, sleep, fd) for fd in (0, 1, 2)]
    path = str(forktrace.folder / "here")
    assert [(e.kind, e.to, e.access) for e in ends] == [
        ("file", path, "r"),
        ("file", path, "w"),
        ("closed", None, None),
    ]
    assert {e.certainty for e in ends} == {"observed"}


def test_what_is_as_before_is_not_written_again(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "for i in 1 2 3; do sleep 0; sleep 0; done")
    written = descriptors(done.records)
    root = done.records[1]["pid"]
    assert [(r["pid"], r["at"]) for r in written if r["at"] != "birth"] == []
    assert root in [r["pid"] for r in written]
    built = launch(done)
    for process in built.inside:
        assert end(built, process, 0).seen == when(process)
        assert end(built, process, 0).to == end(built, built.processes["p1"], 0).to is not None


def test_minimal_detail_records_none(forktrace: Forktrace) -> None:
    done = forktrace.record("sh", "-c", "sleep 0 | cat", options=["--detail", "minimal"])
    assert descriptors(done.records) == []
    built = launch(done)
    found = end(built, ran(built, "cat"), 0)
    assert (found.kind, found.why) == ("unknown", "it was not looked at")


def check_pair(result: Result) -> None:
    ours, theirs, number = map(int, result.out.split())
    built = launch(result)
    parent, child = built.processes["p1"], ran(built, "sleep")
    stdin = end(built, child, 0)
    assert stdin.to == f"socket:[{theirs}]"
    table = next(t for t in reversed(child.descriptors) if 0 in t.fds)
    assert table.fds[0].peer == ours
    # fork has left a copy of the child's end with its parent, and that of ours is closed by exec
    assert held(stdin) == [(parent.id, (number,))]


def test_a_socketpair_to_a_child(forktrace: Forktrace) -> None:
    check_pair(forktrace.record(sys.executable, "-c", PAIR))


def test_a_socket_of_another_network_namespace(forktrace: Forktrace, missing: Missing) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("unshare and root, for a network namespace")
    check_pair(forktrace.record("unshare", "-n", "--", sys.executable, "-c", PAIR))


def test_a_socket_made_before_its_owner_changed_the_namespace(
    forktrace: Forktrace, missing: Missing
) -> None:
    if os.geteuid() != 0:
        missing("root, for a network namespace")
    check_pair(forktrace.record(sys.executable, "-c", IN_A_NAMESPACE))


def test_a_pseudoterminal(forktrace: Forktrace) -> None:
    done = forktrace.record(sys.executable, "-c", TERMINAL)
    master = int(done.out)
    built = launch(done)
    child = ran(built, "sleep")
    for fd in (0, 1, 2):
        found = end(built, child, fd)
        assert found.kind == "terminal"
        assert held(found) == [("p1", (master,))]


def test_two_terminals_of_one_name_are_told_apart(forktrace: Forktrace, missing: Missing) -> None:
    """In another mount namespace /dev/pts/0 is another devpts' than outside."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("script") is None:
        missing("unshare, script and root, for a devpts of its own")
    script = (
        "mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts"
        " && mount --bind /dev/pts/ptmx /dev/ptmx && script -qec 'sleep 0' /dev/null"
    )
    inner = f'unshare -m sh -c "{script}"'
    done = forktrace.record("script", "-qec", inner, "/dev/null")
    built = launch(done)
    outer, nested = [p for p in built.inside if p.name == "script"][:1], ran(built, "sleep")
    found = end(built, nested, 0)
    assert found.to == "/dev/pts/0"
    (holder,) = found.holders
    assert holder.process != outer[0].id
    assert built.processes[holder.process].name == "script"
    assert found.certainty == "observed"


def test_a_connection_and_what_is_no_unix_socket(forktrace: Forktrace) -> None:
    done = forktrace.record(sys.executable, "-c", SERVER, "name")
    built = launch(done)
    child = ran(built, "sleep")
    client, accepted, tcp = (end(built, child, fd) for fd in (0, 1, 2))
    assert client.bound == accepted.bound == "name"
    assert (child.id, (1,)) in held(client)
    assert (child.id, (0,)) in held(accepted)
    assert tcp.certainty == "unknown"
    assert "no connected UNIX socket" in tcp.why
    written = descriptors(done.records)
    assert all("errors" not in r for r in written)


@pytest.mark.parametrize(("more", "bounded"), [(10, False), (300, True)])
def test_many_descriptors(forktrace: Forktrace, more: int, bounded: bool) -> None:
    done = forktrace.record(sys.executable, "-c", MANY, str(more))
    assert done.status == 0, done.err
    (whole,) = [r for r in descriptors(done.records) if r.get("whole")]
    assert whole["at"] == "child"
    assert whole.get("errors", {}) == ({"fd": "E2BIG"} if bounded else {})
    assert len(whole["fds"]) <= 256


def test_a_process_that_adopts_is_looked_at_whole(forktrace: Forktrace) -> None:
    done = forktrace.record(sys.executable, "-c", ADOPTER)
    kept = done.out.decode().strip()
    (found,) = [r for r in descriptors(done.records) if r["at"] == "reparent"]
    assert (found["pid"], found["whole"]) == (done.records[1]["pid"], True)
    assert found["fds"][kept] == {"to": "/dev/zero", "access": "r"}


def test_the_first_of_a_pid_namespace_counts_as_a_payload(
    forktrace: Forktrace, missing: Missing
) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("unshare and root, for a PID namespace")
    done = forktrace.record("sh", "-c", "exec 5</dev/zero; unshare -pf sleep 0; :")
    looks = [r for r in descriptors(done.records) if r["at"] == "container"]
    assert len(looks) == 2  # unshare, and the shell that created it
    assert all(r["whole"] for r in looks)
    (shell,) = [r for r in looks if r["pid"] == done.records[1]["pid"]]
    assert shell["fds"]["5"] == {"to": "/dev/zero", "access": "r"}


def both_run(children: Path) -> bool:
    pids = [int(pid) for pid in children.read_text().split()]
    return all(any(sleeps_as(pid, name) for pid in pids) for name in ("cat", "sleep"))


def test_a_snapshot_tells_of_streams(forktrace: Forktrace) -> None:
    shell = subprocess.Popen(
        ["sh", "-c", "sleep 617 | cat; :"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        children = Path(f"/proc/{shell.pid}/task/{shell.pid}/children")
        wait_until(partial(both_run, children), "both run")
        done = forktrace("snapshot", "-q", "-o", "s.jsonl", "-p", str(shell.pid))
        built = build_launch(read_trace(forktrace.folder / "s.jsonl"))
        assert done.status == 0, done.err
        last = Moment(2**62, 2**62)
        sleep, cat = ran(built, "sleep"), ran(built, "cat")
        assert held(end(built, sleep, 1, last)) == [(cat.id, (0,))]
        assert end(built, cat, 1, last).certainty == "unknown"  # its reader is this test
        assert end(built, cat, 1, last).to == str(Path(f"/proc/{cat.pid}/fd/1").readlink())
    finally:
        for pid in [*map(int, children.read_text().split()), shell.pid]:
            with suppress(ProcessLookupError):  # one ends with the other
                os.kill(pid, 9)
        shell.wait()
        assert shell.stdout
        shell.stdout.close()
