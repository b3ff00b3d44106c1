"""Where each process was in the cgroup hierarchies, since when, and who moved it."""

from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis import analyse
from forktrace.analysis.cgroup_writes import hierarchy_of
from forktrace.analysis.findings import CgroupStay
from forktrace.analysis.hierarchies import paths
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from tests.unit.events import Step, launch_of
from tests.unit.podman import CONMON_SCOPE, PAYLOAD_SCOPE, podman_steps

ROOT = Path(__file__).parents[2]
HYBRID = ["2:cpu:/", "1:name=systemd:/", "0::/"]


def stays(launch: Launch, id_: str, hierarchy: str = "") -> list[CgroupStay]:
    return [s for s in analyse(launch).cgroups.get(id_, []) if s.hierarchy == hierarchy]


def told(launch: Launch, id_: str, hierarchy: str = "") -> list[tuple[str, str, str | None]]:
    """Return path, how and by whom of each stay."""
    return [(s.path, s.how, s.by) for s in stays(launch, id_, hierarchy)]


def in_cgroup(*lines: str, **more: Any) -> dict[str, Any]:
    return {"cgroup": list(lines), **more}


def write(pid: int, target: int, path: str, error: str | None = None) -> Step:
    return ("call", pid, "write", {"path": path, "pid": target}, error)


def syscalls(*steps: Step) -> Launch:
    return launch_of(*steps, detail="syscalls")


def test_lines_of_proc_cgroup() -> None:
    lines = ["9:name=systemd:/a:b", "4:cpu,cpuacct:/x", "0::/", "odd", "1:", ""]
    assert paths(lines) == {"name=systemd": "/a:b", "cpu,cpuacct": "/x", "": "/"}


@pytest.mark.parametrize(
    ("directory", "known", "found"),
    [
        ("/sys/fs/cgroup/a/b", [""], ("", "/a/b")),
        ("/sys/fs/cgroup", [""], ("", "/")),
        ("/mnt/a/b", [""], ("", None)),
        ("/sys/fs/cgroup/unified/a", ["", "cpu"], ("", "/a")),
        ("/sys/fs/cgroup/systemd", ["", "name=systemd"], ("name=systemd", "/")),
        ("/sys/fs/cgroup/cpu,cpuacct/a/cpu", ["cpu,cpuacct", ""], ("cpu,cpuacct", "/a/cpu")),
        ("/mnt/cpu/a", ["cpu", ""], ("cpu", None)),
        ("/sys/fs/cgroup/a", ["cpu", ""], (None, None)),
    ],
)
def test_which_hierarchy_a_directory_is_in(
    directory: str, known: list[str], found: tuple[str | None, str | None]
) -> None:
    assert hierarchy_of(directory, dict.fromkeys(known, "/")) == found


def test_a_real_podman_under_systemd_with_recorded_calls() -> None:
    """Read off the file: systemd moves in the two hierarchies that it manages, runc in the rest."""
    launch = build_launch(read_trace(ROOT / "tests/unit/data/podman-syscalls.jsonl"))
    by_pid = {p.pid: p.id for p in launch.inside}
    id_ = "be65b6760a675eb960b4300f21363c6e0ed15edff7becb43b7c5b45d20c58377"
    session = "/user.slice/user-0.slice/"
    conmon, stage, payload = by_pid[438], by_pid[446], by_pid[449]
    for hierarchy in ("", "name=systemd"):
        began, moved = stays(launch, conmon, hierarchy)
        assert (began.how, began.path.startswith(session)) == ("inherited", True)
        assert (moved.how, moved.by) == ("outside", None)
        assert moved.path == f"/machine.slice/libpod-conmon-{id_}.scope"
        assert (moved.since.seq, moved.not_before and moved.not_before.seq) == (47, 43)
        _, moved = stays(launch, stage, hierarchy)
        assert (moved.how, moved.since.seq) == ("outside", 84)
        assert moved.path == f"/machine.slice/libpod-{id_}.scope"
    assert told(launch, conmon, "cpu") == [("/", "inherited", None)]
    began, moved = stays(launch, stage, "cpu")
    assert moved == CgroupStay(
        "cpu", f"/machine.slice/libpod-{id_}.scope", moved.since, "write", by_pid[440]
    )
    assert (moved.since.seq, moved.since.at_ns) == (76, 731263546)
    for hierarchy in ("", "name=systemd", "cpu", "freezer"):
        assert told(launch, payload, hierarchy) == [
            (f"/machine.slice/libpod-{id_}.scope", "inherited", None)
        ]


