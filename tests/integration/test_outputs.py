"""Outputs: found unwritable before the command runs, never half-written, never in its way."""

import json
import os
import resource
import stat
from pathlib import Path

import pytest

from tests.integration.harness import Forktrace, argv_of, read_records, the_root, the_sentence
from tests.unit.test_scale import on_terminal


def test_an_existing_file_is_refused_before_the_command_runs(forktrace: Forktrace) -> None:
    for name in ("here.svg", "here.json", "here.txt", "here.jsonl", "here.dot"):
        (forktrace.folder / name).write_text("precious")
        done = forktrace("run", "-o", name, "--", "touch", "ran")
        assert done.status == 125
        assert f"{name} exists already" in the_sentence(done.err)
        assert (forktrace.folder / name).read_text() == "precious"
    assert not (forktrace.folder / "ran").exists()
    assert not forktrace.state.exists()


def test_one_refused_output_refuses_all(forktrace: Forktrace) -> None:
    (forktrace.folder / "second.json").write_text("precious")
    done = forktrace("run", "-o", "first.jsonl", "-o", "second.json", "--", "touch", "ran")
    assert done.status == 125
    assert sorted(p.name for p in forktrace.folder.iterdir()) == ["second.json"]


@pytest.mark.parametrize("name", ["it.json", "it.txt", "it.jsonl"])
def test_force_replaces(forktrace: Forktrace, name: str) -> None:
    path = forktrace.folder / name
    path.write_text("old" * 100_000)
    done = forktrace("run", "-q", "--force", "-o", name, "--", "echo", "new")
    assert done.status == 0
    text = path.read_text()
    assert "oldold" not in text
    assert "echo" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_several_outputs_of_one_run(forktrace: Forktrace) -> None:
    names = ["a.jsonl", "b.jsonl", "c.json", "d.txt", "e.dot"]
    options = [word for name in names for word in ("-o", name)]
    done = forktrace("run", "-q", *options, "--", "sh", "-c", "true & wait")
    assert (done.status, done.out) == (0, b"")
    assert sorted(p.name for p in forktrace.folder.iterdir() if p.is_file()) == names
    for name in names:
        assert stat.S_IMODE((forktrace.folder / name).stat().st_mode) == 0o600
    first, second = (forktrace.folder / name for name in names[:2])
    assert first.read_bytes() == second.read_bytes()
    graph = json.loads((forktrace.folder / "c.json").read_text())
    assert graph["graph"]["format"] == "forktrace-graph"
    assert len([n for n in graph["nodes"] if not n["outside"]]) == 2


def test_format_and_view_say_what_to_write(forktrace: Forktrace) -> None:
    done = forktrace("run", "-q", "--format", "json", "-o", "odd.name", "--", "true")
    assert done.status == 0
    assert json.loads((forktrace.folder / "odd.name").read_text())["graph"]["version"] == 1
    done = forktrace("run", "-q", "-o", "tree:t.dot", "-o", "tree:t.txt", "--", "true")
    assert done.status == 0
    assert "digraph" in (forktrace.folder / "t.dot").read_text()
    assert "true" in (forktrace.folder / "t.txt").read_text()


def test_a_colon_that_names_no_view_belongs_to_the_file(forktrace: Forktrace) -> None:
    assert forktrace("run", "-q", "-o", "my:file.json", "--", "true").status == 0
    assert (forktrace.folder / "my:file.json").exists()


def test_view_that_the_format_lacks(forktrace: Forktrace) -> None:
    for name in ("lanes:x.json", "lanes:x.jsonl"):
        done = forktrace("run", "-o", name, "--", "touch", "ran")
        assert done.status == 125
        assert "lanes" in the_sentence(done.err)
    assert not (forktrace.folder / "ran").exists()


def output_lost_while_the_command_runs(status: int) -> tuple[str, ...]:
    return ("sh", "-c", f"rm -r sub; exit {status}")


def test_a_failed_output_gives_125_if_the_command_ended_0(forktrace: Forktrace) -> None:
    for status, expected in ((0, 125), (3, 3)):
        (forktrace.folder / "sub").mkdir()
        done = forktrace(
            "run", "-q", "-o", "sub/x.json", "--", *output_lost_while_the_command_runs(status)
        )
        assert done.status == expected
        assert "sub/x.json" in done.err
        assert "Traceback" not in done.err


