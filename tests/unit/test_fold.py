"""Check the folding passes."""

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.views.fold import Folded, everything, fold_below, fold_runs, fold_to, keep_first
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps


def compiler(pid: int, code: int = 0) -> list[Step]:
    """Return the steps of a gcc with its cc1, children of pid 10."""
    return [
        ("vfork", 10, pid),
        ("exec", pid, f"gcc -c file{pid}.c"),
        ("vfork", pid, pid + 1),
        ("exec", pid + 1, "cc1"),
        ("exit", pid + 1, 0),
        ("exit", pid, code),
    ]


def make(*codes: int) -> Launch:
    steps = [step for i, code in enumerate(codes) for step in compiler(100 + 2 * i, code)]
    return launch_of(("root", 10, "make"), *steps, ("exit", 10, 0))


def everyone(folded: Folded) -> list[str]:
    """Return every process that the rows stand for."""
    ids = [i for row in folded.rows for i in (row.id, *row.alike, *row.within)]
    return sorted([*ids, *folded.left_out], key=lambda id_: int(id_[1:]))


def test_few_processes_are_not_folded() -> None:
    launch = launch_of(*podman_steps())
    folded = fold_to(launch, analyse(launch))
    assert len(folded.rows) == 12
    assert folded.hidden == 0


def test_siblings_that_did_the_same_share_a_row_with_what_is_below_them() -> None:
    launch = make(0, 0, 0, 0)
    folded = fold_runs(launch, analyse(launch), everything(launch))
    assert [(row.id, row.count) for row in folded.rows] == [("p1", 1), ("p2", 4)]
    assert folded.rows[1].alike == ("p4", "p6", "p8")
    assert sorted(folded.rows[1].within) == ["p3", "p5", "p7", "p9"]


def test_one_that_ended_otherwise_keeps_its_row() -> None:
    launch = make(0, 0, 0, 1, 0, 0, 0)
    folded = fold_to(launch, analyse(launch), limit=8)
    assert [(row.id, row.count) for row in folded.rows] == [
        ("p1", 1),
        ("p2", 3),
        ("p8", 1),
        ("p9", 1),
        ("p10", 3),
    ]


def test_two_alike_stay_two_rows() -> None:
    launch = make(0, 0)
    assert len(fold_runs(launch, analyse(launch), everything(launch)).rows) == 5


def test_what_lies_deep_is_counted_in_the_row_above() -> None:
    launch = make(0, 1)
    folded = fold_below(1)(launch, analyse(launch), everything(launch))
    assert [(row.id, row.within) for row in folded.rows] == [
        ("p1", ()),
        ("p2", ("p3",)),
        ("p4", ("p5",)),
    ]


def test_orphans_and_who_adopted_them_are_not_folded_away() -> None:
    launch = launch_of(*podman_steps())
    folded = fold_below(0)(launch, analyse(launch), everything(launch))
    kept = {row.id for row in folded.rows}
    assert {"p1", "p3", "p4", "p5", "p8"} <= kept
    assert "p2" not in kept  # conmon --version


def test_no_process_is_lost() -> None:
    launch = make(*range(50))
    for limit in (80, 40, 10, 1):
        folded = fold_to(launch, analyse(launch), limit)
        assert len(folded.rows) <= limit
        assert everyone(folded) == [f"p{i}" for i in range(1, 102)]


def test_many_roots_beyond_the_limit_are_left_out_and_listed() -> None:
    launch = launch_of(("root", 10, "a"), ("start", 20, None), ("start", 30, None))
    folded = keep_first(1)(launch, analyse(launch), everything(launch))
    assert [row.id for row in folded.rows] == ["p1"]
    assert len(folded.left_out) == 2
