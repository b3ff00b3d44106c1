"""Rules of signals and group-stops."""

import os
import signal
from collections.abc import Callable
from typing import Any

from forktrace.capture import tracer
from forktrace.capture.gateway import Tracee
from forktrace.capture.tracer import Tracer
from tests.integration.broken.registry import replace, rule


@rule("listen-in-group-stop")
def _continue_in_group_stop() -> None:
    """A process in a group-stop is continued as after any other stop."""
    replace(Tracee, "listen", lambda self, pid: self.resume(pid))


@rule("continue-after-group-stop")
def _listen_always() -> None:
    """The stop that reports the end of a group-stop counts as one."""
    real = Tracer._trap

    def trap(self: Any, pid: int, signum: int) -> None:
        known = pid in self._table.tasks
        real(self, pid, signal.SIGSTOP if known and signum == signal.SIGTRAP else signum)

    replace(Tracer, "_trap", trap)


def _deliver(change: Callable[[Any, int, int], int]) -> None:
    """Have signals delivered as ``change`` says."""
    real = Tracer._stop

    def stop(self: Any, pid: int, event: int, signum: int) -> None:
        if event == 0:
            self._resume(pid, change(self, pid, signum))
        else:
            real(self, pid, event, signum)

    replace(Tracer, "_stop", stop)


@rule("init-ignores-stop")
def _stop_the_init() -> None:
    """A SIGSTOP from inside is delivered to the first process of a PID namespace."""
    replace(tracer, "is_to_be_ignored", lambda *_: False)


@rule("sigtrap-is-a-signal")
def _swallow_sigtrap() -> None:
    """SIGTRAP counts as the tracer's own and isn't delivered."""
    _deliver(lambda self, pid, signum: 0 if signum == signal.SIGTRAP else signum)


@rule("same-siginfo")
def _send_anew() -> None:
    """A signal is sent anew instead of being let through: its siginfo is another's."""
    sent: set[int] = set()

    def change(self: Any, pid: int, signum: int) -> int:
        if pid in sent or signum == signal.SIGCHLD:
            sent.discard(pid)
            return signum
        sent.add(pid)
        os.kill(pid, signum)
        return 0

    _deliver(change)
