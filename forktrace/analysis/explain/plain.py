"""Tell the story of a launch in which no container was made: who created whom, who left whom."""

from collections import Counter

from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import birth, parenting
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.double_forks import double_fork
from forktrace.analysis.explain.draft import Draft, label, unknown
from forktrace.analysis.explain.ends import end, killers
from forktrace.analysis.explain.phrases import command_line, counted, creating, listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.explain.spaces import entered
from forktrace.analysis.explain.survival import outlived
from forktrace.model.process import Process

_ONE_BY_ONE = 8  # creations told one by one; more are counted
_PROCESSES = 6  # adopted or daemonised ones that are told of


def plain(case: Case) -> list[Sentence]:
    """Tell who created whom, in small launches one by one; who was adopted; what was left."""
    root = case.launch.processes.get(case.launch.root or "")
    told = birth(case, root) if root is not None else []
    made = [p for p in case.launch.inside if p.creation is not None and p.creator]
    several = len(made) > _ONE_BY_ONE
    told += _count(case, made) if several else [s for p in made for s in _made(case, p)]
    moved = [p for p in case.launch.inside if p.adoptions]
    for process in moved[:_PROCESSES]:
        told += _left(case, process, born=several)
    if len(moved) > _PROCESSES:
        more = counted(len(moved) - _PROCESSES, "more process", "more processes")
        told.append(unknown(f"{more} of this trace got another parent and are not told of here."))
    for id_ in list(case.findings.unwaited)[:_PROCESSES]:
        told += end(case, case.process(id_))
    if root is None:
        return told
    return [*told, *killers(case, root), *(outlived(case, root) or end(case, root))]


def _made(case: Case, process: Process) -> list[Sentence]:
    """Say who created a process, what it executed, and what is odd about its parent or place."""
    draft = Draft(case)
    assert process.creation is not None
    draft.rests_on(process.creation.at)
    verb, by = creating(process.creation)
    text = f"{draft.who(process.creator or '')} {verb} {draft.who(process.id)}"
    text += f" (pid {process.pid}){by}"
    ran = [i for i in process.own_images if i.at != process.born and i.argv]
    if ran:
        draft.rests_on(ran[-1].at)
        text += f", which executed {command_line(ran[-1].argv)}"
    return [draft.observed(f"{text}."), *parenting(case, process), *entered(case, process)]


def _left(case: Case, process: Process, *, born: bool) -> list[Sentence]:
    """Tell of a process that got another parent; its birth, unless that was told."""
    fork = case.findings.double_forks.get(process.id)
    if fork is not None:
        return double_fork(case, fork)
    told = birth(case, process) if born else []
    return told + [s for change in process.adoptions[:3] for s in adoption(case, process, change)]


def _count(case: Case, made: list[Process]) -> list[Sentence]:
    """Count what was created: each creation is an event."""
    draft = Draft(case)
    draft.rests_on(*(p.creation.at for p in made if p.creation))
    names = Counter(label(case, p) for p in made)
    most = [f"{count} \N{MULTIPLICATION SIGN} {name}" for name, count in names.most_common(8)]
    more = ", and others" if len(names) > len(most) else ""
    text = f"In all {len(made):,} processes were created: {listed(most)}{more}."
    return [draft.observed(text)]
