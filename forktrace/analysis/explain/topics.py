"""Answer the questions that people ask of a launch; ``TOPICS`` lists them all."""

from collections.abc import Callable
from dataclasses import dataclass

from forktrace.analysis.double_fork import kept_forks
from forktrace.analysis.explain.absent import session_of
from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import birth
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.cgroup_reasons import (
    apart_from_engine,
    cgroups_of,
    travels,
    writes,
)
from forktrace.analysis.explain.double_forks import double_fork, kept_fork
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.ends import end, exit_dir, waits_note
from forktrace.analysis.explain.images import programs, role
from forktrace.analysis.explain.main_pid import main_pid
from forktrace.analysis.explain.phrases import listed
from forktrace.analysis.explain.places import places, telling_hierarchy
from forktrace.analysis.explain.residence import residence
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.explain.stages import (
    executor_below,
    made_by_runtime,
    own_pid,
    stages,
    until_payload,
)
from forktrace.analysis.explain.streams import connections, streams
from forktrace.analysis.explain.survival import outlived, survivors
from forktrace.analysis.explain.whereabouts import where
from forktrace.analysis.findings import Container, DoubleFork
from forktrace.model.counting import count_words
from forktrace.model.process import Process

_MANY = 8  # processes told of one by one; of more, that there are
_CONTAINERS = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """Be a question by its ``name``, what it asks, and what answers it."""

    name: str
    question: str
    answer: Callable[[Case], list[Sentence]]


def why_parent(case: Case) -> list[Sentence]:
    """Tell of each process whose real parent is, or became, another than its creator."""
    other = [
        p
        for p in case.launch.inside
        if p.adoptions or (p.creator is not None and p.parent not in (None, p.creator))
    ]
    if not other:
        why = "no process in it was seen to have a parent other than its creator"
        return [unknown(f"A parent that is not the creator is not in this trace, because {why}.")]
    told = []
    for process in other[:_MANY]:
        fork = case.findings.double_forks.get(process.id)
        told += double_fork(case, fork) if fork is not None else birth(case, process)
        for change in process.adoptions[-_MANY:]:
            told += adoption(case, process, change)
    return [*told, *_rest(len(other) - _MANY)]


def _shown(case: Case) -> list[Container]:
    """Return the containers that a topic tells of, a session for one that is not in the trace."""
    return [session_of(case, c) or c for c in case.findings.containers[:_CONTAINERS]]


def _others(case: Case) -> list[Sentence]:
    """Say how many containers there are beside those."""
    more = len(case.findings.containers) - _CONTAINERS
    if more <= 0:
        return []
    return [unknown(f"{count_words(more, 'more container')} of this trace are not told of here.")]


def _rest(count: int) -> list[Sentence]:
    if count <= 0:
        return []
    more = count_words(count, "more process", "more processes")
    return [unknown(f"{more} of this trace are not told of here: name one to ask about it.")]


def why_cgroup(case: Case) -> list[Sentence]:
    """Tell where engine, monitor and container are, and why; else where the processes moved."""
    found = [c for c in _shown(case) if c.monitor or c.init]
    told = [s for c in found for s in (*cgroups_of(case, c), *travels(case, c))]
    if told:
        return told + _others(case)
    engines = case.with_role("engine")
    moved = [p for p in case.launch.inside if len({s.path for s in case.stays(p.id)}) > 1]
    told = _living(case, engines)
    told += [s for p in moved[:_MANY] for s in places(case, p)] + _rest(len(moved) - _MANY)
    read = bool(case.findings.cgroups)
    why = "nobody was seen to move" if read else "no cgroup was read"
    return told or writes(case) or [_no_move(why)]


def _no_move(why: str) -> Sentence:
    return unknown(f"A move between cgroups is not in this trace, because {why}.")


def _living(case: Case, engines: list[Process]) -> list[Sentence]:
    """Tell where the engines ended up that made no container in this trace."""
    hierarchy = telling_hierarchy(case, [p.id for p in engines])
    if hierarchy is None:
        return []
    told = [s for p in engines[:_MANY] for s in residence(case, p, hierarchy)]
    return told + _rest(len(engines) - _MANY)


def who_reaps(case: Case) -> list[Sentence]:
    """Tell who waited for each process that matters, or could."""
    found = _mattering(case)
    told = [s for p in found[: 3 * _MANY] for s in end(case, p)]
    if not told:
        return [
            unknown("Who waits is not in this trace, because no process of it was seen to end.")
        ]
    left = [s for c in _shown(case) for s in exit_dir(case, c)]
    return [*waits_note(case), *told, *_rest(len(found) - 3 * _MANY), *left, *_others(case)]


def _mattering(case: Case) -> list[Process]:
    """Return the processes of containers and their launch; all, where there is no container."""
    roles = ("engine", "monitor", "runtime", "init-stage", "cleanup")
    found = case.with_role(*roles)
    inits = {c.init for c in case.findings.containers}
    inits |= {s.process for c in case.findings.containers for s in c.exec_sessions}
    inits |= {p.id for c in case.findings.containers if (p := executor_below(case, c))}
    found += [p for p in case.launch.inside if p.id in inits and p not in found]
    if not found:
        return list(case.launch.inside)
    root = [p for p in case.launch.inside if p.id == case.launch.root and p not in found]
    return sorted([*root, *found], key=lambda p: p.born.seq)


