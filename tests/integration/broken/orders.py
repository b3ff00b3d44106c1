"""Orders of the kernel's reports that otherwise need luck."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from errno import ESRCH
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from forktrace.capture import attach, gateway, proc
from forktrace.capture.recorder import Recorder
from forktrace.capture.reports import WALL
from forktrace.capture.tracer import Tracer
from tests.integration.broken.registry import ORDERS, Break, replace
from tests.integration.harness import BROKEN_PATIENCE

_real_waitpid = os.waitpid
_FIRST = gateway.EVENT_STOP << 16 | signal.SIGTRAP << 8 | 0x7F
_CREATIONS = (gateway.EVENT_FORK, gateway.EVENT_VFORK, gateway.EVENT_CLONE)


def order(name: str) -> Callable[[Break], Break]:
    """Enter a function among the orders."""

    def enter(function: Break) -> Break:
        ORDERS[name] = function
        return function

    return enter


def _late(seconds: float, is_late: Callable[[int, int], bool]) -> None:
    """Hand over the reports for which ``is_late(pid, status)`` so much later than they came.

    A late one whose task has something newer to report was killed: the kernel shows only that.
    """
    held: deque[tuple[float, int, int]] = deque()

    def waitpid(who: int, options: int) -> tuple[int, int]:
        if who != -1 or not options & os.WNOHANG:
            return _real_waitpid(who, options)
        while True:
            pid, status = _real_waitpid(-1, options)
            if not pid:
                return held.popleft()[1:] if held and held[0][0] <= monotonic() else (0, 0)
            for old in [h for h in held if h[1] == pid]:
                held.remove(old)
            if not is_late(pid, status):
                return pid, status
            held.append((monotonic() + seconds, pid, status))
            threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGCHLD)).start()

    os.waitpid = waitpid


def _is_creation(status: int) -> bool:
    return status >> 16 in _CREATIONS


@order("creators-late")
def _creators_late() -> None:
    """A creator's event comes 20 ms late, so after its child's first stop and often its end."""
    _late(0.02, lambda _pid, status: _is_creation(status))


@order("creators-stuck")
def _creators_stuck() -> None:
    """The same by so long that the creator is killed before, for all but the command itself."""
    command: list[int] = []

    def is_late(pid: int, status: int) -> bool:
        if not command:
            command.append(pid)
        return _is_creation(status) and pid not in command

    _late(BROKEN_PATIENCE / 5, is_late)


@order("creators-at-the-end")
def _creators_at_the_end() -> None:
    """Creators' events come when the tracer has found a reason to end, after all else."""
    reasons: list[str] = []
    held: deque[tuple[int, int]] = deque()
    real_pause = Tracer._pause

    def pause(self: Any, **how: Any) -> Any:
        reason = real_pause(self, **how)
        reasons.extend([reason] if reason else [])
        return reason

    def waitpid(who: int, options: int) -> tuple[int, int]:
        if reasons and held:
            return held.popleft()
        pid, status = _real_waitpid(who, options)
        if _is_creation(status) and not reasons:
            held.append((pid, status))
            return waitpid(who, options)
        return pid, status

    replace(Tracer, "_pause", pause)
    os.waitpid = waitpid


@order("children-late")
def _children_late() -> None:
    """A child's first stop comes 50 ms late, so after its creator's event and often its end."""
    _late(0.05, lambda _pid, status: status == _FIRST)


@order("grandchildren-after-parents")
def _grandchildren_after_parents() -> None:
    """The first stop of a child that is not the command's own comes after its parent's end."""
    command: list[int] = []
    held: list[tuple[int, int]] = []
    due: deque[tuple[int, int]] = deque()

    def waitpid(who: int, options: int) -> tuple[int, int]:
        if due:
            return due.popleft()
        pid, status = _real_waitpid(who, options)
        if not pid:
            return pid, status
        command[:] = command or [pid]
        if status == _FIRST and f"\nPPid:\t{command[0]}\n" not in _status(pid):
            held.append((pid, status))
            return waitpid(who, options)
        if os.WIFEXITED(status):
            due.extend(held)
            held.clear()
        return pid, status

    os.waitpid = waitpid


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")


