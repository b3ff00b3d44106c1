"""Say of each process what a page shows, as columns of numbers that refer to tables."""

from typing import Any

from forktrace.analysis.findings import CgroupStay, Findings, NamespaceStay
from forktrace.model.facts import Sample
from forktrace.model.image import Image, image_name
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.model.standing import Standing
from forktrace.model.tracer import CommandParent, command_parent
from forktrace.views.lanes.edges import birth_title, birth_word
from forktrace.views.notes import Narrator, end_words
from forktrace.views.page_steps import StepFinder
from forktrace.views.page_tables import NONE, Table
from forktrace.views.select.scene import Scene
from forktrace.views.words import cut, name_of, printable, program_words

OUTSIDE, ATTACHED, UNSEEN, INFERRED, LEFT = 1, 2, 4, 8, 16  # bits of "flags"
_COMM = 15  # TASK_COMM_LEN in include/linux/sched.h, without its NUL
_NAME = 60  # characters
_PROGRAM = 120  # characters of a program in a sentence: it has two lines
MOST_SURROUNDED = 20_000  # processes of which cgroups and namespaces over time are told
_CALLER = ", called by thread "  # in the title of a birth
_ENTERED = {  # how a process came into a cgroup or namespace, after "birth, " or "#7, "
    "inherited": "inherited from its creator",
    "clone": "by a flag of its creation",
    "write": "moved",
    "outside": "moved by nobody in the trace",
    "unshare": "by unshare",
    "setns": "by setns",
    "first": "when it was first looked at",
    "seen": "found there by a look",
}