def who_holds_stdout(case: Case) -> list[Sentence]:
    """Tell who holds the streams of containers, monitors and engines."""
    told = []
    for container in _shown(case):
        for id_ in (container.init, container.engine):
            if id_:
                told += streams(case, case.process(id_), container.payload)
        told += connections(case, container)
    if told or case.launch.root is None:
        return told + _others(case) or [
            unknown("Streams are not in this trace, because it has no container.")
        ]
    return streams(case, case.process(case.launch.root))


def what_survives(case: Case) -> list[Sentence]:
    """Tell what lived on when the engine ended, and what would have."""
    told = [
        s
        for c in _shown(case)
        if c.engine
        for s in (*survivors(case, case.process(c.engine), c), *apart_from_engine(case, c))
    ]
    if told or case.launch.root is None:
        return told + _others(case) or [
            unknown("What survives is not in this trace, because it has no engine.")
        ]
    return outlived(case, case.process(case.launch.root)) or [
        unknown(f"What survives is not in this trace, because {_goes_on(case, case.launch.root)}.")
    ]


def _goes_on(case: Case, id_: str) -> str:
    """Say why a process that was not seen to end has outlived nobody."""
    end = case.launch.end
    if end is not None and case.process(id_).pid in end.left:
        return f"{id_} was still running when the trace ended"
    return f"no record tells of the end of {id_}"


def what_is_runc_init(case: Case) -> list[Sentence]:
    """Tell of the stages between a runtime and the container's first process."""
    told: list[Sentence] = []
    for container in _shown(case):
        chain = stages(case, container)
        told += made_by_runtime(case, container)
        told += [*programs(case, chain[0]), *own_pid(case, chain[-1])] if chain else []
        for process in chain:
            told += [*role(case, process), *_names(case, process)]
        told += [s for p in chain[:-1] for s in end(case, p)]
        told += until_payload(case, chain[-1]) if chain else []
    if told:
        return told + _others(case)
    early = case.with_role("init-stage")[:_MANY]
    told = [s for p in early for s in (*birth(case, p), *role(case, p), *programs(case, p))]
    why = "no OCI runtime was seen to set a container up"
    return told or [unknown(f"A runtime's init is not in this trace, because {why}.")]


def _names(case: Case, process: Process) -> list[Sentence]:
    """Tell by which names a stage called itself (PR_SET_NAME), as runc's stages do."""
    shown = [s for s in process.samples if s.comm and s.comm.startswith(("runc:[", "youki:["))]
    called = dict.fromkeys(s.comm for s in shown if s.comm)
    if not called:
        return []
    draft = Draft(case)
    draft.rests_on(*(s.at for s in shown) if len(shown) == len(called) else ())
    names = listed([name[:32] for name in called])
    word, stage = ("names", "stages") if len(called) > 1 else ("name", "a stage")
    text = f"{draft.who(process.id)} was seen under the {word} {names}, the {word} of {stage} of"
    text += " the runtime's set-up"
    return [draft.observed(f"{text}.", "runc: libcontainer/nsenter/nsexec.c")]


def double_forks(case: Case) -> list[Sentence]:
    """Tell of every double fork."""
    found = list(case.findings.double_forks.values())
    if not found:
        kept = kept_forks(case.launch)
        missing = unknown(f"A double fork is not in this trace, because {_no_fork(case, kept)}.")
        told = [s for fork in kept[:_MANY] for s in kept_fork(case, fork)]
        return [missing, *told, *_rest(len(kept) - _MANY)]
    told = [s for fork in found[:_MANY] for s in double_fork(case, fork)]
    return told + _rest(len(found) - _MANY)


def _no_fork(case: Case, kept: list[DoubleFork]) -> str:
    """Say why what has the shape of a double fork is none; ``kept``: all that have it."""
    if not kept:
        return "no process was seen to fork and exit at once, leaving its child to another"
    if all(case.process(fork.adopter).stand_in for fork in kept):
        return "it is not known who adopted what was left by forking and exiting"
    return "what was left by forking and exiting went to a process above, in the same tree"


TOPICS = {
    topic.name: topic
    for topic in (
        Topic("why-parent", "why is a process not a child of the one that started it", why_parent),
        Topic("why-cgroup", "why is each process in the cgroup where it is", why_cgroup),
        Topic("who-reaps", "who waits for each process and gets its exit status", who_reaps),
        Topic("who-holds-stdout", "who is at the other end of the streams", who_holds_stdout),
        Topic("what-survives", "what lives on when the engine dies", what_survives),
        Topic("what-is-runc-init", "what are the runtime's init processes", what_is_runc_init),
        Topic("where-is-my-container", "which process is the container", where),
        Topic("double-fork", "where is a double fork, and what for", double_forks),
        Topic("main-pid", "what does systemd take for the unit's main process", main_pid),
    )
}
