"""Files that are no good trace: one sentence, the right status, never a traceback."""

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.integration.harness import FORKTRACE, Forktrace, the_sentence

Change = Callable[[list[bytes]], bytes]


def with_header(**fields: object) -> Change:
    def change(lines: list[bytes]) -> bytes:
        return b"".join(
            [json.dumps({**json.loads(lines[0]), **fields}).encode() + b"\n", *lines[1:]]
        )

    return change


def with_line(number: int, line: bytes) -> Change:
    """Put ``line`` in as the line ``number``, counted from 1."""
    return lambda lines: b"".join([*lines[: number - 1], line + b"\n", *lines[number - 1 :]])


# What is done to a good trace, and what the sentence must then say.
DAMAGE: dict[str, tuple[Change, str]] = {
    "empty": (lambda lines: b"", "empty"),
    "only a newline": (lambda lines: b"\n", "no forktrace trace"),
    "text": (lambda lines: b"dear diary\n", "no forktrace trace"),
    "binary": (lambda lines: bytes(range(256)) * 100, "no forktrace trace"),
    "an escape sequence": (lambda lines: b"\x1b[2J\x1b]0;owned\x07", "no forktrace trace"),
    "other JSON": (lambda lines: b'{"a": 1}\n', "no forktrace trace"),
    "a JSON list": (lambda lines: b"[]\n", "no forktrace trace"),
    "no header": (lambda lines: b"".join(lines[1:]), "no forktrace trace"),
    "another format": (with_header(format="tracefork"), "no forktrace trace"),
    "a newer version": (with_header(version=999), "version 999"),
    "version 0": (with_header(version=0), "no forktrace trace"),
    "a header with an unknown field": (with_header(colour="blue"), "line 1"),
    "a header without a command": (with_header(command=None), "line 1"),
    "bad JSON in line 3": (with_line(3, b"{oops"), "line 3"),
    "an unknown event in line 2": (with_line(2, b'{"event": "party", "at_ns": 1}'), "line 2"),
    "an unknown field": (with_line(4, b'{"event":"exit","at_ns":1,"pid":2,"x":1}'), "line 4"),
    "a missing field": (with_line(4, b'{"event": "exit", "at_ns": 1}'), "line 4"),
    "a wrong type": (with_line(2, b'{"event": "exit", "at_ns": "1", "pid": 2}'), "line 2"),
    "a pid out of range": (with_line(2, b'{"event":"exit","at_ns":1,"pid":-4}'), "line 2"),
    "a number too large": (
        with_line(2, b'{"event":"exit","at_ns":1,"pid":' + b"9" * 9999 + b"}"), "line 2",
    ),
    "bad base64": (
        with_line(2, b'{"event":"exec","at_ns":1,"pid":2,"path":{"b64":"%%"}}'), "line 2",
    ),
    "deep nesting": (with_line(2, b"[" * 100_000), "line 2"),
    "no UTF-8": (with_line(2, b'{"event": "\xff"}'), "line 2"),
    "an empty line": (with_line(3, b""), "line 3"),
    "a second header": (lambda lines: b"".join([lines[0], *lines]), "line 2"),
    "something after the end": (lambda lines: b"".join([*lines, lines[1]]), "after the end"),
}  # fmt: skip


@pytest.fixture(scope="module")
def good_trace(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    forktrace = Forktrace(tmp_path_factory.mktemp("good"))
    done = forktrace.record("sh", "-c", "true; exit 3")
    assert done.status == 3
    return done.trace.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("case", DAMAGE)
def test_damage(forktrace: Forktrace, good_trace: list[bytes], case: str) -> None:
    change, expected = DAMAGE[case]
    bad = forktrace.folder / "bad.jsonl"
    bad.write_bytes(change(good_trace))
    for args in (["show", str(bad)], ["render", str(bad), "-o", "x.json"]):
        done = forktrace(*args)
        assert (done.status, done.out) == (1, b"")
        sentence = the_sentence(done.err)
        assert expected in sentence
        assert str(bad) in sentence
        assert sentence.isprintable()
    assert not (forktrace.folder / "x.json").exists()


def test_a_good_trace_is_shown_without_a_word(
    forktrace: Forktrace, good_trace: list[bytes]
) -> None:
    path = forktrace.folder / "good.jsonl"
    path.write_bytes(b"".join(good_trace))
    done = forktrace("show", str(path))
    assert (done.status, done.err) == (0, "")
    assert b"exit 3" in done.out


def test_a_trace_cut_off_anywhere_is_shown_with_a_warning(
    forktrace: Forktrace, good_trace: list[bytes]
) -> None:
    whole = b"".join(good_trace)
    first, end = len(good_trace[0]), len(whole) - len(good_trace[-1])
    path = forktrace.folder / "cut.jsonl"
    for length in (first, first + 1, first + len(good_trace[1]), (first + end) // 2, end, end + 1):
        path.write_bytes(whole[:length])
        done = forktrace("show", str(path))
        assert done.status == 0, length
        assert "cut off" in the_sentence(done.err)
    path.write_bytes(whole[: first - 2])
    assert forktrace("show", str(path)).status == 1


def test_files_that_cannot_be_read(forktrace: Forktrace) -> None:
    (forktrace.folder / "folder").mkdir()
    for name, reason in (("absent", "No such file"), ("folder", "directory"), ("x" * 300, "long")):
        for args in (["show", name], ["render", name, "-o", "x.json"]):
            done = forktrace(*args)
            assert (done.status, done.out) == (1, b"")
            assert reason in the_sentence(done.err)


def test_a_name_with_escapes_is_made_visible(forktrace: Forktrace) -> None:
    for args in (["show", "\x1b[2J\nno"], ["run", "--", "/\x1b[2J\nno"], ["run", "\udcff\x07"]):
        done = forktrace(*args)
        assert done.status in (1, 127)
        assert the_sentence(done.err).isprintable()


def test_no_trace_yet(forktrace: Forktrace) -> None:
    for args in (["show"], ["render", "-o", "x.svg"]):
        done = forktrace(*args)
        assert (done.status, done.out) == (1, b"")
        assert "forktrace run" in the_sentence(done.err)


def test_latest_trace_is_gone(forktrace: Forktrace) -> None:
    forktrace("run", "-q", "-o", "t.jsonl", "--", "true")
    (forktrace.folder / "t.jsonl").unlink()
    done = forktrace("show")
    assert (done.status, done.out) == (1, b"")
    assert "t.jsonl" in the_sentence(done.err)


USAGE = {
    "an unknown command": ["paint"],
    "an unknown option": ["--nonsense"],
    "an unknown option of show": ["show", "--nonsense"],
    "two traces": ["show", "a", "b"],
    "render without an output": ["render"],
    "an unknown shell": ["completion", "cmd.exe"],
    "an unknown extension": ["render", "-o", "x.bmp"],
    "no extension": ["render", "-o", "x"],
    "an unknown format": ["render", "--format", "bmp", "-o", "-"],
    "the same output twice": ["render", "-o", "x.svg", "-o", "x.svg"],
}


@pytest.mark.parametrize("case", USAGE)
def test_usage_errors(forktrace: Forktrace, case: str) -> None:
    done = forktrace(*USAGE[case])
    assert (done.status, done.out) == (2, b"")
    the_sentence(done.err)
    assert list(forktrace.folder.iterdir()) == []


def test_closed_standard_output(forktrace: Forktrace) -> None:

    for command in ("formats", "--version", "completion bash"):
        line = f"{' '.join(FORKTRACE)} {command} >&-"
        done = subprocess.run(
            ["sh", "-c", line], env=forktrace.env, capture_output=True, check=False
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode == 0
