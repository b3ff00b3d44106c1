"""Run engines beside the traced ones, and ask the kernel what is true."""

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.engines.traced import Traced
from tests.integration.harness import (
    PATIENCE,
    Forktrace,
    alive,
    finish,
    read_line,
    wait_until,
)

Need = Callable[..., None]

# The limits are needed where CAP_SYS_RESOURCE is missing: podman would try to raise them.
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")
RUN = ("podman", "--runtime", "runc", "run", "--network=host", *LIMITS)
# What a container runs so that a test can look at it: it ends with 7 after a line of input.
WAIT = "echo up; read line; exit 7"


def unique_name() -> str:
    """Return a name that nothing else on the machine has."""
    return f"forktrace-{uuid.uuid4().hex[:12]}"


def call(*command: str, check: bool = True, **more: Any) -> str:
    """Run a command beside the traced ones; returns its standard output, stripped.

    Args:
        command: the program and its arguments.
        check: fail the test, with what was said on standard error, if it fails.
        more: further arguments of ``subprocess.run``.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, **more
    )
    assert not check or done.returncode == 0, done.stderr
    said: str = done.stdout
    return said.strip()


def podman(*args: str, check: bool = True, **more: Any) -> str:
    """Run podman beside the traced ones; returns its standard output, stripped."""
    return call("podman", *args, check=check, **more)


def inspect(container: str) -> dict[str, Any]:
    """Return what podman itself knows of a container."""
    (found,) = json.loads(podman("container", "inspect", container))
    assert isinstance(found, dict)
    return found


def cgroup_of(pid: int) -> list[str]:
    """Return the lines of /proc/PID/cgroup, as the kernel shows them now."""
    return Path(f"/proc/{pid}/cgroup").read_text().splitlines()


def namespaces_of(pid: int) -> dict[str, int]:
    """Return the inodes of a process' namespaces by kind, as the kernel shows them now."""
    folder = Path(f"/proc/{pid}/ns")
    links = {name: (folder / name).readlink() for name in ("cgroup", "ipc", "mnt", "net", "pid")}
    links |= {name: (folder / name).readlink() for name in ("user", "uts")}
    return {name: int(str(link).partition("[")[2].rstrip("]")) for name, link in links.items()}


def gone(pid: int) -> None:
    """Wait until a process has ended."""
    wait_until(lambda: not alive(pid), f"process {pid} has ended")


class Watched(Forktrace):
    """Run forktrace, and end what a failed test has left of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *args: str | bytes, **popen: Any) -> subprocess.Popen[bytes]:
        """Start ``forktrace ARGS``, as ``Forktrace`` does."""
        process = super().start(*args, **popen)
        self._started.append(process)
        return process

    def close(self) -> None:
        """Let the containers that wait for a line have none, and so end; kill what does not."""
        for process in self._started:
            if process.poll() is None and process.stdin is not None:
                process.stdin.close()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Running:
    """Hold a forktrace that traces an engine, whose container waits for a line of input.

    Args:
        process: forktrace, with its streams on pipes.
        trace: the file that its trace goes to.
    """

    def __init__(self, process: subprocess.Popen[bytes], trace: Path) -> None:
        self.process = process
        self.trace = trace

    def up(self) -> str:
        """Wait for the container's first line; returns it."""
        said = read_line(self.process)
        if not said:
            _, _, err = finish(self.process)
            raise AssertionError(err)
        return said.decode().strip()

    def end(self, status: int = 0) -> Traced:
        """Let the container end, and forktrace; returns its trace.

        Args:
            status: the exit status that forktrace must end with.
        """
        out, err = self.process.communicate(b"\n", timeout=PATIENCE)
        assert self.process.returncode == status, (out, err.decode())
        return Traced(self.trace)


def start(
    forktrace: Forktrace, *command: str, options: tuple[str, ...] = (), **popen: Any
) -> Running:
    """Start ``forktrace run OPTIONS -- COMMAND`` with a trace in a file of its own."""
    process, trace = forktrace.start_recording(*command, options=options, **popen)
    return Running(process, trace)
