"""Trace a command that runs under a seccomp filter: by a process that stays as long as the filter.

The filter outlives its tracer, and each call that it hands over would then fail. So forktrace is
two processes here: the one that was started is the command's parent, and ends when tracing is
over; the other traces, in a session of its own, and lets what is left go on until all has ended.
They talk by a pair of sockets, a message a datagram.
"""

import fcntl
import gc
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import msgspec

from forktrace.capture import seccomp
from forktrace.capture.call_recorder import CallRecorder
from forktrace.capture.command import Child, start_child
from forktrace.capture.denied import why_denied
from forktrace.capture.gateway import OPTION_SECCOMP, OPTIONS_BY_DETAIL, PtraceError, Tracee
from forktrace.capture.identity import Identity
from forktrace.capture.launch import Capture, as_shell
from forktrace.capture.outcome import Outcome
from forktrace.capture.recorder import Recorder
from forktrace.capture.relay import OwnSignals, Relay, SignalGuard, await_end
from forktrace.capture.surroundings import release_all_streams, release_streams
from forktrace.capture.tasks import TaskTable
from forktrace.capture.tracer import Tracer
from forktrace.capture.unrecorded import resume_all, serve_all
from forktrace.errors import PtraceDeniedError, fault_words
from forktrace.trace.events import Ended, Reason
from forktrace.trace.writer import TraceWriter

_MESSAGE_BYTES = 1 << 20


class Got(msgspec.Struct, frozen=True, tag=True):
    """Tell the tracing process of a signal that forktrace got, and from which pid."""

    signum: int
    sender: int


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Ask forktrace to stop by a signal, as the command has."""

    signum: int


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Tell that the kernel does not permit ptrace."""

    errno: int


class Done(msgspec.Struct, frozen=True, tag=True):
    """Tell how the tracing ended; ``disk`` is the errno of a trace that could not be written.

    ``heard`` counts the ``Got`` that were read: of what came later nobody will take care.
    """

    status: int | None
    reason: Reason
    left: list[int]
    failure: str | None
    disk: int | None
    heard: int


_DECODER = msgspec.json.Decoder(Got | Stop | Refused | Done)


