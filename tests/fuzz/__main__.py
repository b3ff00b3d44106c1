"""Read and draw damaged traces: ``python -m tests.fuzz [--cases N] [--seed N]``.

Nothing but an error that is told in one sentence may come of it.
"""

import argparse
import sys
import tempfile
import traceback
from pathlib import Path

from forktrace.analysis.passes import analyse
from forktrace.errors import ForktraceError
from forktrace.model.build import build_launch
from forktrace.render import ps
from forktrace.render.registry import find_format
from forktrace.trace.reader import read_trace
from forktrace.views.normalize import normalize
from forktrace.views.options import ViewOptions
from tests.fuzz.mutate import mutated

PROJECT = Path(__file__).parents[2]
FORMATS = (
    *("text", "svg", "json", "dot", "markdown", "html"),
    *("mermaid", "graphml", "perfetto"),
)
NORMALIZED = ("text", "svg", "json")
PS = (ps.Request(), ps.Request("50%", nspid=True, ended=True), ps.Request("40%", cgroups=True))


def traces() -> list[bytes]:
    """Return the saved traces, to be damaged."""
    found = [*PROJECT.glob("examples/*/launch.jsonl"), *PROJECT.glob("tests/unit/data/*.jsonl")]
    return [path.read_bytes() for path in sorted(found)]


def read_and_draw(path: Path) -> bool:
    """Draw a trace in every format; returns False if it was refused in one sentence."""
    try:
        launch = build_launch(read_trace(path))
    except ForktraceError as error:
        if "\n" in str(error):
            raise AssertionError(f"not one sentence: {error}") from error
        return False
    findings = analyse(launch)
    for name in FORMATS:
        find_format(name).load()(launch, findings, ViewOptions())
    normal = normalize(launch, findings)
    for name in NORMALIZED:
        find_format(name).load()(*normal, ViewOptions())
    for request in PS:
        ps.render(launch, findings, request, ViewOptions(width=80))
    return True


def run(cases: int, seed: int) -> tuple[int, int]:
    """Try damaged traces; returns how many were drawn and how many refused. Raises on a fault."""
    originals = traces()
    drawn = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.jsonl"
        for number in range(seed, seed + cases):
            path.write_bytes(mutated(number, originals[number % len(originals)]))
            try:
                drawn += read_and_draw(path)
            except BaseException as error:
                error.add_note(f"seed {number}")
                raise
    return drawn, cases - drawn


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Read and draw damaged traces.")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        drawn, refused = run(arguments.cases, arguments.seed)
    except Exception:
        traceback.print_exc()
        return 1
    print(f"{arguments.cases} damaged traces: {drawn} drawn, {refused} refused, no fault")
    return 0


if __name__ == "__main__":
    sys.exit(main())
