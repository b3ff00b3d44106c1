"""Trace one tiny program a behaviour, and compare the trace with what the program says of itself.

The programs ask the kernel (getpid, getppid, wait, …), so what is expected owes nothing to
forktrace.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis.findings import Findings
from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.facts import Creation
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration import programs
from tests.integration.harness import Forktrace


@dataclass(frozen=True)
class Observed:
    """Hold a program's own report, and the launch as it was traced."""

    lines: list[dict[str, Any]]
    launch: Launch
    findings: Findings
    status: int

    def said(self, key: str) -> dict[str, Any]:
        """Return the one line of the report that has ``key``."""
        (line,) = (line for line in self.lines if key in line)
        return line

    def process(self, pid: int) -> Process:
        (process,) = (p for p in self.launch.processes.values() if p.pid == pid)
        return process

    @property
    def root(self) -> Process:
        assert self.launch.root is not None
        return self.launch.processes[self.launch.root]

    def pid(self, id_: str | None) -> int | None:
        return self.launch.processes[id_].pid if id_ else None

    def pids(self) -> set[int]:
        return {p.pid for p in self.launch.inside}

    def last(self, pid: int, field: str) -> Any:
        """Return what a field of the state was last; a child begins with what its creator has."""
        process = self.process(pid)
        own = [v for sample in process.samples if (v := getattr(sample, field)) is not None]
        return (
            own[-1] if own else self.last(self.launch.processes[process.creator or ""].pid, field)
        )


Observe = Callable[..., Observed]


@pytest.fixture
def observe(forktrace: Forktrace, tmp_path: Path, missing: Missing) -> Observe:
    """Return what traces a program by name and reads both sides."""

    def run(name: str, *arguments: str, detail: str = "events", warnings: int = 0) -> Observed:
        command = programs.command(name, tmp_path, missing)
        done = forktrace.record(*command, *arguments, options=["--detail", detail])
        if done.status == programs.UNSUPPORTED:
            missing(f"what {name} needs of the kernel")
        launch = build_launch(read_trace(done.trace))
        assert launch.complete
        assert len(launch.warnings) == warnings
        return Observed(programs.report(done.out), launch, analyse(launch), done.status)

    return run


def creation(process: Process) -> Creation:
    assert process.creation is not None
    return process.creation


def test_fork(observe: Observe) -> None:
    seen = observe("fork")
    own = seen.said("child")
    child = seen.process(own["child"])
    assert creation(child).how == own["how"]
    assert creation(child).exit_signal == "SIGCHLD"
    assert seen.pid(child.creator) == seen.pid(child.parent) == own["pid"] == seen.root.pid
    assert creation(child).tid == own["pid"]
    assert child.exit is not None
    assert (child.exit.code, child.exit.signal) == (own["code"], None)
    assert [image.inherited for image in child.images] == [True]
    assert child.argv == seen.root.argv
    assert seen.pids() == {own["pid"], own["child"]}
    assert seen.status == 0


@pytest.mark.parametrize("detail", ["minimal", "events"])
def test_vfork(observe: Observe, detail: str) -> None:
    seen = observe("vfork", detail=detail)
    own = seen.said("child")
    child = seen.process(own["child"])
    assert creation(child).how == own["how"]
    assert {"CLONE_VFORK", "CLONE_VM"} <= set(creation(child).flags)
    assert seen.pid(child.creator) == seen.pid(child.parent) == own["pid"]
    assert child.argv == ["true", "after vfork"]
    assert child.exit is not None
    assert child.exit.code == own["code"]


def test_clone_with_flags_and_exit_signals(observe: Observe) -> None:
    seen = observe("clone_flags")
    assert len(seen.lines) == 3
    for own in seen.lines:
        made = creation(seen.process(own["child"]))
        assert made.how == "clone"
        assert set(made.flags) == {"CLONE_FS", "CLONE_FILES"}
        assert made.exit_signal == own["exit_signal"]
        assert seen.pid(made.creator) == own["pid"]


def test_clone3(observe: Observe) -> None:
    seen = observe("clone3")
    own = seen.said("child")
    child = seen.process(own["child"])
    assert creation(child).how == "clone3"
    assert creation(child).flags == ["CLONE_FS"]
    assert creation(child).exit_signal == "SIGCHLD"
    assert seen.pid(child.creator) == seen.pid(child.parent) == own["pid"]
    assert child.exit is not None
    assert child.exit.code == own["code"]


