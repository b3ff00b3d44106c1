"""Compare the cost of tracing: untraced, forktrace, and strace's fastest mode, in turn.

    python benchmarks/overhead.py [--runs N] [WORKLOAD…]

Each round runs every variant of a workload once, so that all see the same state of the machine;
printed are the medians, and the median of the rounds' ratios to strace. Trust the ratios, not the
seconds. Needs strace; the workloads "make" and "podman" need a C compiler and make, and a podman
that works here (with an image made of a static busybox).
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FORKS = 2000
C_FILES = 60
IMAGE = "forktrace-bench"
WORKLOADS = ["start-up", "forks", "calls", "make", "podman"]
STRACE = ["strace", "-f", "--seccomp-bpf", "-e", "trace=process", "-o"]
# The goals: (workload, variant) -> compared with which variant, ratio of whole processes at most.
GOALS = {
    ("forks", "forktrace"): ("strace", 1.25),
    ("forks", "forktrace minimal"): ("strace", 0.95),
    ("make", "forktrace"): ("strace", 0.95),
    ("podman", "forktrace"): ("strace", 0.95),
    ("calls", "forktrace minimal"): ("C tracer", 1.15),
    ("calls", "forktrace syscalls"): ("strace -f", 1.5),
    ("calls", "forktrace seccomp"): ("strace", 1.3),
}


@dataclass(frozen=True)
class Workload:
    """Be a command to time, with what has to be done before each run (not timed)."""

    name: str
    command: list[str]
    prepare: Callable[[], None]


def nothing() -> None:
    """Prepare nothing."""


def silently(command: list[str]) -> None:
    """Run a command that is not timed."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def variants(command: list[str], scratch: Path) -> dict[str, list[str]]:
    """Return the command lines to compare, by name."""

    def forktrace(detail: str) -> list[str]:
        base = [sys.executable, "-m", "forktrace", "run", "--quiet", "--force"]
        return [*base, "--detail", detail, "-o", str(scratch / "t.jsonl"), "--", *command]

    return {
        "untraced": command,
        "forktrace": forktrace("events"),
        "forktrace minimal": forktrace("minimal"),
        "strace": [*STRACE, str(scratch / "s.log"), *command],
    }


def call_variants(command: list[str], scratch: Path) -> dict[str, list[str]]:
    """Return the command lines that compare the two ends: no detail, and system calls."""
    source = Path(__file__).with_name("minimal_tracer.c")
    tracer = scratch / "minimal_tracer"
    silently(["cc", "-O2", "-o", str(tracer), str(source)])
    base = [sys.executable, "-m", "forktrace", "run", "--quiet", "--force", "--detail"]
    root = os.geteuid() == 0
    output = ["-o", str(scratch / "t.jsonl"), "--", *command]
    return {
        "untraced": command,
        "C tracer": [str(tracer), *command],
        "forktrace minimal": [*base, "minimal", *output],
        "forktrace syscalls": [*base, "syscalls", *output],
        "strace -f": ["strace", "-f", "-o", str(scratch / "s.log"), *command],
        **({"forktrace seccomp": [*base, "syscalls", "--seccomp", *output]} if root else {}),
        "strace": [*STRACE, str(scratch / "s.log"), *command],
    }


def timed(command: list[str]) -> float:
    """Run a command to its end and return the wall seconds; fail if it fails."""
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")
    return time.monotonic() - start


