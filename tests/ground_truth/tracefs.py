"""Record forks, execs and exits of one tree by the kernel's tracepoints, with no tracer involved.

A private tracefs instance is used (Documentation/trace/ftrace.rst, "Instances"), limited to the
tree by ``set_event_pid`` with the option ``event-fork``; nobody else's tracing is touched.
"""

import os
import subprocess
from pathlib import Path
from typing import Self

TRACEFS = Path("/sys/kernel/tracing")
_EVENTS = (
    "sched/sched_process_fork",
    "sched/sched_process_exec",
    "sched/sched_process_exit",
    "task/task_newtask",  # tells the flags of the fork that follows it
)
_LOSSES = ("overrun", "commit overrun", "dropped events")
_FIRST_PID_NAMESPACE = 0xEFFFFFFC  # include/linux/proc_ns.h: PROC_PID_INIT_INO


class Unavailable(Exception):
    """The kernel's record can't be had here; the message is the reason."""


class Incomplete(Exception):
    """The kernel's record has lost events, or can't be understood: nothing can be concluded."""


def require_tracefs() -> None:
    """Make sure that private instances can be made, mounting tracefs if need be.

    Raises:
        Unavailable: not permitted, or this kernel lacks what is needed.
    """
    if Path("/proc/self/ns/pid").stat().st_ino != _FIRST_PID_NAMESPACE:
        raise Unavailable("tracepoints tell pids of the first PID namespace, and this is another")
    if TRACEFS.is_dir() and not os.access(TRACEFS, os.W_OK | os.X_OK):
        raise Unavailable("tracefs is closed to this user; run as root")
    if not (TRACEFS / "instances").is_dir():
        done = subprocess.run(
            ["mount", "-t", "tracefs", "none", str(TRACEFS)], capture_output=True, check=False
        )
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()
            raise Unavailable(f"tracefs can't be mounted: {reason}")
    if not os.access(TRACEFS / "instances", os.W_OK):
        raise Unavailable("tracefs does not permit instances to be made; run as root")
    for event in _EVENTS:
        if not (TRACEFS / "events" / event).is_dir():
            raise Unavailable(f"this kernel has no tracepoint {event}")


class Instance:
    """Be a private tracefs instance, as a context manager.

    Args:
        buffer_kb: size of the buffer of each CPU. It is allocated at once.
    """

    def __init__(self, buffer_kb: int) -> None:
        self._folder = TRACEFS / "instances" / f"forktrace-{os.getpid()}"
        self._buffer_kb = buffer_kb

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir()
        except OSError as error:
            raise Unavailable(f"no tracefs instance can be made: {error.strerror}") from error
        try:
            self._write("tracing_on", "0")
            self._write("trace_clock", "counter")  # one order over all CPUs, no time
            self._write("options/event-fork", "1")
            self._write("options/context-info", "0")  # just the events, no column for the task
            self._write("buffer_size_kb", str(self._buffer_kb))
            for event in _EVENTS:
                self._write(f"events/{event}/enable", "1")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._write("tracing_on", "0")
        self._folder.rmdir()

    def follow(self, pid: int) -> None:
        """Record ``pid`` and all that it will create."""
        self._write("set_event_pid", str(pid))
        self._write("tracing_on", "1")

    def finish(self) -> bytes:
        """Stop, and return the events, one a line, in the order in which they happened.

        Raises:
            Incomplete: a buffer was too small, or events were dropped.
        """
        self._write("tracing_on", "0")
        for stats in sorted(self._folder.glob("per_cpu/cpu*/stats")):
            self._check(stats)
        return (self._folder / "trace").read_bytes()

    def _check(self, stats: Path) -> None:
        for line in stats.read_text().splitlines():
            name, _, value = line.partition(": ")
            if name in _LOSSES and int(value):
                raise Incomplete(f"the kernel's buffer lost events ({stats.parent.name}: {line})")

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text)
