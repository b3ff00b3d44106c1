"""Keep termination signals from ending the trace, and pass them on to the command.

While the command runs, TERM and HUP sent to forktrace are sent on to it, unless it got them
already, as when a terminal hangs up or ``kill`` names the process group or each of us in turn
(systemd does). INT and QUIT come from the keyboard, reach the command by themselves, and are
dropped. After the command's end, INT, TERM and HUP end the wait for what it left behind.

TSTP, TTIN and TTOU, which stop a job, reach the command by themselves too. forktrace stops after
it has, and only if it has: stopped at once it could serve no handler of the command (an editor
restores the screen first), and the shell would read on while the command still did.
"""

import os
import signal
from collections.abc import Iterable
from time import monotonic
from typing import Protocol

from msgspec import Struct

from forktrace.capture import proc
from forktrace.capture.gateway import PtraceError, Tracee

_PASSED_ON = frozenset((signal.SIGTERM, signal.SIGHUP))
_ENDING = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
_STOPPING = frozenset((signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU))
_BLOCKED = frozenset((signal.SIGCHLD, signal.SIGINT, signal.SIGQUIT, *_PASSED_ON, *_STOPPING))
# How long the same signal from the same sender may take to reach the command too.
_GRACE_SECONDS = 0.1
# How long the command may take from such a signal to its stop.
_STOP_SECONDS = 10.0


