"""Tell of double forks, and what they achieve."""

from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft
from forktrace.analysis.explain.phrases import creating
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.explain.sessions import apart
from forktrace.analysis.findings import DoubleFork

_RULE = "daemon(7), SysV daemons; analysis/double_fork.py"


def double_fork(case: Case, fork: DoubleFork) -> list[Sentence]:
    """Tell of a double fork: the two creations and the exit, the adoption, the gain."""
    daemon = case.process(fork.daemon)
    change = next((a for a in daemon.adoptions if a.death == fork.middle), None)
    if change is None:
        return []
    told = [_shape(case, fork, inferred=change.inferred), *adoption(case, daemon, change)]
    return [*told, *apart(case, fork)]


def _shape(case: Case, fork: DoubleFork, *, inferred: bool) -> Sentence:
    middle, daemon = case.process(fork.middle), case.process(fork.daemon)
    draft = Draft(case)
    draft.rests_on(*(a.at for a in daemon.adoptions if a.death == middle.id))
    name = f"{draft.who(middle.id)} (pid {middle.pid})"
    steps = []
    if fork.origin and middle.creation:
        draft.rests_on(middle.creation.at)
        verb, by = creating(middle.creation)
        steps.append(f"{draft.who(fork.origin)} {verb} {name}{by}")
        name = middle.id
    if daemon.creation:
        draft.rests_on(daemon.creation.at)
        verb, by = creating(daemon.creation)
        steps.append(f"{name} {verb} {draft.who(daemon.id)} (pid {daemon.pid}){by}")
    end = draft.ended(middle)
    text = f"{', '.join(steps)}, and {middle.id} executed nothing after that and {end}"
    text += ": a double fork"
    return draft.told(f"{text}.", _RULE, inferred=inferred)
