"""Hold a launch with what its explanations ask for again and again."""

from collections import defaultdict
from functools import cached_property
from typing import Any

from forktrace.analysis.cgroup_writes import WRITES, Writes, find_writes
from forktrace.analysis.findings import CgroupStay, Container, Findings
from forktrace.analysis.streams import Streams
from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.model.pids import first_ppid
from forktrace.model.process import Process

_MOUNT = "/sys/fs/cgroup/"

Known = tuple[Any, list[Moment]]  # a value, and the events that show it


class Case:
    """Be a launch with its findings; make it once for many questions.

    Args:
        launch: what the trace says.
        findings: what the passes made of it.
    """

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self.launch = launch
        self.findings = findings

    @cached_property
    def children(self) -> dict[str, list[Process]]:
        """Map each creator's id to what it created, in order."""
        found: defaultdict[str, list[Process]] = defaultdict(list)
        for process in self.launch.inside:
            if process.creator:
                found[process.creator].append(process)
        return found

    @cached_property
    def streams(self) -> Streams:
        """Return what knows who holds which stream."""
        return Streams(self.launch)

    @cached_property
    def contained(self) -> dict[str, Container]:
        """Map each process in a container to that container."""
        return {id_: c for c in self.findings.containers for id_ in (*c.members, c.init or "")}

    @cached_property
    def writes(self) -> Writes:
        """Return all recorded writes to cgroups."""
        return find_writes(self.launch)

    @cached_property
    def written_elsewhere(self) -> set[str]:
        """Return the names of the cgroups that were written to through an unusual mount."""
        writes = (c for p in self.launch.inside for c in p.calls if c.name in WRITES)
        paths = (str(call.arguments.get("path") or "") for call in writes)
        return {p.split("/")[-2] for p in paths if not p.startswith(_MOUNT) and p.count("/") > 1}

    @property
    def imported(self) -> bool:
        """Say whether the trace was made of a log."""
        return self.launch.header.source == "import"

    @property
    def tracer(self) -> str:
        """Return the name of what traced."""
        return "strace" if self.imported else "forktrace"

    @property
    def partial(self) -> bool:
        """Say whether the trace was made of a log that lacks calls or lines."""
        log = self.launch.end.log if self.launch.end else None
        if not self.imported or log is None:
            return self.imported
        return not log.unfiltered or bool(log.left_out or log.unreadable)

    @property
    def waits_recorded(self) -> bool:
        """Say whether the trace has system calls."""
        return self.launch.header.detail == "syscalls"

    @property
    def end(self) -> Moment | None:
        """Return the moment of the end record; None where the trace was cut off."""
        end = self.launch.end
        return Moment(end.at_ns, len(self.launch.times_ns)) if end else None

    def when(self, at: Moment) -> str:
        """Say when: "0.263 s" from the start; of a log without times, which event."""
        return f"{at.at_ns / 1e9:.3f} s" if self.launch.header.times else f"event {at.seq}"

    def pid(self, process: Process) -> str:
        """Return the pid of a process, or that it is not known, as of some in a log."""
        return f"pid {process.pid or 'unknown'}"

    def process(self, id_: str) -> Process:
        """Return a process by its id."""
        return self.launch.processes[id_]

    def role(self, id_: str | None) -> str | None:
        """Return the role of a process."""
        found = self.findings.roles.get(id_ or "")
        return found.role if found else None

    def with_role(self, *roles: str) -> list[Process]:
        """Return the processes that have one of these roles, in creation order."""
        return [p for p in self.launch.inside if self.role(p.id) in roles]

    def sampled(self, process: Process, name: str, at_ns: int | None = None) -> Known | None:
        """Return what /proc last showed of a process, with the events that show it.

        What no sample of its own says is as its parent had it at the birth (as ``model.history``
        follows it). None where that is not known.

        Args:
            process: whose state is asked for.
            name: "pgid", "sid", "tty", "cgroup" or "ns".
            at_ns: when; None for the last that is known.
        """
        at: Process | None = process
        shown: list[Moment] = []
        while at is not None:
            for sample in reversed(at.samples):
                value = getattr(sample, name)
                if value is not None and (at_ns is None or sample.at.at_ns <= at_ns):
                    return value, [sample.at, *shown]
            if at.outside or at.attached:
                return None
            at_ns = at.born.at_ns
            shown += descent(at)
            at = self.launch.processes.get(at.parent or "")
        return None

    def stays(self, id_: str) -> list[CgroupStay]:
        """Return where a process was in the cgroups, in the order of time."""
        return self.findings.cgroups.get(id_, [])

    def line(self, id_: str) -> list[str]:
        """Return the ids of those who created a process, the eldest first, and its own."""
        line = [id_]
        while (creator := self.process(line[-1]).creator) is not None:
            line.append(creator)
        return line[::-1]


def created_at(process: Process) -> list[Moment]:
    """Return the creator's event of a process, if it is in the trace."""
    return [process.creation.at] if process.creation else []


def descent(process: Process) -> list[Moment]:
    """Return the creator's event of a process, unless its first look tells the same by its PPid."""
    return created_at(process) if first_ppid(process) is None else []


def pid_one(process: Process) -> bool:
    """Say whether a process has pid 1 in its own PID namespace, as far as that was read."""
    return process.pid == 1 if not process.nspid else process.nspid[-1] == 1


def pid_one_evidence(process: Process) -> list[Moment]:
    """Return the sample that shows pid 1, unless something else would show it too."""
    shown = [sample.at for sample in process.samples if sample.nspid]
    return shown if len(shown) == 1 and process.pid != 1 else []
