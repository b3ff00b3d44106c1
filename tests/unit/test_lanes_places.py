"""Check where the notes of a lane diagram stand: as usual where there is room, else elsewhere."""

from itertools import pairwise

from forktrace.views.lanes import style
from forktrace.views.lanes.columns import Need, Note, Room, Span, fixed
from forktrace.views.lanes.places import bordered, seat_notes, settle
from forktrace.views.shapes import Bounds, Label
from tests.unit.events import Step, launch_of
from tests.unit.lane_cases import drawn, group, lane_y, picture_of

LAST = 5
XS = [0.0, 200.0, 220.0, 240.0, 260.0, 280.0]


def note(column: int, text: str, kind: str = "argv") -> Note:
    elsewhere = (("below", False), ("below", True)) if kind == "argv" else ()
    return Note(0, "above", column, 0, style.ARGV, kind, fixed(text), elsewhere=elsewhere)  # type: ignore[arg-type]


def blocked() -> Room:
    """Return room where a line runs right of column 2, above and below the lane."""
    room = Room(LAST)
    room.take(0, "above", Span(3, -5, 5))
    room.take(0, "below", Span(3, -5, 5))
    return room


def test_a_note_stands_as_usual_where_there_is_room() -> None:
    (seat,) = seat_notes(Room(LAST), [note(1, "short")], XS)
    assert (seat.place.zone, seat.place.leftwards) == ("above", False)


def test_where_a_line_is_near_it_stands_on_the_other_side() -> None:
    (seat,) = seat_notes(blocked(), [note(2, "conmon --version")], XS)
    assert (seat.place.zone, seat.place.leftwards) == ("below", True)


def test_it_goes_back_if_the_columns_may_move_apart() -> None:
    marks = blocked()
    seats = seat_notes(marks, [note(2, "conmon --version")], XS)
    settle(marks, seats, lambda _needs: False)
    assert seats[0].place.zone == "below"
    settle(marks, seats, lambda _needs: True)
    assert (seats[0].place.zone, seats[0].place.leftwards) == ("above", False)


def test_what_goes_back_asks_for_the_room_that_it_takes() -> None:
    marks = blocked()
    seats = seat_notes(marks, [note(2, "conmon --version")], XS)
    asked: list[list[Need]] = []

    def fits(needs: list[Need]) -> bool:
        asked.append(needs)
        return True

    settle(marks, seats, fits)
    ((need,),) = asked
    assert (need.left, need.right) == (2, 3)
    assert need.px > style.ARGV.size * 16 * 0.6


def test_no_two_notes_share_a_side_of_a_column() -> None:
    notes = [note(2, "one"), note(2, "two"), note(2, "three")]
    seats = seat_notes(Room(LAST), notes, XS)
    assert len({(s.place.zone, s.place.leftwards) for s in seats}) == 3


def test_a_note_stays_out_of_the_room_of_one_before_it() -> None:
    marks = Room(LAST)
    path = Note(
        0, "below", 3, -8, style.WORD, "word path", fixed("cgroup /a/long/path/of/a/container")
    )
    seats = seat_notes(marks, [path, note(2, "runc init")], XS)
    places = {seat.wanted.kind: seat.place for seat in seats}
    assert places["argv"].zone == "above"
    ((_, border),) = [pair for pair in bordered(marks, seats) if pair[0].kind == "word path"]
    assert border.column == 0


FEW: list[Step] = [
    ("root", 10, "sh -c 'a b c'"),
    ("fork", 10, 11),
    ("call", 11, "setsid"),
    ("exec", 11, "first --with arguments"),
    ("exec", 11, "second"),
    ("fork", 11, 12),
    ("exec", 12, "third"),
    ("exit", 12, 0),
    ("exit", 11, 0),
    ("exit", 10, 0),
]


def test_in_a_small_picture_all_command_lines_stand_above_their_lanes() -> None:
    picture = picture_of(launch_of(*FEW, detail="syscalls"))
    for name in ("p1", "p2", "p3"):
        y = lane_y(picture, name)
        marks = group(picture, name).marks
        assert all(m.y < y for m in marks if isinstance(m, Label) and m.kind == "argv")


def test_lanes_stand_at_equal_distances_where_nothing_is_below_them() -> None:
    picture = drawn("example pipeline")
    ys = [lane_y(picture, name) for name in ("p1", "p2", "p3", "p4")]
    assert len({after - before for before, after in pairwise(ys)}) == 1


def test_a_tick_and_a_cross_do_not_run_together() -> None:
    for name in ("example podman-pod", "example podman-detached", "example rootless"):
        for item in drawn(name).items:
            marks = getattr(item, "marks", ())
            crosses = [m for m in marks if getattr(m, "kind", "").split()[0] == "cross"]
            ticks = [m for m in marks if getattr(m, "kind", "") == "exec"]
            for tick in ticks:
                box = Bounds(tick.x1 - 0.9, tick.y1, tick.x2 + 0.9, tick.y2)
                assert not any(box.meets(Bounds(c.x1, c.y2, c.x2, c.y1)) for c in crosses[1:])
