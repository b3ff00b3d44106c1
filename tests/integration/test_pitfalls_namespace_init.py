"""The first process of a PID namespace, as a container's is: its faults, and SIGSTOP to it."""

import os
import select
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.harness import (
    PATIENCE,
    finish,
    python,
    read_line,
    read_records,
    status_field,
    wait_until,
)
from tests.integration.pitfalls import Run, Tracer, without
from tests.integration.test_fault import DETAILS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace")
NAMESPACE = ("unshare", "--pid", "--fork")


@without("init-ignores-stop")
def test_a_stop_from_inside_is_ignored(tracer: Tracer) -> None:
    run = tracer.trace(*NAMESPACE, "sh", "-c", "kill -STOP $$; (kill -STOP 1); echo on")
    assert run.result.out == b"on\n"


def created(trace: Path) -> list[int]:
    """Return the pids of the children so far."""
    return [r["child"] for r in read_records(trace) if r["event"] == "create"]


def test_a_stop_from_outside_stops(whole: Tracer) -> None:
    process, trace = whole.start_recording(*NAMESPACE, "sh", "-c", "echo up; read go; echo on")
    assert read_line(process) == b"up\n"
    (init,) = wait_until(lambda: created(trace), "its birth is recorded")
    os.kill(init, signal.SIGSTOP)
    # Traced, a stopped process shows "t"; it listens then.
    wait_until(lambda: status_field(init, "State") == "t (tracing stop)", "it has stopped")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n")
    assert not select.select([process.stdout], [], [], 0.3)[0]
    os.kill(init, signal.SIGCONT)
    assert finish(process)[1] == b"on\n"


@without("die-of-a-fault")
def test_a_namespace_init_dies_of_its_fault(tracer: Tracer) -> None:
    run = tracer.trace(*NAMESPACE, *tracer.program_of("fault"), "address")
    assert run.result.status == 128 + signal.SIGSEGV
    (init,) = (p for p in run.launch.inside if p.argv[-1:] == ["address"] and p.creator)
    assert init.exit is not None
    assert init.exit.signal == init.fault == "SIGSEGV"


# Its first child is the first process of a PID namespace; no SIGCHLD tells of that one's end.
UNTOLD = """
import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], {})
time.sleep(0.3)
print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
"""


def test_a_zombie_shows_how_it_ended(whole: Tracer) -> None:
    fault = whole.program_of("fault")
    run = whole.trace("unshare", "--pid", *python(UNTOLD), *fault, "address")
    assert int(run.result.out) == signal.SIGSEGV
    init = run.has_argv(*fault, "address")
    assert init.exit is not None
    assert init.exit.signal == "SIGSEGV"


@pytest.mark.parametrize("options", DETAILS)
@pytest.mark.parametrize(
    "how", ["address", "instruction", "abort", "thread", "leader", "caught", "sent"]
)
def test_it_ends_as_it_would_alone(whole: Tracer, how: str, options: tuple[str, ...]) -> None:
    command = (*NAMESPACE, *whole.program_of("fault"), how)
    untraced = subprocess.run(command, check=False, timeout=PATIENCE).returncode
    result = whole.record(*command, options=options)
    launch = Run(result).launch
    (init,) = (p for p in launch.inside if p.argv[-1:] == [how] and p.creator)
    assert launch.complete
    assert init.exit is not None
    if untraced < 0:
        assert result.status == 128 - untraced
        assert init.exit.signal == signal.Signals(-untraced).name
    else:
        assert result.status == init.exit.code == untraced
