"""Compare the outcomes of a suite's tests without forktrace and under it."""

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FORKTRACE = Path(sys.executable).with_name("forktrace")
_AGAIN = 3
_PATIENCE = 1800.0


class Missing(Exception):
    """A suite can't be had on this machine; the message says what is lacking."""


class Suite(ABC):
    """Be a suite of others' tests.

    ``name`` is what it is called on the command line.
    """

    name: str

    @abstractmethod
    def run(
        self, prefix: Sequence[str], folder: Path, only: Iterable[str] | None = None
    ) -> dict[str, str]:
        """Run the tests and return the outcome of each by name.

        Args:
            prefix: what to put before each command line.
            folder: a scratch folder, made for this run.
            only: the tests to run, None for all.
        """


@dataclass
class Comparison:
    """Be what a suite showed: its size, outcomes that differ, and tests that give no same twice.

    ``differences`` and ``unstable`` map a test's name to (outcomes without, outcomes under).
    """

    tests: int
    skipped: int
    differences: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)
    unstable: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)


def forktrace_prefix(folder: Path, options: Sequence[str] = ()) -> list[str]:
    """Return the words that make a command run under forktrace, its trace in ``folder``.

    ``options`` are further ones of ``forktrace run``.

    Raises:
        Missing: the command forktrace is not installed next to this Python.
    """
    if not _FORKTRACE.exists():
        raise Missing(f"{_FORKTRACE} is not there: install the project first (pip install -e .)")
    trace = str(folder / "trace.jsonl")
    own = ["run", "--quiet", "--force", "--linger", "0", "-o", trace]
    return [str(_FORKTRACE), *own, *options, "--"]


def run_quietly(
    prefix: Sequence[str], command: Sequence[str], folder: Path, **variables: str
) -> tuple[int, str]:
    """Run a command in a folder, without input; returns its exit status and all that it said.

    What ``prefix`` (forktrace) says by itself goes elsewhere.
    """
    environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), **variables}
    environment.pop("PYTHONPATH", None)
    output = folder / "output"
    redirected = ["sh", "-c", 'exec "$@" >"$0" 2>&1', str(output), *command]
    done = subprocess.run(
        [*prefix, *redirected], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=_PATIENCE, check=False,
    )  # fmt: skip
    return done.returncode, output.read_text(errors="replace")


def compare(suite: Suite, scratch: Path, options: Sequence[str] = ()) -> Comparison:
    """Run a suite both ways. What differs is run again, to tell a difference from a loose test.

    ``options`` are further ones of ``forktrace run``.
    """
    without, under = _both_ways(suite, scratch / "all", None, options)
    found = Comparison(len(without), sum(o.startswith("skipped") for o in without.values()))
    differing = _differing(without, under)
    seen_without, seen_under = _gather([without], differing), _gather([under], differing)
    for turn in range(_AGAIN if differing else 0):
        without, under = _both_ways(suite, scratch / f"again{turn}", differing, options)
        _add(seen_without, without, differing)
        _add(seen_under, under, differing)
    for test in differing:
        pair = (seen_without[test], seen_under[test])
        kind = found.unstable if pair[0] & pair[1] else found.differences
        kind[test] = pair
    return found


def _both_ways(
    suite: Suite, folder: Path, only: Iterable[str] | None, options: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    plain, traced = folder / "without", folder / "under"
    plain.mkdir(parents=True)
    traced.mkdir()
    return suite.run([], plain, only), suite.run(forktrace_prefix(traced, options), traced, only)


def _differing(without: Mapping[str, str], under: Mapping[str, str]) -> list[str]:
    tests = sorted(without.keys() | under.keys())
    return [test for test in tests if without.get(test) != under.get(test)]


def _gather(runs: Iterable[Mapping[str, str]], tests: Iterable[str]) -> dict[str, set[str]]:
    gathered: dict[str, set[str]] = defaultdict(set)
    for outcomes in runs:
        _add(gathered, outcomes, tests)
    return gathered


def _add(to: dict[str, set[str]], outcomes: Mapping[str, str], tests: Iterable[str]) -> None:
    for test in tests:
        to[test].add(outcomes.get(test, "not run"))
