"""The rows of the tree, as records: who stands under whom, what is folded, what is said."""

from forktrace.analysis.findings import RoleFinding
from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.views.notes import closing_notes, end_words, summary_lines
from forktrace.views.tree import Tree, build_tree, outside_rows
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps


def tree_of(*steps: Step, limit: int | None = None) -> Tree:
    launch = launch_of(*steps)
    return build_tree(launch, analyse(launch), limit=limit)


def outline(tree: Tree) -> list[str]:
    """Write the tree as indented ids, with the count of a folded row before it."""
    counts = [f"{row.count} " if row.count > 1 else "" for row in tree.rows]
    return [
        "  " * row.depth + count + row.process.id
        for row, count in zip(tree.rows, counts, strict=True)
    ]


def notes(launch: Launch) -> dict[str, list[str]]:
    rows = build_tree(launch, analyse(launch)).rows
    return {row.process.id: row.notes for row in rows if row.notes}


def children(count: int, command: str = "true", first: int = 100) -> list[Step]:
    """Fork ``count`` children of pid 10, each of which runs ``command`` and exits 0."""
    steps: list[Step] = []
    for pid in range(first, first + count):
        steps += [("fork", 10, pid), ("exec", pid, command), ("exit", pid, 0)]
    return steps


def test_the_stages_of_runc_stand_under_runc_create() -> None:
    tree = tree_of(*podman_steps())
    assert outline(tree) == [
        "p1",
        "  p2",
        "  p3",
        "    p4",
        "      p5",
        "        p6",
        "        p7",
        "        p8",
        "      p10",
        "        p11",
        "        p12",
        "  p9",
    ]
    assert [row.last for row in tree.rows if row.depth == 4] == [False, False, True, False, True]


def test_what_happened_to_each_is_said_in_words() -> None:
    assert notes(launch_of(*podman_steps())) == {
        "p3": ["double fork: exits and leaves p4 to x1 systemd, outside the trace"],
        "p4": ["adopted by x1 systemd when p3 exited", "subreaper (inferred: it adopted p8)"],
        "p7": ["created by p6 with CLONE_PARENT"],
        "p8": [
            "created by p7 with CLONE_PARENT",
            "born as runc init",
            "adopted by p4 conmon when p5 exited",
            "pid 1 in its PID namespace",
        ],
    }


def test_an_orphan_that_is_no_double_fork_names_its_adopter() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("exec", 11, "sleep 9"),
        ("exit", 10, "SIGKILL"),
        ("reparent", 11, 1),
        ("outside", 1, "systemd"),
        ("exit", 11, 0),
    )
    assert notes(launch) == {"p2": ["adopted by x1 systemd, outside the trace, when p1 was killed"]}


def test_a_change_of_parent_outside_the_trace_is_first_seen() -> None:
    moved = events.Reparented(at_ns=3_000_000, pid=10, ppid=1, previous=9)
    launch = launch_of(("root", 10, "sh"), moved, ("outside", 1, "init"), ("exit", 10, 0))
    assert notes(launch) == {
        "p1": ["adopted by x1 init, outside the trace, first seen so after 3 ms"]
    }


def test_many_adoptions_are_counted_but_for_the_last() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    steps += [("fork", pid, pid + 1) for pid in range(10, 15)]
    for pid in range(14, 9, -1):
        steps += [("exit", pid, 0), ("reparent", 15, pid - 1)]
    assert notes(launch_of(*steps))["p6"] == [
        "adopted 2 times, then",
        "adopted by p2 sh when p3 exited",
        "adopted by p1 sh when p2 exited",
        "adopted by x1 forktrace, outside the trace, when p1 exited",
    ]


def test_earlier_programs_of_the_same_process_are_named() -> None:
    launch = launch_of(
        ("root", 10, "sh -c 'exec env true'"), ("exec", 10, "env true"), ("exec", 10, "true")
    )
    assert notes(launch) == {"p1": ["first ran sh -c 'exec env true', then env true"]}


def test_a_name_that_a_program_gives_itself_is_told() -> None:
    launch = launch_of(("root", 10, "sh"), ("exec", 10, ["init"], "/bin/busybox"))
    assert notes(launch) == {"p1": ["first ran sh", "its argv[0] is init"]}


