"""Build traces from short tuples, so that a test reads as the story of a launch.

    launch_of(
        ("root", 10, "podman run alpine"),
        ("vfork", 10, 11),
        ("exec", 11, "/usr/bin/conmon -c ID"),
        ("exit", 10, 0),
        ("reparent", 11, 1),
    )

A step that is an event of the trace stands for itself, so a test can put anything anywhere.
Each step is one millisecond after the one before. The steps:

    ("root", pid, command[, state])             the first stop and the exec of the traced command
    ("fork" | "vfork" | "clone" | "clone3", creator, child[, flags[, state]])
                                                the create record, then the child's first stop
    ("create", creator, child[, flags[, how]])  the create record alone
    ("start", pid, ppid[, state])               the first stop alone (ppid None: not read)
    ("thread", pid, tid)                        the create record of a thread
    ("exec", pid, command[, path[, state]])     path defaults to the command's first word
    ("sample", pid, state)                      what /proc showed
    ("exit", pid, code or signal)
    ("reparent", pid, ppid)                     from its present parent, by that one's death
    ("outside", pid, comm)
    ("open", pid, at, fds[, more])              what was open, by number, at the step before's time
    ("call", pid, name[, arguments[, error]])   a recorded system call
    ("wait", pid, reaped)                       the record of a wait4 that reaped a child

A command is a string (split as a shell would) or a list; flags are a string of names without
``CLONE_``; a state is a dict of the fields of ``State``.
"""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.reader import TraceFile
from forktrace.trace.text import from_str

TRACER = 9
Step = tuple[Any, ...] | events.Event
Command = str | Sequence[str]

HEADER = events.Header(
    format="forktrace",
    version=1,
    forktrace="0.1.0",
    command=["podman", "run"],
    cwd="/root",
    user=events.User(uid=0, gid=0, name="root"),
    kernel="6.18.0",
    machine="x86_64",
    started_ns=1_700_000_000_000_000_000,
    detail="events",
    tracer=TRACER,
)