def test_a_real_podman_without_recorded_calls() -> None:
    launch = build_launch(read_trace(ROOT / "examples/podman-run/launch.jsonl"))
    by_pid = {p.pid: p.id for p in launch.inside}
    _, moved = stays(launch, by_pid[284])
    assert (moved.how, moved.since.seq) == ("seen", 17)
    assert moved.not_before is not None
    assert moved.not_before.seq == 15  # its exec, where it was still with podman
    (second,) = stays(launch, by_pid[285])
    assert (second.path, second.how, second.inferred) == (moved.path, "inherited", False)
    # The first look at stage 1 came after its birth; it was born where stage 0 was.
    assert [s.how for s in stays(launch, by_pid[296])] == ["inherited"]
    assert "libpod-6f6f75ff" in stays(launch, by_pid[297])[0].path


def test_the_fabricated_launch() -> None:
    launch = launch_of(*podman_steps())
    conmon, payload = CONMON_SCOPE.removeprefix("0::"), PAYLOAD_SCOPE.removeprefix("0::")
    assert told(launch, "p3")[-1] == (conmon, "seen", None)
    assert told(launch, "p4") == [(conmon, "inherited", None)]
    assert told(launch, "p6") == [(conmon, "inherited", None), (payload, "seen", None)]
    assert told(launch, "p8") == [(payload, "inherited", None)]
    # podman itself stays, and so do its other children
    session = "/user.slice/user-0.slice/session-1.scope"
    assert told(launch, "p1") == [(session, "first", None)]
    assert told(launch, "p2") == told(launch, "p9") == [(session, "inherited", None)]


def test_clone_into_cgroup() -> None:
    launch = launch_of(
        ("root", 10, "crun create box", ),
        ("sample", 10, in_cgroup("0::/m")),
        ("clone3", 10, 11, "NEWPID INTO_CGROUP", in_cgroup("0::/box", nspid=[11, 1])),
    )  # fmt: skip
    (stay,) = stays(launch, "p2")
    assert (stay.path, stay.how, stay.by) == ("/box", "clone", "p1")
    assert stay.since == launch.processes["p2"].born


def test_into_cgroup_concerns_v2_alone() -> None:
    launch = launch_of(
        ("root", 10, "crun", in_cgroup(*HYBRID)),
        ("clone3", 10, 11, "INTO_CGROUP", in_cgroup("2:cpu:/", "1:name=systemd:/", "0::/box")),
    )
    assert told(launch, "p2") == [("/box", "clone", "p1")]
    assert told(launch, "p2", "cpu") == [("/", "inherited", None)]


def test_written_by_another_and_seen_at_the_next_look() -> None:
    launch = syscalls(
        ("root", 10, "podman", in_cgroup(*HYBRID)),
        ("fork", 10, 11),
        write(10, 11, "/sys/fs/cgroup/cpu/box/tasks"),
        write(10, 11, "/sys/fs/cgroup/unified/box/cgroup.procs"),
        ("fork", 11, 12),
        ("sample", 11, in_cgroup("2:cpu:/box", "1:name=systemd:/", "0::/box")),
    )
    assert told(launch, "p2", "cpu") == [("/", "inherited", None), ("/box", "write", "p1")]
    assert told(launch, "p2") == [("/", "inherited", None), ("/box", "write", "p1")]
    assert told(launch, "p2", "name=systemd") == [("/", "inherited", None)]
    assert stays(launch, "p2")[-1].since == launch.processes["p1"].calls[1].at
    # and what it creates from then on is born there
    assert told(launch, "p3") == [("/box", "inherited", None)]


def test_a_write_that_no_look_followed_still_tells() -> None:
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("fork", 10, 11),
        write(10, 11, "/sys/fs/cgroup/a/b/cgroup.procs"),
        ("exit", 11, 0),
    )
    assert told(launch, "p2") == [("/", "inherited", None), ("/a/b", "write", "p1")]