def test_posix_spawn(observe: Observe) -> None:
    seen = observe("spawn")
    own = seen.said("child")
    child = seen.process(own["child"])
    assert "CLONE_VFORK" in creation(child).flags
    assert seen.pid(child.creator) == own["pid"]
    assert child.images[-1].path == "/bin/sh"
    assert child.argv == ["sh", "-c", "exit 6"]
    assert child.exit is not None
    assert child.exit.code == own["code"]


@pytest.mark.parametrize("detail", ["minimal", "events"])
def test_clone_parent_makes_creator_and_parent_differ(observe: Observe, detail: str) -> None:
    seen = observe("clone_parent", detail=detail)
    own = seen.said("sibling")
    sibling = seen.process(own["sibling"])
    assert seen.pid(sibling.creator) == own["creator"] == seen.said("child")["child"]
    assert seen.pid(sibling.parent) == own["parent"] == seen.said("child")["pid"]
    assert "CLONE_PARENT" in creation(sibling).flags
    assert sibling.adoptions == []


def test_a_child_hidden_by_clone_untraced_is_not_made_up(observe: Observe) -> None:
    seen = observe("clone_untraced", warnings=1)
    own = seen.said("child")
    assert seen.pids() == {own["pid"]}
    assert seen.status == 0


def test_a_fork_names_the_thread_that_called_it(observe: Observe) -> None:
    seen = observe("thread_fork")
    own = seen.said("child")
    child = seen.process(own["child"])
    assert own["tid"] != own["pid"]
    assert creation(child).tid == own["tid"]
    assert seen.pid(child.creator) == seen.pid(child.parent) == own["pid"]
    assert [thread.tid for thread in seen.root.threads] == [own["tid"]]
    assert seen.pids() == {own["pid"], own["child"]}


@pytest.mark.parametrize("detail", ["minimal", "events"])
def test_exec_by_a_thread_takes_over_the_process(observe: Observe, detail: str) -> None:
    seen = observe("thread_exec", detail=detail)
    own = seen.said("tid")
    assert seen.said("after")["after"] == own["pid"]
    process = seen.process(own["pid"])
    assert process.images[-1].tid == own["tid"]
    assert process.argv[:2] == ["sh", "-c"]
    assert process.exit is not None
    assert process.exit.code == 9
    assert own["tid"] in [thread.tid for thread in process.threads]
    assert len(process.threads) == 2
    assert seen.pids() == {own["pid"]}
    assert seen.status == 9


def test_a_process_outlives_its_first_thread(observe: Observe) -> None:
    seen = observe("leader_first")
    own = seen.said("tid")
    process = seen.process(own["pid"])
    child = seen.process(own["child"])
    assert creation(child).tid == own["tid"]
    assert seen.pid(child.parent) == own["pid"]
    assert process.exit is not None
    assert child.exit is not None
    assert process.exit.code == 8
    assert process.exit.at.seq > child.exit.at.seq
    assert seen.status == 8


def test_many_threads_are_one_process(observe: Observe) -> None:
    seen = observe("thread_storm")
    own = seen.said("threads")
    assert len(seen.root.threads) == own["threads"]
    assert all(thread.ended for thread in seen.root.threads)
    assert seen.pids() == {own["pid"]}


def test_a_new_pid_namespace_gives_a_second_pid(observe: Observe) -> None:
    seen = observe("pid_namespace")
    outer, inner = seen.said("init"), seen.said("inside")
    init = seen.process(outer["init"])
    assert "CLONE_NEWPID" in creation(init).flags
    assert init.nspid[-2:] == [outer["init"], inner["inside"]]
    (child,) = (p for p in seen.launch.inside if p.creator == init.id)
    assert child.nspid[-2:] == [child.pid, inner["child_inside"]]
    assert seen.pid(child.parent) == outer["init"]


