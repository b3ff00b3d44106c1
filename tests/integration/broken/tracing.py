"""Rules of being a tracer: start, waiting, own signals and streams, end."""

import os
import signal
from contextlib import suppress
from time import sleep
from typing import Any

from forktrace.capture import attach, command, gateway, launch, outcome, reports
from forktrace.capture.recorder import Recorder
from forktrace.capture.relay import SignalGuard
from forktrace.capture.reports import Reports
from forktrace.capture.tracer import Tracer
from tests.integration.broken.registry import replace, rule


@rule("seize-before-exec")
def _release_first() -> None:
    """The command is let go before it is traced."""

    def start(*args: Any) -> command.Child:
        child = command.start_child(*args)
        child.release()
        sleep(0.1)
        return child

    replace(launch, "start_child", start)


@rule("drain-all-reports")
def _one_report_a_signal() -> None:
    """One report is taken for each SIGCHLD, though one SIGCHLD can stand for many reports."""

    def serve(self: Any) -> str:
        while True:
            self._pause()
            with suppress(ChildProcessError):
                pid, status = os.waitpid(-1, reports._WAIT)
                if pid:
                    self._handle(pid, status)
                    self._serve_early()
                continue
            return "exited"

    replace(Tracer, "_serve", serve)


@rule("only-own-tracees")
def _all_children() -> None:
    """Children of the process that the tracer was executed in count as tracees."""
    replace(reports, "_WAIT", os.WNOHANG | reports.WALL)


@rule("serve-in-turns")
def _as_waitpid_finds_them() -> None:
    """Reports are served as waitpid finds them, those of the newest tasks first."""
    replace(Reports, "take", lambda self: os.waitpid(-1, reports._WAIT))


@rule("signals-while-busy")
def _signals_when_idle() -> None:
    """Signals and the time are looked at only when no task waits to be served."""
    real = Tracer._pause

    def pause(self: Any, *, busy: bool = False) -> str | None:
        return None if busy else real(self)

    replace(Tracer, "_pause", pause)


@rule("no-exitkill")
def _exitkill() -> None:
    """PTRACE_O_EXITKILL is set."""
    for detail in gateway.OPTIONS_BY_DETAIL:
        gateway.OPTIONS_BY_DETAIL[detail] |= 1 << 20


@rule("detach-by-ending")
def _interrupt_and_detach() -> None:
    """At the end each tracee is interrupted and detached."""
    real = Tracer.run
    interrupt, detach = 0x4207, 17

    def run(self: Any) -> outcome.Outcome:
        outcome = real(self)
        for pid in outcome.left:
            gateway._request(interrupt, pid)
            os.waitpid(pid, reports.WALL)
            gateway._request(detach, pid)
        return outcome

    replace(Tracer, "run", run)


@rule("own-signals-blocked")
def _signals_as_ever() -> None:
    """The tracer keeps the signals' default actions."""

    def enter(self: Any) -> Any:
        self._ignored, self._chld_ignored, self._previous = set(), False, {}
        self.awaited = frozenset({signal.SIGCHLD})
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self.awaited)
        return self

    replace(SignalGuard, "__enter__", enter)


@rule("dispositions-restored")
def _ignored_signals_stay() -> None:
    """The command inherits that Python ignores SIGPIPE and SIGXFSZ."""

    def restore(self: Any) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    replace(SignalGuard, "restore_for_command", restore)


@rule("streams-released")
def _keep_streams() -> None:
    """The tracer keeps the command's streams open."""
    replace(launch, "release_streams", lambda: None)


@rule("no-descriptor-a-tracee")
def _keep_descriptors() -> None:
    """A descriptor is kept open for each tracee."""
    real = Recorder.first_stop

    def first_stop(self: Any, tid: int) -> None:
        real(self, tid)
        os.open(f"/proc/{tid}", os.O_RDONLY)

    replace(Recorder, "first_stop", first_stop)


@rule("watch-the-seizing")
def _wait_for_the_seizing() -> None:
    """That running processes are seized is waited for, however long it takes."""
    replace(attach, "_PATIENCE_SECONDS", None)
