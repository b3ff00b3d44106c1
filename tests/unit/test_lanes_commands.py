"""Check that a command line cut short still says what tells most."""

import re

import pytest

from forktrace.analysis.findings import Role
from forktrace.model.facts import Moment
from forktrace.model.image import Image
from forktrace.model.process import Process
from forktrace.views.lanes.commands import command_words
from forktrace.views.lanes.plan import Lane
from forktrace.views.select.selection import Row
from forktrace.views.words import ELLIPSIS
from tests.unit.events import Step, launch_of
from tests.unit.lane_cases import CASES, drawn, lines, picture_of, texts

ID = "5ee25b81b92bae918b045b570a11c6f0" * 2
SHIM = "/usr/bin/containerd-shim-runc-v2 -namespace moby -address /run/containerd.sock -id"
RUNC = "/usr/bin/runc --root /run/docker/runtime-runc/moby --log /run/log.json"


def words(command: str, limit: int, role: Role | None = None, lane: str = "") -> str:
    argv = command.split(" ")
    image = Image(at=Moment(0, 0), argv=argv, path=argv[0])
    process = Process("p1", pid=10, born=Moment(0, 0), images=[image])
    if lane:
        process.images.append(Image(at=Moment(0, 1), argv=[lane], path=lane))
    return command_words(Lane(0, process, role, Row("p1")), image, limit)


def test_a_command_line_that_fits_stands_whole() -> None:
    assert words("/usr/bin/conmon --version", 16) == "conmon --version"
    assert words("runc --debug start abc", 22, "runtime") == "runc --debug start abc"


@pytest.mark.parametrize(
    ("command", "role", "limit", "shown"),
    [
        (f"{RUNC} create --bundle /b", "runtime", 30, "runc … create --bundle /b"),
        (f"{RUNC} delete --force {ID}", "runtime", 16, "runc … delete -…"),
        (f"conmon --api-version 1 -c {ID} -u {ID}", "monitor", 40, "conmon … -c 5ee25b81b92b…"),
        ("netavark --config /etc/networks setup /n", "helper", 18, "netavark … setup …"),
        (f"{SHIM} {ID} start", "helper", 40, "containerd-shim-run… start"),
        (f"{SHIM} {ID} -bundle /b delete", "helper", 18, "containerd… delete"),
        (f"{SHIM} {ID}", "monitor", 18, "… -id 5ee25b81b92…"),
        (
            "podman --root /r container cleanup --rm",
            "cleanup",
            30,
            "podman … container cleanup --…",
        ),
        ("podman --root /r container cleanup --rm", "cleanup", 18, "podman … cleanup …"),
        ("podman --root /r run --rm alpine", "engine", 26, "podman --root /r run --rm…"),
        ("podman --runtime crun run --rm alpine", "engine", 18, "podman … run --rm…"),
    ],
)
def test_options_go_before_what_tells(command: str, role: Role, limit: int, shown: str) -> None:
    assert words(command, limit, role) == shown
    assert len(shown) <= limit


def test_the_program_stays_where_the_lane_has_another_name() -> None:
    assert words(f"{SHIM} {ID} start", 18, "helper", lane="runc").startswith("containerd-shim")


TWICE: list[Step] = [
    ("root", 10, "sh"),
    ("fork", 10, 11),
    ("exec", 11, "crun start web"),
    ("exec", 11, "crun start web"),
    ("exec", 11, "sleep 1"),
    ("exit", 11, 0),
    ("exit", 10, 0),
]


def test_what_is_executed_twice_is_written_once() -> None:
    picture = picture_of(launch_of(*TWICE))
    assert texts(picture, "argv") == ["sh", "crun start web, twice", "sleep 1"]
    assert len(lines(picture, "p2", "exec")) == 6  # two strokes each
    thrice = [*TWICE[:3], *TWICE[2:]]
    assert "crun start web, 3 times" in texts(picture_of(launch_of(*thrice)), "argv")


def test_the_gallery_tells_what_helpers_do() -> None:
    argv = texts(drawn("example docker-daemon"), "argv")
    for word in ("start", "delete"):
        assert any(re.fullmatch(rf"contain.*… {word}", text) for text in argv)
    for text in texts(drawn("example podman-netavark"), "argv"):
        assert not text.startswith("netavark --config")
    for case in ("podman-run", "podman-pod", "podman-detached", "rootless"):
        shown = texts(drawn(f"example {case}"), "argv")
        assert any("cleanup" in text for text in shown)
        assert not any("--api-version" in text for text in shown)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("example ")])
def test_no_command_line_is_cut_below_twelve_characters_in_its_middle(name: str) -> None:
    shown = [text for text in texts(drawn(name), "argv") if not text.endswith(f" {ELLIPSIS}")]
    assert [text for text in shown if ELLIPSIS in text and len(text) < 12] == []