class SignalGuard:
    """Block what the relay takes, and know how to put everything back for the command.

    Use as a context manager around the whole capture, from the main thread, before other threads
    start. SIGCHLD gets its default disposition, as an ignored one would never be queued; signals
    that were ignored from the start (INT of a background job, say) stay ignored.
    """

    def __enter__(self) -> "SignalGuard":
        """Block the signals and remember what was."""
        self._ignored = {s for s in _BLOCKED if signal.getsignal(s) == signal.SIG_IGN}
        self._chld_ignored = signal.SIGCHLD in self._ignored
        self._previous = {
            s: signal.signal(s, signal.SIG_DFL)
            for s in _BLOCKED
            if s not in self._ignored or s == signal.SIGCHLD
        }
        self.awaited = _BLOCKED - (self._ignored - {signal.SIGCHLD})
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self.awaited)
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what is still queued, then restore dispositions and the mask."""
        while signal.sigtimedwait(self.awaited, 0):
            pass
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def restore_for_command(self) -> None:
        """Give the child the signal state that forktrace was started with. For use after fork.

        Python ignores PIPE and XFSZ; the command must not inherit that. Whether they had been
        ignored before can't be asked of the kernel any more; the parent tells: a shell or a
        service manager that ignores PIPE passes that on, while a Python parent, which ignores
        both, resets both for its children (subprocess: restore_signals).
        """
        both = {signal.SIGPIPE, signal.SIGXFSZ}
        mask = proc.ignored_signals(_parent_of_forktrace)
        kept = {s for s in both if mask >> (s - 1) & 1}
        for signum in both if kept == both else both - kept:
            signal.signal(signum, signal.SIG_DFL)
        if self._chld_ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for signum in (signal.SIGINT, signal.SIGQUIT, *_PASSED_ON):
            if signum not in self._ignored:
                signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)


_parent_of_forktrace = os.getppid()


class Signals(Protocol):
    """Be where the relay gets signals from, and how forktrace stops as a job."""

    def wait(self, timeout: float | None) -> tuple[int, int] | None:
        """Return (number, sender's pid) of the next signal, None after ``timeout`` seconds."""

    def stop(self, signum: int) -> None:
        """Stop forktrace by the signal that has stopped the command, until SIGCONT."""


class OwnSignals:
    """Take the signals of this process, which ``SignalGuard`` has blocked."""

    def __init__(self, awaited: frozenset[signal.Signals]) -> None:
        self._awaited = tuple(int(s) for s in awaited)  # converted once: it is asked often

    def wait(self, timeout: float | None) -> tuple[int, int] | None:
        """Return (number, sender's pid) of the next signal, None after ``timeout`` seconds."""
        if timeout is None:
            info: signal.struct_siginfo | None = signal.sigwaitinfo(self._awaited)
        else:
            info = signal.sigtimedwait(self._awaited, timeout)
        return None if info is None else (info.si_signo, info.si_pid)

    def stop(self, signum: int) -> None:
        """Stop this process as the default action of a signal does; shells wait for that."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signum,))
        os.kill(os.getpid(), signum)
        signal.pthread_sigmask(signal.SIG_BLOCK, (signum,))


class _Waiting(Struct):
    """Be a signal that waits to be passed on: whose, since when, and whether it is overdue.

    It is passed on at the second look after its time. At the first one the command may have taken
    the same out of what is pending for it, and have stopped for it since the tracer last waited.
    """

    signum: int
    sender: int
    since: float
    overdue: bool = False


class Relay:
    """Take queued signals for the tracing thread.

    Args:
        root: pid of the command, None where there is none to pass signals on to.
        signals: where they come from.
    """

    def __init__(self, root: int | None, signals: Signals) -> None:
        self._root = root
        self._signals = signals
        self._delivered: list[tuple[int, int, float]] = []
        self._to_pass: list[_Waiting] = []
        self._stopping: tuple[int, float] | None = None
        self._command_stopped = False

    def wait(self, timeout: float | None, running: bool) -> bool:
        """Sleep until a signal comes or ``timeout`` seconds are over.

        ``running`` says that the command has not ended. Returns True if the wait for what it
        left behind should end.
        """
        if self._command_stopped and self._stopping:
            self._stop_too(*self._stopping)
        if self._to_pass:
            if self._pass_on(running):
                return True
            timeout = _GRACE_SECONDS / 4
        got = self._signals.wait(timeout)
        if got is None or got[0] == signal.SIGCHLD:
            return False
        signum, sender = got
        if not running:
            return signum in _ENDING
        if signum in _PASSED_ON:
            self._to_pass.append(_Waiting(signum, sender, monotonic()))
        elif signum in _STOPPING:
            self._stopping = (signum, monotonic())
        return False

    def command_stopped(self, stopped: bool) -> None:
        """Take note that the command has come to a group-stop, or has left it."""
        self._command_stopped = stopped

    def _stop_too(self, signum: int, since: float) -> None:
        """Stop as the command has, by the same signal, until SIGCONT."""
        self._stopping = None
        if monotonic() - since < _STOP_SECONDS:
            self._signals.stop(signum)

    def delivery(self, tracee: Tracee, pid: int, signum: int) -> None:
        """Take note of a TERM or HUP that the command itself is about to get."""
        if pid != self._root or signum not in _PASSED_ON:
            return
        try:
            _code, sender = tracee.sender(pid)
        except PtraceError:
            return
        self._delivered.append((signum, sender, monotonic()))

    def _pass_on(self, running: bool) -> bool:
        """Send on what has waited out its grace, unless the command got the same by itself.

        Returns True if the command has ended before it could get it: then it is meant for us.
        """
        now = monotonic()
        self._delivered = [d for d in self._delivered if now - d[2] < 10 * _GRACE_SECONDS]
        waiting = []
        for one in self._to_pass:
            if self._got_it(one.signum, one.sender):
                continue
            if not running:
                return True
            if not one.overdue:
                one.overdue = now - one.since >= _GRACE_SECONDS
                waiting.append(one)
            elif self._root is not None:
                os.kill(self._root, one.signum)
        self._to_pass = waiting
        return False

    def pass_all_on(self) -> None:
        """Send on at once what waits to be: nobody will serve it later."""
        for one in self._to_pass:
            if self._root is not None:
                os.kill(self._root, one.signum)
        self._to_pass = []

    def _got_it(self, signum: int, sender: int) -> bool:
        for delivered in self._delivered:
            if delivered[:2] == (signum, sender):
                self._delivered.remove(delivered)
                return True
        return self._is_pending(signum)

    def _is_pending(self, signum: int) -> bool:
        """Say whether the command has blocked this signal and it waits there already."""
        if self._root is None:
            return False
        try:
            return bool(proc.pending_signals(self._root) >> (signum - 1) & 1)
        except OSError:
            return False


def await_end(pid: int, signals: Signals, unserved: Iterable[int] = ()) -> int:
    """Wait for a command that nobody traces any more; return its wait status.

    Signals are passed on to it as they come, ``unserved`` ones that have come already first.
    Raises ChildProcessError if it is no child of ours.
    """
    for signum in _PASSED_ON.intersection(unserved):
        os.kill(pid, signum)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done and not os.WIFSTOPPED(status):  # a stop is one from when it was traced
            return status
        if done:
            continue
        got = signals.wait(None)
        if got is not None and got[0] in _PASSED_ON:
            os.kill(pid, got[0])
