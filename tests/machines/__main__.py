"""Build, boot and test whole machines.

Usage::

    python -m tests.machines build MACHINE|all
    python -m tests.machines run MACHINE [PYTEST ARGUMENT…]
    python -m tests.machines all [PYTEST ARGUMENT…]

``run`` boots a machine and runs tests in it, the smoke list by default; ``all`` runs every list in
every machine. Results, traces and pictures come back into a folder, which is named.
"""

import argparse
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from tests.machines.boot import boot
from tests.machines.build import MachineError, build, cache
from tests.machines.carry import bring_back, work_disk
from tests.machines.lists import SMOKE, WHOLE
from tests.machines.specs import MACHINES, Spec

RUN_SECONDS = 5400.0  # of one run, from the start of the emulator
TEST_SECONDS = 900.0  # of one test: what takes a second elsewhere takes ten when emulated


def main(words: Sequence[str]) -> int:
    """Do what the command line says; returns the exit status: 1 where a test failed."""
    given = _parser().parse_args(words)
    try:
        if given.do == "build":
            names = list(MACHINES) if given.machine == "all" else [given.machine]
            for name in names:
                print(build(MACHINES[name]))
            return 0
        if given.do == "run":
            tests = given.tests or SMOKE
            return _run(MACHINES[given.machine], tests, given.seconds, given.test_seconds)
        failed = [
            spec.name
            for spec in MACHINES.values()
            if _run(spec, given.tests or WHOLE, given.seconds, given.test_seconds)
        ]
    except MachineError as error:
        print(f"tests.machines: {error}", file=sys.stderr)
        return 1
    if failed:
        print(f"not well: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.machines", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    doing = parser.add_subparsers(dest="do", required=True)
    built = doing.add_parser("build", help="make an image, unless it is cached")
    built.add_argument("machine", choices=[*MACHINES, "all"])
    one = doing.add_parser("run", help="run tests in a machine")
    one.add_argument("machine", choices=list(MACHINES))
    every = doing.add_parser("all", help="run tests in every machine")
    for each in (one, every):
        each.add_argument("--seconds", type=float, default=RUN_SECONDS, help="limit of a run")
        each.add_argument(
            "--test-seconds", type=float, default=TEST_SECONDS, help="limit of a test"
        )
        each.add_argument("tests", nargs="*", help="what pytest takes, after --")
    return parser


def _run(spec: Spec, tests: Sequence[str], seconds: float, test_seconds: float) -> int:
    """Run tests in a machine, and show how they ended; returns 0 where all passed."""
    image = build(spec)
    folder = cache() / "work" / spec.name
    results = cache() / "results" / spec.name
    disk = work_disk(spec, folder, tests, test_seconds)
    console = folder / "console"
    print(f"{spec.name}: booting; its console is {console}", flush=True)
    trouble = None
    try:
        booted = boot(spec, image, disk, console, seconds)
        print(f"{spec.name}: was up after {booted:.0f} s", flush=True)
    except MachineError as error:
        trouble = error
    bring_back(disk, results)
    disk.unlink()
    console.rename(results / "console")
    if trouble is not None:
        raise trouble
    return _show(spec, results)


def _show(spec: Spec, results: Path) -> int:
    """Print what failed or was skipped and why, as pytest told it, and the count."""
    junit = results / "junit.xml"
    output = results / "output"
    lines = output.read_text(errors="replace").splitlines() if output.exists() else []
    if not junit.exists():
        last = "\n".join(lines[-30:])
        raise MachineError(f"pytest did not come to its end in {spec.name}:\n{last}")
    suite = ET.parse(junit).getroot().find("testsuite")
    assert suite is not None
    for line in lines:
        if line.startswith(("FAILED ", "ERROR ", "SKIPPED ")):
            print(f"{spec.name}: {line}")
    count = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    print(f"{spec.name}: {lines[-1].strip('= ')}")
    print(f"{spec.name}: the results, traces and pictures are in {results}")
    return int(count["tests"] == 0 or count["failures"] + count["errors"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
