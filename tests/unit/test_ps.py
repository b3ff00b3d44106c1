"""The processes of a moment as text: the columns and tree of ps, the tree of systemd-cgls."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis.findings import CgroupStay, Findings
from forktrace.analysis.passes import analyse
from forktrace.errors import TraceFormatError, UsageError
from forktrace.model.build import build_launch
from forktrace.model.facts import Adoption, Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.render.ps import Request, render
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions
from forktrace.views.ps import terminal
from tests.fuzz.mutate import mutated
from tests.unit.events import launch_of

PODMAN = Path(__file__).parent / "data" / "podman-syscalls.jsonl"
EXAMPLES = Path(__file__).parents[2] / "examples"
ZOMBIE = EXAMPLES / "zombie" / "launch.jsonl"
DETACHED = EXAMPLES / "podman-detached" / "launch.jsonl"


def load(path: Path) -> Launch:
    return build_launch(read_trace(path))


def ps(launch: Launch, at: str | None = None, *, width: int | None = None, **asked: Any) -> str:
    options = ViewOptions(width=width)
    return render(launch, analyse(launch), Request(at, **asked), options)


def rows(text: str) -> list[str]:
    """Return the lines between the header and the notes."""
    return text.partition("COMMAND\n")[2].partition("\n\n")[0].splitlines()


# What stands here was read from the events of the trace: #112 is the exit of 440 at 973 ms, and the
# reparent of 449 to 439 is told at the same time; #115 is the wait of 439 for 440. 439 and 449 have
# called setsid, 428 is in the session and group 0 (outside of its PID namespace), and the cgroups
# are those of cgroup v2 (name=systemd has the same). The header has forktrace's pid, 427; it is in
# the group, session and cgroup that #0 shows of 428 at its first look, and, as #1 shows at its
# exec, without a terminal.
PODMAN_AT_EXIT_OF_CREATE = """\
after event #112 of #0 to #197, at 973 ms: p5 runc (pid 440) ended with 0
PID PPID PGID SID NSPID TTY STAT CGROUP                 COMMAND
  1    0    1   1 1     ?   -s   init.scope             (/usr/lib/systemd/systemd)
439    1  439 439 439   -   -s   libpod-conmon-be65b67…  \\_ /usr/bin/conmon --api-versi…
440  439  439 439 440   -   Z    libpod-conmon-be65b67…      \\_ [runc] <defunct>
449  439  449 449 449,1 -   -sl  libpod-be65b6760a67….…      \\_ /usr/bin/runc init
427    ?    0   0 ?     -   -    run-rbb45e5d3951c….sc… (forktrace)
428  427    0   0 428   -   -l   run-rbb45e5d3951c….sc…  \\_ podman --runtime runc run -…

STAT -: alive; whether it ran or slept is not in a trace
CGROUP is of the hierarchy v2
"""

PODMAN_CGROUPS = """\
after event #112 of #0 to #197, at 973 ms: p5 runc (pid 440) ended with 0
cgroup hierarchy: v2
/
├─init.scope
│ └─1 (/usr/lib/systemd/systemd)
├─machine.slice
│ ├─libpod-be65b6760a675eb960b4300f21363c6e0ed15edff7becb43b7c5b45d20c58377.scope
│ │ └─449 /usr/bin/runc init
│ └─libpod-conmon-be65b6760a675eb960b4300f21363c6e0ed15edff7becb43b7c5b45d20c58377.scope
│   ├─439 /usr/bin/conmon --api-version 1 -c be65b6760a675eb960b4300f21363c6e0ed15edff7be…
│   └─440 [runc] <defunct>
└─user.slice
  └─user-0.slice
    └─run-rbb45e5d3951c404b9073bca7ee1ba7f1.scope
      ├─427 (forktrace)
      └─428 podman --runtime runc run --rm --network=host --ulimit nofile=1024:1024 --uli…