def test_arguments_that_could_not_be_read_are_unknown_not_none() -> None:
    blind = events.Executed(at_ns=9_000_000, pid=10, path="/bin/su", errors={"argv": "EACCES"})
    assert notes(launch_of(("root", 10, "su"), blind)) == {"p1": ["arguments unreadable (EACCES)"]}


def test_a_process_that_never_ran_says_so() -> None:
    launch = launch_of(("root", 10, "sh"), ("create", 10, 11), ("exit", 10, "SIGKILL"))
    assert notes(launch) == {"p2": ["announced by its creator, never seen to run"]}
    assert end_words(launch, launch.processes["p2"]) == "end unseen"


def test_a_process_nobody_introduced_has_an_unknown_parent() -> None:
    launch = launch_of(("root", 10, "sh"), ("exec", 77, "true"), ("exit", 77, 0), ("exit", 10, 0))
    assert notes(launch) == {"p2": ["parent unknown"]}
    assert outline(build_tree(launch, analyse(launch))) == ["p1", "p2"]


def test_a_parent_outside_the_trace_has_a_row() -> None:
    tree = tree_of(("root", 10, "sh"), ("clone", 10, 11, "PARENT"), ("exit", 11, 0))
    assert outline(tree) == ["p1", "x1", "  p2"]
    assert tree.rows[1].notes == ["outside the trace"]


def test_adopters_outside_the_trace_have_rows_where_a_view_asks_for_them() -> None:
    launch = launch_of(*podman_steps())
    tree = build_tree(launch, analyse(launch))
    assert [row.process.id for row in outside_rows(launch, tree)] == ["x1"]


def test_identical_siblings_share_a_row() -> None:
    tree = tree_of(("root", 10, "sh"), *children(4), ("exit", 10, 0))
    assert outline(tree) == ["p1", "  4 p2"]
    assert tree.selection.alike == 3


def test_two_of_a_kind_are_shown() -> None:
    assert outline(tree_of(("root", 10, "sh"), *children(2))) == ["p1", "  p2", "  p3"]


def test_a_fold_stands_where_its_first_member_stood() -> None:
    steps = [*children(1), *children(1, "date", 200), *children(2, first=300)]
    assert outline(tree_of(("root", 10, "sh"), *steps)) == ["p1", "  3 p2", "  p3"]


def test_siblings_that_ended_otherwise_are_not_folded() -> None:
    steps = [*children(2), ("fork", 10, 300), ("exec", 300, "true"), ("exit", 300, 1)]
    assert outline(tree_of(("root", 10, "sh"), *steps)) == ["p1", "  p2", "  p3", "  p4"]


def test_other_arguments_are_folded_only_in_a_large_tree() -> None:
    few = [step for i in range(5) for step in children(1, f"iptables -A {i}", 100 + i)]
    assert len(tree_of(("root", 10, "sh"), *few).rows) == 6
    many = [step for i in range(70) for step in children(1, f"iptables -A {i}", 100 + i)]
    tree = tree_of(("root", 10, "sh"), *many)
    assert outline(tree) == ["p1", "  70 p2"]
    assert not tree.rows[1].same_argv
    assert tree.rows[1].argv == ["iptables", "-A"]


def test_helpers_of_one_program_are_folded_whatever_their_arguments() -> None:
    launch = launch_of(
        ("root", 10, "sh"), *(s for i in range(3) for s in children(1, f"ip {i}", 100 + i))
    )
    findings = analyse(launch)
    findings.roles |= {id_: RoleFinding("helper", "") for id_ in ("p2", "p3", "p4")}
    tree = build_tree(launch, findings)
    assert outline(tree) == ["p1", "  3 p2"]
    assert tree.rows[1].argv == ["ip"]


def test_under_a_fold_by_program_no_arguments_are_claimed() -> None:
    steps: list[Step] = [("root", 10, "make")]
    for cc in range(100, 170):
        steps += [("vfork", 10, cc), ("exec", cc, "gcc -c"), ("vfork", cc, cc + 900)]
        steps += [("exec", cc + 900, f"cc1 {cc}"), ("exit", cc + 900, 0), ("exit", cc, 0)]
    gcc, cc1 = tree_of(*steps).rows[1:]
    assert (gcc.count, gcc.same_argv) == (70, True)
    assert (cc1.count, cc1.same_argv, cc1.argv) == (70, False, ["cc1"])


