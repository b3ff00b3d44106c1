"""Check the column of names: what a process ran, and how it ended, where the field has no room."""

import pytest

from forktrace.views.fonts import text_width
from forktrace.views.lanes import style
from forktrace.views.lanes.names import join_commands
from forktrace.views.shapes import Box, Label
from tests.unit.lane_cases import drawn, group, texts

EXECUTOR = "systemd-executor --deserialize 87 --log-level info"
RUN = "podman run --name baz --cidfile=/run/baz.cid --rm alpine sleep 600"


@pytest.mark.parametrize(
    ("chars", "shown"),
    [
        (130, f"{EXECUTOR} → {RUN}"),
        (60, f"systemd-executor … → {RUN}"),
        (40, f"systemd-executor … → {RUN}"),
        (30, f"… → {RUN}"),
    ],
)
def test_of_several_programs_the_last_one_keeps_its_room(chars: int, shown: str) -> None:
    width = text_width("0" * chars, style.DETAIL_ARGV)
    assert join_commands([EXECUTOR, RUN], width) == shown


def test_a_single_command_line_is_left_whole() -> None:
    assert join_commands([RUN], 10.0) == RUN


def test_what_a_unit_became_is_told() -> None:
    aside = texts(drawn("example podman-quadlet"), "detail-argv")
    assert any("→ podman run --n" in text for text in aside)
    assert sum("→ podman rm" in text for text in aside) == 2


def ends(case: str, process: str) -> list[Label]:
    marks = group(drawn(case), process).marks
    return [m for m in marks if isinstance(m, Label) and m.kind.startswith("badge-end")]


def test_an_end_beside_a_name_has_a_class_and_a_title_as_one_at_a_cross_has() -> None:
    (killed,) = ends("example podman-quadlet", "p7")
    assert (killed.text, killed.kind, killed.title) == ("SIGKILL", "badge-end alert", "p7: SIGKILL")
    (failed,) = ends("example podman-quadlet", "p5")
    assert (failed.text, failed.kind) == ("exit 137", "badge-end alert")
    (fine,) = ends("example podman-quadlet", "p3")
    assert (fine.text, fine.kind, fine.title) == ("exit 0", "badge-end", "p3: exit 0")


def test_it_stands_apart_from_the_count_of_threads() -> None:
    marks = group(drawn("example podman-quadlet"), "p2").marks
    frames = [m for m in marks if isinstance(m, Box) and m.kind.endswith("-frame")]
    end, threads = sorted(frames, key=lambda box: -box.x)
    assert (end.kind, threads.kind) == ("badge-end-frame", "badge-frame")
    assert threads.x + threads.width < end.x
    badges = [m.text for m in marks if isinstance(m, Label) and m.kind == "badge"]
    assert badges == ["vfork · +8 threads"]
