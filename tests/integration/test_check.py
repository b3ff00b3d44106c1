"""``--normalize`` and ``forktrace check``, as a user has them."""

import re
from pathlib import Path

import pytest

from tests.integration.harness import PROJECT, Forktrace
from tests.unit.events import Step, trace_of, write_trace

EXAMPLE = str(PROJECT / "examples" / "podman-run" / "launch.jsonl")


def two_traces(folder: Path) -> tuple[str, str]:
    """Write two traces of one launch: other pids, and another order of what ran side by side."""

    def steps(a: int, b: int) -> tuple[list[Step], list[Step], list[Step]]:
        start: list[Step] = [("root", a - 1, "sh"), ("fork", a - 1, a), ("fork", a - 1, b)]
        return (
            start,
            [("exec", a, "left"), ("exit", a, 0)],
            [("exec", b, "right"), ("exit", b, 0)],
        )

    start, left, right = steps(11, 12)
    write_trace(folder / "one.jsonl", trace_of(*start, *left, *right, ("exit", 10, 0)))
    start, left, right = steps(501, 777)
    write_trace(folder / "two.jsonl", trace_of(*start, *right, *left, ("exit", 500, 0)))
    return "one.jsonl", "two.jsonl"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--width", "700", "--theme", "dark"),
        ("--focus", "container", "--hide", "runc", "--max-processes", "4"),
        ("--only", "engine", "--only", "monitor", "--depth", "3"),
        ("--time",),
        ("--normalize", "--theme", "print"),
    ],
)
@pytest.mark.parametrize("view", ["lanes", "tree"])
def test_a_picture_is_drawn_again_as_it_was(
    forktrace: Forktrace, view: str, options: tuple[str, ...]
) -> None:
    assert forktrace("render", EXAMPLE, "-o", f"{view}:doc.svg", *options).status == 0
    done = forktrace("check", "doc.svg", EXAMPLE)
    assert (done.status, done.err) == (0, "")
    assert b"is what" in done.out


def test_the_same_launch_again_passes_and_not_without_normalising(forktrace: Forktrace) -> None:
    one, two = two_traces(forktrace.folder)
    assert forktrace("render", one, "-o", "doc.svg", "--normalize").status == 0
    assert forktrace("check", "doc.svg", two).status == 0
    assert forktrace("render", one, "-o", "raw.svg").status == 0
    assert forktrace("check", "raw.svg", one).status == 0
    done = forktrace("check", "raw.svg", two)
    assert done.status == 1
    assert b"raw.svg is not what two.jsonl shows (lanes):" in done.out


def test_a_difference_is_told_in_words(forktrace: Forktrace) -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "before")]
    write_trace(forktrace.folder / "a.jsonl", trace_of(*steps))
    write_trace(forktrace.folder / "b.jsonl", trace_of(*steps[:2], ("exec", 11, "after\x1b[31m")))
    assert forktrace("render", "a.jsonl", "-o", "doc.svg").status == 0
    done = forktrace("check", "doc.svg", "b.jsonl")
    assert done.status == 1
    lines = done.out.decode().splitlines()
    assert "-p2 executed before." in lines
    assert any(line.startswith("+p2 executed") and "after" in line for line in lines)
    assert b"\x1b" not in done.out


def test_a_difference_that_is_not_in_words(forktrace: Forktrace) -> None:
    assert forktrace("render", EXAMPLE, "-o", "doc.svg").status == 0
    path = forktrace.folder / "doc.svg"
    path.write_text(re.sub(r'width="(\d)', r'width="9\1', path.read_text(), count=1))
    done = forktrace("check", "doc.svg", EXAMPLE)
    assert done.status == 1
    assert b"it says the same, but is drawn differently:" in done.out


def test_another_layout_of_the_same_tree_is_told_from_another_picture(forktrace: Forktrace) -> None:
    assert forktrace("render", EXAMPLE, "-o", "tree:doc.svg").status == 0
    path = forktrace.folder / "doc.svg"
    drawn = path.read_text()
    moved = re.sub(r' (x|y|width)="(\d)', r' \1="9\2', drawn)
    moved = re.sub(r'( d="M)[^"]*"', r'\g<1>1,2H3"', moved)
    moved = re.sub(r"ft[0-9a-f]{10}", "ft0123456789", moved)
    path.write_text(moved)
    done = forktrace("check", "doc.svg", EXAMPLE)
    assert done.status == 1
    _, told = done.out.decode().splitlines()[:2]
    assert told == "only the layout differs: it depends on the version of Graphviz"
    path.write_text(moved.replace("stroke-width:1.4", "stroke-width:9"))
    done = forktrace("check", "doc.svg", EXAMPLE)
    assert b"it says the same, but is drawn differently:" in done.out


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<svg></svg>", "does not say how it was drawn"),
        (b"<metadata>{</metadata>", "no forktrace's"),
        (b'<metadata>{"forktrace":"picture","view":1,"options":{}}</metadata>', "no forktrace's"),
        (b'<metadata>{"forktrace":"picture","view":"lanes"}</metadata>', "no forktrace's"),
        (
            b'<metadata>{"forktrace":"picture","view":"nope","options":{}}</metadata>',
            "no view 'nope'",
        ),
        (
            b'<metadata>{"forktrace":"picture","view":"lanes","options":{"focus":"zz"}}</metadata>',
            "zz",
        ),
        (b"<metadata>" + b"[" * 100_000 + b"</metadata>", "no forktrace's"),
        (b"\xff\xfe", "no UTF-8"),
    ],
)
def test_a_document_that_tells_nothing(forktrace: Forktrace, content: bytes, why: str) -> None:
    (forktrace.folder / "doc.svg").write_bytes(content)
    done = forktrace("check", "doc.svg", EXAMPLE)
    assert done.status == 2
    assert why in done.err
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err


def test_files_that_are_not_there(forktrace: Forktrace) -> None:
    assert forktrace("check", "none.svg", EXAMPLE).status == 2
    assert forktrace("render", EXAMPLE, "-o", "doc.svg").status == 0
    done = forktrace("check", "doc.svg", "none.jsonl")
    assert (done.status, "none.jsonl" in done.err) == (2, True)
    assert forktrace("check", "doc.svg", str(PROJECT / "README.md")).status == 2
    assert forktrace("check", "doc.svg").status == 2


def test_normalize_is_there_for_run_and_show_too(forktrace: Forktrace) -> None:
    done = forktrace("run", "--normalize", "-o", "a.svg", "-o", "t.jsonl", "--", "true")
    assert done.status == 0
    assert "1001" in done.err
    assert forktrace("check", "a.svg", "t.jsonl").status == 0
    shown = forktrace("show", "--normalize", "t.jsonl").out.decode()
    assert "normalised" in shown
    assert "1001" in shown
