"""Build, boot and test whole machines: ``python -m tests.machines build|run|all|table``."""

import fcntl
import signal
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tests.machines.boot import boot, check_emulator
from tests.machines.build import MachineError, build, cache, last_lines
from tests.machines.carry import bring_back, draw, work_disk
from tests.machines.lists import RUNS, SMOKE, whole
from tests.machines.specs import MACHINES, Spec
from tests.machines.table import table

RUN_SECONDS = 7200.0  # of one run, from the start of the emulator
MACHINE = click.Choice(list(MACHINES))
RUN = click.Choice(RUNS)


@click.group()
def main() -> None:
    """Build, boot and test whole machines."""


def _runs(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command what all that run tests take: pytest's arguments, and limits."""
    options: list[Callable[[Any], Any]] = [
        click.option("--seconds", default=RUN_SECONDS, help="The limit of a run."),
        click.option("--test-seconds", type=float, help="The limit of a test."),
        click.argument("tests", nargs=-1),
    ]
    for option in options:
        function = option(function)
    return function


@main.command(name="build")
@click.argument("machines", nargs=-1, required=True, type=MACHINE)
def build_images(machines: Sequence[str]) -> None:
    """Make the images of MACHINES, unless they are cached."""
    for name in machines:
        click.echo(build(MACHINES[name]))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("machine", type=MACHINE)
@_runs
def run(machine: str, tests: Sequence[str], seconds: float, test_seconds: float | None) -> None:
    """Run TESTS in a MACHINE, as pytest takes them; by default the smoke list."""
    sys.exit(_run(MACHINES[machine], tests or SMOKE, seconds, test_seconds))


@main.command(name="all", context_settings={"ignore_unknown_options": True})
@click.option("--machine", "machines", multiple=True, type=MACHINE, help="In this one. Repeatable.")
@click.option("--run", "names", multiple=True, type=RUN, help="Of the tests, these. Repeatable.")
@_runs
def run_all(
    machines: Sequence[str],
    names: Sequence[str],
    tests: Sequence[str],
    seconds: float,
    test_seconds: float | None,
) -> None:
    """Run TESTS in every machine, one after another; by default all that are for machines."""
    ends = []
    for spec in (MACHINES[name] for name in machines or MACHINES):
        every = whole(spec)
        runs = {"": tests} if tests else {name: every[name] for name in names or every}
        ends += [_run(spec, given, seconds, test_seconds, name) for name, given in runs.items()]
    sys.exit(max(ends))


@main.command(name="table")
def print_table() -> None:
    """Print what the machines were and how their tests ended, from the last results."""
    click.echo(table(cache() / "results"), nl=False)


def _run(
    spec: Spec, tests: Sequence[str], seconds: float, test_seconds: float | None, name: str = ""
) -> int:
    """Run tests in a machine, and show how they ended; returns 0 where all passed.

    Args:
        spec: the machine.
        tests: the arguments of pytest.
        seconds: the limit of the run.
        test_seconds: the limit of a test, None for what such a machine may need.
        name: of the run, where a machine has several.
    """
    results = cache() / "results" / "-".join(filter(None, (spec.name, name)))
    try:
        check_emulator(spec)
        image = build(spec)
        with Path(f"{cache() / spec.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            disk = work_disk(spec, tests, test_seconds)
            return _run_in(spec, image, disk, results, seconds)
    except MachineError as error:
        click.echo(f"{spec.name}: {error}", err=True)
        return 1


def _run_in(spec: Spec, image: Path, disk: Path, results: Path, seconds: float) -> int:
    console = disk.with_name("console")
    click.echo(f"{spec.name}: booting; its console is {console}")
    try:
        booted = boot(spec, image, disk, console, seconds)
        click.echo(f"{spec.name}: was up after {booted:.0f} s")
    finally:
        bring_back(disk, results)  # also what a machine that hung has written
        disk.unlink()
        console.rename(results / "console")
    return _show(spec, results)


def _show(spec: Spec, results: Path) -> int:
    """Print what failed or was skipped and why, as pytest told it, and the count."""
    junit = results / "junit.xml"
    output = results / "output"
    lines = output.read_text(errors="replace").splitlines() if output.exists() else []
    if not junit.exists():
        last = "\n".join(lines[-20:])
        raise MachineError(
            f"pytest did not come to its end in {spec.name}:\n{last}\n"
            f"its console's last lines:\n{last_lines(results / 'console')}"
        )
    suite = ET.parse(junit).getroot().find("testsuite")
    assert suite is not None
    for line in lines:
        if line.startswith(("FAILED ", "ERROR ", "SKIPPED ")):
            click.echo(f"{spec.name}: {line}")
    count = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    click.echo(f"{spec.name}: {lines[-1].strip('= ')}")
    troubles = draw(results)
    for trouble in troubles:
        click.echo(f"{spec.name}: not drawn: {trouble}")
    click.echo(f"{spec.name}: the results, traces and pictures are in {results}")
    bad = count["failures"] + count["errors"] + len(troubles)
    return int(count["tests"] == 0 or bad > 0)


if __name__ == "__main__":
    # What a machine has found is brought back also when its run is ended from outside.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        main()
    except MachineError as error:
        sys.exit(f"tests.machines: {error}")