def test_a_write_to_an_ordinary_file_moves_nobody() -> None:
    launch = syscalls(
        ("root", 10, "crun", in_cgroup(*HYBRID)),
        ("fork", 10, 11, "", in_cgroup(*HYBRID)),
        write(10, 11, "/sys/fs/cgroup/cpu/box/cgroup.procs"),
        write(10, 11, "/sys/fs/cgroup/unified/box/cgroup.procs"),
        ("sample", 11, in_cgroup("2:cpu:/box", "1:name=systemd:/", "0::/")),
    )
    assert told(launch, "p2", "cpu") == [("/", "inherited", None), ("/box", "write", "p1")]
    assert told(launch, "p2") == [("/", "inherited", None)]


def test_an_exec_that_shows_nothing_new_disproves_a_write() -> None:
    launch = syscalls(
        ("root", 10, "crun", in_cgroup("0::/")),
        ("fork", 10, 11, "", in_cgroup("0::/")),
        write(10, 11, "/sys/fs/cgroup/box/cgroup.procs"),
        ("exec", 11, "true"),
    )
    assert told(launch, "p2") == [("/", "inherited", None)]


def test_who_was_moved_there_and_back_was_moved() -> None:
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("fork", 10, 11, "", in_cgroup("0::/")),
        write(10, 11, "/sys/fs/cgroup/box/cgroup.procs"),
        write(10, 11, "/sys/fs/cgroup/cgroup.procs"),
        ("sample", 11, in_cgroup("0::/")),
    )
    assert told(launch, "p2") == [
        ("/", "inherited", None), ("/box", "write", "p1"), ("/", "write", "p1"),
    ]  # fmt: skip


def test_a_write_of_zero_moves_the_writer() -> None:
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/")),
        write(10, 0, "/sys/fs/cgroup/a/cgroup.procs"),
        ("fork", 10, 11),
    )
    assert told(launch, "p1") == [("/", "first", None), ("/a", "write", "p1")]
    assert told(launch, "p2") == [("/a", "inherited", None)]


def test_a_failed_write_moves_nobody() -> None:
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("fork", 10, 11),
        write(10, 11, "/sys/fs/cgroup/a/cgroup.procs", "EACCES"),
    )
    assert told(launch, "p2") == [("/", "inherited", None)]


def test_a_thread_that_is_moved_leaves_its_process() -> None:
    """A tid that is no leader's is nobody's pid; with 0 a thread moves itself alone."""
    call = events.Called(
        at_ns=5_000_000, pid=10, tid=12, name="write", result=1,
        arguments={"path": "/sys/fs/cgroup/cpu/a/tasks", "pid": 0},
    )  # fmt: skip
    launch = syscalls(
        ("root", 10, "sh", in_cgroup(*HYBRID)),
        ("thread", 10, 12),
        write(10, 12, "/sys/fs/cgroup/cpu/a/tasks"),
        call,
    )
    assert told(launch, "p1", "cpu") == [("/", "first", None)]


def test_the_look_may_come_before_the_record_of_the_write() -> None:
    """A call is recorded at its return: by then the process may have been looked at."""
    launch = syscalls(
        ("root", 10, "podman", in_cgroup("0::/")),
        ("fork", 10, 11),
        ("exec", 11, "conmon"),
        ("sample", 11, in_cgroup("0::/box")),
        write(10, 11, "/sys/fs/cgroup/box/cgroup.procs"),
        ("exit", 11, 0),
    )
    stay = stays(launch, "p2")[-1]
    assert (stay.path, stay.how, stay.by, stay.inferred) == ("/box", "write", "p1", True)
    assert stay.since.seq == 5  # the look, not the later record


def test_a_write_that_began_later_was_not_the_cause() -> None:
    launch = syscalls(
        ("root", 10, "podman", in_cgroup("0::/")),
        ("fork", 10, 11),
        ("sample", 11, in_cgroup("0::/box")),
        ("call", 10, "setsid"),
        write(10, 11, "/sys/fs/cgroup/box/cgroup.procs"),
    )
    assert told(launch, "p2")[-1] == ("/box", "outside", None)


