"""Answer the questions that people ask of a launch; ``TOPICS`` lists them all."""

from collections.abc import Callable
from dataclasses import dataclass

from forktrace.analysis.explain.absent import session_of
from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import birth
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.cgroup_reasons import apart_from_engine, cgroups_of, travels
from forktrace.analysis.explain.double_forks import double_fork
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.ends import end, exit_dir, waits_note
from forktrace.analysis.explain.images import programs, role
from forktrace.analysis.explain.main_pid import main_pid
from forktrace.analysis.explain.phrases import counted, listed
from forktrace.analysis.explain.places import places
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.explain.stages import made_by_runtime, own_pid, stages, until_payload
from forktrace.analysis.explain.streams import connections, streams
from forktrace.analysis.explain.survival import outlived, survivors
from forktrace.analysis.explain.whereabouts import where
from forktrace.analysis.findings import Container
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
    return [unknown(f"{counted(more, 'more container')} of this trace are not told of here.")]


def _rest(count: int) -> list[Sentence]:
    if count <= 0:
        return []
    more = counted(count, "more process", "more processes")
    return [unknown(f"{more} of this trace are not told of here: name one to ask about it.")]


def why_cgroup(case: Case) -> list[Sentence]:
    """Tell where engine, monitor and container are, and why; else where the processes moved."""
    found = [c for c in _shown(case) if c.monitor or c.init]
    told = [s for c in found for s in (*cgroups_of(case, c), *travels(case, c))]
    if told:
        return told + _others(case)
    moved = [p for p in case.launch.inside if len({s.path for s in case.stays(p.id)}) > 1]
    if not moved:
        why = "no cgroup was read" if not case.findings.cgroups else "nobody was seen to move"
        return [unknown(f"A move between cgroups is not in this trace, because {why}.")]
    return [s for p in moved[:_MANY] for s in places(case, p)] + _rest(len(moved) - _MANY)


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
    found += [p for p in case.launch.inside if p.id in inits]
    return sorted(found, key=lambda p: p.born.seq) if found else list(case.launch.inside)


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
        unknown(f"What survives is not in this trace, because {case.launch.root} did not end.")
    ]


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
        why = "no process was seen to fork and exit at once, leaving its child to another"
        return [unknown(f"A double fork is not in this trace, because {why}.")]
    told = [s for fork in found[:_MANY] for s in double_fork(case, fork)]
    return told + _rest(len(found) - _MANY)


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
