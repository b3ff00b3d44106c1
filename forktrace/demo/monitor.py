"""Play the monitor, conmon's part: fork twice, have the container created, outlive it, clean up.

The order of the steps is conmon's (conmon.c: main, ctr_exit.c: do_exit_command): wait for the
start byte, fork, first half ends, ``setsid``, subreaper, fork the runtime; at the end no
subreaper any more, fork the exit command.
"""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from .system import (
    complain,
    die_with_parent,
    exit_code,
    inherited,
    ready,
    relay,
    set_subreaper,
    wait,
)

Options = dict[str, list[str]]

DRAIN_MS = 1000
"""How long to wait for the last output once every process of the container is gone."""


def main(arguments: Sequence[str]) -> int:
    """Fork, let the first half end, and monitor a container in the second; return its exit code.

    The descriptor in ``_OCI_STARTPIPE`` brings a byte when to begin, and ends when the engine no
    longer wants the container; the one in ``_OCI_SYNCPIPE`` takes the news.
    """
    options = read_options(arguments)
    start, sync = inherited("_OCI_STARTPIPE"), inherited("_OCI_SYNCPIPE")
    if not os.read(start, 1):
        return 1
    child = os.fork()
    if child:
        Path(options["--conmon-pidfile"][0]).write_text(str(child))
        os._exit(0)
    os.setsid()
    set_subreaper(True)
    try:
        oversee(options, start, sync)
    except OSError as error:
        complain(f"the monitor failed: {error}")
    end_children()
    set_subreaper(False)
    command = options["--exit-command"] + options["--exit-command-arg"]
    return wait(fork(lambda: os.execv(command[0], command)))


def read_options(arguments: Sequence[str]) -> Options:
    """Read conmon's options, each of which has a value and may come again."""
    options: Options = {}
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        options.setdefault(name, []).append(value)
    return options


def fork(child: Callable[[], None]) -> int:
    """Fork; the child runs ``child``, which should execute a program, and ends. Return its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        child()
    except OSError as error:
        complain(f"can't execute: {error}")
    os._exit(127)


def oversee(options: Options, start: int, sync: int) -> None:
    """Have the container created, copy its output until it ends, and report both to ``sync``.

    Raises:
        OSError: a step failed.
    """
    out, their_out = os.pipe()
    err, their_err = os.pipe()
    runtime = fork(lambda: become_runtime(options, their_out, their_err))
    os.close(their_out)
    os.close(their_err)
    outputs = {out: 1, err: 2}
    if follow(runtime, start, outputs) == 0:
        container = int(Path(options["-p"][0]).read_text())
        os.write(sync, b"created\n")
        status = follow(container, start, outputs)
        os.write(sync, b"exit %d\n" % exit_code(status))
    end_children()
    drain(outputs)


def become_runtime(options: Options, out: int, err: int) -> None:
    """Execute ``RUNTIME create``, which the kernel kills if the monitor dies meanwhile."""
    die_with_parent()
    os.dup2(out, 1)
    os.dup2(err, 2)
    runtime = options["-r"] + options["--runtime-arg"]
    create = ["create", "--bundle", *options["-b"], "--pid-file", *options["-p"], *options["-c"]]
    os.execv(runtime[0], [*runtime, *create])


def follow(child: int, start: int, outputs: dict[int, int]) -> int:
    """Copy the output of the container until a child ends; kill it when the engine hangs up.

    Args:
        child: the pid of the runtime, or of the container's init, our child by adoption.
        start: the pipe whose end says that the engine wants no container any longer.
        outputs: maps each of its output pipes to our descriptor to copy to; those ended leave.

    Returns:
        The wait(2) status of the child.

    Raises:
        OSError: it can't be watched.
    """
    ended = os.pidfd_open(child)
    engine = [start]
    while ended not in (events := ready([*outputs, *engine, ended])):
        copy(events, outputs)
        if start in events:
            os.kill(child, signal.SIGKILL)
            engine.clear()
    os.close(ended)
    return os.waitpid(child, 0)[1]


def copy(events: Sequence[int], outputs: dict[int, int]) -> None:
    """Copy from each output that is among ``events``; those that have ended leave ``outputs``."""
    for descriptor in events:
        if descriptor in outputs and not relay(descriptor, outputs[descriptor]):
            del outputs[descriptor]


def drain(outputs: dict[int, int]) -> None:
    """Copy the last output, but don't wait for a writer that got away."""
    while outputs and (events := ready(outputs, DRAIN_MS)):
        copy(events, outputs)


def end_children() -> None:
    """Kill and reap every child: as a subreaper we got what the container has orphaned.

    A dying child may leave children to us, so this goes on until there are none. A child that
    may not be killed, as it is another user's, is left; so are all by a kernel without this file.
    """
    mine = Path(f"/proc/self/task/{os.getpid()}/children")
    try:
        while pids := mine.read_text().split():
            for pid in map(int, pids):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    except (PermissionError, FileNotFoundError):
        return