def test_children_of_a_killed_creator_keep_it_as_their_parent_at_birth(observe: Observe) -> None:
    seen = observe("killed_creator")
    assert len(seen.lines) == 40
    for own in seen.lines:
        creator, orphan = seen.process(own["creator"]), seen.process(own["orphan"])
        assert creator.exit is not None
        assert creator.exit.signal == "SIGKILL"
        assert seen.pid(orphan.parent) == own["creator"]
        assert [seen.pid(a.parent) for a in orphan.adoptions] in ([], [own["pid"]])
        assert orphan.exit is not None
        if orphan.exit.at.seq > creator.exit.at.seq:
            assert seen.pid(seen.launch.parent_now(orphan)) == own["pid"]


def test_double_fork(observe: Observe) -> None:
    seen = observe("double_fork")
    own = seen.said("daemon")
    daemon, middle = seen.process(own["daemon"]), seen.process(own["middle"])
    assert seen.pid(daemon.creator) == seen.pid(daemon.parent) == own["middle"]
    (adoption,) = daemon.adoptions
    assert seen.pid(adoption.parent) == own["parent"]
    assert seen.pid(adoption.death) == seen.pid(adoption.previous) == own["middle"]
    assert middle.exit is not None
    assert middle.exit.code == 2
    assert seen.last(own["daemon"], "sid") == own["sid"]
    assert seen.last(own["daemon"], "pgid") == own["pgid"]
    found = seen.findings.double_forks[daemon.id]
    assert seen.pid(found.middle) == own["middle"]
    assert seen.pid(found.origin) == seen.said("pid")["pid"]
    assert seen.pid(found.adopter) == own["parent"]
    assert list(seen.findings.double_forks) == [daemon.id]


def test_an_orphan_is_adopted_when_the_command_itself_has_ended(observe: Observe) -> None:
    seen = observe("orphan")
    own = seen.said("child")
    child = seen.process(own["child"])
    assert seen.status == 4
    assert seen.root.pid == own["pid"]
    assert seen.pid(child.parent) == own["pid"]
    (adoption,) = child.adoptions
    assert seen.pid(adoption.parent) == own["parent"]
    assert adoption.death == seen.root.id
    assert child.exit is not None
    assert child.exit.code == 0


def test_a_subreaper_adopts(observe: Observe) -> None:
    seen = observe("subreaper")
    own = seen.said("grandchild")
    grandchild = seen.process(own["grandchild"])
    assert own["parent"] == seen.said("pid")["pid"]
    (adoption,) = grandchild.adoptions
    assert seen.pid(adoption.parent) == own["parent"]
    assert seen.pid(adoption.death) == own["middle"]
    assert sorted([own["middle"], own["grandchild"]]) == seen.said("reaped")["reaped"]
    found = {id_: s.adopted for id_, s in seen.findings.subreapers.items()}
    assert found == {seen.root.id: grandchild.id}


def test_sessions_and_process_groups(observe: Observe) -> None:
    seen = observe("session")
    own = seen.said("sid")
    assert own["sid"] == own["child"]
    assert seen.last(own["child"], "sid") == own["sid"]
    assert seen.last(own["grandchild"], "sid") == own["sid"]
    assert seen.last(own["grandchild"], "pgid") == own["grandchild"]
    assert seen.last(seen.root.pid, "sid") == seen.said("own_sid")["own_sid"] != own["sid"]


@pytest.mark.parametrize("detail", ["minimal", "events"])
def test_ends(observe: Observe, detail: str) -> None:
    seen = observe("ends", detail=detail)
    assert len(seen.lines) == 7
    for own in seen.lines:
        end = seen.process(own["child"]).exit
        assert end is not None
        assert (end.code, end.signal) == (own["code"], own["signal"])


def test_execs_keep_every_byte(observe: Observe, tmp_path: Path) -> None:
    place = tmp_path / "a place"
    place.mkdir()
    seen = observe("execute", str(place))
    own = seen.said("argv")
    first, script, last = seen.process(own["pid"]).images
    assert first.argv[1:3] == ["-IS", str(programs.SOURCES / "execute.py")]
    assert script.path == "./odd name"
    assert script.argv == [first.argv[0], "-IS", "./odd name", "again", "and again"]
    assert script.cwd == last.cwd == own["cwd"] == str(place)
    assert last.argv == own["argv"]
    assert last.path is not None
    assert last.path.endswith("/true")
