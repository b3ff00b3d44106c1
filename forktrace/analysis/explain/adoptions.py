"""Tell who adopted whom, and by which rule of the kernel."""

from forktrace.analysis.explain.case import Case, pid_one, pid_one_evidence
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Subreaper
from forktrace.model.derive import ANY_ADOPTER
from forktrace.model.facts import Adoption
from forktrace.model.process import Process

REAPER = "kernel/exit.c: find_new_reaper"


def adoption(case: Case, process: Process, change: Adoption) -> list[Sentence]:
    """Say that a process got another real parent, when its old one died, and why that one."""
    found = case.findings.subreapers.get(change.parent)
    if found is None or not _was_subreaper(found, change):
        return [_change(case, process, change), *_why(case, process, change)]
    if change.death is None or change.inferred:
        return [_change(case, process, change), _called(case, process, change, found)]
    return [_change(case, process, change, found)]


def _change(
    case: Case, process: Process, change: Adoption, found: Subreaper | None = None
) -> Sentence:
    """Say that the parent changed; ``found``: to one that had called itself a subreaper."""
    draft = Draft(case)
    draft.rests_on(change.at)
    child, adopter = draft.who(process.id), draft.who(change.parent)
    if change.death is None:
        before = f", no longer of {draft.who(change.previous)}" if change.previous else ""
        text = f"{child} was then seen to be a child of {adopter}{before}; when that changed, and"
        return draft.observed(f"{text} what ended, was outside the trace.")
    dead = case.process(change.death)
    name, end = draft.who(dead.id), draft.ended(dead)
    if not change.inferred:
        text = f"When {name}, its parent, {end}, the kernel made {child} a child of {adopter}"
        if found is None:
            return draft.observed(f"{text}.", "kernel/exit.c: forget_original_parent")
        draft.rests_on(found.at)
        text += ", which had made itself a subreaper by prctl(PR_SET_CHILD_SUBREAPER)"
        return draft.observed(f"{text}.", REAPER)
    if case.imported:
        return _by_rule(case, process, change)
    draft.rests_on(process.samples[0].at)
    text = f"{child} was a child of {adopter} at the first look: {name}, its parent at birth, {end}"
    return draft.inferred(f"{text} before that.", "clone(2): the creator is the parent")


def _by_rule(case: Case, process: Process, change: Adoption) -> Sentence:
    """Say who must have adopted a process of a log, in which nobody looked at parents."""
    draft = Draft(case)
    adopter, dead = case.process(change.parent), case.process(change.death or "")
    name, end = draft.who(dead.id), draft.ended(dead)
    draft.rests_on(change.at)
    text = f"When {name}, its parent, {end}, the kernel's rule"
    if adopter.stand_in == ANY_ADOPTER:
        text += f" gave {draft.who(process.id)} another parent: the nearest subreaper above it,"
        return draft.inferred(f"{text} else the init of its PID namespace.", REAPER)
    text += f" makes {draft.who(process.id)} a child of {draft.who(adopter.id)}"
    if adopter.stand_in is not None:
        text += ", as nobody above it in the log was a subreaper"
    return draft.inferred(f"{text}.", REAPER)


def _why(case: Case, process: Process, change: Adoption) -> list[Sentence]:
    """Say why the kernel chose this adopter: the nearest subreaper above, else the init."""
    adopter = case.process(change.parent)
    if adopter.stand_in == ANY_ADOPTER:
        text = f"Which process adopted {process.id} is not in this trace, because the log does not"
        return [unknown(f"{text} tell which ones above it were subreapers or inits.")]
    if adopter.stand_in is not None:
        return []
    draft = Draft(case)
    name = draft.who(adopter.id)
    found = case.findings.subreapers.get(adopter.id)
    draft.rests_on(change.at)
    if pid_one(adopter):
        draft.rests_on(*pid_one_evidence(adopter))
        text = f"{name} is the init of its PID namespace, to which an orphan goes when nobody"
        return [draft.inferred(f"{text} above {process.id} is a subreaper.", REAPER)]
    if found is not None:
        shown = [sample.at for sample in adopter.samples if sample.nspid]
        draft.rests_on(*shown if len(shown) == 1 else ())
        text = f"{name} is not the init of its PID namespace, so it must be a subreaper, the"
        return [draft.inferred(f"{text} nearest one above {process.id}.", REAPER)]
    text = f"Why {adopter.id} adopted {process.id} is not in this trace, because nothing tells"
    return [unknown(f"{text} whether it is a subreaper or an init.")]


def _called(case: Case, process: Process, change: Adoption, found: Subreaper) -> Sentence:
    """Say that an adopter had called itself a subreaper."""
    draft = Draft(case)
    name = draft.who(change.parent)
    draft.rests_on(found.at, change.at)
    text = f"{name} had made itself a subreaper by prctl(PR_SET_CHILD_SUBREAPER): the orphans"
    text += f" below it come to it, as {process.id} did"
    return draft.told(f"{text}.", REAPER, inferred=case.imported)


def _was_subreaper(found: Subreaper, change: Adoption) -> bool:
    """Say whether a recorded call had made it one by then."""
    if found.at is None or found.at.seq > change.at.seq:
        return False
    return found.until is None or found.until.seq > change.at.seq
