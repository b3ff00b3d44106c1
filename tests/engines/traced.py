"""Read a trace as forktrace itself does, and ask for the processes that a test speaks of."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from forktrace.analysis.findings import Container, Findings
from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.history import History
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.reader import read_trace

Found = TypeVar("Found")


class Traced:
    """Hold a trace's launch and findings, and look its processes up.

    Args:
        path: the trace file.
    """

    def __init__(self, path: Path) -> None:
        self.launch: Launch = build_launch(read_trace(path))
        self.findings: Findings = analyse(self.launch)

    @property
    def root(self) -> Process:
        """Return the traced command's process."""
        assert self.launch.root is not None
        return self.launch.processes[self.launch.root]

    def process(self, id_: str | None) -> Process:
        """Return the process with this id of the model."""
        assert id_ is not None
        return self.launch.processes[id_]

    def with_pid(self, pid: int) -> Process:
        """Return the one traced process that had this pid, in the tracer's PID namespace."""
        return _one([p for p in self.launch.inside if p.pid == pid], f"pid {pid}")

    def ran(self, program: str, *words: str, creator: Process | None = None) -> list[Process]:
        """Return the processes that executed a program themselves, with all these arguments.

        Args:
            program: base name of the file, as execve or /proc/PID/exe names it.
            words: arguments that stand anywhere in the argv of that image.
            creator: who must have created it, if given.
        """
        return [
            process
            for process in self.launch.inside
            if (creator is None or process.creator == creator.id)
            and any(_fits(image, program, words) for image in process.own_images)
        ]

    def the(self, program: str, *words: str, creator: Process | None = None) -> Process:
        """Return the one process that ``ran`` finds."""
        return _one(self.ran(program, *words, creator=creator), f"{program} {words}")

    def created_by(self, process: Process) -> list[Process]:
        """Return the processes that a process created, in that order."""
        return [p for p in self.launch.inside if p.creator == process.id]

    def role(self, process: Process) -> str:
        """Return the role that was found for a process."""
        return self.findings.roles[process.id].role

    def with_role(self, role: str) -> list[Process]:
        """Return the traced processes that have a role, in creation order."""
        return [p for p in self.launch.inside if self.role(p) == role]

    def remover(self) -> Process:
        """Return who took the container's network down and had the runtime delete it.

        That is whoever of podman and its cleanup has the container's lock first: mostly podman 5
        itself, which tells the cleanup so ("--stopped-only"), and podman 4's cleanup.
        """
        found = self.process(self.the("runc", "delete").creator)
        assert found in (self.root, self.the("podman", "container", "cleanup"))
        return found

    def parents(self, process: Process) -> list[str | None]:
        """Return the ids of the real parents of a process, in the order of time."""
        return [process.parent, *(a.parent for a in process.adoptions)]

    def container(self) -> Container:
        """Return the only container of the trace."""
        return _one(self.findings.containers, "container")

    def namespaces(self, process: Process) -> dict[str, int]:
        """Return the inodes of the namespaces that a process was last seen in, by kind."""
        found = History(self.launch, "ns").last(process.id)
        assert isinstance(found, dict)
        return found

    def cgroup(self, process: Process) -> list[str]:
        """Return the lines of /proc/PID/cgroup that were last read of a process."""
        found = History(self.launch, "cgroup").last(process.id)
        assert isinstance(found, list)
        return found

    def session(self, process: Process) -> int:
        """Return the session id that was last read of a process."""
        found = History(self.launch, "sid").last(process.id)
        assert isinstance(found, int)
        return found


def _fits(image: Image, program: str, words: Iterable[str]) -> bool:
    names = {Path(name).name for name in (image.path, image.exe) if name}
    return program in names and set(words) <= set(image.argv)


def _one(found: list[Found], what: str) -> Found:
    assert len(found) == 1, (what, found)
    return found[0]
