"""Orders of the kernel's reports that otherwise need luck."""

import os
import signal
from collections import deque
from collections.abc import Callable
from time import monotonic, sleep

from forktrace.capture import gateway
from tests.integration.broken.registry import ORDERS

_real_waitpid = os.waitpid
_LATE_SECONDS = 0.02
_CREATIONS = (gateway.EVENT_FORK, gateway.EVENT_VFORK, gateway.EVENT_CLONE)


def _late(is_late: Callable[[int, int], bool]) -> None:
    """Hand over each report for which ``is_late(event, signum)`` some time after it came.

    A late one whose task has something newer to report was killed: the kernel shows only that.
    """
    held: deque[tuple[float, int, int]] = deque()

    def waitpid(who: int, options: int) -> tuple[int, int]:
        if who != -1 or not options & os.WNOHANG:
            return _real_waitpid(who, options)
        while True:
            pid, status = _real_waitpid(-1, options)
            if pid:
                for old in [h for h in held if h[1] == pid]:
                    held.remove(old)
                if os.WIFSTOPPED(status) and is_late(status >> 16, os.WSTOPSIG(status)):
                    held.append((monotonic() + _LATE_SECONDS, pid, status))
                    continue
            elif held:
                if held[0][0] <= monotonic():
                    return held.popleft()[1:]
                sleep(0.0005)
                continue
            return pid, status

    os.waitpid = waitpid


def _creators_late() -> None:
    """A creator's event comes 20 ms late, so after its child's first stop and often its end."""
    _late(lambda event, _signum: event in _CREATIONS)


def _children_late() -> None:
    """A child's first stop comes 20 ms late, so after its creator's event and often its end."""
    _late(lambda event, signum: event == gateway.EVENT_STOP and signum == signal.SIGTRAP)


def _slow() -> None:
    """The tracer is slow: 20 ms pass before it serves a creator's event."""

    def waitpid(who: int, options: int) -> tuple[int, int]:
        pid, status = _real_waitpid(who, options)
        if status >> 16 in _CREATIONS:
            sleep(_LATE_SECONDS)
        return pid, status

    os.waitpid = waitpid


def _killed() -> None:
    """Whoever creates, the command itself excepted, is killed just when its event is served."""
    command: list[int] = []

    def waitpid(who: int, options: int) -> tuple[int, int]:
        pid, status = _real_waitpid(who, options)
        if pid and not command:
            command.append(pid)
        if status >> 16 in _CREATIONS and pid not in command:
            os.kill(pid, signal.SIGKILL)
        return pid, status

    os.waitpid = waitpid


ORDERS["killed"] = _killed
ORDERS["slow"] = _slow
ORDERS["creators-late"] = _creators_late
ORDERS["children-late"] = _children_late
