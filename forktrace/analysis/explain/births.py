"""Tell who created a process, and who its real parent was at birth."""

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import creating
from forktrace.analysis.explain.sentences import Sentence
from forktrace.model.facts import Moment
from forktrace.model.pids import first_ppid
from forktrace.model.process import Process

_FORK = "kernel/fork.c: copy_process"


def birth(case: Case, process: Process) -> list[Sentence]:
    """Say how a process came into the trace, and as whose child."""
    if process.stand_in is not None:
        text = f"Which process {process.id} stands for, {process.stand_in}, is not in this trace,"
        return [unknown(f"{text} because nothing tells.")]
    if process.outside:
        return [unknown(f"{process.id} is outside the trace, which only shows it as a parent.")]
    if process.attached:
        return _standing(case, process)
    if process.creation is None or process.creator is None:
        return _uncreated(case, process)
    draft = Draft(case)
    verb, by = creating(process.creation)
    draft.rests_on(process.creation.at)
    child = draft.who(process.id)
    text = f"{draft.who(process.creator)} {verb} {child} ({case.pid(process)}){by}"
    if process.unseen:
        return [draft.observed(f"{text}, and it was never seen to run.")]
    return [draft.observed(f"{text}."), *parenting(case, process)]


def _standing(case: Case, process: Process) -> list[Sentence]:
    draft = Draft(case)
    draft.rests_on(process.born)
    text = f"{draft.who(process.id)} ({case.pid(process)}) ran before the trace began"
    if process.parent:
        text += f", as a child of {draft.who(process.parent)}"
    return [draft.observed(f"{text}; who created it was not seen.")]


def _uncreated(case: Case, process: Process) -> list[Sentence]:
    if process.id != case.launch.root:
        missing = "no record tells who called fork"
        return [unknown(f"Who created {process.id} is not in this trace, because {missing}.")]
    draft = Draft(case)
    name = draft.who(process.id)
    if not any(image.at != process.born for image in process.images):
        return [unknown(f"{process.id} is the traced command; its exec is not in this trace.")]
    draft.rests_on(process.born)
    what = "the command that forktrace started"
    if case.imported:
        what = "the first process of the log that was imported"
    return [draft.observed(f"{name} ({case.pid(process)}) is {what}.")]


def parenting(case: Case, process: Process) -> list[Sentence]:
    """Say who the real parent was at birth, where that is not simply the creator."""
    if process.parent is None:
        text = f"Who the real parent of {process.id} was at birth is not in this trace, because"
        return [unknown(f"{text} it was not read and the clone flags do not tell.")]
    if process.parent == process.creator or process.creation is None:
        return []
    draft = Draft(case)
    draft.rests_on(*parent_evidence(process))
    text = f"Its creator is not its parent: {process.id} was born as a child of "
    text += draft.who(process.parent)
    if "CLONE_PARENT" in process.creation.flags:
        draft.rests_on(process.creation.at)
        text += f", whose child {draft.who(process.creator or '')} is too, by CLONE_PARENT"
    return [draft.told(f"{text}.", _FORK, inferred=process.parent_inferred)]


def parent_evidence(process: Process) -> list[Moment]:
    """Return the look at PPid that shows the parent at birth, unless more than one does."""
    end = process.adoptions[0].at.seq if process.adoptions else None
    looks = [
        sample.at
        for sample in process.samples
        if sample.ppid is not None and (end is None or sample.at.seq < end)
    ]
    return looks if len(looks) == 1 and not process.parent_inferred else []


def parenthood(process: Process) -> list[Moment]:
    """Return the event without which the last known real parent would not be known.

    None where both the creator's record and the first look at PPid tell of it.
    """
    if process.adoptions:
        return [process.adoptions[-1].at]
    looked = first_ppid(process) is not None
    if process.creation is None:
        return [process.samples[0].at] if looked else []
    return [] if looked else [process.creation.at]
