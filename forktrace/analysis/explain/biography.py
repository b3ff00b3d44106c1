"""Tell all that is known of one process, from its birth to its end."""

from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import birth
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.ends import end
from forktrace.analysis.explain.images import offspring, programs, role
from forktrace.analysis.explain.places import places
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.explain.sessions import session
from forktrace.analysis.explain.signals import signals
from forktrace.analysis.explain.spaces import namespaces
from forktrace.analysis.explain.streams import held, streams
from forktrace.model.counting import count_words
from forktrace.model.process import Process

_MANY = 14  # sentences of one kind


def biography(case: Case, process: Process) -> list[Sentence]:
    """Tell of a process: birth, purpose, programs, parents, surroundings, children, end."""
    told = birth(case, process)
    if process.outside:
        return told + offspring(case, process)
    for tell in (
        role,
        programs,
        _adoptions,
        subreaper,
        session,
        namespaces,
        places,
        streams,
        held,
        offspring,
        signals,
        end,
    ):
        told += _few(tell(case, process))
    return told


def _few(told: list[Sentence]) -> list[Sentence]:
    """Leave out what is more than enough of one kind, and say how much that is."""
    more = len(told) - _MANY
    if more <= 0:
        return told
    sentences = count_words(more, "more sentence")
    return [*told[:_MANY], unknown(f"{sentences} of this kind are left out here.")]


def _adoptions(case: Case, process: Process) -> list[Sentence]:
    return [s for change in process.adoptions[:_MANY] for s in adoption(case, process, change)]


def subreaper(case: Case, process: Process) -> list[Sentence]:
    """Say that a process was a subreaper, where a call made it one."""
    found = case.findings.subreapers.get(process.id)
    if found is None or found.at is None:
        return []
    draft = Draft(case)
    draft.rests_on(found.at, found.until)
    text = f"{draft.who(process.id)} made itself a subreaper at {case.when(found.at)}: orphans"
    text += " below it became its children from then on"
    if found.until is not None:
        text += f", until it ended that at {case.when(found.until)}"
    return [draft.observed(f"{text}.", "prctl(2), PR_SET_CHILD_SUBREAPER")]
