"""The Markdown report: a table that holds together, and the story."""

import re

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.explain_markdown import render as render_story
from forktrace.render.report_markdown import render
from forktrace.views.options import ViewOptions
from tests.unit.events import launch_of
from tests.unit.podman import podman_steps


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
    hostile = ["a|b", "`|`", "x\ny", "<b>", "|" * 5]
    table = rows(report(launch_of(("root", 10, hostile), ("fork", 10, 11), ("exec", 11, hostile))))
    assert {len(row) for row in table} == {8}
    assert len(table) == 4


def test_what_is_folded_is_counted() -> None:
    launch = launch_of(("root", 10, "sh"), *[("fork", 10, 11 + i) for i in range(5)])
    text = report(launch, ViewOptions(max_processes=1))
    assert [row[0] for row in rows(text)[2:]] == ["p1"]
    assert "6 processes in 1 row" in text
