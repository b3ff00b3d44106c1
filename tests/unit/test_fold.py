"""Check the passes that fold: what is shown, and that nothing is lost."""

from forktrace.analysis.findings import RoleFinding
from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.views.options import ViewOptions
from forktrace.views.select.alike import fold_alike, tuck_in
from forktrace.views.select.choose import folded, limited
from forktrace.views.select.limits import (
    Deeds,
    fit,
    fold_deepest,
    keep_first,
    pinned,
    to_depth,
)
from forktrace.views.select.many import fold_many
from forktrace.views.select.scene import Scene, by_creator
from forktrace.views.select.selection import Pass, Selection, apply
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


def make(*codes: int) -> Scene:
    steps = [step for i, code in enumerate(codes) for step in compiler(100 + 2 * i, code)]
    return scene_of(launch_of(("root", 10, "make"), *steps, ("exit", 10, 0)))


def scene_of(launch: Launch) -> Scene:
    return by_creator(launch, analyse(launch))


def runs(scene: Scene) -> Pass:
    return fold_alike(Deeds(scene.launch, scene.findings), only_neighbours=True)


def alike(scene: Scene) -> Pass:
    return fold_alike(Deeds(scene.launch, scene.findings))


def counts(selection: Selection) -> list[tuple[str, int]]:
    return [(row.id, row.count) for row in selection.rows]


def everyone(selection: Selection) -> list[str]:
    """Return every process that the rows stand for."""
    ids = [i for row in selection.rows for i in (*row.ids, *row.within)]
    return sorted([*ids, *selection.left_out], key=lambda id_: int(id_[1:]))


def test_few_processes_are_not_folded() -> None:
    selection = apply(scene_of(launch_of(*podman_steps())), [fit(60)])
    assert len(selection.rows) == 12
    assert selection.hidden == 0


def test_siblings_that_did_the_same_share_a_row_and_so_do_those_below_them() -> None:
    scene = make(0, 0, 0, 0)
    selection = apply(scene, [runs(scene)])
    assert counts(selection) == [("p1", 1), ("p2", 4), ("p3", 4)]
    assert selection.rows[1].alike == ("p4", "p6", "p8")
    assert selection.rows[2].alike == ("p5", "p7", "p9")


def test_what_is_below_a_folded_row_can_be_counted_in_it() -> None:
    scene = make(0, 0, 0, 0)
    selection = apply(scene, [runs(scene), tuck_in])
    assert counts(selection) == [("p1", 1), ("p2", 4)]
    assert sorted(selection.rows[1].within) == ["p3", "p5", "p7", "p9"]


def test_one_that_ended_otherwise_keeps_its_row() -> None:
    expected = [("p1", 1), ("p2", 3), ("p8", 1), ("p9", 1), ("p10", 3)]
    assert counts(apply(make(0, 0, 0, 1, 0, 0, 0), [fit(5)])) == [
        ("p1", 1),
        ("p2", 6),
        ("p3", 6),
        ("p8", 1),
        ("p9", 1),
    ]
    scene = make(0, 0, 0, 1, 0, 0, 0)
    assert counts(apply(scene, [runs(scene), tuck_in])) == expected


def test_only_alike_neighbours_are_a_run() -> None:
    scene = make(0, 0, 0, 1, 0, 0, 0)
    assert counts(apply(scene, [runs(scene)])) == [
        *[("p1", 1), ("p2", 3), ("p3", 3), ("p8", 1), ("p9", 1)],
        *[("p10", 3), ("p11", 3)],
    ]


def test_runs_fold_further_into_all_that_are_alike() -> None:
    scene = make(0, 0, 0, 1, 0, 0, 0)
    selection = apply(scene, [runs(scene), alike(scene)])
    assert counts(selection) == counts(apply(scene, [alike(scene)]))
    assert everyone(selection) == [f"p{i}" for i in range(1, 16)]


def test_children_that_stand_in_another_order_are_still_found() -> None:
    steps: list[Step] = [("root", 10, "make")]
    for cc in (100, 200, 300):
        tools = ["cc1", "as"] if cc == 100 else ["as", "cc1"]
        steps += [("fork", 10, cc), ("exec", cc, "gcc")]
        for i, tool in enumerate(tools):
            steps += [("fork", cc, cc + i + 1), ("exec", cc + i + 1, tool), ("exit", cc + i + 1, 0)]
        steps += [("exit", cc, 0)]
    scene = scene_of(launch_of(*steps))
    names = scene.launch.processes
    rows = apply(scene, [alike(scene)]).rows
    assert [(names[row.id].name, row.count) for row in rows] == [
        ("make", 1),
        ("gcc", 3),
        ("cc1", 3),
        ("as", 3),
    ]
    assert {names[i].name for i in rows[2].ids} == {"cc1"}
    assert counts(apply(scene, [runs(scene)]))[:2] == [("p1", 1), ("p2", 1)]


def test_two_alike_stay_two_rows() -> None:
    scene = make(0, 0)
    assert len(apply(scene, [runs(scene)]).rows) == 5


def test_two_alike_keep_their_places_among_their_siblings() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid, command in enumerate(["date", "sleep 1", "date", "sleep 1"], start=11):
        steps += [("fork", 10, pid), ("exec", pid, command), ("exit", pid, 0)]
    scene = scene_of(launch_of(*steps))
    assert [row.id for row in apply(scene, [alike(scene)]).rows] == ["p1", "p2", "p3", "p4", "p5"]


