"""Tell the story of a launch in which no container was made: who created whom, who left whom."""

from collections import Counter
from collections.abc import Collection

from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import birth, parenting
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.double_forks import double_fork
from forktrace.analysis.explain.draft import Draft, label, unknown
from forktrace.analysis.explain.ends import end
from forktrace.analysis.explain.images import later_programs
from forktrace.analysis.explain.phrases import command_line, creating, listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.explain.signals import killers
from forktrace.analysis.explain.spaces import entered
from forktrace.analysis.explain.survival import outlived
from forktrace.analysis.reaping import lasting_zombie_ns
from forktrace.model.counting import count_words
from forktrace.model.process import Process

_ONE_BY_ONE = 8  # creations told one by one; more are counted
_PROCESSES = 6  # adopted or daemonised ones that are told of


def plain(case: Case) -> list[Sentence]:
    """Tell who created whom, in small launches one by one; who was adopted; what was left."""
    root = case.launch.processes.get(case.launch.root or "")
    told = [*birth(case, root), *later_programs(case, root)] if root is not None else []
    made = [p for p in case.launch.inside if p.creation is not None and p.creator]
    several = len(made) > _ONE_BY_ONE
    moved = [p for p in case.launch.inside if p.adoptions]
    forks = _forked(case, moved[:_PROCESSES])
    told += _count(case, made) if several else [s for p in made for s in _made(case, p, forks)]
    for process in moved[:_PROCESSES]:
        told += _left(case, process, born=several)
    if len(moved) > _PROCESSES:
        more = count_words(len(moved) - _PROCESSES, "more process", "more processes")
        told.append(unknown(f"{more} of this trace got another parent and are not told of here."))
    told += _zombies(case)
    for id_ in list(case.findings.unwaited)[:_PROCESSES]:
        told += end(case, case.process(id_))
    if root is None:
        return told
    return [*told, *killers(case, root), *(outlived(case, root) or end(case, root))]


def _forked(case: Case, moved: list[Process]) -> set[str]:
    """Return the processes whose creation is told with a double fork."""
    forks = [f for p in moved if (f := case.findings.double_forks.get(p.id)) is not None]
    return {i for f in forks for i in ((f.middle, f.daemon) if f.origin else (f.daemon,))}


def _made(case: Case, process: Process, told: Collection[str]) -> list[Sentence]:
    """Say who created a process, what it executed, and what is odd about its parent or place.

    Of those whose creation is told elsewhere no more is said than that, unless they executed
    something.
    """
    draft = Draft(case)
    assert process.creation is not None
    draft.rests_on(process.creation.at)
    verb, by = creating(process.creation)
    text = f"{draft.who(process.creator or '')} {verb} {draft.who(process.id)}"
    text += f" ({case.pid(process)}){by}"
    ran = [i for i in process.own_images if i.at != process.born and i.argv]
    odd = [*parenting(case, process), *entered(case, process)]
    if process.id in told and not ran:
        return odd
    if ran:
        draft.rests_on(ran[-1].at)
        text += f", which executed {command_line(ran[-1].argv)}"
    return [draft.observed(f"{text}."), *odd]


def _zombies(case: Case) -> list[Sentence]:
    """Tell of those that were zombies for long, until somebody waited for them."""
    if not case.launch.header.times:
        return []
    told: list[Sentence] = []
    for process in case.launch.inside:
        reap, lasted = process.reap, lasting_zombie_ns(process)
        if reap is None or lasted is None or len(told) == _PROCESSES:
            continue
        draft = Draft(case)
        text = f"{draft.who(process.id)} {draft.ended(process)} and was a zombie for"
        draft.rests_on(reap.at)
        text += f" {lasted / 1e9:.3g} s, until {draft.who(reap.by)} waited for it"
        told.append(draft.observed(f"{text}.", "wait(2)"))
    return told


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
