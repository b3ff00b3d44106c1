"""The streams of real containers: conmon holds the payload's, and podman talks to conmon."""

import os
import shutil
from pathlib import Path

import pytest

from forktrace.analysis.findings import StreamEnd
from forktrace.analysis.streams import Streams
from forktrace.model.build import build_launch
from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration.harness import Forktrace, Result
from tests.integration.test_podman import RUN, container, image, podman

pytestmark = pytest.mark.podman
__all__ = ["container", "image"]  # fixtures

TERMINAL = ("script", "-qec")


class Container:
    """Find the three that matter in the trace of one container, by what they executed."""

    def __init__(self, result: Result, payload: str) -> None:
        self.launch: Launch = build_launch(read_trace(result.trace))
        self.streams = Streams(self.launch)
        (self.payload,) = [p for p in self.launch.inside if p.argv == payload.split()]
        self.moment: Moment = self.payload.images[-1].at
        self.engine = next(p for p in self.launch.inside if p.name == "podman")
        id_ = self.launch.parent_now(self.payload)
        assert id_ is not None
        self.monitor: Process = self.launch.processes[id_]
        assert self.monitor.name == "conmon"

    def end(self, fd: int, process: Process | None = None) -> StreamEnd:
        return self.streams.other_end((process or self.payload).id, fd, self.moment)

    def joined(self) -> list[StreamEnd]:
        """Return the sockets of the engine whose other end the monitor holds."""
        ends = self.streams.connections(self.engine.id, self.moment)
        return [
            e
            for e in ends
            if e.kind == "socket" and self.monitor.id in [h.process for h in e.holders]
        ]


def joined_by_then(
    forktrace: Forktrace, found: Container, command: tuple[str, ...]
) -> list[StreamEnd]:
    """Return the joined sockets of this run, or of one more of up to nine others.

    podman connects before it starts the container, but conmon may accept that later than the
    payload is executed, which is when the descriptors are looked at.
    """
    for _ in range(9):
        if found.joined():
            break
        found = Container(forktrace.record(*command), "echo hi")
    return found.joined()


def check_pipes(found: Container) -> None:
    for fd in (1, 2):
        end = found.end(fd)
        assert (end.kind, end.access, end.certainty) == ("pipe", "w", "observed")
        (holder,) = end.holders
        assert (holder.process, holder.inferred) == (found.monitor.id, False)
        assert not set(holder.fds) & {0, 1, 2}
    assert found.end(1).to != found.end(2).to
    assert found.end(0).kind == "null"


def test_attached_in_the_foreground(forktrace: Forktrace, image: str) -> None:
    command = (*RUN, "--rm", image, "echo", "hi")
    done = forktrace.record(*command)
    assert (done.status, done.out) == (0, b"hi\n"), done.err
    found = Container(done, "echo hi")
    check_pipes(found)
    (attached,) = joined_by_then(forktrace, found, command)
    assert attached.certainty == "observed"
    assert attached.bound is not None
    assert attached.bound.endswith("/attach")


def test_attached_with_a_network_of_its_own(
    forktrace: Forktrace, image: str, missing: Missing
) -> None:
    if not any(Path(p, "netavark").exists() for p in ("/usr/lib/podman", "/usr/libexec/podman")):
        missing("netavark is not installed")
    own = [word for word in RUN if word != "--network=host"]
    command = (*own, "--rm", image, "echo", "hi")
    done = forktrace.record(*command)
    assert (done.status, done.out) == (0, b"hi\n"), done.err
    found = Container(done, "echo hi")
    check_pipes(found)
    assert len(joined_by_then(forktrace, found, command)) == 1


def test_detached(forktrace: Forktrace, image: str, container: str) -> None:
    done = forktrace.record(
        *RUN, "-d", "--name", container, image, "sleep", "1000", options=["--linger", "0.3"]
    )
    assert done.status == 0, done.err
    found = Container(done, "sleep 1000")
    check_pipes(found)
    pid = podman("inspect", "-f", "{{.State.Pid}}", container)
    for fd in (0, 1, 2):
        assert found.end(fd).to == str(Path(f"/proc/{pid}/fd/{fd}").readlink())
    assert found.joined() == []


def test_with_a_terminal(forktrace: Forktrace, image: str, missing: Missing) -> None:
    """The container's /dev/pts/0 is of its own devpts, whose master conmon holds."""
    if shutil.which("script") is None:
        missing("script, for a terminal outside")
    trace = forktrace.folder / "terminal.jsonl"
    run = " ".join([*RUN, "--rm", "-t", image, "echo", "hi"])
    done = forktrace("run", "-q", "-o", str(trace), "--", *TERMINAL, run, os.devnull)
    assert (done.status, done.out.strip()) == (0, b"hi"), done.err
    found = Container(Result(0, done.out, done.err, trace), "echo hi")
    outside = next(p for p in found.launch.inside if p.name == "script")
    for fd in (0, 1, 2):
        end = found.end(fd)
        assert (end.kind, end.to, end.certainty) == ("terminal", "/dev/pts/0", "observed")
        assert [h.process for h in end.holders] == [found.monitor.id]
        assert outside.id not in [h.process for h in end.holders]
    theirs = found.end(0, found.engine)
    assert theirs.kind == "terminal"
    assert [h.process for h in theirs.holders] == [outside.id]
