"""Tell of double forks, and what they achieve."""

from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import parenthood
from forktrace.analysis.explain.case import Case, created_at, pid_one, pid_one_evidence
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


def kept_fork(case: Case, fork: DoubleFork) -> list[Sentence]:
    """Tell of what looks like a double fork, but left the child to who had created its creator."""
    middle, child = case.process(fork.middle), case.process(fork.daemon)
    adopter = case.process(fork.adopter)
    draft = Draft(case)
    change = next(a for a in child.adoptions if a.death == middle.id)
    draft.rests_on(change.at, *created_at(child))
    text = f"{draft.who(middle.id)} created {draft.who(child.id)} and {draft.ended(middle)};"
    if adopter.stand_in is not None:
        text = f"{text.removesuffix(';')}: a double fork, unless {child.id} went to who had created"
        return [draft.inferred(f"{text} {middle.id}, which the log does not tell.", _RULE)]
    made = adopter.id == middle.creator
    draft.rests_on(*(created_at(middle) if made else parenthood(middle)))
    text += f" {child.id} went to {draft.who(adopter.id)}, which"
    text += f" had created {middle.id}" if made else f" was the parent of {middle.id}"
    draft.rests_on(*pid_one_evidence(adopter) if pid_one(adopter) else ())
    as_what = "the init of its PID namespace" if pid_one(adopter) else "a subreaper above"
    text += f": {as_what} took it, so it did not leave the tree of {adopter.id}"
    return [draft.inferred(f"{text}.", _RULE), *adoption(case, child, change)]


def _shape(case: Case, fork: DoubleFork, *, inferred: bool) -> Sentence:
    middle, daemon = case.process(fork.middle), case.process(fork.daemon)
    draft = Draft(case)
    draft.rests_on(*(a.at for a in daemon.adoptions if a.death == middle.id))
    name = f"{draft.who(middle.id)} ({case.pid(middle)})"
    steps = []
    if fork.origin and middle.creation:
        draft.rests_on(middle.creation.at)
        verb, by = creating(middle.creation)
        steps.append(f"{draft.who(fork.origin)} {verb} {name}{by}")
        name = middle.id
    if daemon.creation:
        draft.rests_on(daemon.creation.at)
        verb, by = creating(daemon.creation)
        steps.append(f"{name} {verb} {draft.who(daemon.id)} ({case.pid(daemon)}){by}")
    end = draft.ended(middle)
    text = f"{', '.join(steps)}, and {middle.id} executed nothing after that and {end}"
    text += ": a double fork"
    return draft.told(f"{text}.", _RULE, inferred=inferred)
