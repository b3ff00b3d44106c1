"""Measure what forktrace holds in memory while it captures, and plot how that grows.

    python benchmarks/memory.py [--plot FILE] [--detail LEVEL]

Two runs: thousands of processes that live at once, and a hundred thousand that come and go.
Read is the resident set of the capturing process (VmRSS in proc(5)). Needs a C compiler; the plot
needs matplotlib.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

LIVE = 6_000
TOTAL = 100_000
GOAL_MIB = 80.0
Points = list[tuple[int, float]]


def build(scratch: Path) -> Path:
    """Compile the program that is traced."""
    program = scratch / "come_and_go"
    source = Path(__file__).with_name("come_and_go.c")
    subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)
    return program


def resident_mib(pid: int) -> float:
    """Return the resident set of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} shows no VmRSS")


def measure(program: Path, detail: str, live: int, total: int, trace: Path) -> Points:
    """Trace the program; return (processes so far, MiB) at each line that it prints."""
    command = [sys.executable, "-m", "forktrace", "run", "--quiet", "--force", "--detail", detail]
    command += ["-o", str(trace), "--", str(program), str(live), str(total)]
    points: Points = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            points.append((int(line.split()[1]), resident_mib(run.pid)))
        assert run.stderr is not None
        said = run.stderr.read()
    if run.returncode != 0:
        raise RuntimeError(f"the traced program ended with {run.returncode}: {said}")
    return points


def report(name: str, points: Points) -> None:
    """Print a row."""
    highest = max(mib for _, mib in points)
    verdict = "met" if highest <= GOAL_MIB else "MISSED"
    first, middle, last = points[0][1], points[len(points) // 2][1], points[-1][1]
    print(
        f"{name:24} {first:5.1f} to {highest:5.1f} MiB (at most {GOAL_MIB:.0f}: {verdict}); "
        f"the first half added {middle - first:.1f}, the second {last - middle:.1f}"
    )


def plot(runs: dict[str, Points], file: Path) -> None:
    """Draw both runs."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(runs), figsize=(11, 4), sharey=True)
    for axis, (name, points) in zip(axes, runs.items(), strict=True):
        axis.plot(*zip(*points, strict=True), color="#005A9C")
        axis.axhline(GOAL_MIB, color="#B84E00", linestyle="--", linewidth=1)
        axis.set(title=name, xlabel="processes", ylabel="resident, MiB", ylim=(0, GOAL_MIB * 1.1))
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def main() -> None:
    """Measure, print, and plot if that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--plot", type=Path, help="the picture to write (.svg or .png)")
    parser.add_argument("--detail", default="events", choices=["minimal", "events", "syscalls"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        trace = Path(folder) / "t.jsonl"
        runs = {
            f"{LIVE:,} live at once": measure(program, arguments.detail, LIVE, 0, trace),
            f"{TOTAL:,} come and go": measure(program, arguments.detail, 0, TOTAL, trace),
        }
    for name, points in runs.items():
        report(name, points)
    if arguments.plot:
        plot(runs, arguments.plot)


if __name__ == "__main__":
    main()