def test_from_outside_or_only_seen() -> None:
    steps: list[Step] = [
        ("root", 10, "podman", in_cgroup("0::/")),
        ("fork", 10, 11),
        ("exec", 11, "conmon"),
        ("sample", 11, in_cgroup("0::/scope")),
    ]
    for detail, how in (("syscalls", "outside"), ("events", "seen")):
        stay = stays(launch_of(*steps, detail=detail), "p2")[-1]
        assert (stay.path, stay.how, stay.by) == ("/scope", how, None)
        assert stay.not_before is not None
        assert stay.not_before.seq == 4  # its exec
    untraced = events.Untraced(at_ns=9_000_000, pid=10, child=77, code=0)
    assert told(syscalls(*steps, untraced), "p2")[-1][1] == "seen"


def test_a_writer_in_a_pid_namespace_gives_pids_of_its_own() -> None:
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/", ns={"pid": 1})),
        ("clone", 10, 11, "NEWPID", {"nspid": [11, 1], "ns": {"pid": 2}}),
        ("fork", 11, 12, "", {"nspid": [12, 2], "ns": {"pid": 2}}),
        ("clone", 10, 13, "NEWPID", {"nspid": [13, 1], "ns": {"pid": 3}}),
        ("fork", 13, 14, "", {"nspid": [14, 2], "ns": {"pid": 3}}),
        write(11, 2, "/sys/fs/cgroup/box/cgroup.procs"),
        ("sample", 12, in_cgroup("0::/outer/box")),
        ("sample", 14, in_cgroup("0::/other")),
    )
    assert told(launch, "p3")[-1] == ("/outer/box", "write", "p2")
    assert told(launch, "p5")[-1] == ("/other", "outside", None)


def test_a_pid_of_an_unknown_namespace_means_nobody_for_sure() -> None:
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("clone", 10, 11, "NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("clone", 10, 13, "NEWPID", {"nspid": [13, 1]}),
        ("fork", 13, 14, "", {"nspid": [14, 2]}),
        write(11, 2, "/sys/fs/cgroup/box/cgroup.procs"),
        ("sample", 12, in_cgroup("0::/outer/box")),
    )
    assert told(launch, "p3")[-1] == ("/outer/box", "seen", None)
    assert told(launch, "p5") == [("/", "inherited", None)]


def test_whom_a_write_meant_can_be_unknown() -> None:
    """Then nobody can say that a move to a cgroup of that name came from outside."""
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("fork", 10, 12),
        write(10, 999, "/sys/fs/cgroup/box/cgroup.procs"),
        ("sample", 12, in_cgroup("0::/box")),
    )
    assert told(launch, "p2")[-1] == ("/box", "seen", None)


def test_a_pid_that_was_used_twice_means_the_one_alive() -> None:
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("fork", 10, 11),
        ("exit", 11, 0),
        ("wait", 10, 11),
        ("fork", 10, 11),
        write(10, 11, "/sys/fs/cgroup/box/cgroup.procs"),
        ("exit", 11, 0),
    )
    assert told(launch, "p2") == [("/", "inherited", None)]
    assert told(launch, "p3")[-1] == ("/box", "write", "p1")


def test_a_bind_mount_is_matched_by_its_tail() -> None:
    launch = syscalls(
        ("root", 10, "nspawn", in_cgroup(*HYBRID)),
        ("fork", 10, 11),
        write(10, 11, "/tmp/unifiedXYZ/payload/cgroup.procs"),
        ("exec", 11, "sh", None, in_cgroup("2:cpu:/", "1:name=systemd:/", "0::/u/payload")),
    )
    assert told(launch, "p2")[-1] == ("/u/payload", "write", "p1")
    assert told(launch, "p2", "cpu") == [("/", "inherited", None)]


def test_a_child_whose_creator_was_found_moved_later_came_with_it() -> None:
    """The creator is not looked at at each fork; where both were found alike one move will do."""
    launch = launch_of(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("fork", 10, 11),
        ("sample", 10, in_cgroup("0::/moved")),
        ("exec", 11, "true", None, in_cgroup("0::/moved")),
    )
    (stay,) = stays(launch, "p2")
    assert (stay.path, stay.how, stay.inferred) == ("/moved", "inherited", True)
    assert stay.since == launch.processes["p2"].born


