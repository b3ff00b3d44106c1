"""Compare test suites that others wrote, with and without forktrace.

    python -m tests.other_suites [--bash SOURCE] [--options OPTIONS] [SUITE…]

Ends with status 1 if a test gives another result under forktrace, or if a suite can't be had.
"""

import argparse
import difflib
import shlex
import sys
import tempfile
import time
from pathlib import Path

from tests.other_suites import cpython
from tests.other_suites.bash import Bash
from tests.other_suites.suites import Comparison, Missing, Suite, compare

_SHOWN = 40


def main() -> int:
    """Run the suites that were asked for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.other_suites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [*(s.name for s in cpython.SUITES), Bash.name]
    parser.add_argument("--bash", type=Path, metavar="SOURCE", help="an unpacked source of bash")
    parser.add_argument("--options", default="", help="of forktrace run: '--detail syscalls'")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(names))
    arguments = parser.parse_args()
    unknown = set(arguments.suites) - set(names)
    if unknown:
        parser.error(f"no suite is called {', '.join(sorted(unknown))}")
    options = shlex.split(arguments.options)
    with tempfile.TemporaryDirectory(prefix="forktrace-suites-") as scratch:
        bash = Bash(arguments.bash and arguments.bash.absolute(), Path(scratch))
        suites: list[Suite] = [*cpython.SUITES, bash]
        chosen = [s for s in suites if not arguments.suites or s.name in arguments.suites]
        results = [_one(suite, Path(scratch) / f"run-{suite.name}", options) for suite in chosen]
    compared = [result for result in results if result is not None]
    differences = sum(len(result.differences) for result in compared)
    print(f"\n{sum(r.tests for r in compared)} tests, {differences} differences")
    return int(differences > 0 or len(compared) < len(results))


def _one(suite: Suite, scratch: Path, options: list[str]) -> Comparison | None:
    """Compare one suite and print a row; None where it can't be had."""
    start = time.monotonic()
    try:
        found = compare(suite, scratch, options)
    except Missing as error:
        print(f"{suite.name:28} NOT RUN: {error}", flush=True)
        return None
    print(
        f"{suite.name:28} {found.tests:5} tests ({found.skipped} skipped) "
        f"{len(found.differences):3} differences, {len(found.unstable)} unstable"
        f"  {time.monotonic() - start:6.1f} s",
        flush=True,
    )
    for kind, tests in (("differs", found.differences), ("unstable", found.unstable)):
        for test, (without, under) in tests.items():
            print(f"    {kind}: {test}")
            for line in _change(min(without), min(under - without or under)):
                print(f"      {line}")
    return found


def _change(without: str, under: str) -> list[str]:
    """Return how an outcome differs under forktrace."""
    changed = difflib.unified_diff(
        without.splitlines(), under.splitlines(), "without", "under forktrace", lineterm="", n=1
    )
    return list(changed)[:_SHOWN]


if __name__ == "__main__":
    sys.exit(main())
