"""The Markdown report: a table that holds together, and the story."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.render.explain_markdown import render as render_story
from forktrace.render.report_markdown import render
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTILE = ["a|b", "`|`", "x\ny", "<b>", "|" * 5]


def report(launch: Launch, options: ViewOptions | None = None) -> str:
    return render(launch, analyse(launch), options or ViewOptions())


def rows(text: str) -> list[list[str]]:
    """Split the table as GitHub does: at each bar that no backslash stands before."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_table_of_podman() -> None:
    table = rows(report(launch_of(*podman_steps())))
    assert table[0][:6] == ["Process", "Pid", "Role", "Creator", "Real parent", "Program"]
    by_id = {row[0]: row for row in table[2:]}
    assert len(by_id) == 12
    assert by_id["p8"][1:7] == ["3032", "container", "p7", "p5 → p4", "`echo hi`", "exit 0"]
    assert "CLONE\\_PARENT" in by_id["p8"][7]


def test_the_story_follows() -> None:
    launch = launch_of(*podman_steps())
    story = render_story(launch, analyse(launch), ViewOptions())
    assert report(launch).endswith(story[story.index("\n## ") :])


def test_hostile_arguments_break_no_cell() -> None:
    table = rows(report(launch_of(("root", 10, HOSTILE), ("fork", 10, 11), ("exec", 11, HOSTILE))))
    assert {len(row) for row in table} == {8}
    assert len(table) == 4


def parsed(text: str) -> list[list[str]]:
    """Return the cells of the one table that a parser of GitHub's Markdown finds, as plain text."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert [t.type for t in tokens].count("table_open") == 1
    assert not [t for t in tokens for c in [t, *(t.children or [])] if c.type.startswith("html")]
    table: list[list[str]] = []
    for before, token in pairwise(tokens):
        if token.type == "tr_open":
            table.append([])
        elif before.type in ("th_open", "td_open"):
            table[-1].append("".join(part.content for part in token.children or []))
    return table


@pytest.mark.parametrize("folder", sorted(EXAMPLES.glob("*/")), ids=lambda f: f.name)
def test_a_parser_finds_a_whole_table(folder: Path) -> None:
    launch = build_launch(read_trace(folder / "launch.jsonl"))
    found = parsed(report(launch))
    assert {len(row) for row in found} == {8}
    names = [row[0].rpartition(" ")[2] for row in found[1:]]
    assert launch.root in (None, names[0])
    assert set(names) <= set(launch.processes)
    assert len(names) == len(set(names))


def test_a_parser_reads_hostile_arguments_as_they_are() -> None:
    argv = ["run", "a|b", "`|`", "<b>", "*x*", "&amp;", "[l](u)"]
    found = parsed(report(launch_of(("root", 10, argv))))
    assert found[1][5] == "run 'a|b' '`|`' '<b>' '*x*' '&amp;' '[l](u)'"


def test_what_is_folded_is_counted() -> None:
    launch = launch_of(("root", 10, "sh"), *[("fork", 10, 11 + i) for i in range(5)])
    text = report(launch, ViewOptions(max_processes=1))
    assert [row[0] for row in rows(text)[2:]] == ["p1"]
    assert "6 processes in 1 row" in text


def test_a_row_of_several_says_what_they_share_and_how_they_ended() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(11, 11 + 70):
        steps += [("vfork", 10, pid), ("exec", pid, f"cc -c {pid}.c"), ("exit", pid, pid % 2)]
    row = rows(report(launch_of(*steps)))[3]
    assert row[0].startswith("70 ")
    assert row[3] == "p1 (vfork)"
    assert row[5:7] == ["`cc -c …`", "35 exit 1"]


def test_who_never_called_exec_has_its_creators_program() -> None:
    steps: list[Step] = [("root", 10, "daemon --option '(no exec)'"), ("fork", 10, 11)]
    table = rows(report(launch_of(*steps)))
    assert [row[5] for row in table[2:]] == ["`daemon --option '(no exec)'`", "`daemon` (no exec)"]


def test_the_subcommand_is_told_before_the_options() -> None:
    runc = "runc --log-format=json --log /run/containers/storage/overlay-containers/a/oci-log"
    steps: list[Step] = [("root", 10, "podman run x"), ("fork", 10, 11), ("exec", 11, "conmon")]
    exec_ = ("exec", 12, f"{runc} --root /run/runc --systemd-cgroup create -b /x id")
    table = rows(report(launch_of(*steps, ("fork", 11, 12), exec_)))
    assert table[4][5] == "`runc … create -b /x id`"