STAT -: alive; whether it ran or slept is not in a trace
"""


def test_podman_when_the_runtime_has_left_the_container() -> None:
    assert ps(load(PODMAN), "exit:p5", width=88, nspid=True) == PODMAN_AT_EXIT_OF_CREATE


def test_the_same_by_cgroup() -> None:
    assert ps(load(PODMAN), "exit:p5", width=90, cgroups=True) == PODMAN_CGROUPS


def test_another_hierarchy_of_the_same_moment() -> None:
    # runc has moved only the container's processes in the hierarchy of the controller "memory".
    text = ps(load(PODMAN), "exit:p5", cgroups=True, hierarchy="memory", width=60)
    assert text.splitlines()[1:10] == [
        "cgroup hierarchy: v1, memory",
        "/",
        "├─  1 (/usr/lib/systemd/systemd)",
        "├─427 (forktrace)",
        "├─428 podman --runtime runc run --rm --network=host --ulimi…",
        "├─439 /usr/bin/conmon --api-version 1 -c be65b6760a675eb960…",
        "├─440 [runc] <defunct>",
        "└─machine.slice",
        "  └─libpod-be65b6760a67….scope",
    ]


def test_a_recorded_zombie_is_defunct_until_it_was_waited_for() -> None:
    records = [json.loads(line) for line in ZOMBIE.read_text().splitlines()]
    (born,) = [record for record in records if record["event"] == "create"]
    (wait,) = [seq for seq, r in enumerate(records[1:]) if r.get("name") == "wait4"]
    _forktrace, parent, child = rows(ps(load(ZOMBIE), "exit:p2"))
    assert child.split() == [
        *(str(born["child"]), str(born["pid"])),
        *parent.split()[2:5],  # group, session and terminal
        *("Z", "/", "\\_", "[zombie]", "<defunct>"),
    ]
    assert "defunct" in ps(load(ZOMBIE), f"#{wait - 1}")
    assert "defunct" not in ps(load(ZOMBIE), f"#{wait}")


ENDED = (
    ("root", 10, "sh -c script"),
    ("fork", 10, 11),
    ("exec", 11, "first one"),
    ("exit", 11, 0),
    ("fork", 10, 12),
    ("exec", 12, "second one"),
    ("exit", 12, 0),
)


def commands(text: str) -> list[str]:
    """Return the column COMMAND below the row of forktrace, without the level that this makes."""
    head = text.splitlines()[1].index("COMMAND")
    forktrace, root, *others = [line[head:] for line in rows(text)]
    assert forktrace == "(forktrace)"
    assert root.startswith(" \\_ ")
    assert all(line.startswith("    ") for line in others)
    return [line[4:] for line in (root, *others)]


def test_ended_processes_whose_reaping_was_not_recorded() -> None:
    launch = launch_of(*ENDED)
    usual = ps(launch, "end")
    assert commands(usual) == ["sh -c script", " \\_ [second] <ended>"]
    assert "1 more had ended, and was perhaps a zombie still: --ended lists it" in usual
    assert "only --detail syscalls records waits" in usual
    every = ps(launch, "end", ended=True)
    assert commands(every) == ["sh -c script", " \\_ [first] <ended>", " \\_ [second] <ended>"]
    assert "--ended" not in every
    assert commands(ps(launch, "end", ended=False)) == ["sh -c script"]


def test_one_that_was_never_waited_for_is_no_certain_zombie() -> None:
    text = ps(launch_of(*ENDED, detail="syscalls"), "end")
    assert commands(text) == ["sh -c script", " \\_ [first] <defunct>", " \\_ [second] <defunct>"]
    assert [line.split()[5] for line in rows(text)] == ["-", "-", "Z?", "Z?"]
    assert "unless its parent ignores SIGCHLD" in text


def test_the_guides_are_those_of_ps() -> None:
    launch = launch_of(
        ("root", 10, "a"),
        ("fork", 10, 11),
        ("exec", 11, "b"),
        ("fork", 11, 12),
        ("exec", 12, "c"),
        ("fork", 12, 13),
        ("exec", 13, "d"),
        ("fork", 10, 14),
        ("exec", 14, "e"),
    )
    assert commands(ps(launch, "end")) == [
        "a",
        " \\_ b",
        " |   \\_ c",
        " |       \\_ d",
        " \\_ e",
    ]


def test_nothing_is_known_at_minimal_detail() -> None:
    launch = launch_of(
        events.Started(at_ns=1, pid=10, root=True),
        ("exec", 10, "sh -c x"),
        ("create", 10, 11),
        ("start", 11, None),
        detail="minimal",
    )
    text = ps(launch, "end")
    assert [line.split()[:7] for line in rows(text)] == [
        ["9", "?", "?", "?", "?", "-", "?"],
        ["10", "~9", "?", "?", "?", "-", "?"],
        ["11", "~10", "?", "?", "?", "-", "?"],
    ]
    assert [line.split(None, 7)[7] for line in rows(text)] == [
        "(forktrace)",
        "\\_ sh -c x",
        "\\_ sh -c x",
    ]
    assert "PPID ~: inferred, from forks and their flags" in text
    by_cgroup = ps(launch, "end", cgroups=True)
    assert "? (cgroup not known)\n├─ 9 (forktrace)\n├─10 sh -c x\n└─11 sh -c x\n" in by_cgroup


def test_a_trace_that_was_cut_off_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = PODMAN.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:54]) + lines[54][:20])  # the header and events #0 to #52
    text = ps(load(cut), "end")
    assert text.startswith("after event #52 of #0 to #52, at 545 ms")
    assert [line.split()[:2] for line in rows(text)] == [
        ["1", "?"],  # what describes it was cut off
        ["439", "1"],
        ["427", "?"],
        ["428", "427"],
        ["438", "428"],
    ]


def test_a_snapshot_at_its_end() -> None:
    launch = launch_of(
        events.Started(
            at_ns=1,
            pid=10,
            attached=True,
            state=events.State(ppid=0, pgid=10, sid=10, tty=0, comm="init", cgroup=["0::/"]),
        ),
        events.Started(
            at_ns=2, pid=11, attached=True, state=events.State(ppid=10, pgid=11, comm="gone")
        ),
        events.Exited(at_ns=3, pid=11, code=1),
        source="snapshot",
        tracer=None,
    )
    assert rows(ps(launch)) == [
        " 10    0   10  10 -   -s   /      [init]",
        " 11   10   11   ? ?   Z    ?       \\_ [gone] <defunct>",
    ]


def test_an_unknown_adopter_stands_for_whom_nobody_knows() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("exec", 11, "left"),
        ("exit", 10, 0),
        ("exec", 11, "b"),
    )
    adopter = Process("x1", 0, Moment(0, 0), outside=True, stand_in="an unknown adopter")
    launch.processes["x1"] = adopter
    gone = Adoption(Moment(0, 5), "x1", "p1", "p1", inferred=True)
    launch.processes["p2"].adoptions.append(gone)
    assert [" ".join(row.split()) for row in rows(ps(launch, "end"))] == [
        "? ? ? ? ? ? ? (an unknown adopter)",
        "11 ~? 10 5 ? - ? \\_ b",
    ]
    assert "├─? (an unknown adopter)\n└─11 b" in ps(launch, "end", cgroups=True).replace(" ?", "?")


def test_hostile_arguments_neither_steer_nor_break_lines() -> None:
    launch = launch_of(
        ("root", 10, ["a\nb", "\x1b]0;x\x07", "", "\udcff", "\u202e"]),
        ("fork", 10, 11),
        ("exec", 11, ["x" * 2_000_000]),
        ("sample", 10, {"cgroup": ["0::/a\nb/\x1b[2J", "nonsense", "1:x"], "comm": "c"}),
    )
    text = ps(launch, "end")
    assert "".join(text.split("\n")).isprintable()
    assert commands(text)[0] == "a\\nb \\x1b]0;x\\x07  \\xff \\u202e"
    assert len(commands(text)[1]) == 2_000_004
    narrow = ps(launch, "end", width=80)
    assert max(map(len, narrow.splitlines())) == 80
    by_cgroup = ps(launch, "end", width=80, cgroups=True)
    assert "└─a\\nb\n  └─\\x1b[2J\n" in by_cgroup


def test_a_chain_and_a_path_of_a_hundred_thousand() -> None:
    steps = [step for pid in range(10, 3010) for step in [("fork", pid, pid + 1)]]
    path = "0::" + "/a" * 100_000
    launch = launch_of(("root", 10, "sh", {"cgroup": [path]}), *steps)
    text = ps(launch, "end", width=120)
    assert len(rows(text)) == 3002  # with forktrace
    assert rows(text)[-1].split("+")[1].endswith("\\_ sh")
    assert max(map(len, text.splitlines())) <= 120
    assert len(ps(launch, "#1", cgroups=True, width=100).splitlines()) < 60


def test_a_name_of_a_cgroup_is_as_long_as_it_must_be() -> None:
    launch = launch_of(
        ("root", 10, "a", {"cgroup": ["0::/one/container"]}),
        ("fork", 10, 11, "", {"cgroup": ["0::/two/container"]}),
        ("fork", 10, 12, "", {"cgroup": ["0::/x/" + "ab" * 32]}),
        ("fork", 10, 13, "", {"cgroup": ["0::/"]}),
    )
    assert [line.split()[6] for line in rows(ps(launch, "end"))] == [
        "one/container",  # forktrace
        "one/container",
        "two/container",
        "abababababab…",
        "/",
    ]


# The columns before COMMAND take 66 with CGROUP at its least; then come 4 of guides, or "+1" and 4.
@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (72, ["s…", ""]),
        (80, ["sh -c a.o…", "sh -c a…"]),
        (120, ["sh -c a.out", "sh -c a.out"]),
    ],
)
def test_lines_with_long_pids_fit_the_terminal(width: int, shown: list[str]) -> None:
    pids = [4_000_000, 4_000_001]
    state = {"cgroup": ["0::/" + "name" * 20], "tty": 34816, "nspid": pids}
    state |= {"pgid": pids[0], "sid": pids[0]}
    launch = launch_of(("root", pids[0], "sh -c a.out", state), ("fork", *pids, "", state))
    lines = ps(launch, "end", width=width, nspid=True).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[2].split()[0] == "9"
    assert [line.partition("\\_ ")[2] for line in lines[3:5]] == shown


@pytest.mark.parametrize("width", [40, 60])
def test_lines_fit_a_narrow_terminal(width: int) -> None:
    lines = ps(load(PODMAN), "exit:p5", width=width).splitlines()
    assert max(map(len, lines)) == width
    assert [line.split()[0] for line in lines[2:8]] == ["1", "439", "440", "449", "427", "428"]


LINES = ["3:cpu,cpuacct:{}", "2:memory:{}", "1:name=systemd:{}", "0::{}"]


def hybrid(first: Sequence[str], second: Sequence[str]) -> Launch:
    """Return a launch of two processes, each with a path for each of the LINES."""
    states = [
        {"cgroup": [line.format("/" + path) for line, path in zip(LINES, paths, strict=True)]}
        for paths in (first, second)
    ]
    return launch_of(("root", 10, "a", states[0]), ("fork", 10, 11, "", states[1]))


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        ("wxyz", "wxqz", "v1, name=systemd"),
        ("wxyz", "rxyz", "v1, cpu,cpuacct"),
        ("wxyz", "wryz", "v1, memory"),
        ("wxyz", "wxyr", "v2"),
        ("wxyz", "wxrr", "v2"),
        ("wxyz", "rryz", "v1, memory"),
        ("wxyz", "wxyz", "v2"),
        ([*"wxy", ""], [*"wxy", ""], "v1, name=systemd"),  # all are in the root of cgroup v2
    ],
)
def test_the_hierarchy_that_tells_most(
    first: Sequence[str], second: Sequence[str], chosen: str
) -> None:
    assert f"cgroup hierarchy: {chosen}\n" in ps(hybrid(first, second), "end", cgroups=True)


def test_the_hierarchy_that_tells_more_processes_apart_comes_first() -> None:
    lines = [["1:name=systemd:/a", "0::/a"], ["1:name=systemd:/b", "0::/b"]]
    lines.append(["1:name=systemd:/c", "0::/b"])
    launch = launch_of(
        ("root", 10, "a", {"cgroup": lines[0]}),
        ("fork", 10, 11, "", {"cgroup": lines[1]}),
        ("fork", 10, 12, "", {"cgroup": lines[2]}),
    )
    assert "cgroup hierarchy: v1, name=systemd\n" in ps(launch, "end", cgroups=True)
    assert "cgroup hierarchy: v2\n" in ps(launch, "end", cgroups=True, hierarchy="v2")
    assert "CGROUP is of the hierarchy v1, name=systemd\n" in ps(launch, "end")


def test_the_hierarchy_in_which_conmon_has_a_cgroup_of_its_own() -> None:
    """With the cgroupfs manager podman 4 moves conmon in the hierarchies of controllers alone."""
    launch = load(DETACHED)
    assert ps(launch, cgroups=True, width=40).splitlines()[1:] == [
        "cgroup hierarchy: v1, memory",
        "/",
        "├─ 1 (catatonit -- sh /mnt/record --ins…",
        "├─32 (forktrace)",
        "├─33 sh -c podman run -d --rm --network…",
        "├─35 podman run -d --rm --network=host …",
        "└─libpod_parent",
        "  ├─conmon",
        "  │ └─45 /usr/bin/conmon --api-version …",
        "  └─libpod-1962bf1adf02…",
        "    └─55 sleep 1000",
        "",
        "STAT -: alive; whether it ran or slept …",
    ]
    assert "CGROUP is of the hierarchy v1, memory\n" in ps(launch)
    assert "─conmon" not in ps(launch, cgroups=True, hierarchy="systemd")


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        ("v2", "└─z"),
        ("systemd", "└─y"),
        ("name=systemd", "└─y"),
        ("memory", "└─x"),
        ("cpuacct", "└─w"),
        ("cpu,cpuacct", "└─w"),
    ],
)
def test_a_hierarchy_that_was_asked_for(wanted: str, line: str) -> None:
    text = ps(hybrid("wxyz", "wxyz"), "end", cgroups=True, hierarchy=wanted)
    assert text.splitlines()[3] == line


def test_a_hierarchy_that_is_not_there() -> None:
    with pytest.raises(UsageError) as caught:
        ps(hybrid("wxyz", "wxyz"), "end", hierarchy="blk\x1bio")
    assert str(caught.value) == (
        "this trace has no cgroup hierarchy 'blk\\x1bio'; "
        "it has: cpu,cpuacct, memory, name=systemd, v2"
    )


def test_an_exact_move_counts_before_it_was_seen() -> None:
    launch = launch_of(
        ("root", 10, "a", {"cgroup": ["0::/old"]}),
        ("call", 10, "write", {"path": "/sys/fs/cgroup/new/cgroup.procs", "pid": 10}),
        ("sample", 10, {"cgroup": ["0::/new"]}),
    )
    stays = [
        CgroupStay("", "/old", Moment(1_000_000, 0), "first"),
        CgroupStay("", "/new", Moment(3_000_000, 2), "write", by="p1"),
    ]
    findings = Findings(cgroups={"p1": stays})
    texts = [render(launch, findings, Request(f"#{n}"), ViewOptions()) for n in (1, 2, 3)]
    assert [rows(text)[1].split()[6] for text in texts] == ["old", "new", "new"]


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (None, "?"),
        (0, "-"),
        (34816, "pts/0"),
        (34819, "pts/3"),
        (34816 + 255, "pts/255"),
        (34816 + (1 << 20), "pts/256"),
        (1025, "tty1"),
        (1088, "ttyS0"),
        (1281, "console"),
        (12 << 8 | 5, "12:5"),
    ],
)
def test_terminals_by_device_number(number: int | None, name: str) -> None:
    assert terminal(number) == name


def test_colours_only_where_they_are_wanted() -> None:
    launch = load(PODMAN)
    findings = analyse(launch)
    plain = render(launch, findings, Request("exit:p5"), ViewOptions())
    coloured = render(launch, findings, Request("exit:p5"), ViewOptions(color=True))
    assert "\x1b" not in plain
    assert "\x1b[33m/usr/bin/conmon\x1b[0m --api-version" in coloured
    assert "[runc] <defunct>\x1b[0m" in coloured


def test_damaged_traces_at_every_tenth_of_their_time(tmp_path: Path) -> None:
    data = PODMAN.read_bytes()
    shown = 0
    for seed in range(150):
        path = tmp_path / "damaged.jsonl"
        path.write_bytes(mutated(seed, data))
        try:
            launch = load(path)
        except TraceFormatError:
            continue
        for share in range(0, 101, 10):
            for cgroups in (False, True):
                text = ps(launch, f"{share}%", width=80, cgroups=cgroups)
                assert "".join(text.split("\n")).isprintable()
                assert max(map(len, text.splitlines())) <= 80
                shown += 1
    assert shown > 500