class Builder:
    """Turn steps into events, keeping the clock and who is whose parent."""

    def __init__(self) -> None:
        self.events: list[events.Event] = []
        self.parents: dict[int, int] = {}
        self.now = 0

    def add(self, step: Step) -> None:
        self.now += 1_000_000
        if not isinstance(step, tuple):
            self.events.append(step)
            return
        name, *rest = step
        if name in ("fork", "vfork", "clone", "clone3"):
            self.new(name, *rest)
            return
        steps: dict[str, Callable[..., None]] = {
            "root": self.root,
            "create": self.create,
            "start": self.start,
            "thread": self.thread,
            "exec": self.exec,
            "sample": self.sample,
            "exit": self.exit,
            "reparent": self.reparent,
            "outside": self.outside,
            "open": self.open,
            "call": self.call,
            "wait": self.wait,
        }
        steps[name](*rest)

    def root(self, pid: int, command: Command, state: dict[str, Any] | None = None) -> None:
        born = self.state(pid, TRACER, {"comm": "python3", "pgid": pid, "sid": 5, **(state or {})})
        self.events.append(events.Started(at_ns=self.now, pid=pid, root=True, state=born))
        self.now += 1_000_000
        self.exec(pid, command)

    def new(
        self, how: str, pid: int, child: int, flags: str = "", state: dict[str, Any] | None = None
    ) -> None:
        self.create(pid, child, flags, how)
        self.now += 100_000
        ppid = self.parents.get(pid, TRACER) if "PARENT" in flags.split() else pid
        self.start(child, ppid, state)

    def create(self, pid: int, child: int, flags: str = "", how: str = "clone") -> None:
        names = [f"CLONE_{name}" for name in flags.split()]
        if how == "vfork":
            how, names = "clone", ["CLONE_VM", "CLONE_VFORK", *names]
        self.events.append(
            events.Created(
                at_ns=self.now,
                pid=pid,
                tid=pid,
                child=child,
                how=how,  # type: ignore[arg-type]
                flags=names,
                exit_signal="SIGCHLD",
            )
        )

    def start(self, pid: int, ppid: int | None, state: dict[str, Any] | None = None) -> None:
        born = self.state(pid, ppid, state or {}) if ppid is not None else None
        self.events.append(events.Started(at_ns=self.now, pid=pid, state=born))

    def state(self, pid: int, ppid: int | None, more: dict[str, Any]) -> events.State:
        if ppid is not None:
            self.parents[pid] = ppid
        return events.State(**{"ppid": ppid, "nspid": [pid], **more})

    def thread(self, pid: int, tid: int) -> None:
        self.events.append(
            events.Created(
                at_ns=self.now,
                pid=pid,
                tid=pid,
                child=tid,
                how="clone3",
                flags=["CLONE_VM", "CLONE_THREAD"],
                thread=True,
            )
        )

    def exec(
        self,
        pid: int,
        command: Command,
        path: str | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        argv = shlex.split(command) if isinstance(command, str) else list(command)
        self.events.append(
            events.Executed(
                at_ns=self.now,
                pid=pid,
                path=from_str(path or argv[0]),
                argv=[from_str(a) for a in argv],
                state=events.State(**state) if state else None,
            )
        )

    def sample(self, pid: int, state: dict[str, Any]) -> None:
        self.events.append(
            events.Sampled(at_ns=self.now, pid=pid, at="create", state=events.State(**state))
        )

    def exit(self, pid: int, end: int | str = 0) -> None:
        code = end if isinstance(end, int) else None
        signal = end if isinstance(end, str) else None
        self.events.append(events.Exited(at_ns=self.now, pid=pid, code=code, signal=signal))

    def reparent(self, pid: int, ppid: int) -> None:
        previous = self.parents[pid]
        self.parents[pid] = ppid
        self.events.append(
            events.Reparented(at_ns=self.now, pid=pid, ppid=ppid, previous=previous, death=previous)
        )

    def outside(self, pid: int, comm: str) -> None:
        state = events.State(comm=comm, ppid=0, nspid=[pid])
        self.events.append(events.Outside(at_ns=self.now, pid=pid, argv=[comm], state=state))

    def open(
        self,
        pid: int,
        at: str,
        fds: dict[int, dict[str, Any]],
        more: dict[str, Any] | None = None,
    ) -> None:
        self.now -= 1_000_000
        told = {str(fd): events.Descriptor(**fields) for fd, fields in fds.items()}
        self.events.append(
            events.Descriptors(at_ns=self.now, pid=pid, at=at, fds=told, **(more or {}))  # type: ignore[arg-type]
        )

    def call(
        self,
        pid: int,
        name: str,
        arguments: dict[str, events.Argument] | None = None,
        error: str | None = None,
    ) -> None:
        self.events.append(
            events.Called(
                at_ns=self.now,
                pid=pid,
                name=name,
                arguments=arguments or {},
                result=None if error else 0,
                error=error,
            )
        )

    def wait(self, pid: int, reaped: int) -> None:
        self.call(pid, "wait4", {"reaped": reaped})


def trace_of(*steps: Step, **header: Any) -> TraceFile:
    """Build a complete trace; keywords replace fields of the header."""
    builder = Builder()
    for step in steps:
        builder.add(step)
    end = events.Ended(at_ns=builder.now + 1_000_000, reason="exited")
    return TraceFile(msgspec.structs.replace(HEADER, **header), builder.events, end, [])


def launch_of(*steps: Step, **header: Any) -> Launch:
    """Build the launch that a trace of ``steps`` describes."""
    return build_launch(trace_of(*steps, **header))


def write_trace(path: Path, trace: TraceFile) -> Path:
    """Write a trace file, as capture would."""
    records = [trace.header, *trace.events, *([trace.end] if trace.end else [])]
    path.write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in records))
    return path
