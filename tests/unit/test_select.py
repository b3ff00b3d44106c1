"""Check what a user can choose to see: --focus, --only, --hide, --depth, --max-processes."""

from collections.abc import Callable

import pytest

from forktrace.analysis.findings import Container, ExecSession, Findings
from forktrace.analysis.passes import analyse
from forktrace.errors import UsageError
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.text import render
from forktrace.views.options import ViewOptions
from forktrace.views.select.choose import asked_for, limited
from forktrace.views.select.focus import path_to
from forktrace.views.select.scene import Scene, by_creator, by_parent
from forktrace.views.select.selection import Selection, apply
from forktrace.views.select.words import hidden_words, within_words
from tests.unit.events import Step, launch_of
from tests.unit.lane_cases import CASES
from tests.unit.podman import podman_steps

HELPERS: list[Step] = [
    ("root", 10, "make"),
    ("fork", 10, 11),
    ("exec", 11, "sh -c build"),
    ("fork", 11, 12),
    ("exec", 12, "gcc a.c"),
    ("fork", 12, 13),
    ("exec", 13, "cc1"),
    ("fork", 10, 14),
    ("exec", 14, "ip link"),
    ("fork", 14, 15),
    ("exec", 15, "modprobe"),
    ("fork", 10, 16),
    ("exec", 16, "ip6tables -L"),
]


def scene(launch: Launch, *containers: Container) -> Scene:
    """Arrange a launch with these containers and no other."""
    findings = analyse(launch)
    findings.containers = [*containers]
    return by_creator(launch, findings)


def select(over: Scene, **chosen: object) -> Selection:
    options = ViewOptions(**chosen)  # type: ignore[arg-type]
    return apply(over, [*asked_for(options), *limited(options, None)])


def shown(selection: Selection) -> str:
    """Write the rows: "p1 +2" counts two within."""
    return ", ".join(f"{r.id} +{len(r.within)}" if r.within else r.id for r in selection.rows)


PODMAN = scene(launch_of(*podman_steps()))
NAMED = Container(
    "c1", "f" * 64, "web", engine="p1", monitor="p4", runtimes=["p5"], init="p8", members=["p8"]
)


def test_focus_shows_who_made_and_adopted_it_and_counts_the_rest() -> None:
    # p2 is conmon --version, p9 is runc start, p10 to p12 are the cleanup
    assert shown(select(PODMAN, focus="p8")) == "p1 +2, p3, p4 +3, p5, p6, p7, p8"


@pytest.mark.parametrize("target", ["p5", "p6"])
def test_focus_shows_all_that_is_below_it(target: str) -> None:
    assert shown(select(PODMAN, focus=target)) == "p1 +2, p3, p4 +3, p5, p6, p7, p8"


def test_focus_on_a_process_leaves_its_siblings_out() -> None:
    assert shown(select(PODMAN, focus="p11")) == "p1 +2, p3, p4 +4, p10 +1, p11"


def test_focus_on_a_container_shows_its_monitor_runtimes_and_sessions() -> None:
    launch = launch_of(*podman_steps())
    plain = scene(launch, NAMED)
    assert shown(select(plain, focus="container")) == "p1 +2, p3, p4 +3, p5, p6, p7, p8"
    more = Container("c1", members=["p8"], runtimes=["p9"], exec_sessions=[ExecSession("p11")])
    kept = shown(select(scene(launch, more), focus="container"))
    assert kept == "p1 +1, p3, p4, p5, p6, p7, p8, p10 +1, p11, p9"


@pytest.mark.parametrize("name", ["web", "c1", "f" * 12, "f" * 64])
def test_a_container_can_be_named(name: str) -> None:
    other = Container("c0", "e" * 64, "db", init="p2", members=["p2"])
    over = scene(launch_of(*podman_steps()), other, NAMED)
    assert "p8" in path_to(over, f"container:{name}")
    assert "p8" not in path_to(over, "container")


def test_focus_on_a_process_in_a_container_keeps_its_monitor() -> None:
    apart = Container("c1", monitor="p9", runtimes=["p2"], init="p8", members=["p8"])
    over = scene(launch_of(*podman_steps()), apart)
    assert {"p9", "p2"} <= path_to(over, "p8")
    assert "p2" not in path_to(over, "p9")


def test_a_process_can_be_named_by_id_pid_or_program() -> None:
    over = scene(launch_of(*HELPERS))
    for target in ("p4", "13", "cc1"):
        assert shown(select(over, focus=target)) == "p1 +3, p2, p3, p4"


def test_all_that_ran_a_program_are_in_focus() -> None:
    steps: list[Step] = [
        ("root", 10, "sh"),
        *(s for pid in (11, 12, 13) for s in (("fork", 10, pid), ("exec", pid, f"job{pid % 2}"))),
    ]
    assert shown(select(scene(launch_of(*steps)), focus="job1")) == "p1 +1, p2, p4"