def test_a_birth_elsewhere_than_the_creator_was_seen_is_inferred() -> None:
    """A child is born where its creator is, so that one had been moved, unseen."""
    launch = launch_of(
        ("root", 10, "sh", in_cgroup("0::/")),
        ("clone", 10, 11, "NEWNS", in_cgroup("0::/moved")),
        ("clone", 10, 12, "NEWNS", in_cgroup("0::/")),
    )
    assert [(s.path, s.how, s.inferred) for s in stays(launch, "p2")] == [
        ("/moved", "inherited", True)
    ]
    assert [(s.how, s.inferred) for s in stays(launch, "p3")] == [("inherited", False)]


def test_what_was_read_at_the_fork_counts_for_the_child() -> None:
    """The creator is read at its stop in fork, and that record has the time of the stop."""
    moment = 7_000_000
    launch = launch_of(
        ("root", 10, "conmon", in_cgroup("0::/")),
        events.Created(at_ns=moment, pid=10, tid=10, child=11, how="fork", flags=[]),
        events.Sampled(at_ns=moment, pid=10, at="create",
                       state=events.State(cgroup=["0::/scope"])),
        events.Started(at_ns=moment + 9, pid=11),
    )  # fmt: skip
    assert told(launch, "p2") == [("/scope", "inherited", None)]
    assert told(launch, "p1") == [("/", "first", None), ("/scope", "seen", None)]


def test_clone_parent_inherits_from_the_creator() -> None:
    """Where nothing was recorded at its birth it is as its parent, so docs/trace-format.md."""
    steps: list[Step] = [
        ("root", 9999, "runc create", in_cgroup("0::/conmon")),
        ("fork", 9999, 10, "", in_cgroup("0::/box")),
        ("clone", 10, 11, "PARENT"),
    ]
    assert told(launch_of(*steps), "p3") == [("/conmon", "inherited", None)]
    later = ("sample", 11, in_cgroup("0::/box"))
    assert told(launch_of(*steps, later), "p3") == [("/box", "inherited", None)]


def test_a_cgroup_that_was_removed_is_no_move() -> None:
    launch = launch_of(
        ("root", 10, "sh", in_cgroup("0::/a")),
        ("sample", 10, in_cgroup("0::/a (deleted)")),
    )
    assert told(launch, "p1") == [("/a", "first", None)]


def test_attached_processes_and_outsiders_are_found_somewhere() -> None:
    launch = launch_of(
        events.Started(at_ns=1, pid=20, attached=True,
                       state=events.State(ppid=1, nspid=[20], cgroup=["0::/x"])),
        events.Outside(at_ns=2, pid=1, state=events.State(comm="init", cgroup=["0::/init"])),
        ("sample", 20, in_cgroup("0::/y")),
        detail="syscalls", source="attach",
    )  # fmt: skip
    assert told(launch, "p1") == [("/x", "first", None), ("/y", "outside", None)]
    assert told(launch, "x1") == [("/init", "first", None)]


def test_nothing_is_known_at_minimal_detail() -> None:
    launch = launch_of(("create", 10, 11), ("exec", 11, "sh"), ("exit", 11, 0), detail="minimal")
    assert dict(analyse(launch).cgroups) == {}


def test_hostile_records_do_no_harm() -> None:
    """Odd lines, paths and pids; a write by a process that never was; times that go back."""
    launch = syscalls(
        ("root", 10, "sh", in_cgroup("0::/", "::", "x", "0::/b", "\n:\x1b[1m:/\udcff")),
        write(10, 10, "cgroup.procs"),
        write(10, -1, "/cgroup.procs"),
        write(77, 10, "/sys/fs/cgroup/../cgroup.procs"),
        ("call", 10, "write", {"path": "/a/tasks", "pid": "10"}),
        ("call", 10, "write", {"path": None, "pid": 10}),
        events.Sampled(at_ns=0, pid=10, at="exit", state=events.State(cgroup=["0::/z"])),
        ("fork", 10, 11, "PARENT INTO_CGROUP", in_cgroup()),
        ("exit", 10, 0),
        write(10, 11, "/sys/fs/cgroup/a/cgroup.procs"),
    )
    found = analyse(launch).cgroups
    assert {s.path for s in found["p1"]} >= {"/b", "/z"}
    assert all(s.since for id_ in found for s in found[id_])
