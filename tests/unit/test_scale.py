"""What lets a trace of 100,000 processes be drawn: made traces, a graph on demand, a bar."""

import gc
import importlib
import os
import pty
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis import analyse
from forktrace.model.build import build_launch
from forktrace.model.graph import list_edges
from forktrace.model.history import History
from forktrace.trace.collector import collector_paused
from forktrace.trace.reader import read_trace
from tests.unit.events import launch_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("made_traces")


def test_the_mixed_trace_holds_what_real_ones_hold(made: Any, tmp_path: Path) -> None:
    count = made.make_trace(tmp_path / "t.jsonl", "mixed", 600)
    trace = read_trace(tmp_path / "t.jsonl")
    kinds = Counter(type(event).__struct_config__.tag for event in trace.events)
    assert sum(kinds.values()) == count
    assert kinds.keys() == {
        *("process", "create", "exec", "sample", "descriptors", "call"),
        *("reparent", "exit", "thread-exit"),
    }
    launch = build_launch(trace)
    assert launch.warnings == []  # nothing in it contradicts itself
    findings = analyse(launch)
    roles = {found.role for found in findings.roles.values()}
    assert {"engine", "monitor", "runtime", "init-stage", "container", "cleanup"} <= roles
    assert findings.double_forks
    assert findings.containers
    assert findings.signals == {}  # nobody calls kill


@pytest.mark.parametrize("shape", ["mixed", "chain", "fan"])
def test_a_made_trace_is_the_same_each_time(made: Any, tmp_path: Path, shape: str) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made.make_trace(tmp_path / name, shape, 40, seed)
    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_a_chain_is_as_deep_as_it_has_processes(made: Any, tmp_path: Path) -> None:
    made.make_trace(tmp_path / "t.jsonl", "chain", 30_000)
    launch = build_launch(read_trace(tmp_path / "t.jsonl"))
    assert len(launch.processes) == 30_000
    assert launch.processes["p30000"].parent == "p29999"
    cgroup = ["0::/user.slice/session-1.scope"]  # read of the first alone
    assert History(launch, "cgroup").last("p30000") == cgroup
    assert sum(p.reap is not None for p in launch.inside) == 29_999


def test_the_edges_come_source_by_source() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("fork", 10, 13),
        ("exit", 11, 0),
        ("reparent", 12, 10),
    )
    expected = [
        ("p1", "p2", "create"),
        ("p1", "p4", "create"),
        ("p1", "p3", "reparent"),
        ("p2", "p3", "create"),
    ]
    assert [edge[:3] for edge in list_edges(launch.processes)] == expected
    assert list(launch.graph.edges(keys=True)) == expected
    assert launch.graph is launch.graph


def test_who_is_reaped_under_one_pid_is_not_reaped_again_under_another() -> None:
    launch = launch_of(
        ("root", 10, "sh"),
        ("clone", 10, 11, "NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("exit", 12, 0),
        ("wait", 11, 2),
        ("wait", 10, 12),
    )
    reap = launch.processes["p3"].reap
    assert reap is not None
    assert reap.by == "p2"


def test_a_reader_and_a_builder_say_how_far_they_are(made: Any, tmp_path: Path) -> None:
    made.make_trace(tmp_path / "t.jsonl", "fan", 5_000)
    reading: list[float] = []
    building: list[float] = []
    trace = read_trace(tmp_path / "t.jsonl", reading.append)
    build_launch(trace, building.append)
    for parts in (reading, building):
        assert len(parts) >= 3
        assert parts == sorted(set(parts))
        assert parts[0] >= 0
        assert parts[-1] <= 1


def test_the_collector_goes_on_afterwards() -> None:
    seen = [gc.isenabled()]
    with suppress(ZeroDivisionError), collector_paused():
        with collector_paused():
            seen.append(gc.isenabled())
        seen.append(gc.isenabled())
        raise ZeroDivisionError
    assert [*seen, gc.isenabled()] == [True, False, False, True]


# The module's own waiting time is set, so that no clock decides what a test sees.
SHOWN = """
import time
from forktrace.cli import progress
progress._AFTER_SECONDS = {after}
bars = []
init = progress._Bar.__init__
progress._Bar.__init__ = lambda bar, doing: (init(bar, doing), bars.append(bar))[0]
with progress.progress("Reading the trace", quiet={quiet}) as report:
    while {wait} and not (bars[0]._shown and bars[0]._shown.live.is_started):
        time.sleep(0.01)
    report(0.5)
print("done")
"""


def on_terminal(program: str) -> tuple[str, str]:
    """Return what a Python program writes to stdout, and to the terminal that is its stderr."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # EIO: nobody holds the other end any more
        pass
    finally:
        os.close(ours)
    return done.stdout.decode(), shown.decode()


def test_a_bar_stands_on_a_terminal_while_it_lasts() -> None:
    out, err = on_terminal(SHOWN.format(after=0, wait=True, quiet=False))
    assert out == "done\n"
    assert "Reading the trace" in err
    assert err.rstrip().endswith("\x1b[2K")  # the line is wiped


def test_no_bar_stands_there_for_what_is_soon_over() -> None:
    program = SHOWN.format(after=600, wait=False, quiet=False)
    assert on_terminal(program) == ("done\n", "")


def test_no_bar_stands_there_where_quiet_is_asked_for() -> None:
    # Had a bar been made, the program would wait until it is shown.
    assert on_terminal(SHOWN.format(after=0, wait="bars", quiet=True)) == ("done\n", "")


def test_no_bar_goes_where_no_terminal_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOWN.format(after=0, wait=False, quiet=False)],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