def test_what_lies_deep_is_counted_in_the_row_above() -> None:
    for step in (to_depth(1), fold_deepest(3, set()), fold_deepest(4, set())):
        assert [(row.id, row.within) for row in apply(make(0, 1), [step]).rows] == [
            ("p1", ()),
            ("p2", ("p3",)),
            ("p4", ("p5",)),
        ]


def test_orphans_and_who_adopted_them_are_not_folded_away() -> None:
    scene = scene_of(launch_of(*podman_steps()))
    pins = scene.with_above(pinned(scene.launch, scene.findings))
    kept = {row.id for row in apply(scene, [fold_deepest(1, pins)]).rows}
    assert {"p1", "p3", "p4", "p5", "p8"} <= kept
    assert "p2" not in kept  # conmon --version


def test_no_process_is_lost() -> None:
    scene = make(*range(50))
    for limit in (80, 40, 10, 1):
        selection = apply(scene, [fit(limit)])
        assert len(selection.rows) <= limit
        assert everyone(selection) == [f"p{i}" for i in range(1, 102)]
        shown = {row.id for row in selection.rows}
        assert all(scene.above[id_] in {None, *shown} for id_ in shown)


def test_many_roots_beyond_the_limit_are_left_out_and_listed() -> None:
    launch = launch_of(("root", 10, "a"), ("start", 20, None), ("start", 30, None))
    selection = apply(scene_of(launch), [keep_first(1)])
    assert [row.id for row in selection.rows] == ["p1"]
    assert len(selection.left_out) == 2


def test_a_limit_keeps_what_tells_before_what_merely_runs_on() -> None:
    steps: list[Step] = [("root", 10, "sh"), *(("fork", 10, pid) for pid in range(11, 20))]
    steps += [("fork", 10, 30), ("fork", 30, 31), ("exit", 30, 0), ("reparent", 31, 10)]
    selection = apply(scene_of(launch_of(*steps)), [keep_first(4)])
    assert [row.id for row in selection.rows] == ["p1", "p2", "p11", "p12"]


def test_those_of_another_role_are_not_alike() -> None:
    scene = make(0, 0, 0, 0)
    scene.findings.roles["p8"] = RoleFinding("helper", "")
    assert counts(apply(scene, [alike(scene)]))[1:3] == [("p2", 3), ("p3", 3)]


def test_a_chain_of_many_needs_no_recursion() -> None:
    launch = launch_of(("root", 10, "sh"), *(("fork", pid, pid + 1) for pid in range(10, 5010)))
    selection = apply(scene_of(launch), [fit(60)])
    assert len(selection.rows) == 60
    assert selection.within == 5001 - 60


def test_a_flat_launch_of_many_kinds_still_fills_the_picture() -> None:
    steps: list[Step] = [("root", 10, "make")]
    for pid in range(100, 400):
        steps += [("vfork", 10, pid), ("exec", pid, f"tool{pid}"), ("exit", pid, 0)]
    selection = apply(scene_of(launch_of(*steps)), [fit(60)])
    assert len(selection.rows) == 60
    assert len(selection.rows[0].within) == 301 - 60


def netavark(*programs: str) -> Scene:
    steps: list[Step] = [("root", 10, "netavark")]
    for pid, program in enumerate(programs, start=20):
        steps += [("vfork", 10, pid), ("exec", pid, f"{program} -A c{pid}"), ("exit", pid, pid % 2)]
    return scene_of(launch_of(*steps, ("exit", 10, 0)))


def test_many_of_one_program_fold_whatever_they_were_told_and_however_they_ended() -> None:
    scene = netavark(*["iptables", "ip6tables"] * 7)
    selection = apply(scene, [fold_many])
    assert counts(selection) == [("p1", 1), ("p2", 7), ("p3", 7)]
    assert everyone(selection) == sorted(scene.launch.processes, key=lambda id_: int(id_[1:]))


def test_six_of_one_program_are_few_and_four_are_many_if_they_did_just_the_same() -> None:
    assert len(apply(netavark(*["iptables"] * 6), [fold_many]).rows) == 7
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(20, 24):
        steps += [("fork", 10, pid), ("exec", pid, "sleep 1"), ("exit", pid, 0)]
    assert counts(apply(scene_of(launch_of(*steps)), [fold_many])) == [("p1", 1), ("p2", 4)]
    assert len(apply(scene_of(launch_of(*steps[:-3])), [fold_many]).rows) == 4


def test_who_has_children_runs_on_or_was_adopted_is_not_one_of_many() -> None:
    names = ["iptables"] * 9
    scene = netavark(*names)
    assert counts(apply(scene, [fold_many])) == [("p1", 1), ("p2", 9)]
    assert len(apply(make(*[0] * 9), [fold_many]).rows) == 19
    lasting: list[Step] = [("root", 10, "sh")]
    for pid in range(20, 30):
        lasting += [("fork", 10, pid), ("exec", pid, "sleep 1")]
    assert len(apply(scene_of(launch_of(*lasting)), [fold_many]).rows) == 11
    adopted = [*lasting, ("exit", 10, 0), *(("reparent", pid, 1) for pid in range(20, 30))]
    ended = [*adopted, *(("exit", pid, 0) for pid in range(20, 30))]
    assert len(apply(scene_of(launch_of(*ended)), [fold_many]).rows) == 11


def test_whoever_asks_for_all_or_for_a_number_gets_rows_unfolded() -> None:
    scene = netavark(*["iptables"] * 9)
    for options in (ViewOptions(unfolded=True), ViewOptions(max_processes=20)):
        assert len(apply(scene, [*folded(options), *limited(options, 5)]).rows) == 10
    assert len(apply(scene, [*folded(ViewOptions()), *limited(ViewOptions(), 5)]).rows) == 2
