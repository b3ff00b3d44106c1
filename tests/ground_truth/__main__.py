"""Compare forktrace's record with the kernel's, workload by workload.

    python -m tests.ground_truth [--long] [--repeat N] [--options OPTIONS] [WORKLOAD…]

Needs root and tracefs. Ends with status 1 if there is a difference that is not permitted, or if a
workload could not be run.
"""

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.ground_truth.compare import Comparison
from tests.ground_truth.run import Failed, check
from tests.ground_truth.tracefs import Incomplete, Unavailable, require_tracefs
from tests.ground_truth.workloads import WORKLOADS, Missing, Workload, make_image, remove_image

_BUFFER_KB = 32 * 1024
_PATIENCE = 900.0
_SHOWN = 20


def main() -> int:
    """Run the workloads that were asked for; return the exit status."""
    arguments = _parse()
    try:
        require_tracefs()
    except Unavailable as error:
        print(f"ground truth: {error}", file=sys.stderr)
        return 1
    machine = os.uname()
    print(f"{machine.sysname} {machine.release} {machine.machine}, {os.cpu_count()} CPUs")
    chosen = [w for w in WORKLOADS if not arguments.workloads or w.name in arguments.workloads]
    with tempfile.TemporaryDirectory(prefix="forktrace-ground-truth-") as scratch:
        Path(scratch).chmod(0o755)  # some workloads run as another user
        return _run_all(chosen, arguments, Path(scratch))


def _parse() -> argparse.Namespace:
    names = [w.name for w in WORKLOADS]
    parser = argparse.ArgumentParser(
        prog="python -m tests.ground_truth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--long", action="store_true", help="200,000 events and more")
    parser.add_argument("--repeat", type=int, default=1, help="run each workload so many times")
    parser.add_argument("--options", default="", help="of forktrace run: '--detail syscalls'")
    parser.add_argument("--keep", type=Path, help="keep traces and kernel records in this folder")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(names))
    arguments = parser.parse_args()
    unknown = set(arguments.workloads) - set(names)
    if unknown:
        parser.error(f"no workload is called {', '.join(sorted(unknown))}")
    return arguments


def _run_all(chosen: list[Workload], arguments: argparse.Namespace, scratch: Path) -> int:
    total: Counter[str] = Counter()
    permitted: Counter[str] = Counter()
    failed = False
    with_image = any("podman" in w.needs for w in chosen)
    try:
        if with_image:
            _make_image(scratch)
        for workload in chosen:
            for _ in range(arguments.repeat):
                folder = Path(tempfile.mkdtemp(prefix=workload.name, dir=arguments.keep or scratch))
                size = workload.long if arguments.long else 1
                outcome = _one(workload, folder, size, shlex.split(arguments.options))
                failed |= outcome is None or bool(outcome.differences)
                if outcome is not None:
                    total["events"] += outcome.events
                    total["differences"] += len(outcome.differences)
                    permitted += outcome.permitted
    finally:
        if with_image:
            remove_image()
    print(f"\n{total['events']} events, {total['differences']} differences")
    for name, count in sorted(permitted.items()):
        print(f"  permitted: {count} {name}")
    return int(failed)


def _make_image(scratch: Path) -> None:
    """Make the image; where that is not possible, the workloads that need it will say so."""
    with suppress(Missing):
        make_image(scratch)


def _one(workload: Workload, folder: Path, size: int, options: list[str]) -> Comparison | None:
    """Run one workload and print a row; None where it could not be run."""
    start = time.monotonic()
    try:
        command = workload.prepare(folder, size)
        outcome = check(command, folder, buffer_kb=_BUFFER_KB, patience=_PATIENCE, options=options)
        if outcome.events < workload.least:
            raise Failed(f"it caused no more than {outcome.events} events")
    except (Missing, Failed, Incomplete) as error:
        print(f"{workload.name:12} NOT COMPARED: {error}", flush=True)
        return None
    allowed = ", ".join(f"{count} {name}" for name, count in sorted(outcome.permitted.items()))
    seconds = time.monotonic() - start
    print(
        f"{workload.name:12} {outcome.events:7} events {len(outcome.differences):4} differences"
        f"  {seconds:6.1f} s  {'permitted: ' + allowed if allowed else ''}",
        flush=True,
    )
    for sentence in outcome.differences[:_SHOWN]:
        print(f"    {sentence}")
    if len(outcome.differences) > _SHOWN:
        print(f"    and {len(outcome.differences) - _SHOWN} more")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
