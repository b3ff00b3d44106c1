"""A real podman launch, traced again and again, is the same once it is normalised."""

from collections.abc import Iterator

import pytest

from tests.conftest import Missing
from tests.integration import test_podman
from tests.integration.harness import TO_THE_END, Forktrace
from tests.integration.test_podman import program

pytestmark = pytest.mark.podman

TIMES = 10
FILES = ("a.txt", "a.svg", "a.json", "a.html", "a.md", "a.mmd")


@pytest.fixture(scope="module")
def image(missing: Missing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the image that podman's own tests have."""
    yield from test_podman.make_image(missing, tmp_path_factory)


def traced(forktrace: Forktrace, number: int, *command: str) -> dict[str, bytes]:
    trace = f"{number}.jsonl"
    done = forktrace("run", "-q", *TO_THE_END, "-o", trace, "--", *command)
    assert done.status == 0, done.err
    outputs = [part for name in FILES for part in ("-o", name)]
    done = forktrace("render", trace, "--normalize", "--force", *outputs)
    assert done.status == 0, done.err
    return {name: (forktrace.folder / name).read_bytes() for name in FILES}


def remover(graph: test_podman.Graph) -> str:
    """Return the role of who had the runtime delete the container.

    Podman does that itself, or its cleanup does: whichever has the container's lock first. Those
    are two launches. Podman 4 is the first only on a machine that is very slow.
    """
    (delete,) = (n for n in graph.nodes if program(n) == "runc" and "delete" in n["argv"])
    role = graph.node(delete["creator"])["role"]
    assert role in ("cleanup", "engine")
    return str(role)


def test_ten_runs_of_podman_are_one_picture_and_another_launch_another(
    forktrace: Forktrace, image: str
) -> None:
    command = (*test_podman.RUN, "--rm")
    firsts: dict[str, dict[str, bytes]] = {}
    for number in range(TIMES):
        drawn = traced(forktrace, number, *command, image, "echo", "hi")
        kind = remover(test_podman.Graph(forktrace.folder / "a.json"))
        picture = f"{kind}.svg"
        if kind not in firsts:
            firsts[kind] = drawn
            render = ("render", f"{number}.jsonl", "--normalize", "-o", picture)
            assert forktrace(*render).status == 0
        for name in FILES:
            assert drawn[name] == firsts[kind][name], (number, name)
        assert forktrace("check", picture, f"{number}.jsonl").status == 0

    # one program more inside, and another way to end, are other launches
    other = traced(forktrace, 90, *command, image, "sh", "-c", "echo hi; true")
    for kind, first in firsts.items():
        assert other["a.svg"] != first["a.svg"]
        done = forktrace("check", f"{kind}.svg", "90.jsonl")
        assert done.status == 1
        assert "executed sh -c" in done.out.decode()


def test_an_init_in_the_container_makes_another_picture(
    forktrace: Forktrace, image: str, missing: Missing
) -> None:
    command = (*test_podman.RUN, "--rm")
    plain = traced(forktrace, 0, *command, image, "echo", "hi")
    init = (*command, "--init", image, "echo", "hi")
    done = forktrace("run", "-q", *TO_THE_END, "-o", "1.jsonl", "--", *init)
    if done.status != 0 and "catatonit" in done.err:
        missing("podman run --init needs catatonit")
    assert forktrace("render", "1.jsonl", "--normalize", "-o", "init.svg").status == 0
    assert (forktrace.folder / "init.svg").read_bytes() != plain["a.svg"]
