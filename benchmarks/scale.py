"""Measure how long drawing takes, from five to 100,000 processes, and plot how that grows.

    python benchmarks/scale.py [--plot FILE] [--shapes NAME…] [--sizes N…] [--formats NAME…]

Measured is a whole `forktrace render`, from the trace file to the output file. The traces are made
(see made_traces.py): "mixed" is a build with containers, daemons, pipelines and threads, "chain"
has each process start the next, in "fan" one starts all others. Goals are for processor time (user
and system), which a busy machine changes less than the seconds on the clock: a rendering has one
thread, so on an idle machine the two are the same. The plot needs matplotlib.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from made_traces import SHAPES, make_trace

SIZES = [5, 1_000, 3_000, 10_000, 30_000, 100_000]
FORMATS = {"text": "txt", "svg": "svg", "html": "html", "json": "json"}
# The goals: (processes, format) -> seconds at most.
GOALS = {
    (10_000, "text"): 2.0,
    (10_000, "svg"): 3.0,
    (10_000, "html"): 3.0,
    (100_000, "json"): 10.0,
    (100_000, "html"): 20.0,
    (100_000, "text"): 10.0,
}


@dataclass(frozen=True)
class Run:
    """Be one rendering: seconds of processor and clock, the largest resident set, the output."""

    cpu: float
    wall: float
    peak_mib: float
    output_mib: float


Key = tuple[str, int, str]  # shape, processes, format


def render(trace: Path, output: Path) -> Run:
    """Draw a trace into a file by a process of its own.

    Raises:
        RuntimeError: forktrace failed.
    """
    command = [sys.executable, "-m", "forktrace", "render", "--force", "-o", str(output)]
    start = time.monotonic()
    process = subprocess.Popen([*command, str(trace)])
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"drawing {output.name} ended with {process.returncode}")
    cpu = used.ru_utime + used.ru_stime
    return Run(cpu, wall, used.ru_maxrss / 1024, output.stat().st_size / 2**20)


def report(key: Key, events: int, run: Run) -> None:
    """Print a row."""
    shape, size, name = key
    goal = GOALS.get((size, name))
    verdict = ""
    if goal is not None:
        verdict = f"at most {goal:.0f}: {'met' if run.cpu <= goal else 'MISSED'}"
    each = run.cpu / events * 1e6
    print(
        f"{shape:6} {size:8,} {events:9,} {name:6} {run.cpu:8.2f} {run.wall:8.2f} {each:9.1f}"
        f" {run.peak_mib:9.0f} {run.output_mib:8.1f}  {verdict}",
        flush=True,
    )


def measure(shapes: list[str], sizes: list[int], formats: list[str]) -> dict[Key, tuple[int, Run]]:
    """Make each trace, draw it in each format, and return events and run of each."""
    found: dict[Key, tuple[int, Run]] = {}
    print(
        f"{'shape':6} {'processes':>8} {'events':>8} {'format':6} {'CPU s':>8} {'wall s':>8} "
        f"{'µs/event':>9} {'peak MiB':>9} {'out MiB':>8}"
    )
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "t.jsonl"
        for shape in shapes:
            for size in sizes:
                events = make_trace(trace, shape, size)
                for name in formats:
                    run = render(trace, Path(folder) / f"out.{FORMATS[name]}")
                    found[shape, size, name] = (events, run)
                    report((shape, size, name), events, run)
    return found


def plot(found: dict[Key, tuple[int, Run]], file: Path) -> None:
    """Draw processor time over events: a panel a shape, a line a format."""
    from matplotlib import pyplot

    colors = {"text": "#005A9C", "svg": "#2E7D32", "html": "#B84E00", "json": "#6A1B9A"}
    shapes = list(dict.fromkeys(shape for shape, _, _ in found))
    figure, panels = pyplot.subplots(
        1, len(shapes), figsize=(4 * len(shapes), 4), sharey=True, squeeze=False
    )
    for panel, shape in zip(panels[0], shapes, strict=True):
        for name in dict.fromkeys(name for _, _, name in found):
            runs = [r for (s, _, n), r in found.items() if (s, n) == (shape, name)]
            points = [(events / 1000, run.cpu) for events, run in runs]
            panel.plot(*zip(*points, strict=True), marker="o", color=colors[name], label=name)
        panel.set(title=shape, xlabel="thousand events", xlim=(0, None), ylim=(0, None))
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False)
    panels[0][0].set_ylabel("processor time, s")
    figure.tight_layout()
    figure.savefig(file, dpi=150)


def main() -> int:
    """Measure, print, and plot if that was asked for; return 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--plot", type=Path, help="the picture to write (.svg or .png)")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    arguments = parser.parse_args()
    found = measure(arguments.shapes, arguments.sizes, arguments.formats)
    if arguments.plot:
        plot(found, arguments.plot)
    missed = [key for key, (_, run) in found.items() if run.cpu > GOALS.get(key[1:], float("inf"))]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
