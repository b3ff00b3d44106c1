"""Play the engine, podman's part: start the monitor, have the container started, wait for it.

``demo-engine run --name NAME COMMAND…`` runs a container in the foreground, and ends with the
command's exit code (125 where the demo itself fails, 126 or 127 where the command can't be
executed or isn't found). ``demo-engine container cleanup NAME`` is what the monitor calls when
the container has ended. The order of the steps is podman's (libpod: createOCIContainer, start).
"""

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from .system import STOPPING, complain, place, ready, relay, role_command, spawn, wait


def run(name: str, command: Sequence[str]) -> int:
    """Run ``command`` in a container and return the exit code to end with.

    A signal that asks to stop ends the container, and gives 128 + n. The temporary place is gone
    afterwards.
    """
    signals = catch_signals()
    try:
        program = shutil.which(command[0])
        if program is None:
            known = Path(command[0]).exists()
            complain(f"{command[0]}: {'it is not executable' if known else 'no such program'}")
            return 126 if known else 127
        bundle = place() / "bundle"
        bundle.mkdir()
        (bundle / "process").write_bytes(b"\0".join(map(os.fsencode, [program, *command])))
        return Foreground(name, bundle, signals).follow()
    except OSError as error:
        complain(f"a step failed: {error}")
        return 125
    finally:
        shutil.rmtree(place(), ignore_errors=True)


def catch_signals() -> int:
    """Return a descriptor that brings the number of each signal that asks to stop, as a byte.

    A signal that was ignored when the demo was started (nohup, a shell's ``&``) stays so.
    """
    numbers, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    return numbers


class Foreground:
    """Be a container that runs in the foreground, seen from the engine."""

    def __init__(self, name: str, bundle: Path, signals: int) -> None:
        self.name = name
        self.signals = signals
        self.code: int | None = None
        self.stopped: int | None = None
        # The start pipe stays open for as long as the engine wants the container: its end tells
        # the monitor to kill it, even where the engine was killed itself.
        begin, self.start = os.pipe()
        self.sync, report = os.pipe()
        self.out, out = os.pipe()
        self.err, err = os.pipe()
        for descriptor in (begin, report):
            os.set_inheritable(descriptor, True)
        nothing = os.open(os.devnull, os.O_RDONLY)
        self.monitor = spawn(
            monitor_command(name, bundle),
            variables={"_OCI_STARTPIPE": str(begin), "_OCI_SYNCPIPE": str(report)},
            descriptors={0: nothing, 1: out, 2: err},
            group=0,
        )
        for descriptor in (begin, report, out, err, nothing):
            os.close(descriptor)

    def follow(self) -> int:
        """Let the monitor begin, serve its pipes until all are at their end; return the code."""
        os.write(self.start, b"\0")
        wait(self.monitor)  # its first half: the second one is nobody's child but init's
        serving: dict[int, Callable[[], bool]] = {
            self.sync: self.hear,
            self.out: lambda: relay(self.out, 1),
            self.err: lambda: relay(self.err, 2),
        }
        while serving:
            for descriptor in ready([*serving, self.signals]):
                if descriptor == self.signals:
                    self.stop()
                elif not serving[descriptor]():
                    del serving[descriptor]
        if place().exists():  # the monitor would have removed it, had it lived to its end
            delete(self.name)
        if self.stopped is not None:
            return self.stopped
        if self.code is None:
            complain("the container was not run to its end")
            return 125
        return self.code

    def hear(self) -> bool:
        """Act on the monitor's lines: "created", then "exit N"; return False once it has ended."""
        lines = os.read(self.sync, 4096)
        for line in lines.decode().splitlines():
            if line == "created" and self.stopped is None:
                wait(spawn(role_command(place(), "runtime", "start", self.name), blocked=STOPPING))
            elif line.startswith("exit "):
                self.code = int(line.removeprefix("exit "))
        return bool(lines)

    def stop(self) -> None:
        """Take a signal: hang up on the monitor, which kills the container and cleans up."""
        number = os.read(self.signals, 1)[0]
        if self.stopped is None:
            self.stopped = 128 + number
            os.close(self.start)


def monitor_command(name: str, bundle: Path) -> list[str]:
    """Return the monitor's command line, with conmon's options."""
    runtime, runtime_argument = role_command(place(), "runtime")
    cleanup, *arguments = role_command(place(), "engine", "container", "cleanup", name)
    return role_command(
        place(),
        "monitor",
        *("--api-version", "1", "-c", name, "-n", name, "-b", str(bundle)),
        *("-r", runtime, "--runtime-arg", runtime_argument),
        *("-p", str(bundle / "pidfile"), "--conmon-pidfile", str(bundle / "conmon.pid")),
        *("--exit-command", cleanup),
        *(word for argument in arguments for word in ("--exit-command-arg", argument)),
    )


def delete(name: str) -> int:
    """Have the runtime kill what is left of a container and forget it; return its exit code."""
    return wait(
        spawn(role_command(place(), "runtime", "delete", "--force", name), blocked=STOPPING)
    )


def cleanup(name: str) -> int:
    """Delete an ended container, and the place with it, as the engine may have been killed."""
    code = delete(name)
    shutil.rmtree(place(), ignore_errors=True)
    return code


def main(arguments: Sequence[str]) -> int:
    """Run one command of the engine and return its exit code."""
    match arguments:
        case ["run", "--name", name, *command] if command:
            return run(name, command)
        case ["container", "cleanup", name]:
            return cleanup(name)
    complain("usage: demo-engine run --name NAME COMMAND… | container cleanup NAME")
    return 2