class Channel:
    """Be one end of the pair of sockets. A message that arrives raises SIGIO, which is blocked."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        end.setblocking(False)
        fcntl.fcntl(end, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(end, fcntl.F_GETFL)
        fcntl.fcntl(end, fcntl.F_SETFL, flags | os.O_ASYNC)

    def send(self, message: Got | Stop | Refused | Done) -> None:
        """Send a message; nobody may be there to take it any more."""
        try:
            self._end.setblocking(True)
            self._end.send(msgspec.json.encode(message))
        except OSError:
            pass
        finally:
            self._end.setblocking(False)

    def receive(self) -> Got | Stop | Refused | Done | None:
        """Return a message, None if there is none. Raises EOFError when the other end is gone."""
        try:
            data = self._end.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        message: Got | Stop | Refused | Done = _DECODER.decode(data)
        return message


def run_filtered(
    path: str,
    argv: Sequence[str],
    writer: TraceWriter,
    *,
    started_ns: int,
    linger: float | None,
    identity: Identity | None = None,
) -> Capture:
    """Run a command as ``launch.run_traced`` does, with the detail "syscalls", under a filter.

    The arguments are the same, what it returns and raises too, and:

    Raises:
        LaunchError: a filter would take their power from setuid programs.
    """
    seccomp.check_permitted()
    with SignalGuard() as guard:
        child = start_child(path, argv, guard, identity, seccomp.install)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        forktrace = os.getpid()
        with _sigio_blocked(), ours:
            pid = os.fork()
            if pid == 0:
                ours.close()
                _trace(child, writer, Channel(theirs), started_ns, linger, forktrace)
            theirs.close()
            child.leave()
            release_streams()
            return _Foreground(child, pid, Channel(ours), guard, writer).run()


@contextmanager
def _sigio_blocked() -> Iterator[None]:
    """Keep SIGIO from ending this process, also what has come by the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGIO,))
    try:
        yield
    finally:
        while signal.sigtimedwait((signal.SIGIO,), 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Foreground:
    """Be the command's parent while another process traces it."""

    def __init__(
        self, child: Child, tracer: int, channel: Channel, guard: SignalGuard, writer: TraceWriter
    ) -> None:
        self._child = child
        self._tracer = tracer
        self._channel = channel
        self._own = OwnSignals(frozenset((*guard.awaited, signal.SIGIO)))
        self._writer = writer
        self._handed_on: list[int] = []

    def run(self) -> Capture:
        """Hand on signals until the tracing is over, and say how it went."""
        told = self._await_end()
        if isinstance(told, Refused):
            os.waitpid(self._child.pid, 0)
            raise PtraceDeniedError(why_denied(told.errno))
        refused = self._child.refusal()
        if refused is not None:
            raise refused
        unheard = self._handed_on[told.heard if told else 0 :]
        status = await_end(self._child.pid, self._own, unheard)
        code = as_shell(os.waitstatus_to_exitcode(status))
        if told is None:
            return Capture(code, "exited", [], "the tracing process was ended from outside")
        if told.disk is not None:
            self._writer.error = OSError(told.disk, os.strerror(told.disk))
        stays = self._tracer if told.left else None
        return Capture(code, told.reason, told.left, told.failure, stays)

    def _await_end(self) -> Done | Refused | None:
        """Return how the tracing ended, None if its process is gone without a word."""
        while True:
            try:
                message = self._channel.receive()
            except EOFError:
                return None
            if isinstance(message, Done | Refused):
                return message
            if isinstance(message, Stop):
                self._own.stop(message.signum)
                continue
            got = self._own.wait(None)
            if got is not None and got[0] not in (signal.SIGCHLD, signal.SIGIO):
                self._handed_on.append(got[0])
                self._channel.send(Got(*got))


class _Forwarded:
    """Take the signals that the foreground process got and handed on."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._own = OwnSignals(frozenset((signal.SIGCHLD, signal.SIGIO)))
        self._gone = False
        self.heard = 0

    def wait(self, timeout: float | None) -> tuple[int, int] | None:
        """Return (number, sender's pid) of the next signal, None after ``timeout`` seconds."""
        while True:
            message = self._receive()
            if isinstance(message, Got):
                self.heard += 1
                return message.signum, message.sender
            got = self._own.wait(timeout)
            if got is None or got[0] == signal.SIGCHLD:
                return got

    def _receive(self) -> Got | Stop | Refused | Done | None:
        if self._gone:
            return None
        try:
            return self._channel.receive()
        except EOFError:  # forktrace was killed: the tracing goes on all the same
            self._gone = True
            return None

    def stop(self, signum: int) -> None:
        """Ask the foreground process to stop."""
        self._channel.send(Stop(signum))


def _trace(
    child: Child,
    writer: TraceWriter,
    channel: Channel,
    started_ns: int,
    linger: float | None,
    forktrace: int,
) -> NoReturn:
    """Be the tracing process: end only when nothing is left that has the filter."""
    os.setsid()
    release_all_streams()
    gc.disable()
    tracee = Tracee()
    try:
        tracee.seize(child.pid, OPTIONS_BY_DETAIL["syscalls"] | OPTION_SECCOMP)
    except PtraceError as error:
        channel.send(Refused(error.errno))
        os._exit(1)
    table = TaskTable()
    signals = _Forwarded(channel)
    relay = Relay(child.pid, signals)
    recorder = Recorder(
        writer, table, tracee, started_ns=started_ns, sampling=True, tracer=forktrace
    )
    calls = CallRecorder(writer, table, tracee, recorder.now, filtered=True)
    tracer = Tracer(child.pid, recorder, table, tracee, writer, calls, relay, linger, filtered=True)
    failure = None
    outcome = Outcome(None, "exited", [])
    try:
        recorder.root(child.pid)
        writer.flush()
        child.release()
        outcome = tracer.run()
        writer.end(Ended(at_ns=recorder.now(), reason=outcome.reason, left=outcome.left))
    except Exception as error:  # a fault of ours must not hurt the command
        failure = fault_words(error)
        outcome = Outcome(None, "exited", table.live_pids())
        child.release()
        relay.pass_all_on()
        resume_all(tracee)
        writer.flush()
    disk = writer.error.errno if writer.error is not None else None
    done = Done(outcome.status, outcome.reason, outcome.left, failure, disk, signals.heard)
    channel.send(done)
    serve_all(tracee)
    os._exit(0)
