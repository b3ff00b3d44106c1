"""``forktrace snapshot``: what /proc shows, whole, in a trace that every view takes."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

from forktrace.model.build import build_launch
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    PROJECT,
    Forktrace,
    Record,
    argv_of,
    python,
    read_records,
    sleeps_as,
    status_field,
    text_bytes,
    the_sentence,
    wait_until,
)
from tests.integration.programs import command as program
from tests.integration.test_doctor import ordinary
from tests.integration.test_podman import RUN, container, image, podman

__all__ = ["container", "image"]  # fixtures

SCHEMA = PROJECT / "forktrace/render/graph.schema.json"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a program in a session of its own; all of that is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*command: str | bytes, **popen: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, **popen)
        started.append(process)
        return process

    yield begin
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)


def take(forktrace: Forktrace, *args: str, **popen: Any) -> list[Record]:
    """Take a snapshot quietly and return its records."""
    trace = forktrace.trace_path()
    done = forktrace("snapshot", "-q", "-o", str(trace), *args, **popen)
    assert (done.status, done.out) == (0, b"")
    assert done.err.startswith("forktrace: trace: ")
    return read_records(trace)


def by_pid(records: list[Record], kind: str) -> dict[int, Record]:
    found = [r for r in records if r["event"] == kind]
    assert len({r["pid"] for r in found}) == len(found)
    return {r["pid"]: r for r in found}


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def said(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline().rstrip(b"\n")


def await_zombie(pid: int) -> None:
    wait_until(lambda: str(status_field(pid, "State:"))[0] == "Z", f"{pid} is a zombie")


FAMILY = ("sh", "-c", "sleep 611 & sleep 612 & echo ready; wait")


def test_a_family_as_proc_shows_it(forktrace: Forktrace, start: Start) -> None:
    shell = start(*FAMILY, cwd="/")
    said(shell)
    sleeps = children_of(shell.pid)
    for pid in sleeps:
        wait_until(partial(sleeps_as, pid, "sleep"), f"{pid} is sleep")
    records = take(forktrace, "-p", str(shell.pid))
    header, *events, end = records
    assert (header["source"], header["command"]) == (
        "snapshot",
        ["forktrace", "snapshot", "-p", str(shell.pid)],
    )
    processes, images = by_pid(records, "process"), by_pid(records, "exec")
    assert set(processes) == set(images) == {shell.pid, *sleeps}
    assert all(r["attached"] and "root" not in r for r in processes.values())
    assert [argv_of(images[p]) for p in sorted(sleeps)] == [[b"sleep", b"611"], [b"sleep", b"612"]]
    assert all(images[p]["cwd"] == "/" and "path" not in images[p] for p in images)
    for pid, record in processes.items():
        state = record["state"]
        assert state["ppid"] == (os.getpid() if pid == shell.pid else shell.pid)
        assert state["sid"] == state["pgid"] == shell.pid
        assert state["tty"] == 0
        assert state["nspid"][0] == pid
        assert state["cgroup"] == Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        assert state["ns"]["mnt"] == Path(f"/proc/{pid}/ns/mnt").stat().st_ino
        assert images[pid]["exe"] == str(Path(f"/proc/{pid}/exe").readlink())
    outside = by_pid(records, "outside")
    assert argv_of(outside[os.getpid()]) == [os.fsencode(a) for a in sys.orig_argv]
    assert (end["event"], end["reason"]) == ("end", "snapshot")
    assert end["left"] == sorted(processes)
    assert {r["event"] for r in events} == {"outside", "process", "exec", "descriptors"}


def test_every_view_takes_it(forktrace: Forktrace, start: Start) -> None:
    shell = start(*FAMILY)
    said(shell)
    names = ["a.jsonl", "b.svg", "c.json", "d.txt", "e.dot"]
    options = [word for name in names for word in ("-o", name)]
    done = forktrace("snapshot", "-p", str(shell.pid), *options)
    assert (done.status, done.out) == (0, b"")
    assert "sleep 611" in done.err
    graph = json.loads((forktrace.folder / "c.json").read_text())
    validate(graph, json.loads(SCHEMA.read_text()))
    assert (graph["graph"]["root"], graph["graph"]["complete"]) == (None, True)
    inside = {n["pid"]: n for n in graph["nodes"] if not n["outside"]}
    assert inside[shell.pid]["name"] == "sh"
    assert all(n["attached"] and n["creator"] is None for n in inside.values())
    (above,) = [n["id"] for n in graph["nodes"] if n["outside"]]
    assert inside[shell.pid]["parent"] == above
    below = {n["parent"] for n in inside.values()} - {above}
    assert below == {inside[shell.pid]["id"]}
    shown = forktrace("show", "a.jsonl")
    assert (shown.status, shown.err) == (0, "")
    assert "sleep 612" in shown.out.decode()


def test_standard_output_can_take_a_picture(forktrace: Forktrace) -> None:
    done = forktrace("snapshot", "-q", "-p", str(os.getpid()), "-o", "-", "--format", "json")
    assert done.status == 0
    assert os.getpid() in [n["pid"] for n in json.loads(done.out)["nodes"]]


def test_without_pids_all_processes_but_the_kernels(forktrace: Forktrace) -> None:
    processes = by_pid(take(forktrace), "process")
    assert {1, os.getpid()} <= set(processes)
    assert processes[1]["state"]["ppid"] == 0
    kernel_only = status_field(2, "Kthread:") == "1" or status_field(2, "Name:") == "kthreadd"
    assert (2 in processes) == (status_field(2, "Name:") is not None and not kernel_only)


def test_a_parent_stands_before_its_children(forktrace: Forktrace) -> None:
    known = {0}
    for record in take(forktrace):
        if record["event"] == "outside":
            known.add(record["pid"])
        if record["event"] == "process":
            assert record["state"]["ppid"] in known
            known.add(record["pid"])


def test_several_pids_and_one_below_the_other(forktrace: Forktrace, start: Start) -> None:
    shells = [start(*FAMILY) for _ in range(2)]
    for shell in shells:
        said(shell)
    below = children_of(shells[0].pid)[0]
    pids = [shells[0].pid, below, shells[1].pid, below]
    records = take(forktrace, *(word for pid in pids for word in ("-p", str(pid))))
    assert len(by_pid(records, "process")) == 6


def test_threads(forktrace: Forktrace, start: Start) -> None:
    threaded = start(*python(
        "import threading, time\n"
        "for _ in range(3): threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "print('ready', flush=True)"
    ))  # fmt: skip
    said(threaded)
    records = take(forktrace, "-p", str(threaded.pid))
    tids = [r["tid"] for r in records if r["event"] == "thread"]
    expected = {int(t.name) for t in Path(f"/proc/{threaded.pid}/task").iterdir()}
    assert len(tids) == 3
    assert set(tids) == expected - {threaded.pid}


def test_zombies_have_ended(forktrace: Forktrace, start: Start) -> None:
    parent = start(*python(
        "import os, signal, time\n"
        "if not os.fork(): os._exit(7)\n"
        "killed = os.fork()\n"
        "if not killed: time.sleep(600)\n"
        "os.kill(killed, signal.SIGKILL)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    ))  # fmt: skip
    said(parent)
    zombies = children_of(parent.pid)
    for pid in zombies:
        await_zombie(pid)
    records = take(forktrace, "-p", str(parent.pid))
    ends = by_pid(records, "exit")
    assert set(ends) == set(zombies)
    assert sorted((r.get("code"), r.get("signal")) for r in ends.values() if "code" in r) == [
        (7, None)
    ]
    assert [r["signal"] for r in ends.values() if "code" not in r] == ["SIGKILL"]
    assert set(by_pid(records, "exec")) == {parent.pid}
    assert records[-1]["left"] == [parent.pid]


def test_a_zombie_whose_end_we_may_not_know(
    forktrace: Forktrace, start: Start, missing: Missing
) -> None:
    if os.geteuid() != 0:
        missing("a zombie of another user needs root")
    parent = start(*python("import os, time\nif os.fork(): print(flush=True); time.sleep(600)"))
    said(parent)
    (zombie,) = children_of(parent.pid)
    await_zombie(zombie)
    user = ordinary(missing, forktrace.folder)
    subprocess.run(
        [*user, *FORKTRACE, "snapshot", "-q", "-p", str(parent.pid), "-o", "user.jsonl"],
        env=forktrace.env, cwd=forktrace.folder, timeout=PATIENCE, check=True,
    )  # fmt: skip
    records = read_records(forktrace.folder / "user.jsonl")
    assert zombie in by_pid(records, "process")
    assert by_pid(records, "exit") == {}
    assert records[-1]["left"] == [parent.pid]
    image = by_pid(records, "exec")[parent.pid]
    assert image["errors"] == {"env": "EACCES", "exe": "EACCES", "cwd": "EACCES"}
    assert argv_of(image)[-1].startswith(b"import os")
    assert by_pid(records, "process")[parent.pid]["state"]["errors"] == {"ns": "EACCES"}


def test_a_leader_that_ended_before_its_threads(forktrace: Forktrace, start: Start) -> None:
    threaded = start(*python(
        "import ctypes, os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "print('ready', flush=True)\n"
        "ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[os.uname().machine], 0)"
    ))  # fmt: skip
    said(threaded)
    await_zombie(threaded.pid)
    records = take(forktrace, "-p", str(threaded.pid))
    image = by_pid(records, "exec")[threaded.pid]
    assert image["exe"] == str(Path(sys.executable).resolve())
    assert argv_of(image)[1:4] == [b"-I", b"-S", b"-c"]
    assert by_pid(records, "process")[threaded.pid]["state"]["ns"]["mnt"] > 0
    assert by_pid(records, "exit") == {}
    assert records[-1]["left"] == [threaded.pid]


def test_no_environment_value_is_recorded(forktrace: Forktrace, start: Start) -> None:
    secret = "do-not-record-me"
    env = {**os.environ, "INVOCATION_ID": secret, "PASSWORD": secret}
    shell = start("sleep", "613", env=env)
    records = take(forktrace, "-p", str(shell.pid))
    assert by_pid(records, "exec")[shell.pid]["env"] == ["INVOCATION_ID"]
    assert secret not in json.dumps(records)


def test_hostile_names_survive_and_do_no_harm(forktrace: Forktrace, start: Start) -> None:
    words = [b"", b"two\nlines", b"\x1b[31mred", b"\xff\xfe", b"</script>"]
    code = (
        "import ctypes, time\n"
        "ctypes.CDLL(None).prctl(15, b'a\\n) Z 1\\\\')\n"
        "print(flush=True)\n"
        "time.sleep(600)"
    )
    odd = start(*python(code), *words)
    said(odd)
    trace = forktrace.folder / "odd.jsonl"
    done = forktrace("snapshot", "-p", str(odd.pid), "-o", str(trace))
    assert done.status == 0
    assert "\x1b" not in done.err
    records = read_records(trace)
    assert argv_of(by_pid(records, "exec")[odd.pid])[-5:] == words
    state = by_pid(records, "process")[odd.pid]["state"]
    assert text_bytes(state["comm"]) == b"a\n) Z 1\\"
    assert state["ppid"] == os.getpid()


def test_a_title_has_no_empty_arguments_behind_it(forktrace: Forktrace, start: Start) -> None:
    titled = start(*python(
        "import ctypes, time\n"
        "stat = open('/proc/self/stat').read().rpartition(')')[2].split()\n"
        "start, end = int(stat[45]), int(stat[46])\n"
        "ctypes.memmove(start, b'engine: idle'.ljust(end - start, b'\\0'), end - start)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    ))  # fmt: skip
    said(titled)
    shown = Path(f"/proc/{titled.pid}/cmdline").read_bytes()
    assert shown.startswith(b"engine: idle\0\0\0")
    records = take(forktrace, "-p", str(titled.pid))
    assert argv_of(by_pid(records, "exec")[titled.pid]) == [b"engine: idle"]


def test_processes_that_come_and_go(forktrace: Forktrace, start: Start) -> None:
    # "wait" keeps them few: without it hundreds pile up where the processors are busy.
    few = "(sleep 0 & true) & (sleep 0.01 & true) & /bin/true"
    storm = start("sh", "-c", f"while :; do {few}; wait; done 2>/dev/null")
    for _ in range(8):
        trace = forktrace.trace_path()
        done = forktrace("snapshot", "-q", "-p", str(storm.pid), "-o", str(trace))
        assert done.status == 0
        assert read_records(trace)[-1]["event"] == "end"
        assert build_launch(read_trace(trace)).warnings == []


def test_a_pid_of_no_process(forktrace: Forktrace) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    for pid in (gone.pid, 2**31 - 1, 10**15):
        done = forktrace("snapshot", "-p", str(os.getpid()), "-p", str(pid))
        assert (done.status, done.out) == (1, b"")
        assert f"no process has the pid {pid}" in the_sentence(done.err)
    assert list(forktrace.state.glob("*.jsonl")) == []


def test_a_threads_tid_names_its_process(forktrace: Forktrace) -> None:
    stay = threading.Event()
    thread = threading.Thread(target=stay.wait)
    thread.start()
    done = forktrace("snapshot", "-p", str(thread.native_id))
    stay.set()
    assert done.status == 1
    assert f"thread of process {os.getpid()}" in the_sentence(done.err)


@pytest.mark.parametrize("args", [("-p", "0"), ("-p", "-1"), ("-p", "x"), ("extra",)])
def test_bad_arguments(forktrace: Forktrace, args: tuple[str, ...]) -> None:
    done = forktrace("snapshot", *args)
    assert done.status == 2
    assert the_sentence(done.err)
    assert not forktrace.state.exists()


def test_an_existing_output_is_refused(forktrace: Forktrace) -> None:
    (forktrace.folder / "x.svg").write_text("precious")
    done = forktrace("snapshot", "-o", "x.svg", "-p", str(os.getpid()))
    assert done.status == 1
    assert "exists already" in the_sentence(done.err)
    assert (forktrace.folder / "x.svg").read_text() == "precious"
    # of ourselves alone: the command lines of other tests may hold the same word
    command = ("snapshot", "-q", "-o", "x.svg", "--force", "-p", str(os.getpid()))
    assert forktrace(*command).status == 0
    assert "precious" not in (forktrace.folder / "x.svg").read_text()


def test_it_needs_no_ptrace(forktrace: Forktrace, start: Start, missing: Missing) -> None:
    shell = start(*FAMILY)
    said(shell)
    refuse = [*program("refuse", forktrace.folder, missing), "ptrace"]
    done = subprocess.run(
        [*refuse, *FORKTRACE, "snapshot", "-q", "-p", str(shell.pid), "-o", "x.jsonl"],
        env=forktrace.env, cwd=forktrace.folder, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert len(by_pid(read_records(forktrace.folder / "x.jsonl"), "process")) == 3


@pytest.mark.podman
def test_a_container_of_podman(forktrace: Forktrace, image: str, container: str) -> None:
    podman(*RUN[1:], "-d", "--name", container, image, "sh", "-c", "sleep 614 & exec sleep 615")
    told = json.loads(podman("inspect", container))[0]
    payload, conmon = int(told["State"]["Pid"]), int(Path(told["ConmonPidFile"]).read_text())
    below = wait_until(lambda: children_of(payload), "it has a child")
    for pid in (payload, *below):
        wait_until(partial(sleeps_as, pid, "sleep"), f"{pid} is sleep")
    done = forktrace("snapshot", "-p", str(conmon), "-o", "graph.json")
    assert done.status == 0
    nodes = json.loads((forktrace.folder / "graph.json").read_text())["nodes"]
    found = {n["pid"]: n for n in nodes if not n["outside"]}
    assert found[conmon]["role"] == "monitor"
    inside = [payload, *below]
    assert set(found) == {conmon, *inside}
    assert [found[pid]["role"] for pid in inside] == ["container"] * 2
    assert found[payload]["parent"] == found[conmon]["id"]
    assert found[payload]["nspid"][1:] == [1]
    assert [n["pid"] for n in nodes if n["outside"]] == [int(str(status_field(conmon, "PPid:")))]
