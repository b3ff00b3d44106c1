"""The comparison of suites: it tells a difference from a test that is loose by itself."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.other_suites.suites import Suite, compare, run_quietly


class Scripted(Suite):
    """Give outcomes that were laid down for each turn, without and under."""

    name = "scripted"

    def __init__(self, without: list[dict[str, str]], under: list[dict[str, str]]) -> None:
        self._without, self._under = without, under
        self.reruns: list[list[str]] = []

    def run(
        self, prefix: Sequence[str], folder: Path, only: Iterable[str] | None = None
    ) -> dict[str, str]:
        if only is not None and not prefix:
            self.reruns.append(sorted(only))
        turns = self._under if prefix else self._without
        return turns.pop(0) if len(turns) > 1 else turns[0]


def test_what_fails_only_under_forktrace_is_a_difference(tmp_path: Path) -> None:
    suite = Scripted(
        [{"a": "passed", "b": "passed", "c": "skipped (no tty)"}],
        [{"a": "passed", "b": "failure", "c": "skipped (no tty)"}],
    )
    found = compare(suite, tmp_path)
    assert found.differences == {"b": ({"passed"}, {"failure"})}
    assert (found.tests, found.skipped, found.unstable) == (3, 1, {})
    assert suite.reruns == [["b"]] * 3


def test_a_test_that_is_missing_or_skipped_only_under_forktrace_is_a_difference(
    tmp_path: Path,
) -> None:
    suite = Scripted([{"a": "passed", "b": "passed"}], [{"a": "skipped (traced)"}])
    assert compare(suite, tmp_path).differences == {
        "a": ({"passed"}, {"skipped (traced)"}),
        "b": ({"passed"}, {"not run"}),
    }


def test_a_test_that_fails_once_and_passes_once_is_unstable(tmp_path: Path) -> None:
    suite = Scripted([{"a": "passed"}], [{"a": "failure"}, {"a": "passed"}])
    found = compare(suite, tmp_path)
    assert (found.differences, found.unstable) == ({}, {"a": ({"passed"}, {"failure", "passed"})})


def test_what_the_prefix_says_by_itself_is_no_part_of_an_outcome(tmp_path: Path) -> None:
    prefix = ["sh", "-c", 'echo mine; echo mine >&2; "$@"; exit 3', "sh"]
    command = ["sh", "-c", "echo out; echo err >&2"]
    assert run_quietly(prefix, command, tmp_path) == (3, "out\nerr\n")
