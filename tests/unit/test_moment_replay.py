"""Every moment of the saved traces, held against a replay of their records that shares no code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forktrace.model.build import build_launch
from forktrace.model.moment import Timeline
from forktrace.trace.reader import read_trace

PROJECT = Path(__file__).parents[2]
TRACES = [
    *sorted(PROJECT.glob("examples/*/launch.jsonl")),
    PROJECT / "tests" / "unit" / "data" / "podman-syscalls.jsonl",
]
Record = dict[str, Any]
GROUPS = ("pgid", "sid")


class Replay:
    """Know who lives after each record: by pid its ppid and argv, and its group and session."""

    def __init__(self, records: list[Record]) -> None:
        self.live: dict[int, Record] = {}
        # An adoption is told when it is seen, which may be some records after the death.
        adoptions = [r for r in records if r["event"] == "reparent" and "death" in r]
        self.adopters = {(r["pid"], r["death"]): r["ppid"] for r in adoptions}

    def take(self, record: Record) -> None:
        steps: dict[str, Callable[[Record], None]] = {
            "create": self.create,
            "process": self.process,
            "exec": self.exec,
            "reparent": self.reparent,
            "exit": self.exit,
            "call": self.call,
        }
        if record["event"] in steps:
            steps[record["event"]](record)
        if record["pid"] in self.live:
            state = record.get("state", {})
            told = {name: state[name] for name in GROUPS if name in state}
            self.live[record["pid"]].update(told)

    def create(self, record: Record) -> None:
        if not record.get("thread"):
            creator = self.live[record["pid"]]
            sibling = "CLONE_PARENT" in record.get("flags", ())
            parent = creator["ppid"] if sibling else record["pid"]
            self.live.setdefault(record["child"], {"ppid": parent, "argv": creator["argv"]})

    def process(self, record: Record) -> None:
        child = self.live.setdefault(record["pid"], {"ppid": None, "argv": []})
        child["ppid"] = record.get("state", {}).get("ppid", child["ppid"])
        parent = self.live.get(child["ppid"], {})
        # Its creator's event may come later. None of these traces has CLONE_PARENT in such a one.
        child["argv"] = child["argv"] or parent.get("argv", [])
        child.update({name: parent[name] for name in GROUPS if name in parent})

    def exec(self, record: Record) -> None:
        self.live[record["pid"]]["argv"] = record["argv"]

    def reparent(self, record: Record) -> None:
        self.live[record["pid"]]["ppid"] = record["ppid"]

    def exit(self, record: Record) -> None:
        gone = record["pid"]
        del self.live[gone]
        for pid, known in self.live.items():
            if known["ppid"] == gone:
                known["ppid"] = self.adopters.get((pid, gone))

    def call(self, record: Record) -> None:
        caller, pid = self.live[record["pid"]], record["pid"]
        if record["name"] == "setsid" and "error" not in record:
            caller.update(pgid=pid, sid=pid)
        if record["name"] == "setpgid" and record["arguments"] == {"pid": 0, "pgid": 0}:
            caller["pgid"] = pid


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.parent.name)
def test_every_moment_is_what_the_records_say(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    records = [line for line in lines if line["event"] not in ("header", "end")]
    timeline = Timeline(build_launch(read_trace(path)))
    replay = Replay(records)
    compared = 0
    for seq, record in enumerate(records):
        replay.take(record)
        if seq + 1 < len(records) and records[seq + 1]["at_ns"] == record["at_ns"]:
            continue  # what one stop showed takes several records
        now = {s.process.pid: s for s in timeline.at(seq) if s.life == "alive"}
        assert {pid: s.ppid for pid, s in now.items()} == {
            pid: known["ppid"] for pid, known in replay.live.items()
        }, seq
        for pid, standing in now.items():
            known = replay.live[pid]
            assert (standing.image.argv if standing.image else []) == known["argv"], (seq, pid)
            if "sid" in known:
                told = (known["pgid"], known["sid"])
                assert (standing.pgid, standing.sid) == told, (seq, pid)
                compared += 1
    assert compared >= 3
