"""The terminal tree, in exact strings at a fixed width."""
# ruff: noqa: RUF001 (a multiplication sign is what the tree counts with)

import re
from textwrap import dedent

import pytest
from rich.cells import cell_len

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.text import render
from forktrace.trace import events
from forktrace.views.options import ViewOptions
from tests.unit.events import Step, launch_of
from tests.unit.podman import PODMAN, podman_steps


def text(launch: Launch, width: int | None = 80, *, color: bool = False) -> str:
    return render(launch, analyse(launch), ViewOptions(width=width, color=color))


def podman() -> Launch:
    return launch_of(*podman_steps(), command=PODMAN.split())


PODMAN_80 = """\
podman --runtime runc run --rm --network=host alpine echo hi
12 processes and 6 more threads · 51.1 ms · complete

p1   engine      podman --runtime runc run --rm --net…  +3 threads  3000  exit 0
p2   helper      ├─ conmon --version                                3010  exit 0
p3   monitor     ├─ conmon --api-version 1 -c 5853b4a38079… -u 58…  3020  exit 0
                 │  │  double fork: exits and leaves p4 to x1 systemd, outside
                 │  │  the trace
p4   monitor     │  └─ conmon (no exec)                             3021  exit 0
                 │     │  adopted by x1 systemd when p3 exited; subreaper
                 │     │  (inferred: it adopted p8)
p5   runtime     │     ├─ runc … create --bundle …/us…  +2 threads  3022  exit 0
p6   init-stage  │     │  ├─ runc init                              3030  exit 0
p7   init-stage  │     │  ├─ runc init (no exec)                    3031  exit 0
                 │     │  │     created by p6 with CLONE_PARENT
p8   container   │     │  └─ echo hi                     +1 thread  3032  exit 0
                 │     │        created by p7 with CLONE_PARENT; born as runc
                 │     │        init; adopted by p4 conmon when p5 exited; pid 1
                 │     │        in its PID namespace
p10  cleanup     │     └─ podman … container cleanup --rm 5853b4a…  3050  exit 0
p11  helper      │        ├─ conmon --version                       3055  exit 0
p12  runtime     │        └─ runc delete --force 5853b4a38079…      3056  exit 0
p9   runtime     └─ runc start 5853b4a38079…                        3040  exit 0
"""

PODMAN_120 = """\
podman --runtime runc run --rm --network=host alpine echo hi
12 processes and 6 more threads · 51.1 ms · complete

p1   engine      podman --runtime runc run --rm --network=host alpine echo hi                   +3 threads  3000  exit 0
p2   helper      ├─ conmon --version                                                                        3010  exit 0
p3   monitor     ├─ conmon --api-version 1 -c 5853b4a38079… -u 5853b4a38079… -r /usr/sbin/runc -b …/userd…  3020  exit 0
                 │  │  double fork: exits and leaves p4 to x1 systemd, outside the trace
p4   monitor     │  └─ conmon (no exec)                                                                     3021  exit 0
                 │     │  adopted by x1 systemd when p3 exited; subreaper (inferred: it adopted p8)
p5   runtime     │     ├─ runc --log-format=json --log …/oci-log create --bundle …/userdata -…  +2 threads  3022  exit 0
p6   init-stage  │     │  ├─ runc init                                                                      3030  exit 0
p7   init-stage  │     │  ├─ runc init (no exec)                                                            3031  exit 0
                 │     │  │     created by p6 with CLONE_PARENT
p8   container   │     │  └─ echo hi                                                             +1 thread  3032  exit 0
                 │     │        created by p7 with CLONE_PARENT; born as runc init; adopted by p4 conmon when p5 exited;
                 │     │        pid 1 in its PID namespace
p10  cleanup     │     └─ podman … container cleanup --rm 5853b4a38079…                                     3050  exit 0
p11  helper      │        ├─ conmon --version                                                               3055  exit 0
p12  runtime     │        └─ runc delete --force 5853b4a38079…                                              3056  exit 0
p9   runtime     └─ runc start 5853b4a38079…                                                                3040  exit 0
"""  # noqa: E501


@pytest.mark.parametrize(("width", "expected"), [(80, PODMAN_80), (120, PODMAN_120)])
def test_podman(width: int, expected: str) -> None:
    assert text(podman(), width) == expected


def test_the_default_is_eighty_columns() -> None:
    assert text(podman(), None) == PODMAN_80


@pytest.mark.parametrize("width", [60, 61, 80, 100, 120, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    lines = text(podman(), width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)


def test_without_a_container_there_are_no_roles() -> None:
    steps: list[Step] = [("root", 10, "sh -c 'true; false'")]
    for pid, code in ((11, 0), (12, 1), (13, 0), (14, 0)):
        steps += [
            ("fork", 10, pid),
            ("exec", pid, "false" if code else "true"),
            ("exit", pid, code),
        ]
    steps += [("fork", 10, 15), ("exit", 15, "SIGKILL"), ("exit", 10, 0)]
    assert text(launch_of(*steps, command=["sh", "-c", "true; false"])) == dedent("""\
        sh -c 'true; false'
        6 processes · 18.5 ms · complete

        p1  sh -c 'true; false'               10  exit 0
        3×  ├─ true                               exit 0
        p3  ├─ false                          12  exit 1
        p6  └─ sh -c 'true; false' (no exec)  15  SIGKILL

        6 processes in 4 rows: 2 share the row of one like them; --all shows each
        """)


def test_the_demo_says_so() -> None:
    launch = launch_of(("root", 10, "demo"), ("exit", 10, 0), command=["demo"], source="demo")
    assert text(launch).splitlines()[:3] == [
        "demo",
        "demo: made by forktrace's own small launcher, without a container engine",
        "1 process · 4 ms · complete",
    ]


def test_a_trace_without_a_process_has_a_header_still() -> None:
    launch = launch_of(command=["true"])
    assert text(launch) == "true\n0 processes · 1 ms · complete\n"


def test_what_runs_on_stands_in_the_footer() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 10, 0))
    launch.end = events.Ended(at_ns=9_000_000, reason="linger", left=[11])
    assert text(launch).splitlines()[-3:] == [
        "p2  └─ sh (no exec)  11  running",
        "",
        "still running, untraced: p2 sh (pid 11)",
    ]


