"""Record one run by the kernel and by forktrace at the same time."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.ground_truth.compare import Comparison, compare
from tests.ground_truth.kernel import KernelHistory, read_kernel_events
from tests.ground_truth.recorded import Record, load_records, read_records
from tests.ground_truth.tracefs import Incomplete, Instance

_PROJECT = Path(__file__).parents[2]
_FORKTRACE = (sys.executable, "-m", "forktrace", "run", "--quiet", "--linger", "inf")
# forktrace is to be followed from its first instruction: it starts when its pid was written
_HELD = ("sh", "-c", 'read -r go && exec "$@"', "sh")


class Failed(Exception):
    """The workload itself failed, or did not end in time: there is nothing to compare."""


def record(
    command: list[str],
    folder: Path,
    *,
    buffer_kb: int,
    patience: float,
    options: Sequence[str] = (),
) -> tuple[KernelHistory, list[Record]]:
    """Run a command and return the kernel's record and forktrace's.

    Args:
        command: the command line.
        folder: a scratch folder; the command runs there.
        buffer_kb: the kernel's buffer for each CPU.
        patience: seconds after which a run counts as hung.
        options: further options of ``forktrace run``.

    Raises:
        Failed: the command's exit status is not 0, or it hangs.
        Incomplete: the kernel's record has lost events.
        Unavailable: tracefs is not permitted.
    """
    trace = folder / "trace.jsonl"
    with Instance(buffer_kb) as instance:
        traced = [*_FORKTRACE, *options, "-o", str(trace), "--", *command]
        pid = _run([*_HELD, *traced], folder, instance, patience)
        text = instance.finish()
    (folder / "kernel.txt").write_bytes(text)
    records = load_records(trace)
    recorded = read_records(records)
    if recorded.tracer != pid:
        raise Incomplete(f"forktrace ran as {recorded.tracer}, but {pid} was followed")
    return read_kernel_events(text, pid, recorded.root), records


def _run(command: list[str], folder: Path, instance: Instance, patience: float) -> int:
    """Run forktrace to its end, followed by the kernel; returns its pid."""
    environment = {**os.environ, "PYTHONPATH": str(_PROJECT), "XDG_STATE_HOME": str(folder)}
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
        assert process.stdin is not None
        instance.follow(process.pid)
        process.stdin.write(b"go\n")
        process.stdin.close()
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            process.terminate()  # forktrace passes it on to the command
            process.wait(10)
            raise Failed(f"it did not end within {patience:.0f} s") from None
    if status != 0:
        said = log.read_text(errors="replace")[-500:]
        raise Failed(f"it ended with status {status}: {said}")
    return process.pid


def check(
    command: list[str],
    folder: Path,
    *,
    buffer_kb: int,
    patience: float,
    options: Sequence[str] = (),
) -> Comparison:
    """Run a command and compare both records; the arguments are those of ``record``."""
    kernel, records = record(
        command, folder, buffer_kb=buffer_kb, patience=patience, options=options
    )
    return compare(kernel, read_records(records))