def compare(workload: Workload, commands: dict[str, list[str]], runs: int) -> None:
    """Time all variants of a workload in turn, and print a row for each."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(runs + 1):
        for name, command in commands.items():
            workload.prepare()
            seconds = timed(command)
            if round_number:  # the first round warms the caches
                times[name].append(seconds)
    print(f"\n{workload.name}: {runs} rounds")
    print(f"  {'':18} {'seconds':>8} {'to untraced':>12}  goal")
    for name, seconds_of in times.items():
        untraced = ratio(seconds_of, times["untraced"])
        verdict = _verdict(workload.name, name, times)
        print(f"  {name:18} {statistics.median(seconds_of):8.3f} {untraced:12.2f}  {verdict}")


def _verdict(workload: str, name: str, times: dict[str, list[float]]) -> str:
    if (workload, name) not in GOALS:
        return ""
    other, goal = GOALS[workload, name]
    measured = ratio(times[name], times[other])
    outcome = "met" if measured <= goal else "MISSED"
    return f"{measured:.2f} of {other}, at most {goal:.2f}: {outcome}"


def ratio(of: list[float], to: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def start_up(runs: int, scratch: Path) -> None:
    """Print how long forktrace needs around a command that does nothing."""
    trace = str(scratch / "t.jsonl")
    base = [sys.executable, "-m", "forktrace", "run", "--quiet", "--force", "-o", trace]
    whole, begun = [], []
    for _ in range(runs):
        whole.append(timed([*base, "--", "true"]))
        start = time.time_ns()
        done = subprocess.run(
            [*base, "--", "date", "+%s%N"], check=True, capture_output=True, cwd="/"
        )
        begun.append((int(done.stdout) - start) / 1e9)
    print("\nstart-up, seconds (goals: whole 0.20, until the command runs 0.12)")
    print(
        f"  whole {statistics.median(whole):.3f}, "
        f"until the command runs {statistics.median(begun):.3f}"
    )


def forks() -> Workload:
    """Return the shell that starts 2,000 programs."""
    script = f"i=0; while [ $i -lt {FORKS} ]; do /bin/true; i=$((i+1)); done"
    return Workload("forks", ["sh", "-c", script], nothing)


def make(scratch: Path) -> Workload:
    """Return a parallel build of sixty C files."""
    tree = scratch / "build"
    tree.mkdir()
    objects = [f"f{i}.o" for i in range(C_FILES)]
    for i in range(C_FILES):
        body = f'#include <stdio.h>\nint f{i}(int n) {{ return printf("%d", n); }}\n'
        (tree / f"f{i}.c").write_text(body)
    rules = f"all: {' '.join(objects)}\n%.o: %.c\n\t$(CC) -O1 -c $< -o $@\nclean:\n\trm -f *.o\n"
    (tree / "Makefile").write_text(rules)
    clean = ["make", "-s", "-C", str(tree), "clean"]
    return Workload(
        "make",
        ["make", "-s", "-j4", "-C", str(tree)],
        lambda: silently(clean),
    )


@contextmanager
def podman(scratch: Path) -> Iterator[Workload]:
    """Return a real launch, with an image of its own that is removed afterwards."""
    root = scratch / "image" / "bin"
    root.mkdir(parents=True)
    busybox = shutil.which("busybox") or "/bin/busybox"
    shutil.copy(busybox, root / "busybox")
    (root / "echo").symlink_to("busybox")
    packed = subprocess.run(
        ["tar", "-C", str(root.parent), "-c", "."], check=True, capture_output=True
    )
    subprocess.run(
        ["podman", "import", "-", IMAGE], input=packed.stdout, check=True, capture_output=True
    )
    command = ["podman", "--runtime", "runc", "run", "--rm", "--network=host"]
    command += ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", IMAGE, "echo", "hi"]
    try:
        yield Workload("podman", command, nothing)
    finally:
        subprocess.run(["podman", "rmi", "-f", IMAGE], check=False, capture_output=True)


def main() -> None:
    """Run the workloads that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=9, help="rounds counted per workload")
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    arguments = parser.parse_args()
    print(f"{os.uname().sysname} {os.uname().release} {os.uname().machine}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in arguments.workloads:
            if name == "start-up":
                start_up(arguments.runs, scratch)
            elif name == "forks":
                work = forks()
                compare(work, variants(work.command, scratch), arguments.runs)
            elif name == "calls":
                work = Workload("calls", forks().command, nothing)
                compare(work, call_variants(work.command, scratch), arguments.runs)
            elif name == "make":
                work = make(scratch)
                compare(work, variants(work.command, scratch), arguments.runs)
            elif name == "podman":
                with podman(scratch) as workload:
                    compare(workload, variants(workload.command, scratch), arguments.runs)
            else:
                parser.error(f"no workload is called {name!r}")


if __name__ == "__main__":
    main()
