"""Signals that wait to be passed on: once where the command has not got them, else never."""

import os
import signal

import pytest

from forktrace.capture import proc, relay
from forktrace.capture.gateway import Tracee
from forktrace.capture.relay import Relay

ROOT, SENDER = 4711, 99


class Queue:
    """Be signals that come one after another, then none."""

    def __init__(self, *signums: int) -> None:
        self.signums = list(signums)

    def wait(self, timeout: float | None) -> tuple[int, int] | None:
        return (self.signums.pop(0), SENDER) if self.signums else None

    def stop(self, signum: int) -> None:
        raise AssertionError("nothing stops here")


class StoppedFor(Tracee):
    """Tell who sent the signal that a tracee has stopped for."""

    def sender(self, pid: int) -> tuple[int, int]:
        return 0, SENDER


class Life:
    """Move the clock, and take down what the command is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *signums: int) -> None:
        self.now = 100.0
        self.pending = 0
        self.sent: list[tuple[int, int]] = []
        monkeypatch.setattr(relay, "monotonic", lambda: self.now)
        monkeypatch.setattr(os, "kill", lambda pid, signum: self.sent.append((pid, signum)))
        monkeypatch.setattr(proc, "pending_signals", lambda pid: self.pending)
        self.relay = Relay(ROOT, Queue(*signums))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        assert not self.relay.wait(None, True)


def test_what_the_command_did_not_get_is_sent_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(monkeypatch, signal.SIGTERM)
    for seconds in (0, 0.05, 0.2, 0.03):
        assert life.sent == []
        life.wait(seconds)
    for _ in range(3):
        life.wait(0.1)
    assert life.sent == [(ROOT, signal.SIGTERM)]


def test_what_the_command_got_before_its_time_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(monkeypatch, signal.SIGTERM)
    life.wait(0)
    life.relay.delivery(StoppedFor(), ROOT, signal.SIGTERM)
    for _ in range(5):
        life.wait(0.1)
    assert life.sent == []


def test_what_the_command_takes_while_we_look_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is pending no more, and the stop for it has not been waited for yet."""
    life = Life(monkeypatch, signal.SIGHUP)
    life.wait(0)
    life.wait(0.2)
    life.relay.delivery(StoppedFor(), ROOT, signal.SIGHUP)
    for _ in range(5):
        life.wait(0.1)
    assert life.sent == []


def test_what_waits_for_the_command_already_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    life = Life(monkeypatch, signal.SIGTERM)
    life.pending = 1 << (signal.SIGTERM - 1)
    for _ in range(5):
        life.wait(0.1)
    life.pending = 0
    life.wait(0.1)
    assert life.sent == []