class ProcessColumns:
    """Collect the columns, a value a process, outsiders last."""

    def __init__(self, launch: Launch, findings: Findings, scene: Scene, finder: StepFinder):
        self._launch = launch
        self._findings = findings
        self._scene = scene
        self._finder = finder
        self._narrator = Narrator(launch, findings)
        tracer = command_parent(launch)
        own = [tracer.process] if tracer and tracer.id not in launch.processes else []
        self._processes = [*launch.processes.values(), *own]
        self._first_parent = _parent_of_the_command(tracer)
        self.ids = [process.id for process in self._processes]
        self.place = {id_: place for place, id_ in enumerate(self.ids)}
        self.strings = Table()
        self.arguments = Table()
        self.images = Table()
        self._pids, self._cgroups, self._namespaces = Table(), Table(), Table()

    def columns(self) -> dict[str, Any]:
        """Return the columns by name, and the tables that they refer to."""
        processes = self._processes
        surrounded = len(processes) <= MOST_SURROUNDED
        return {
            "id": self.ids,
            "pid": [p.pid for p in processes],
            "nspid": [self._pids.number(tuple(p.nspid)) for p in processes],
            "name": [self._name(p) for p in processes],
            "role": [self._role(p) for p in processes],
            "rule": [self._rule(p) for p in processes],
            "flags": [self._flags(p) for p in processes],
            "above": [self.number(self._scene.above.get(p.id)) for p in processes],
            "creator": [self.number(p.creator) for p in processes],
            "parent": [self.number(self._parent(p)) for p in processes],
            "how": [self.text(birth_word(p.creation)) for p in processes],
            "call": [self.text(self._call(p)) for p in processes],
            "first": [self._first_image(p) for p in processes],
            "threads": [len(p.threads) for p in processes],
            "end": [self.text(end_words(self._launch, p)) for p in processes],
            "notes": [self._notes(p) for p in processes],
            "cgroups": [self._stays(p) if surrounded else NONE for p in processes],
            "spaces": [self._spaces(p) if surrounded else NONE for p in processes],
            "comms": self._comms(processes),
            "acts": self._thread_acts(processes),
            "released": {
                str(place): self._finder.at(p.released.seq)
                for place, p in enumerate(processes)
                if p.released is not None
            },
            "pids": self._pids.rows,
            "cgroupStays": self._cgroups.rows,
            "spaceStays": self._namespaces.rows,
        }

    def text(self, value: str) -> int:
        """Return the number of a text, which has to be printable."""
        return self.strings.number(value)

    def number(self, id_: str | None) -> int:
        """Return the place of a process among the columns, -1 for none."""
        return self.place.get(id_ or "", NONE)

    def image(self, image: Image, process: str) -> int:
        """Return the number of a program: name, arguments, files, and the words for sentences."""
        arguments = self.arguments.number(tuple(map(printable, image.argv)))
        texts = (image.path, image.exe, image.cwd)
        known = [self.strings.optional(None if t is None else printable(t)) for t in texts]
        name = self.text(cut(printable(image_name(image)), _NAME))
        errors = ", ".join(f"{k}: {v}" for k, v in sorted(image.errors.items()))
        found = self._findings.roles.get(process)
        told = found is not None and found.role in ("engine", "runtime", "cleanup")
        words = self.text(program_words(image, _PROGRAM, subcommand=told))
        return self.images.number((name, arguments, *known, self.text(printable(errors)), words))

    def _name(self, process: Process) -> int:
        own = process.id not in self._launch.processes
        return self.text(process.id if own else cut(name_of(process), _NAME))

    def _role(self, process: Process) -> int:
        found = self._findings.roles.get(process.id)
        return self.text(found.role if found and not process.outside else "")

    def _rule(self, process: Process) -> int:
        found = self._findings.roles.get(process.id)
        return self.text(printable(found.rule) if found and not process.outside else "")

    def _flags(self, process: Process) -> int:
        end = self._launch.end
        left = end is not None and process.exit is None and process.pid in end.left
        bits = (
            (OUTSIDE, process.outside),
            (ATTACHED, process.attached),
            (UNSEEN, process.unseen),
            (INFERRED, self._is_inferred(process)),
            (LEFT, left),
        )
        return sum(bit for bit, holds in bits if holds)

    def _parent(self, process: Process) -> str | None:
        first = self._first_parent.get(process.id)
        return first[0] if first else process.parent

    def _is_inferred(self, process: Process) -> bool:
        first = self._first_parent.get(process.id)
        return first[1] if first else process.parent_inferred

    def _first_image(self, process: Process) -> int:
        """Return what a process ran when it was first there; -1 where its first exec tells that."""
        if process.id not in self._launch.processes:  # forktrace itself
            return self.image(Image(process.born, None, [process.id]), process.id)
        for image in process.images[:1]:
            before = image.inherited or process.outside
            if before or (process.attached and image.at.seq <= process.born.seq):
                return self.image(image, process.id)
        return NONE

    def _notes(self, process: Process) -> list[int]:
        return [self.text(note) for note in self._narrator.notes(process)]

    def _stays(self, process: Process) -> int:
        stays = self._findings.cgroups.get(process.id, [])
        return self._cgroups.number(tuple(self._stay(process, s, s.hierarchy) for s in stays))

    def _spaces(self, process: Process) -> int:
        stays = self._findings.namespaces.get(process.id, [])
        return self._namespaces.number(tuple(self._stay(process, s, s.kind) for s in stays))

    def _stay(
        self, process: Process, stay: CgroupStay | NamespaceStay, kind: str
    ) -> tuple[int, ...]:
        """Return what is known of a stay; of one since birth no time, so that many are alike."""
        since = NONE if stay.since.seq <= process.born.seq else self._finder.at(stay.since.seq)
        if isinstance(stay, CgroupStay):
            where = printable(stay.path)
        else:
            where = "unknown" if stay.inode is None else str(stay.inode)
        how = _ENTERED[stay.how] + (" (inferred)" if stay.inferred else "")
        handed_on = stay.how in ("inherited", "clone")  # by its creator, as each process tells
        by = NONE if handed_on else self.number(stay.by)
        return (self.text(printable(kind)), self.text(where), self.text(how), since, by)

    def _comms(self, processes: list[Process]) -> dict[str, list[tuple[int, int]]]:
        """Return the comms that are not just the program's name, by the step they were known at."""
        found = {}
        for place, process in enumerate(processes):
            told = [self._comm(process, s) for s in process.samples if s.comm is not None]
            usual = all(name is None for _, name in told)
            if told and not usual:
                found[str(place)] = [(step, self.strings.optional(name)) for step, name in told]
        return found

    def _call(self, process: Process) -> str:
        """Return the call that made a process, its flags, and its thread if not the main one."""
        if process.creation is None:
            return ""
        told = printable(birth_title(process, 1).partition(": ")[2])
        creator = self._launch.processes.get(process.creator or "")
        main = creator is not None and process.creation.tid == creator.pid
        return told.partition(_CALLER)[0] if main else told

    def _comm(self, process: Process, sample: Sample) -> tuple[int, str | None]:
        comm = printable(sample.comm or "")
        images = [i for i in process.images if i.at.seq <= sample.at.seq or process.outside]
        usual = printable(image_name(images[-1])[:_COMM]) if images else None
        step = NONE if process.outside else self._finder.at(sample.at.seq)
        return step, None if comm == usual else comm

    def _thread_acts(self, processes: list[Process]) -> dict[str, list[int]]:
        """Return at which steps a process was seen to make threads: it then did something."""
        return {
            str(place): [self._finder.at(thread.at.seq) for thread in process.threads]
            for place, process in enumerate(processes)
            if process.threads
        }


def _parent_of_the_command(tracer: CommandParent | None) -> dict[str, tuple[str, bool]]:
    """Map the command to forktrace where that was its first parent, and if that is inferred."""
    if tracer is None:
        return {}
    root = tracer.root
    read = next((s.ppid for s in root.samples if s.ppid is not None), None)
    standing = tracer.adopt(Standing(root, "alive", parent=root.parent, ppid=read))
    return {root.id: (tracer.id, standing.inferred)} if standing.parent == tracer.id else {}
