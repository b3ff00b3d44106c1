"""Say in short clauses what is worth knowing of a launch and of each process in it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from forktrace.analysis.findings import DoubleFork, Findings
from forktrace.model.counting import count_words
from forktrace.model.facts import Adoption, Exit, UntracedChild
from forktrace.model.image import Image, image_name
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.calls import call_notes
from forktrace.views.remote import remote_words
from forktrace.views.source import before_words, found_ended
from forktrace.views.words import cut, duration_words, name_of, printable, program_words

_SHORT = 32  # characters of a program that is only mentioned
_TOLD = 3  # adoptions told one by one; of more, the last ones; vforks too, of more, none
_NAMED = 5  # processes named in a list; of more, the first ones

_DEMO = "demo: made by forktrace's own small launcher, without a container engine"


class Narrator:
    """Tell of the processes of one launch."""

    def __init__(self, launch: Launch, findings: Findings) -> None:
        self._launch = launch
        self._findings = findings
        self._daemons = findings.double_forks
        self._forks: defaultdict[str, list[DoubleFork]] = defaultdict(list)
        for fork in findings.double_forks.values():
            self._forks[fork.middle].append(fork)
        vforked = [p.id for p in launch.inside if p.is_vforked]
        self._vforked = vforked if len(vforked) <= _TOLD else []  # an engine so starts all others

    def notes(self, process: Process) -> list[str]:
        """Return the clauses about a process, each harmless to print."""
        return [
            *self._birth(process),
            *_earlier_images(process),
            *(self._double_fork(fork) for fork in self._forks.get(process.id, ())),
            *self._adoptions(process),
            *_untraced(process),
            *_released(process),
            *_zombie(self._launch, process),
            *call_notes(self._launch, self._findings, process),
            *(["pid 1 in its PID namespace"] if _is_namespace_init(process) else ()),
            *(["dumped core"] if process.exit and process.exit.core else ()),
        ]

    def who(self, id_: str) -> str:
        """Name a process: "p4 conmon", "x1 systemd, outside the trace"."""
        process = self._launch.processes[id_]
        outside = ", outside the trace" if process.outside else ""
        return f"{id_} {cut(name_of(process), _SHORT)}{outside}"

    def _birth(self, process: Process) -> list[str]:
        if process.outside:
            return ["outside the trace"]
        if process.attached:
            return []  # said once for all, below
        notes = []
        if process.unseen:
            notes.append("announced by its creator, never seen to run")
        if process.parent is None and process.id != self._launch.root:
            notes.append("parent unknown")
        if process.creation and process.creator and process.creator != process.parent:
            with_flag = " with CLONE_PARENT" if "CLONE_PARENT" in process.creation.flags else ""
            notes.append(f"created by {process.creator}{with_flag}")
        if process.id in self._vforked:
            notes.append("created by vfork")
        if process.parent_inferred and process.creator != process.parent:
            notes.append(f"parent {process.parent} inferred from the clone flags")
        return notes

    def _double_fork(self, fork: DoubleFork) -> str:
        return f"double fork: exits and leaves {fork.daemon} to {self.who(fork.adopter)}"

    def _adoptions(self, process: Process) -> list[str]:
        told = process.adoptions[-_TOLD:]
        untold = len(process.adoptions) - len(told)
        return [
            *([f"adopted {count_words(untold, 'time')}, then"] if untold else ()),
            *(self._adoption(process, adoption) for adoption in told),
        ]

    def _adoption(self, process: Process, adoption: Adoption) -> str:
        adopter = self.who(adoption.parent)
        fork = self._daemons.get(process.id)
        if fork and (fork.middle, fork.adopter) == (adoption.death, adoption.parent):
            adopter = adopter.partition(",")[0]  # the middle process' note has said the rest
        words = f"adopted by {adopter}" + ("," if "," in adopter else "")
        if adoption.death is None:
            return f"{words} first seen so after {duration_words(adoption.at.at_ns)}"
        end = self._launch.processes[adoption.death].exit
        inferred = " (inferred)" if adoption.inferred else ""
        return f"{words} when {adoption.death} {_ended(end)}{inferred}"


def _zombie(launch: Launch, process: Process) -> list[str]:
    """Tell of one that a snapshot found ended: whoever was waited for is not found at all."""
    if not found_ended(launch, process):
        return []
    return [f"a zombie: {process.parent or 'its parent'} has not waited for it"]


def _ended(end: Exit | None) -> str:
    return "was killed" if end and end.signal else "exited"


def _untraced(process: Process) -> list[str]:
    """Tell of the children that were not traced, and how they ended."""
    if not process.untraced:
        return []
    told = [_untraced_words(child) for child in process.untraced[:_NAMED]]
    more = len(process.untraced) - len(told)
    inside = " in its PID namespace" if len(process.nspid) > 1 else ""
    listed = ", ".join([*told, *([f"{more} more"] if more else [])])
    return [
        f"{count_words(len(process.untraced), 'child', 'children')} not traced: {listed}{inside}"
    ]


def _untraced_words(child: UntracedChild) -> str:
    exited = f" (exit {child.code})" if child.code is not None else ""
    return f"pid {child.pid}" + (f" ({child.signal})" if child.signal else exited)


def _is_namespace_init(process: Process) -> bool:
    return not process.outside and len(process.nspid) > 1 and process.nspid[-1] == 1


def _released(process: Process) -> Iterator[str]:
    if process.taken_over:
        yield "left to its parent to trace: not seen from then on"
    elif process.fault is not None and process.exit is None:
        yield f"left alone to die of {process.fault}: its end was not seen"


def _earlier_images(process: Process) -> list[str]:
    """Name the programs before the last; the inherited one only where it did something.

    A process that started threads or was adopted between its birth and its first exec did so as
    its creator's program, as runc's init does.
    """
    if not process.images:
        return []
    *earlier, last = process.images
    notes = []
    if earlier and earlier[0].inherited:
        born_as = earlier.pop(0)
        if _acted_before(process, process.images[1]):
            notes.append(f"born as {program_words(born_as, _SHORT)}")
    words = dict.fromkeys(program_words(i, _SHORT) for i in earlier)
    if words:
        words.pop(program_words(last, _SHORT), None)
    if words:
        notes.append(f"first ran {', then '.join(list(words)[:_TOLD])}")
    if "argv" in last.errors and last.inherited and last.argv:
        return notes  # its creator's note says that
    if "argv" in last.errors:
        whole = "unreadable" if not last.argv else "not whole"
        notes.append(f"arguments {whole} ({printable(last.errors['argv'][:_SHORT])})")
        return notes
    called = last.argv[0].rpartition("/")[2].lstrip("-") if last.argv else ""
    if called and not last.inherited and called != image_name(last):
        notes.append(f"its argv[0] is {cut(printable(last.argv[0][:_SHORT]), _SHORT)}")
    return notes


def _acted_before(process: Process, image: Image) -> bool:
    acts = [*(t.at.seq for t in process.threads), *(a.at.seq for a in process.adoptions)]
    return any(seq < image.at.seq for seq in acts)


def end_words(launch: Launch, process: Process) -> str:
    """Say how a process ended, in at most 12 characters: "exit 0", "SIGKILL", "running".

    Where the trace does not tell whether it ended, "end unseen"; of one outside the trace nothing
    is known, which is "".
    """
    end = process.exit
    if end is not None:
        return end.signal or f"exit {end.code}"
    if process.outside:
        return ""
    running = launch.end is not None and process.pid in launch.end.left
    return "running" if running else "end unseen"


def ends_words(launch: Launch, ids: Sequence[str]) -> str:
    """Say how those that share a row ended; where that differs, how many not with exit 0.

    As "exit 0", "14 exit 1", "16 not exit 0".
    """
    ends = Counter(end_words(launch, launch.processes[id_]) for id_ in ids)
    if len(ends) == 1:
        return next(iter(ends))
    del ends["exit 0"]
    how = next(iter(ends)) if len(ends) == 1 else "not exit 0"
    return f"{ends.total():,} {how}"


def summary_words(launch: Launch) -> list[str]:
    """Say in clauses how large the launch was, how long it took, and if all was seen."""
    inside = list(launch.inside)
    threads = sum(len(p.threads) for p in inside)
    clauses = [count_words(len(inside), "process", "processes")]
    if threads:
        clauses[0] += f" and {count_words(threads, 'more thread')}"
    if launch.header.source == "snapshot":
        return [*clauses, f"as /proc showed them within {duration_words(_duration(launch))}"]
    demo = [_DEMO] if launch.header.source == "demo" else []
    times = launch.header.times
    lasted = duration_words(_duration(launch)) if times else "times unknown"
    lasted = "normalised" if launch.normalized else lasted
    return [*demo, *clauses, lasted, _completeness(launch)]


def summary_lines(launch: Launch) -> list[str]:
    """Return the same as lines: that it is a demo stands alone."""
    words = summary_words(launch)
    demo = [words.pop(0)] if words[0] == _DEMO else []
    return [*demo, " \N{MIDDLE DOT} ".join(words)]


def _duration(launch: Launch) -> int:
    if launch.end is not None:
        return launch.end.at_ns
    ends = (p.exit.at.at_ns if p.exit else p.born.at_ns for p in launch.inside)
    return max(ends, default=0)


def _completeness(launch: Launch) -> str:
    if launch.end is None:
        return "the trace was cut off: what followed is unknown"
    if launch.header.source == "import":
        return "imported from a log"
    return f"{len(launch.end.left)} still running" if launch.end.left else "complete"


def closing_notes(launch: Launch, findings: Findings) -> list[str]:
    """Return what should stand under a tree: what runs on, what this trace can't tell."""
    remote = remote_words(launch, findings)
    notes = [remote] if remote else []
    left = set(launch.end.left) if launch.end else set()
    running = [p for p in launch.inside if p.exit is None and p.pid in left]
    if running and launch.header.source != "snapshot":
        named = [f"{p.id} {name_of(p)} (pid {p.pid})" for p in running[:_NAMED]]
        more = [f"{len(running) - _NAMED} more"] if len(running) > _NAMED else []
        notes.append(f"still running, untraced: {', '.join(named + more)}")
    before = before_words(launch)
    notes += [before] if before else []
    inferred = inferred_words(launch)
    notes += [inferred] if inferred else []
    return notes


def inferred_words(launch: Launch) -> str | None:
    """Say how many parents nobody has seen, None where all were read from /proc."""
    if launch.header.detail == "minimal":
        return (
            "recorded with --detail minimal: parents follow from the clone flags, "
            "adoptions were not looked at"
        )
    inferred = sum(p.parent_inferred for p in launch.inside)
    if not inferred:
        return None
    parents = count_words(inferred, "parent follows", "parents follow")
    return f"{parents} from the clone flags (not read from /proc)"