@order("slow")
def _slow() -> None:
    """The tracer is slow: 50 ms pass before it serves a creator's event."""

    def waitpid(who: int, options: int) -> tuple[int, int]:
        pid, status = _real_waitpid(who, options)
        if _is_creation(status):
            sleep(0.05)
        return pid, status

    os.waitpid = waitpid


@order("all-busy")
def _all_busy() -> None:
    """Whoever makes calls without a pause has stopped again when the tracer looks, 1 ms later.

    On an emulated machine, where the tests are patient, that takes several times as long.
    """

    def waitpid(who: int, options: int) -> tuple[int, int]:
        sleep(BROKEN_PATIENCE / 5_000)
        return _real_waitpid(who, options)

    os.waitpid = waitpid


@order("killed")
def _killed() -> None:
    """Whoever creates, the command itself excepted, is killed just when its event is served."""
    command: list[int] = []

    def waitpid(who: int, options: int) -> tuple[int, int]:
        pid, status = _real_waitpid(who, options)
        if pid and not command:
            command.append(pid)
        if _is_creation(status) and pid not in command:
            os.kill(pid, signal.SIGKILL)
        return pid, status

    os.waitpid = waitpid


@order("killed-in-between")
def _killed_in_between() -> None:
    """Whoever creates, but not the command, is killed in its event and asked before its next stop.

    Here it has come to its exit stop by then, as it can at any moment after that answer.
    """
    real = gateway.Tracee.event_message
    command: list[int] = []

    def event_message(self: gateway.Tracee, pid: int) -> int | None:
        command[:] = command or [pid]
        if pid in command or pid == real(self, pid):  # the latter is an exec
            return real(self, pid)
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT | WALL)
        raise gateway._error("killed", errno=ESRCH, pid=pid)

    gateway.Tracee.event_message = event_message  # type: ignore[method-assign]


@order("recorder-fails")
def _recorder_fails() -> None:
    """The recorder has a fault, which shows at the first exec after the command's own."""
    real = Recorder.executed
    seen: list[int] = []

    def executed(self: Recorder, pid: int, former: int) -> None:
        seen.append(pid)
        if len(seen) > 1:
            raise RuntimeError("a fault on purpose")
        real(self, pid, former)

    Recorder.executed = executed  # type: ignore[method-assign]


@order("births-fail")
def _births_fail() -> None:
    """The recorder has a fault at the first stop of each task but the command."""

    def first_stop(self: Recorder, tid: int) -> None:
        raise RuntimeError("a fault on purpose")

    Recorder.first_stop = first_stop  # type: ignore[method-assign]


@order("exec-while-seizing")
def _exec_while_seizing() -> None:
    """At the first attempt to seize a process its exec comes between two of its threads.

    It waits then for the seized one, which has stopped at its end. That stop may be left out, as of
    any task that is killed: then the process is not traced any more, and it is tried again.
    """
    at_its_end = 1 << gateway.EVENT_EXIT
    real_seize, real_attempt = gateway.Tracee.seize, attach._attempt_once
    attempts: list[int] = []

    def attempt(*how: Any) -> Any:
        attempts.append(1)
        return real_attempt(*how)

    def seize(self: gateway.Tracee, pid: int, options: int) -> None:
        real_seize(self, pid, at_its_end if len(attempts) == 1 else options)
        while len(attempts) == 1 and proc.state_and_tracer(pid) != ("t", os.getpid()):
            sleep(0.01)
            with suppress(gateway.PtraceError):
                real_seize(self, pid, at_its_end)

    replace(attach, "_attempt_once", attempt)
    replace(gateway.Tracee, "seize", seize)
