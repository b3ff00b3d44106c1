"""The README's commands do what it says; .ci/run tries its two set-up commands."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from forktrace.cli.main import COMMANDS
from tests.integration.harness import FORKTRACE, PROJECT, Forktrace
from tests.integration.test_podman import image  # noqa: F401 (a fixture)

README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.startswith("forktrace ")]


@pytest.mark.podman
def test_the_commands_run_as_they_stand(
    forktrace: Forktrace,
    image: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    # What every machine has by its own configuration: limits that may be set, and a runtime.
    settings = tmp_path / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=1000:1000"]\nnetns="host"\n'
        '[engine]\nruntime="runc"\n'
    )
    env = {**forktrace.env, "CONTAINERS_CONF": str(settings)}
    for line in LINES:
        words = [image if word == "alpine" else word for word in shlex.split(line)]
        command = [*FORKTRACE, *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=False)
        assert done.returncode == 0, (line, done.stderr)
        for output in re.findall(r"-o (?:\w+:)?(\S+)", line):
            assert (tmp_path / output).stat().st_size > 100, output
    assert len(LINES) >= 2


def test_what_is_shown_of_a_saved_trace_is_what_is_printed() -> None:
    """A line that ends in an ellipsis is shown as far as there is room; parts may be left out."""
    (block,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    shown: dict[str, list[str]] = {}
    for line in block.splitlines():
        if line.startswith("$ "):
            printed = shown.setdefault(line.removeprefix("$ forktrace "), [])
        else:
            printed.append(line)
    assert len(shown) == 2
    for arguments, lines in shown.items():
        command = [*FORKTRACE, *shlex.split(arguments)]
        env = {**os.environ, "COLUMNS": "80"}
        done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        following = iter(done.stdout.splitlines())
        for line in lines:
            start, cut, _ = line.partition("…") if line.endswith("…") else (line, "", "")
            found = any(p.startswith(start) if cut else p == line for p in following)
            assert found, (arguments, line)


def test_every_command_is_in_the_table_and_no_other() -> None:
    assert sorted(re.findall(r"^\| `forktrace (\w+)", README, re.MULTILINE)) == sorted(COMMANDS)


def test_every_file_that_is_linked_is_there() -> None:
    for target in re.findall(r"\]\(([\w./-]+)\)", README):
        assert (PROJECT / target).exists(), target