def test_the_other_outputs_are_written_when_one_fails(forktrace: Forktrace) -> None:
    (forktrace.folder / "sub").mkdir()
    done = forktrace(
        "run", "-q", "-o", "sub/x.json", "-o", "y.json", "--",
        *output_lost_while_the_command_runs(0),
    )  # fmt: skip
    assert done.status == 125
    assert (forktrace.folder / "y.json").exists()


def test_a_file_that_appears_while_the_command_runs_is_not_replaced(forktrace: Forktrace) -> None:
    done = forktrace("run", "-q", "-o", "x.json", "--", "sh", "-c", "echo precious >x.json")
    assert done.status == 125
    assert "exists already" in done.err
    assert (forktrace.folder / "x.json").read_text() == "precious\n"


def test_an_output_may_be_a_pipe(forktrace: Forktrace) -> None:
    ours, theirs = os.pipe()
    done = forktrace("render", "-o", f"/proc/self/fd/{theirs}", pass_fds=[theirs])
    assert done.status == 2  # no extension there
    forktrace("run", "-q", "--", "echo", "hi")
    done = forktrace(
        "render", "--format", "json", "-o", f"/proc/self/fd/{theirs}", pass_fds=[theirs]
    )
    os.close(theirs)
    assert done.status == 0
    with os.fdopen(ours) as pipe:
        assert json.load(pipe)["graph"]["format"] == "forktrace-graph"


def test_render_to_standard_output(forktrace: Forktrace) -> None:
    forktrace("run", "-q", "--", "echo", "hi")
    done = forktrace("render", "--format", "json", "-o", "-")
    assert done.status == 0
    assert json.loads(done.out)["graph"]["command"] == ["echo", "hi"]
    done = forktrace("render", "-o", "-")
    assert done.status == 0
    assert "echo hi" in done.out.decode()


def test_render_refuses_what_exists(forktrace: Forktrace) -> None:
    forktrace("run", "-q", "--", "true")
    (forktrace.folder / "x.json").write_text("precious")
    done = forktrace("render", "-o", "x.json")
    assert done.status == 1
    assert "--force" in the_sentence(done.err)
    assert (forktrace.folder / "x.json").read_text() == "precious"
    assert forktrace("render", "--force", "-o", "x.json").status == 0
    assert json.loads((forktrace.folder / "x.json").read_text())["graph"]["version"] == 1


def test_without_quiet_the_tree_and_one_line_are_on_standard_error(forktrace: Forktrace) -> None:
    done = forktrace("run", "-o", "t.jsonl", "--", "sh", "-c", "true; exit 3")
    assert (done.status, done.out) == (3, b"")
    *tree, last = done.err.splitlines()
    assert last.startswith("forktrace: trace: t.jsonl ")
    assert "forktrace render" in last
    assert any("true" in line for line in tree)
    quiet = forktrace("run", "-q", "-o", "u.jsonl", "--", "sh", "-c", "true; exit 3")
    assert quiet.err.splitlines() == [last.replace("t.jsonl", "u.jsonl")]


QUIET_RUN = """
import sys
from forktrace.cli import main, progress
progress._Bar = None  # whoever makes a bar fails
sys.argv = ["forktrace", "run", "-q", "-o", {svg!r}, "--", "true"]
sys.exit(main.main())
"""


def test_quiet_makes_no_progress_bar_on_a_terminal(tmp_path: Path) -> None:
    svg = tmp_path / "t.svg"
    _, err = on_terminal(QUIET_RUN.format(svg=str(svg)))
    assert svg.exists(), err


