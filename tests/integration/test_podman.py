"""The real thing: podman with conmon and runc, traced, and the same for it as untraced.

Truth is what the kernel and podman itself say: /proc of what is left running, podman inspect.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forktrace.model.build import build_launch
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration import programs
from tests.integration.harness import (
    PATIENCE,
    TO_THE_END,
    Forktrace,
    Record,
    alive,
    argv_of,
    finish,
    read_line,
    read_records,
    status_field,
    the_root,
    wait_until,
)

pytestmark = pytest.mark.podman

# The limits are needed where CAP_SYS_RESOURCE is missing: podman would try to raise them.
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")
RUN = ("podman", "--runtime", "runc", "run", "--network=host", *LIMITS)
LINKS = ("sh", "echo", "sleep", "true", "false", "cat", "kill")


def podman(*args: str, check: bool = True) -> str:
    done = subprocess.run(
        ["podman", *args], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image(missing: Missing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of an image with busybox alone."""
    yield from make_image(missing, tmp_path_factory)


def make_image(missing: Missing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Import an image with busybox alone; remove it at the end."""
    for program in ("podman", "conmon", "runc", "busybox"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            missing(f"{program} is not installed")
    if os.geteuid() != 0:
        missing("podman is traced as root here")
    archive = tmp_path_factory.mktemp("image") / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(str(shutil.which("busybox")), "bin/busybox")
        for name in LINKS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    name = f"forktrace-test-{uuid.uuid4().hex}"
    podman("import", str(archive), name)
    yield name
    podman("rmi", "-f", name)


@pytest.fixture
def container() -> Iterator[str]:
    """Return a name for a container, which is removed at the end if it is still there."""
    name = f"forktrace-test-{uuid.uuid4().hex}"
    yield name
    podman("rm", "-f", "-t", "0", name, check=False)


class Graph:
    """Read a graph file by its documented fields."""

    def __init__(self, path: Path) -> None:
        data: dict[str, Any] = json.loads(path.read_text())
        self.about: dict[str, Any] = data["graph"]
        self.nodes: list[Record] = data["nodes"]
        self.edges: list[Record] = data["edges"]

    def one(self, **fields: object) -> Record:
        """Return the one node that has these fields."""
        found = [n for n in self.nodes if all(n[k] == v for k, v in fields.items())]
        assert len(found) == 1, (fields, [n["name"] for n in found])
        return found[0]

    def one_with(self, *words: str, **fields: object) -> Record:
        """Return the one node that has these fields, and all these words among its arguments."""
        found = [
            n
            for n in self.nodes
            if all(n[k] == v for k, v in fields.items()) and set(words) <= set(n["argv"] or ())
        ]
        assert len(found) == 1, (words, fields, [n["argv"] for n in found])
        return found[0]

    def node(self, name: str) -> Record:
        return self.one(id=name)

    def edge(self, kind: str, target: str) -> Record:
        """Return the one edge of this kind that leads to a node."""
        (found,) = [e for e in self.edges if e["kind"] == kind and e["target"] == target]
        return found


def program(node: Record) -> str:
    """Return the base name of the last program that a process executed itself, "" if none."""
    own = [i["path"] for i in node["images"] if not i["inherited"]]
    return Path(own[-1]).name if own else ""


@pytest.mark.parametrize("how", ["address", "abort"])
@pytest.mark.parametrize("detail", ["events", "syscalls"])
def test_a_payload_that_faults(
    forktrace: Forktrace, builds: Path, missing: Missing, image: str, detail: str, how: str
) -> None:
    (fault,) = programs.command("fault", builds, missing)
    command = (*RUN, "--rm", "-v", f"{fault}:/fault:ro", image, "/fault", how)
    alone = subprocess.run(command, check=False, timeout=PATIENCE).returncode
    assert alone > 128
    done = forktrace.record(*command, options=("--detail", detail))
    assert done.status == alone
    launch = build_launch(read_trace(done.trace))
    (payload,) = (p for p in launch.inside if p.argv[:1] == ["/fault"])
    assert payload.fault == signal.Signals(alone - 128).name


def test_the_main_job(forktrace: Forktrace, image: str) -> None:
    done = forktrace(
        "run", *TO_THE_END, "-o", "l.jsonl", "-o", "l.svg", "-o", "g.json", "--",
        *RUN, "--rm", image, "echo", "hi",
    )  # fmt: skip
    assert (done.status, done.out) == (0, b"hi\n"), done.err
    assert "<svg" in (forktrace.folder / "l.svg").read_text()[:1000]
    graph = Graph(forktrace.folder / "g.json")
    assert graph.about["format"] == "forktrace-graph"
    assert graph.about["complete"] is True

    engine = graph.one(creator=None, outside=False)
    assert program(engine) == "podman"
    assert engine["exit"] == {**engine["exit"], "code": 0, "signal": None}

    # a conmon created with vfork by podman
    first = graph.one_with("-c", creator=engine["id"], name="conmon")
    assert program(first) == "conmon"
    assert "CLONE_VFORK" in graph.edge("create", first["id"])["flags"]

    # a second one, created by the first, reparented at the first one's death to the outside
    second = graph.one(creator=first["id"])
    assert (second["name"], program(second)) == ("conmon", "")
    assert second["double_fork"] == first["id"]
    adoption = graph.edge("reparent", second["id"])
    assert adoption["previous"] == first["id"]
    assert graph.node(adoption["source"])["outside"] is True

    # runc create, created by the second
    create = graph.one_with("create", creator=second["id"])
    assert program(create) == "runc"

    # three stages whose parent is runc create, two of them with another creator; Go, since 1.23,
    # also clones a child only to try CLONE_PIDFD, which executes nothing
    children = [n for n in graph.nodes if n["parent"] == create["id"]]
    stages = [n for n in children if n["creator"] != create["id"] or program(n)]
    assert len(stages) == 3
    assert [n["creator"] == create["id"] for n in stages] == [True, False, False]
    for stage in stages[1:]:
        assert graph.edge("parent", stage["id"])["source"] == create["id"]
        assert "CLONE_PARENT" in graph.edge("create", stage["id"])["flags"]
    assert [n["role"] for n in stages] == ["init-stage", "init-stage", "container"]

    # the last one reparented to the second conmon, with its own exec
    payload = stages[2]
    adoption = graph.edge("reparent", payload["id"])
    assert (adoption["source"], adoption["previous"]) == (second["id"], create["id"])
    assert payload["argv"] == ["echo", "hi"]
    assert payload["images"][-1] == {
        **payload["images"][-1], "argv": ["echo", "hi"], "inherited": False,
    }  # fmt: skip
    assert payload["nspid"][-1] == 1

    # runc start by podman; the cleanup by the second conmon
    start = graph.one_with("start", creator=engine["id"])
    assert (program(start), start["role"]) == ("runc", "runtime")
    cleanup = graph.one_with("cleanup", creator=second["id"])
    assert (program(cleanup), cleanup["role"]) == ("podman", "cleanup")
    roles = {n["id"]: n["role"] for n in (engine, first, second, create)}
    assert [*roles.values()] == ["engine", "monitor", "monitor", "runtime"]

    # and the terminal tells of the same
    told = " ".join(done.err.split())
    for words in ("double fork", "echo hi", "adopted by", "monitor", "init-stage", "cleanup"):
        assert words in told


@pytest.mark.parametrize("detail", ["events", "minimal", "syscalls"])
@pytest.mark.parametrize("status", [0, 7])
def test_exit_status_of_the_container(
    forktrace: Forktrace, image: str, status: int, detail: str
) -> None:
    done = forktrace.record(
        *RUN, "--rm", image, "sh", "-c", f"cat; exit {status}",
        options=["--detail", detail, *TO_THE_END], input=b"not attached",
    )  # fmt: skip
    assert (done.status, done.out) == (status, b""), done.err
    assert done.records[-1]["reason"] == "exited"


def test_interactive_input(forktrace: Forktrace, image: str) -> None:
    done = forktrace.record(*RUN, "--rm", "-i", image, "cat", input=b"through it all\n")
    assert (done.status, done.out) == (0, b"through it all\n")


def test_a_command_that_the_image_lacks(forktrace: Forktrace, image: str) -> None:
    alone = subprocess.run([*RUN, "--rm", image, "nonsense"], capture_output=True, check=False)
    done = forktrace.record(*RUN, "--rm", image, "nonsense")
    assert done.status == alone.returncode == 127
    assert "nonsense" in done.err


def test_detached(forktrace: Forktrace, image: str, container: str) -> None:
    """forktrace returns while conmon and the container live on, untraced, recorded as they are."""
    done = forktrace.record(
        *RUN, "-d", "--name", container, image, "sleep", "1000", options=["--linger", "0.5"]
    )
    assert done.status == 0, done.err
    assert done.out.decode().strip() == podman("inspect", "-f", "{{.Id}}", container)
    payload = int(podman("inspect", "-f", "{{.State.Pid}}", container))
    conmon = int(podman("inspect", "-f", "{{.State.ConmonPid}}", container))
    for pid in (payload, conmon):
        assert alive(pid)
        assert status_field(pid, "TracerPid:") == "0"

    end = done.records[-1]
    assert (end["reason"], sorted(end["left"])) == ("linger", sorted([payload, conmon]))
    assert f"conmon (pid {conmon})" in done.err
    assert f"sleep (pid {payload})" in done.err
    check_parents(done.records, conmon, payload)
    check_surroundings(done.records, conmon, payload)

    podman("rm", "-f", "-t", "0", container)
    wait_until(lambda: not alive(conmon), "conmon has ended")
    assert not alive(payload)
    shown = forktrace("show", str(done.trace))
    assert (shown.status, shown.err) == (0, "")


def check_parents(records: list[Record], conmon: int, payload: int) -> None:
    """Compare the last recorded parents with what the kernel says now."""
    moves = {r["pid"]: r for r in records if r["event"] == "reparent"}
    creator = {r["child"]: r["pid"] for r in records if r["event"] == "create"}
    assert str(moves[conmon]["ppid"]) == status_field(conmon, "PPid:")
    assert str(moves[payload]["ppid"]) == status_field(payload, "PPid:") == str(conmon)
    assert moves[conmon]["previous"] == moves[conmon]["death"] == creator[conmon]
    (create,) = [r["pid"] for r in records if r["event"] == "exec" and b"create" in argv_of(r)]
    assert moves[payload]["previous"] == moves[payload]["death"] == create
    outside = [r["pid"] for r in records if r["event"] == "outside"]
    assert moves[conmon]["ppid"] in outside


def check_surroundings(records: list[Record], conmon: int, payload: int) -> None:
    """Compare the last recorded cgroups, namespaces, sessions and pids with /proc."""
    known = last_known(records)
    for pid in (conmon, payload):
        assert known[pid]["cgroup"] == Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        for kind, inode in known[pid]["ns"].items():
            assert str(Path(f"/proc/{pid}/ns/{kind}").readlink()) == f"{kind}:[{inode}]"
        sid = (status_field(pid, "NSsid:") or "").split()
        assert str(known[pid]["sid"]) == sid[0]
    assert known[payload]["nspid"] == [payload, 1]
    assert known[payload]["cgroup"] != known[conmon]["cgroup"]
    root = records[1]["pid"]
    for kind in ("pid", "mnt", "ipc", "uts"):
        assert known[payload]["ns"][kind] != known[root]["ns"][kind]
        assert known[conmon]["ns"][kind] == known[root]["ns"][kind]
    if Path("/proc/self/cgroup").read_text() == Path(f"/proc/{conmon}/cgroup").read_text():
        return  # some versions leave conmon where it is
    moved = [r for r in records if r["event"] == "sample" and "cgroup" in r["state"]]
    assert known[conmon]["cgroup"] in [r["state"]["cgroup"] for r in moved]
    assert known[conmon]["cgroup"] != known[root]["cgroup"]


def last_known(records: list[Record]) -> dict[int, Record]:
    """Follow what was recorded of each process, as docs/trace-format.md says: what is left out

    at a birth is as the parent was last seen to have it.
    """
    parent: dict[int, int] = {}
    known: dict[int, Record] = {}
    for record in records[1:]:
        pid, state = record.get("pid", 0), record.get("state", {})
        if record["event"] == "create":
            parent.setdefault(record["child"], pid)
        elif record["event"] == "process":
            heritage = known.get(state.get("ppid", parent.get(pid, 0)), {})
            known[pid] = {k: v for k, v in heritage.items() if k in ("cgroup", "ns", "sid")}
        if pid in known:
            known[pid] |= state
    return known


def test_every_stage_lives_where_the_kernel_says(forktrace: Forktrace, image: str) -> None:
    """runc's second stage is made by the first one, which is in the container's cgroup already,

    while its parent is not: its birth must not be recorded as in the parent's cgroup.
    """
    done = forktrace.record(*RUN, "--rm", image, "true")
    assert done.status == 0
    siblings = [
        r
        for r in done.events("create")
        if "CLONE_PARENT" in (r["flags"] or ()) and not r.get("thread")
    ]
    assert len(siblings) == 2
    for record in siblings:
        (birth,) = [r for r in done.events("process") if r["pid"] == record["child"]]
        assert any("libpod" in line for line in birth["state"]["cgroup"]), birth


@pytest.mark.parametrize("seed", range(8))
def test_the_container_comes_up_when_forktrace_is_killed(
    forktrace: Forktrace, image: str, container: str, seed: int
) -> None:
    process, trace = forktrace.start_recording(
        *RUN, "-d", "--name", container, image, "sleep", "1000"
    )
    wait_until(lambda: trace.exists() and len(read_records(trace)) > 3, "podman has started")
    time.sleep(random.Random(seed).uniform(0, 0.3))
    process.kill()
    assert process.wait() == -9
    out, _ = process.communicate(timeout=PATIENCE)  # podman itself goes on, and prints the id
    assert out.decode().strip() == podman("inspect", "-f", "{{.Id}}", container)
    assert podman("inspect", "-f", "{{.State.Status}}", container) == "running"
    assert podman("exec", container, "echo", "well") == "well"
    payload = int(podman("inspect", "-f", "{{.State.Pid}}", container))
    assert status_field(payload, "TracerPid:") == "0"
    shown = forktrace("show", str(trace))
    assert shown.status == 0
    assert "cut off" in shown.err


@pytest.mark.parametrize("how", ["TERM", "INT"])
def test_stopping_a_foreground_container_through_forktrace(
    forktrace: Forktrace, image: str, container: str, how: str
) -> None:
    """podman passes TERM and INT on to its container; forktrace hands TERM to podman once."""
    script = "trap 'echo got; exit 9' TERM INT; echo up; while :; do sleep 0.1; done"
    process, trace = forktrace.start_recording(
        *RUN, "--rm", "--name", container, image, "sh", "-c", script,
        options=TO_THE_END, process_group=0,
    )  # fmt: skip
    assert read_line(process) == b"up\n"
    wait_until(lambda: passes_signals_on(the_root(read_records(trace))), "podman is ready")
    if how == "TERM":
        process.send_signal(signal.SIGTERM)
    else:
        os.killpg(process.pid, signal.SIGINT)
    assert read_line(process) == b"got\n"
    status, out, err = finish(process)
    assert (status, out) == (9, b""), err
    assert read_records(trace)[-1]["reason"] == "exited"


def passes_signals_on(pid: int) -> bool:
    """Say whether podman catches all signals, as it does to pass them on (pkg/signal: CatchAll).

    A signal in the short time between the container's start and this makes podman end with 1, or
    is lost, untraced as well.
    """
    caught = int(status_field(pid, "SigCgt:") or "0", 16)
    return bool(caught >> (signal.SIGTSTP - 1) & 1)


def test_a_detached_container_is_served_under_a_filter(
    forktrace: Forktrace, image: str, container: str
) -> None:
    """The filter outlives the run; whoever serves it ends after the container."""
    command = (*RUN, "-d", "--name", container, image, "sleep", "1000")
    options = ("--detail", "syscalls", "--seccomp", "--linger", "0")
    done = forktrace.record(*command, options=options)
    assert done.status == 0, done.err
    payload = int(podman("inspect", "-f", "{{.State.Pid}}", container))
    server = int(status_field(payload, "TracerPid:") or "0")
    assert server
    assert podman("exec", container, "sh", "-c", "echo in; true | true") == "in"
    podman("rm", "-f", "-t", "0", container)
    wait_until(lambda: not alive(server), "forktrace has ended after the container")
