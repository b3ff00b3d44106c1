"""Check lanes of what ran before the trace: snapshots, and attaching."""

from forktrace.views.shapes import Box, Label, Line
from tests.unit.lane_cases import drawn, group, lane_y, lines, texts


def test_a_snapshot_ties_each_process_to_its_parent_and_claims_no_events() -> None:
    picture = drawn("snapshot")
    ties = [m for m in picture.marks if isinstance(m, Line) and m.kind == "stand" and m.title]
    assert len(ties) == 12  # all but init
    assert (ties[0].title or "").startswith("p1 was the parent of p2 ")
    assert {m.kind for m in picture.marks}.isdisjoint({"create", "create-dot", "exec"})
    said = " ".join(texts(picture, "subtitle") + texts(picture, "caption"))
    assert "ptrace" not in said
    assert "order of events" not in said
    assert "Read from /proc at one moment" in said


def test_siblings_of_before_hang_on_one_tie_and_those_of_others_on_another() -> None:
    picture = drawn("snapshot")
    ties = {m.title: m for m in picture.marks if isinstance(m, Line) and m.kind == "stand"}
    when = "when it was first looked at"
    of_init = [ties[f"p1 was the parent of {id_} {when}"] for id_ in ("p2", "p12", "p13")]
    assert len({tie.x1 for tie in of_init}) == 1
    assert of_init[1].y1 == lane_y(picture, "p2")
    assert ties[f"p2 was the parent of p3 {when}"].x1 > of_init[0].x1


def test_a_zombie_in_a_snapshot_is_one_from_edge_to_edge() -> None:
    picture = drawn("snapshot")
    (tail,) = lines(picture, "p12", "zombie")
    (first, _) = lines(picture, "p12", "cross")
    running = next(m for m in group(picture, "p1").marks if isinstance(m, Box))
    assert first.x1 + 5 == running.x
    assert max(tail.x1, tail.x2) == running.x + running.width
    words = [m.text for m in group(picture, "p12").marks if isinstance(m, Label)]
    assert words[-2:] == ["zombie", "125"]


def test_what_ran_already_shows_its_command_with_its_name() -> None:
    assert "sshd -D" in texts(drawn("snapshot"), "detail-argv")


def test_an_attach_says_once_what_ran_before() -> None:
    picture = drawn("attach")
    caption = " ".join(texts(picture, "caption"))
    assert "p1, p2 ran before the trace began" in caption
    assert "Recorded with ptrace" in caption
    assert len([m for m in picture.marks if m.kind == "create" and m.title]) == 1  # type: ignore[union-attr]