def chain(processes: int) -> Launch:
    forks: list[Step] = [("fork", pid, pid + 1) for pid in range(10, 9 + processes)]
    return launch_of(("root", 10, "sh"), *forks)


def test_a_chain_too_deep_for_the_page_counts_its_levels() -> None:
    launch = chain(5001)
    every = ViewOptions(width=80, unfolded=True)
    lines = render(launch, analyse(launch), every).splitlines()
    assert max(map(cell_len, lines)) <= 80
    last = next(line for line in lines if line.startswith("p5001"))
    assert re.search(r"\+\d+ +└─ sh \(no exec\)", last)
    assert lines[-1] == "+N: that many levels deeper than there is room to show"


@pytest.mark.parametrize(
    ("processes", "options", "rows", "hint"),
    [
        (60, ViewOptions(), 60, False),
        (61, ViewOptions(), 60, True),
        (5001, ViewOptions(), 60, True),
        (5001, ViewOptions(max_processes=70), 70, False),
        (5001, ViewOptions(depth=0), 1, False),
        (5001, ViewOptions(unfolded=True), 5001, False),
    ],
)
def test_there_are_no_more_than_60_rows_unless_asked_for(
    processes: int, options: ViewOptions, rows: int, hint: bool
) -> None:
    launch = chain(processes)
    lines = render(launch, analyse(launch), options).splitlines()
    assert len([line for line in lines if re.match(r"p\d", line)]) == rows
    assert ("--all shows each" in " ".join(lines)) == hint


def test_color_marks_roles_and_bad_ends_and_changes_no_word() -> None:
    colored = text(podman(), color=True)
    assert "\x1b[36mengine" in colored
    assert "\x1b[1;35mecho\x1b[0m hi" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == PODMAN_80


def test_without_color_there_is_no_escape() -> None:
    assert "\x1b" not in text(podman())


@pytest.mark.parametrize("color", [False, True])
def test_hostile_arguments_stay_in_their_line(color: bool) -> None:
    argv = ["\x1b]0;evil\x07", "two\nlines", "\udcff", "\u202eright", "\x9b31m", "日本" * 30]
    launch = launch_of(("root", 10, argv), ("exit", 10, 0), command=["x"])
    shown = re.sub(r"\x1b\[[0-9;]*m", "", text(launch, color=color))
    assert shown.splitlines()[3:] == [
        r"p1  \x1b]0;evil\x07 'two\nlines' '\xff' '\u202eright' '\x9b31m' '日…  10  exit 0",
    ]
    shown.encode()


def test_a_wide_name_takes_two_columns_a_letter() -> None:
    launch = launch_of(
        ("root", 10, ["日本語"]),
        ("fork", 10, 11),
        ("exec", 11, "ls"),
        ("exit", 11, 0),
        ("exit", 10, 0),
    )
    lines = text(launch).splitlines()[3:]
    assert lines == ["p1  日本語  10  exit 0", "p2  └─ ls   11  exit 0"]


def test_a_long_chain_of_programs_is_cut_in_words() -> None:
    launch = launch_of(
        ("root", 10, "a"),
        *(("exec", 10, f"{letter}{'x' * 50}") for letter in "bcde"),
        ("exit", 10, 0),
    )
    assert max(map(cell_len, text(launch).splitlines())) <= 80


def flat(shown: str) -> str:
    return " ".join(shown.split())


def test_a_client_says_that_its_container_is_made_elsewhere() -> None:
    docker = ("root", 10, "docker run --rm alpine echo hi")
    shown = text(launch_of(docker, ("exit", 10, 0)))
    assert "p1 docker is only a client: a daemon outside this trace makes its container" in flat(
        shown
    )
    assert "forktrace attach -p $(pidof dockerd) -p $(pidof containerd)" in flat(shown)
    quiet = [
        ("root", 10, "docker ps"),
        ("root", 10, "docker build ."),
        ("root", 10, "sh docker run"),
    ]
    for root in quiet:
        assert "daemon outside" not in flat(text(launch_of(root, ("exit", 10, 0))))


def test_ends_that_differ_are_counted() -> None:
    steps: list[Step] = [("root", 10, "netavark")]
    for pid in range(20, 30):
        steps += [("vfork", 10, pid), ("exec", pid, f"iptables -A c{pid}"), ("exit", pid, pid % 2)]
    shown = text(launch_of(*steps, ("exit", 10, 0)))
    assert re.search(r"^10× .* iptables -A … +5 exit 1$", shown, re.MULTILINE)
    steps += [("vfork", 10, 40), ("exec", 40, "iptables -A c40"), ("exit", 40, "SIGKILL")]
    shown = text(launch_of(*steps, ("exit", 10, 0)))
    assert re.search(r"^11× .* iptables -A … +6 not exit 0$", shown, re.MULTILINE)