@pytest.mark.parametrize("target", ["nothing", "p99", "4711", "", "\x1b[31m" * 50])
def test_what_is_not_there_is_one_clear_error(target: str) -> None:
    with pytest.raises(UsageError, match=r"^no process '.*in this trace: give an id") as caught:
        select(PODMAN, focus=target)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 160


def test_a_trace_without_containers_says_so() -> None:
    with pytest.raises(UsageError, match="no container was recognised in this trace"):
        select(scene(launch_of(*HELPERS)), focus="container")


def test_an_unknown_container_names_those_there_are() -> None:
    over = scene(launch_of(*podman_steps()), NAMED)
    with pytest.raises(UsageError, match="no container is called 'db' in this trace; it has: web"):
        select(over, focus="container:db")


def test_only_keeps_a_role_and_those_above_it() -> None:
    assert shown(select(PODMAN, only=("monitor",))) == "p1 +2, p3, p4 +7"
    assert shown(select(PODMAN, only=("monitor", "cleanup"))) == "p1 +2, p3, p4 +4, p10 +2"


def test_only_what_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="no process has the role monitor"):
        select(scene(launch_of(*HELPERS)), only=("monitor",))


def test_hide_takes_programs_and_all_below_them() -> None:
    assert shown(select(scene(launch_of(*HELPERS)), hide=("ip*",))) == "p1 +3, p2, p3, p4"
    assert shown(select(scene(launch_of(*HELPERS)), hide=("ip", "gcc"))) == "p1 +2, p2 +2, p7"


def test_hiding_everything_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"--hide \* leaves nothing to show"):
        select(scene(launch_of(*HELPERS)), hide=("*",))


def test_depth_folds_what_is_deeper() -> None:
    assert shown(select(scene(launch_of(*HELPERS)), depth=1)) == "p1, p2 +2, p5 +1, p7"
    assert shown(select(scene(launch_of(*HELPERS)), depth=0)) == "p1 +6"


def test_max_processes_is_never_passed() -> None:
    for limit in range(1, 8):
        selection = select(scene(launch_of(*HELPERS)), max_processes=limit)
        assert len(selection.rows) <= limit
        assert len(selection.rows) + selection.hidden == 7


def test_choices_add_up() -> None:
    over = scene(launch_of(*HELPERS))
    assert shown(select(over, focus="p2", hide=("cc1",), depth=2)) == "p1 +3, p2, p3 +1"


def test_the_tree_by_parents_selects_the_same() -> None:
    launch = launch_of(*podman_steps())
    over = by_parent(launch, analyse(launch))
    assert shown(select(over, focus="p8")) == "p1 +1, p3, p4, p5, p6, p7, p8, p10 +1, p12, p9"


def test_what_is_folded_is_counted_by_its_kind() -> None:
    assert within_words(PODMAN.findings, ["p2", "p11"]) == "+2 helpers"
    assert within_words(PODMAN.findings, ["p2"]) == "+1 helper"
    assert within_words(PODMAN.findings, ["p2", "p9"]) == "+2 processes"
    words = hidden_words(PODMAN.launch, select(PODMAN, focus="p8"), "lane")
    assert words == "12 processes in 7 lanes: 5 are counted (+) at the one above them"


def test_the_text_tree_counts_what_is_folded() -> None:
    launch = launch_of(*podman_steps())
    page = render(launch, analyse(launch), ViewOptions(focus="p6", width=100))
    assert "+2 processes" in page
    assert page.endswith("12 processes in 5 rows: 7 are counted (+) at the one above them\n")


@pytest.mark.parametrize("arrange", [by_creator, by_parent])
@pytest.mark.parametrize("example", ["podman-crun", "docker-daemon", "podman-pod", "nspawn"])
def test_a_limit_keeps_the_container_where_its_path_has_room(
    example: str, arrange: Callable[[Launch, Findings], Scene]
) -> None:
    launch = build_launch(CASES[f"example {example}"])
    over = arrange(launch, analyse(launch))
    init = over.findings.containers[0].init
    assert init is not None
    path = over.with_above([init])
    for limit in range(len(path), len(over.order)):
        rows = {row.id for row in select(over, max_processes=limit).rows}
        assert path <= rows
        assert len(rows) <= limit


def test_a_limit_leaves_the_cleanup_out_before_the_container() -> None:
    launch = build_launch(CASES["example podman-crun"])
    kept = select(by_creator(launch, analyse(launch)), max_processes=6)
    assert shown(kept) == "p1 +1, p3, p4 +3, p5, p6, p7"
    assert shown(select(by_parent(launch, analyse(launch)), max_processes=5)) == (
        "p1 +2, p3, p4 +3, p5, p6"
    )
