"""Write a sentence and collect, while its words are chosen, the events that it rests on."""

from collections.abc import Iterable
from itertools import pairwise

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.phrases import short_name
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Certainty
from forktrace.analysis.roles import programs
from forktrace.model.derive import ANY_ADOPTER
from forktrace.model.facts import Moment
from forktrace.model.image import Image, image_name
from forktrace.model.process import Process

_CLEANUP = ("container", "cleanup")


class Draft:
    """Be a sentence in the making.

    Args:
        case: the launch that it tells of.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._events: set[int] = set()

    def rests_on(self, *moments: Moment | None) -> None:
        """Note the moments of events that the sentence needs."""
        self._events.update(m.seq for m in moments if m is not None)

    def who(self, id_: str) -> str:
        """Name a process, "p4 conmon"; its name rests on the exec that gave it."""
        process = self._case.process(id_)
        self.rests_on(*naming(self._case, process))
        if process.stand_in is not None:
            return f"{id_} ({_stand_in(process.stand_in)})"
        if process.outside:
            name = "" if process.name == f"pid {process.pid}" else f" {short_name(process.name)}"
            return f"{id_}{name} (pid {process.pid}, outside the trace)"
        return f"{id_} {label(self._case, process)}"

    def all_of(self, ids: Iterable[str]) -> list[str]:
        """Name several processes."""
        return [self.who(id_) for id_ in ids]

    def ended(self, process: Process) -> str:
        """Say how a process ended: "exited with 0", "was killed by SIGKILL"."""
        end = process.exit
        if end is None:
            return "was not seen to end"
        self.rests_on(end.at)
        return f"was killed by {end.signal[:32]}" if end.signal else f"exited with {end.code}"

    def observed(self, text: str, rule: str = "") -> Sentence:
        """Finish a sentence that records say."""
        return self._finish(text, "observed", rule)

    def inferred(self, text: str, rule: str) -> Sentence:
        """Finish a sentence that follows by a rule."""
        return self._finish(text, "inferred", rule)

    def told(self, text: str, rule: str = "", *, inferred: bool) -> Sentence:
        """Finish a sentence, inferred or not."""
        return self._finish(text, "inferred" if inferred else "observed", rule)

    def _finish(self, text: str, certainty: Certainty, rule: str) -> Sentence:
        events = tuple(sorted(self._events))
        return Sentence(text, events, certainty, rule)


def _stand_in(words: str) -> str:
    """Say what a process stands for that nobody knows; an unknown adopter may be a traced one."""
    return words if words == ANY_ADOPTER else f"{words}, outside the trace"


def unknown(text: str) -> Sentence:
    """Return a sentence about what the trace does not tell."""
    return Sentence(text, (), "unknown")


def label(case: Case, process: Process) -> str:
    """Return the name of a process with the word that says what it was called for."""
    if not process.images:
        return short_name(process.name)
    return _label(case, process, process.images[-1])


def _label(case: Case, process: Process, image: Image) -> str:
    name = short_name(image_name(image))
    word = _word(case.role(process.id), image.argv)
    return f"{name} {word}" if word else name


def _word(role: str | None, argv: list[str]) -> str | None:
    if role == "runtime":
        return programs.runtime_verb(argv)
    if role == "cleanup" and _CLEANUP in pairwise(argv):
        return " ".join(_CLEANUP)
    return "init" if role == "init-stage" and argv[1:] == ["init"] else None


def naming(case: Case, process: Process) -> list[Moment]:
    """Return the event without which a process would have another name, if there is one."""
    if process.outside:
        tracer = process.pid == case.launch.header.tracer
        return [] if tracer else _naming_outside(process)
    place = len(process.images) - 1
    return image_naming(case, process, place) if place >= 0 else []


def _naming_outside(process: Process) -> list[Moment]:
    moments = {image.at for image in process.images}
    moments |= {sample.at for sample in process.samples if sample.comm}
    return list(moments) if len(moments) == 1 else []


def image_naming(case: Case, process: Process, place: int, *, words: bool = True) -> list[Moment]:
    """Find the exec that an image came by, unless the image before would give the same name.

    ``words``: the name is told with the word that says what the program was called for.
    """
    named, images = process, process.images
    while images[place].inherited:
        source = case.launch.processes.get(process.creator or process.parent or "")
        if source is None or source.outside:
            return []
        seq = process.born.seq
        before = [i for i, image in enumerate(source.images) if image.at.seq < seq]
        if not before:
            return []
        process, images, place = source, source.images, before[-1]
    if process.attached and place == 0:
        return []  # the record of what ran before; another says the same of it
    at = images[place].at
    names = [
        _label(case, named, image) if words else short_name(image_name(image))
        for image in images[max(place - 1, 0) : place + 1]
    ]
    previous = names[0] if place else _nameless(named, at)
    return [] if previous == names[-1] else [at]


def _nameless(process: Process, at: Moment) -> str:
    """Return what a process would be called if the exec at a moment were not in the trace."""
    names = (s.comm for s in reversed(process.samples) if s.comm and s.at != at)
    return short_name(next(names, f"pid {process.pid}"))
