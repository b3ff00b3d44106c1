"""Turn a trace that forktrace wrote into a history, from the records' documented meaning alone.

Nothing of forktrace is imported: docs/trace-format.md says all that is used here.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.ground_truth.history import END, START, Creation, History, Step

Record = dict[str, Any]

# <linux/sched.h>, from bit 7 upwards
_NAMES = (
    "NEWTIME VM FS FILES SIGHAND PIDFD PTRACE VFORK PARENT THREAD NEWNS SYSVSEM SETTLS "
    "PARENT_SETTID CHILD_CLEARTID DETACHED UNTRACED CHILD_SETTID NEWCGROUP NEWUTS NEWIPC "
    "NEWUSER NEWPID NEWNET IO CLEAR_SIGHAND INTO_CGROUP"
)
_FLAGS = {f"CLONE_{name}": 1 << bit for bit, name in enumerate(_NAMES.split(), 7)}


@dataclass
class RecordedHistory(History):
    """Be forktrace's record of a tree.

    ``parents`` has, for each start of a task, the process that its own record names as the one it
    came from: the real parent that was read at its first stop, or the process it is a thread of.
    ``killed`` has the pids that were ended by SIGKILL.
    """

    root: int = 0
    tracer: int = 0
    parents: dict[int, list[int | None]] = field(default_factory=lambda: defaultdict(list))
    killed: set[int] = field(default_factory=set)


def load_records(trace: Path) -> list[Record]:
    """Read the records of a trace file."""
    with trace.open("rb") as lines:
        return [json.loads(line) for line in lines]


def read_records(records: Iterable[Record]) -> RecordedHistory:
    """Read forktrace's records."""
    reader = _Reader()
    for record in records:
        handler = getattr(reader, record["event"].replace("-", "_"), None)
        if handler is not None:
            handler(record)
    return reader.history


@dataclass
class _Thread:
    pid: int
    announced: bool


class _Reader:
    """Take each record by a method of its name. Threads end with an exec or with their process."""

    def __init__(self) -> None:
        self.history = RecordedHistory()
        self._threads: dict[int, set[int]] = defaultdict(set)
        self._latest: dict[int, _Thread] = {}

    def header(self, record: Record) -> None:
        self.history.tracer = record["tracer"]

    def process(self, record: Record) -> None:
        pid = record["pid"]
        if record.get("root"):
            self.history.root = pid
        self.history.lives[pid].append(START)
        self.history.parents[pid].append(record.get("state", {}).get("ppid"))

    def create(self, record: Record) -> None:
        self.history.events += 1
        child, thread = record["child"], record.get("thread", False)
        creation = Creation(record["pid"], record["tid"], thread, _flags(record.get("flags")))
        self.history.creations[child].append(creation)
        if not thread:
            return
        latest = self._latest.get(child)
        if latest is not None and not latest.announced and latest.pid == record["pid"]:
            latest.announced = True  # its own record came first
        else:
            self._start_thread(record["pid"], child, announced=True)

    def thread(self, record: Record) -> None:
        self._start_thread(record["pid"], record["tid"], announced=False)

    def _start_thread(self, pid: int, tid: int, *, announced: bool) -> None:
        self.history.lives[tid].append(START)
        self.history.parents[tid].append(pid)
        self._threads[pid].add(tid)
        self._latest[tid] = _Thread(pid, announced)

    def exec(self, record: Record) -> None:
        self.history.events += 1
        pid = record["pid"]
        self._end_threads(pid)
        step = Step("exec", _text(record.get("path")), record.get("tid", pid))
        self.history.lives[pid].append(step)

    def thread_exit(self, record: Record) -> None:
        self.history.events += 1
        self._threads[record["pid"]].discard(record["tid"])
        self.history.lives[record["tid"]].append(END)

    def exit(self, record: Record) -> None:
        self.history.events += 1
        pid = record["pid"]
        self._end_threads(pid)
        self.history.lives[pid].append(END)
        if record.get("signal") == "SIGKILL":
            self.history.killed.add(pid)

    def _end_threads(self, pid: int) -> None:
        for tid in self._threads.pop(pid, ()):
            self.history.lives[tid].append(END)


def _flags(names: list[str] | None) -> int | None:
    if names is None:
        return None
    return sum(_FLAGS[name] if name in _FLAGS else int(name, 16) for name in names)


def _text(text: str | dict[str, str] | None) -> bytes | None:
    if text is None:
        return None
    return text.encode() if isinstance(text, str) else base64.b64decode(text["b64"])