@pytest.mark.parametrize("status", [0, 3])
def test_standard_error_that_cannot_be_written_changes_nothing(
    forktrace: Forktrace, status: int
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = forktrace("run", "-o", "full.jsonl", "--", "sh", "-c", f"exit {status}", stderr=full)
    assert done.status == status
    ours, theirs = os.pipe()
    os.close(ours)
    done = forktrace("run", "-o", "cut.jsonl", "--", "sh", "-c", f"exit {status}", stderr=theirs)
    os.close(theirs)
    assert done.status == status
    assert read_records(forktrace.folder / "cut.jsonl")[-1]["event"] == "end"


def test_standard_output_that_cannot_be_written_is_one_sentence(forktrace: Forktrace) -> None:
    forktrace("run", "-q", "--", "true")
    for args in (["show"], ["formats"], ["--help"], ["render", "-o", "-"], ["completion", "bash"]):
        with Path("/dev/full").open("wb") as full:
            done = forktrace(*args, stdout=full)
        assert done.status == 1, args
        assert "No space left" in the_sentence(done.err)


def test_a_full_trace_file_does_not_stop_the_command(forktrace: Forktrace) -> None:
    """A file size limit stands for a full disk here; SIGXFSZ must not end forktrace either."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    for status, expected in ((0, 125), (3, 3)):
        done = forktrace.record(
            "bash", "-c", f"for i in {{1..99}}; do (:); done; echo done; exit {status}",
            preexec_fn=limit,
        )  # fmt: skip
        assert (done.status, done.out) == (expected, b"done\n")
        assert "not complete" in done.err
        assert "File too large" in done.err
        assert the_root(done.records)
        assert done.trace.stat().st_size == 4096
        shown = forktrace("show", str(done.trace))
        assert shown.status == 0
        assert "cut off" in the_sentence(shown.err)


def test_show_and_render_take_the_latest_trace_wherever_it_is(forktrace: Forktrace) -> None:
    (forktrace.folder / "else").mkdir()
    forktrace("run", "-q", "--", "echo", "kept")
    forktrace("run", "-q", "-o", "else/t.jsonl", "--", "echo", "elsewhere")
    assert b"elsewhere" in forktrace("show").out
    forktrace("run", "-q", "--", "echo", "third")
    assert b"third" in forktrace("show").out
    assert b"elsewhere" in forktrace("show", "else/t.jsonl").out
    execs = [r for r in read_records(forktrace.state / "latest") if r["event"] == "exec"]
    assert argv_of(execs[0]) == [b"echo", b"third"]


@pytest.mark.parametrize("status", [126, 127])
def test_a_command_that_never_ran_leaves_all_as_it_was(forktrace: Forktrace, status: int) -> None:
    """No output is replaced, and what was the latest trace is so still."""
    assert forktrace("run", "-q", "-o", "t.jsonl", "--", "echo", "before").status == 0
    trace = forktrace.folder / "t.jsonl"
    trace.chmod(0o640)
    before = (trace.read_bytes(), trace.stat().st_mode, trace.stat().st_mtime_ns)
    bad = forktrace.folder / "bad"
    bad.write_bytes(b"\x7fELF, or not" if status == 126 else b"#!/no/such/interpreter\n")
    bad.chmod(0o755)
    for options in (("-o", "t.jsonl", "--force"), ("-o", "new.jsonl"), ()):
        assert forktrace("run", "-q", *options, "--", "./bad").status == status
    assert (trace.read_bytes(), trace.stat().st_mode, trace.stat().st_mtime_ns) == before
    assert sorted(p.name for p in forktrace.folder.iterdir()) == ["bad", "state", "t.jsonl"]
    assert b"before" in forktrace("show").out


def test_a_first_command_that_never_ran_leaves_no_latest_trace(forktrace: Forktrace) -> None:
    assert forktrace("snapshot", "-q", "-p", "999999999").status != 0
    assert "no trace to show yet" in forktrace("show").err


@pytest.mark.parametrize("how", ["rm t.jsonl", "echo other >u.jsonl; mv u.jsonl t.jsonl"])
def test_a_trace_that_the_command_removes_is_drawn_and_told_of(
    forktrace: Forktrace, how: str
) -> None:
    outputs = ("-o", "t.jsonl", "-o", "t.json")
    done = forktrace("run", "-q", *outputs, "--", "sh", "-c", f"{how}; true removed")
    assert done.status == 125
    assert the_sentence(done.err).startswith("the trace is lost: t.jsonl")
    assert "removed" in (forktrace.folder / "t.json").read_text()


def test_force_replaces_a_link_that_leads_nowhere(forktrace: Forktrace) -> None:
    for name in ("t.jsonl", "t.json"):
        (forktrace.folder / name).symlink_to("nowhere")
        assert forktrace("run", "-q", "--force", "-o", name, "--", "true").status == 0
        assert not (forktrace.folder / name).is_symlink()


@pytest.mark.parametrize("name", ["trace", "jsonl"])
def test_the_trace_is_a_format_too(forktrace: Forktrace, name: str) -> None:
    assert forktrace("run", "-q", "--format", name, "-o", "t.any", "--", "true").status == 0
    done = forktrace("render", "--format", name, "-o", "-", "t.any")
    assert done.out == (forktrace.folder / "t.any").read_bytes()
    assert read_records(forktrace.folder / "t.any")[-1]["event"] == "end"
