"""Check that a pitfall of ptrace(2) is handled, and that the check would notice if it weren't.

``without`` runs a test twice: with forktrace as it is, and without one of its rules (``broken``),
where the test must fail.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration import broken, programs
from tests.integration.harness import BROKEN_PATIENCE, PATIENCE, Forktrace, Result, default_signals

BROKEN = (sys.executable, "-m", "tests.integration.broken")

# Followed by a command: runs it as the first process of a PID namespace, or under that one.
AS_NAMESPACE_INIT = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
IN_PID_NAMESPACE = (*AS_NAMESPACE_INIT, "sh", "-c", '"$@"; exit $?', "sh")


@dataclass(frozen=True)
class Run:
    """Hold a program's own report, and what forktrace recorded of it."""

    result: Result

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        return programs.report(self.result.out)

    @cached_property
    def launch(self) -> Launch:
        return build_launch(read_trace(self.result.trace))

    def said(self, key: str) -> dict[str, Any]:
        return programs.said(self.lines, key)

    def process(self, pid: int) -> Process:
        """Return the one process that had a pid."""
        found = [p for p in self.launch.inside if p.pid == pid]
        assert len(found) == 1, f"{len(found)} processes with pid {pid}"
        return found[0]

    def has_argv(self, *argv: str) -> Process:
        """Return the one process that ended with these arguments."""
        found = [p for p in self.launch.inside if p.argv == list(argv)]
        assert len(found) == 1, f"{len(found)} processes ended as {argv}"
        return found[0]

    def pid(self, id_: str | None) -> int | None:
        return self.launch.processes[id_].pid if id_ else None


def alone(*command: str) -> bytes:
    """Return what a command says without forktrace."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, timeout=PATIENCE, preexec_fn=default_signals
    )
    return done.stdout


class Tracer(Forktrace):
    """Run forktrace, whole or without a rule, and leave nothing behind."""

    def __init__(
        self, folder: Path, builds: Path, missing: Missing, rule: str = "-", order: str = "-"
    ) -> None:
        super().__init__(folder)
        self._builds = builds
        self.missing = missing
        self._started: list[subprocess.Popen[bytes]] = []
        if rule != "-":
            self.patience = BROKEN_PATIENCE
        if (rule, order) != ("-", "-"):
            self.program = (*BROKEN, rule, order)

    def trace(self, *command: str, options: Sequence[str] = (), warnings: int = 0) -> Run:
        """Trace a command to its end; nothing may have gone wrong inside forktrace."""
        result = self.record(*command, options=options)
        if result.status == programs.UNSUPPORTED:
            self.missing("what this program needs of the kernel")
        said = [line for line in result.err.splitlines() if "forktrace: trace: " not in line]
        assert said == [], said
        run = Run(result)
        assert run.launch.complete
        assert len(run.launch.warnings) == warnings
        return run

    def program_of(self, name: str, sources: Path = programs.SOURCES) -> list[str]:
        """Return the command line of a tiny program, built once."""
        built = self._builds / name
        if built.exists():
            return [str(built)]
        return programs.command(name, self._builds, self.missing, sources)

    def start(self, *args: str | bytes, **popen: Any) -> subprocess.Popen[bytes]:
        process = super().start(*args, **{"start_new_session": True, **popen})
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill what hangs: each forktrace that still runs, with its process group."""
        for process in self._started:
            if process.poll() is None:
                if os.getpgid(process.pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
                process.kill()
                process.wait()


def without(rule: str, order: str = "-") -> pytest.MarkDecorator:
    """Run a test with the fixture ``tracer`` whole, and without a rule, where it must fail.

    Args:
        rule: a name in ``broken.RULES``.
        order: a name in ``broken.ORDERS``, the order of reports that both get; "-" for any.
    """
    must_fail = pytest.mark.xfail(
        raises=(AssertionError, subprocess.TimeoutExpired),
        reason=broken.RULES[rule].__doc__ or "",
        strict=True,
    )
    return pytest.mark.parametrize(
        "tracer",
        [
            pytest.param(("-", order), id="whole"),
            pytest.param((rule, order), id=f"without-{rule}", marks=must_fail),
        ],
        indirect=True,
    )
