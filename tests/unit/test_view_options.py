"""Check the options of the command line that choose what is shown."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from forktrace.analysis.findings import Role
from forktrace.cli import render, show
from forktrace.errors import UsageError
from forktrace.views.options import ROLES

TRACE = str(Path(__file__).parent / "data" / "podman-syscalls.jsonl")


def shown(*options: str) -> str:
    result = CliRunner().invoke(show.command, [TRACE, *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_roles_that_can_be_asked_for_are_those_there_are() -> None:
    assert set(ROLES) == set(Role.__args__)  # type: ignore[attr-defined]


def test_focus_on_the_container_folds_the_helpers() -> None:
    assert "\np2 " in shown()
    page = shown("--focus", "container")
    assert "\np2 " not in page
    assert "\np8 " in page
    assert "+1 helper" in page


def test_choices_can_be_repeated() -> None:
    page = shown("--only", "monitor", "--only", "cleanup", "--hide", "nothing", "--hide", "no*")
    assert [line.split(" ")[0] for line in page.splitlines() if line.startswith("p")] == [
        *("podman", "p1", "p3", "p4", "p10")
    ]


def test_a_limit_and_a_width_are_kept() -> None:
    page = shown("--max-processes", "4", "--width", "70")
    assert len([line for line in page.splitlines() if line[:1] == "p" and line[1].isdigit()]) == 4
    assert max(map(len, page.splitlines())) <= 70


def test_what_is_not_there_is_an_error_of_use() -> None:
    with pytest.raises(UsageError, match="no process 'nope' in this trace"):
        CliRunner().invoke(show.command, [TRACE, "--focus", "nope"], catch_exceptions=False)


def test_a_role_that_does_not_exist_is_refused() -> None:
    result = CliRunner().invoke(show.command, [TRACE, "--only", "boss"])
    assert result.exit_code == 2
    assert "'boss' is not one of" in result.output


@pytest.mark.parametrize("theme", ["light", "dark", "print", "auto"])
def test_a_theme_is_fixed_or_follows_the_reader(theme: str, tmp_path: Path) -> None:
    out = tmp_path / "a.svg"
    arguments = [TRACE, "-o", str(out), "--theme", theme, "--width", "1300"]
    result = CliRunner().invoke(render.command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    svg = out.read_text()
    assert ("prefers-color-scheme" in svg) == (theme == "auto")
    assert ("#0D1117" in svg) == (theme in ("dark", "auto"))
    assert ("#FFFFFF" in svg) == (theme != "dark")


def test_focus_holds_for_every_output(tmp_path: Path) -> None:
    names = ["a.svg", "a.txt", "a.dot"]
    outputs = [word for name in names for word in ("-o", str(tmp_path / name))]
    arguments = [TRACE, *outputs, "--focus", "p8", "--cluster", "container"]
    assert CliRunner().invoke(render.command, arguments, catch_exceptions=False).exit_code == 0
    svg, text, dot = ((tmp_path / name).read_text() for name in names)
    assert "12 processes in 10 lanes" in svg
    assert "12 processes in 10 rows" in text
    assert "12 processes in 10 boxes" in dot
    assert "subgraph cluster_" in dot


def test_all_gives_each_of_many_a_row() -> None:
    netavark = str(Path(__file__).parents[2] / "examples" / "podman-netavark" / "launch.jsonl")
    few = CliRunner().invoke(show.command, [netavark], catch_exceptions=False).output
    everyone = CliRunner().invoke(show.command, [netavark, "--all"], catch_exceptions=False).output
    assert "62 processes in 18 rows" in few
    assert "processes in" not in everyone
    assert everyone.count(" iptables ") == 46