def test_subtrees_of_one_shape_share_their_rows_and_multiply() -> None:
    steps: list[Step] = [("root", 10, "make")]
    for cc in range(100, 103):
        steps += [("vfork", 10, cc), ("exec", cc, "gcc -c")]
        for tool in range(10 * cc, 10 * cc + 3):
            steps += [("vfork", cc, tool), ("exec", tool, "as"), ("exit", tool, 0)]
        steps += [("exit", cc, 0)]
    tree = tree_of(*steps)
    assert outline(tree) == ["p1", "  3 p2", "    9 p3"]
    assert tree.selection.alike == 2 + 8


def test_what_is_adopted_is_not_folded() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    steps += [("fork", 10, pid) for pid in (11, 12, 13)]
    steps += [("exit", 10, 0), *(("reparent", pid, 1 + pid // 13) for pid in (11, 12, 13))]
    assert outline(tree_of(*steps)) == ["p1", "  p2", "  p3", "  p4"]


def test_a_limit_keeps_the_top_and_counts_the_rest() -> None:
    steps: list[Step] = [("root", 10, "sh"), *(("fork", pid, pid + 1) for pid in range(10, 15))]
    tree = tree_of(*steps, limit=3)
    assert outline(tree) == ["p1", "  p2", "    p3"]
    assert [len(row.within) for row in tree.rows] == [0, 0, 3]
    assert tree.selection.within == 3


def test_a_chain_of_many_forks_needs_no_recursion() -> None:
    tree = tree_of(("root", 10, "sh"), *(("fork", pid, pid + 1) for pid in range(10, 5010)))
    assert len(tree.rows) == 5001
    assert tree.rows[-1].depth == 5000


def test_the_summary_counts_what_was_seen() -> None:
    launch = launch_of(("root", 10, "sh"), ("thread", 10, 11), ("exit", 10, 0))
    assert summary_lines(launch) == ["1 process and 1 more thread · 5 ms · complete"]


def test_the_summary_says_that_it_is_the_demo() -> None:
    launch = launch_of(("root", 10, "demo"), ("exit", 10, 0), source="demo")
    assert summary_lines(launch) == [
        "demo: made by forktrace's own small launcher, without a container engine",
        "1 process · 4 ms · complete",
    ]


def test_a_trace_that_was_cut_off_claims_nothing() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11))
    launch.end = None
    assert summary_lines(launch) == [
        "2 processes · 3 ms · the trace was cut off: what followed is unknown"
    ]
    assert end_words(launch, launch.processes["p1"]) == "end unseen"


def test_what_runs_on_is_named() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("exit", 10, 0))
    launch.end = events.Ended(at_ns=9_000_000, reason="linger", left=[11])
    assert end_words(launch, launch.processes["p2"]) == "running"
    assert summary_lines(launch) == ["2 processes · 9 ms · 1 still running"]
    assert closing_notes(launch, analyse(launch)) == ["still running, untraced: p2 sh (pid 11)"]


def test_minimal_detail_claims_no_adoptions() -> None:
    launch = launch_of(("root", 10, "sh"), detail="minimal")
    assert closing_notes(launch, analyse(launch)) == [
        "recorded with --detail minimal: parents follow from the clone flags, "
        "adoptions were not looked at"
    ]


def test_parents_that_were_not_read_are_counted() -> None:
    launch = launch_of(
        ("root", 10, "sh"), ("create", 10, 11), ("exec", 11, "true"), ("exit", 11, 0)
    )
    assert closing_notes(launch, analyse(launch)) == [
        "1 parent follows from the clone flags (not read from /proc)"
    ]


def test_a_hostile_name_in_a_note_is_harmless() -> None:
    launch = launch_of(("root", 10, ["/x/\x1b]0;evil\a\n", "y"]), ("exec", 10, "true"))
    assert notes(launch) == {"p1": [r"first ran \x1b]0;evil\x07\n y"]}
