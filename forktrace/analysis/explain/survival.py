"""Tell what outlived another process, and what would have."""

from forktrace.analysis.explain.births import parenthood
from forktrace.analysis.explain.case import Case, pid_one, pid_one_evidence
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.model.facts import Call
from forktrace.model.process import Process

_DEATH = "kernel/exit.c: exit_notify; prctl(2), PR_SET_PDEATHSIG"
_NAMESPACE = "pid_namespaces(7), the init process"
_MANY = 8


def survivors(case: Case, engine: Process, container: Container | None) -> list[Sentence]:
    """Say what outlived an engine, and what would have, had it been killed before.

    Args:
        case: the launch.
        engine: the process whose death is asked about.
        container: what it launched, if that is known.
    """
    told = outlived(case, engine)
    if container is None:
        return told
    kept = [container.monitor, container.init]
    processes = [case.process(id_) for id_ in dict.fromkeys(kept) if id_ and id_ != engine.id]
    told += _would_survive(case, engine, processes)
    return [*told, *_namespace(case, container)]


def outlived(case: Case, process: Process) -> list[Sentence]:
    """Say which processes that descend from another were seen to live on when that ended."""
    if process.exit is None:
        return []
    seq = process.exit.at.seq
    left = set(case.launch.end.left) if case.launch.end else set()
    there = [p for p in _descendants(case, process) if p.born.seq < seq]
    ended = [p for p in there if p.exit and p.exit.at.seq > seq]
    running = [p for p in there if p.exit is None and p.pid in left]
    found = sorted([*ended, *running], key=lambda p: p.born.seq)[:_MANY]
    draft = Draft(case)
    name, end = draft.who(process.id), draft.ended(process)
    if not found:
        return [
            draft.inferred(
                f"{name} {end}; no process that descends from it was seen to live on.", ""
            )
        ]
    draft.rests_on(*(p.exit.at for p in found if p.exit))
    draft.rests_on(case.end if running else None)
    more = f", and {len(ended) + len(running) - len(found)} more" * (len(found) == _MANY)
    names = listed(draft.all_of(p.id for p in found))
    text = f"When {name} {end}, {names}{more} lived on"
    if running:
        text += f"; {listed([p.id for p in running])} still ran when the trace ended"
    return [draft.observed(f"{text}.")]


def _descendants(case: Case, process: Process) -> list[Process]:
    """Return the processes that another created, and those that these did, in creation order."""
    below = {process.id}
    for later in case.launch.inside:
        if (later.creator or later.parent) in below:
            below.add(later.id)
    return [p for p in case.launch.inside if p.id in below and p is not process]


def _would_survive(case: Case, engine: Process, kept: list[Process]) -> list[Sentence]:
    """Say which of these the death of the engine alone would have left alive, and which not.

    That death reaches a process only down a line of children each of which asked for a signal at
    its parent's death. Who is no descendant of the engine by real parents is out of its reach.
    """
    if engine.nspid and pid_one(engine):
        return [_all_die(case, engine)]
    lines = {p.id: _line(case, p, engine) for p in kept}
    doomed = [p for p in kept if lines[p.id] and all(map(_asked, lines[p.id]))]
    free = [p for p in kept if p not in doomed and (not lines[p.id] or case.waits_recorded)]
    told = [_lives(case, engine, free)] if free else []
    told += [_dies(case, engine, p, lines[p.id]) for p in doomed]
    for process in kept:
        if process not in (*doomed, *free):
            text = f"Whether {process.id} would have died with {engine.id} is not in this trace,"
            why = "PR_SET_PDEATHSIG is recorded with --detail syscalls only"
            told.append(unknown(f"{text} because {why}."))
    return told


def _all_die(case: Case, engine: Process) -> Sentence:
    draft = Draft(case)
    draft.rests_on(*pid_one_evidence(engine))
    text = f"{draft.who(engine.id)} is itself the init of a PID namespace: with its death the"
    return draft.inferred(f"{text} kernel kills all that is in there.", _NAMESPACE)


def _lives(case: Case, engine: Process, free: list[Process]) -> Sentence:
    draft = Draft(case)
    draft.rests_on(*(moment for p in free for moment in parenthood(p)))
    children = [f"{draft.who(p.id)} (a child of {_parent(case, p)})" for p in free]
    text = f"The death of {draft.who(engine.id)} alone would not have ended"
    text += f" {listed(children, last='or')}: a process does not die with its"
    text += " parent unless it has asked for a signal then, by PR_SET_PDEATHSIG"
    return draft.inferred(f"{text}.", _DEATH)


def _dies(case: Case, engine: Process, process: Process, line: list[Process]) -> Sentence:
    draft = Draft(case)
    draft.rests_on(*(call.at for p in line if (call := _asked(p)) is not None))
    draft.rests_on(*(moment for p in line for moment in parenthood(p)))
    text = f"The death of {draft.who(engine.id)} would have reached {draft.who(process.id)}:"
    asking: dict[str, list[str]] = {}
    for above in line[::-1]:
        asking.setdefault(_signal(above), []).append(draft.who(above.id))
    each = listed([f"{listed(names)} asked for {signal}" for signal, names in asking.items()])
    whose = "their parents" if len(line) > 1 else "its parent"
    return draft.inferred(f"{text} {each} at the death of {whose}.", _DEATH)


def _line(case: Case, process: Process, engine: Process) -> list[Process]:
    """Return a process and its real parents up to below the engine; none if it is not above."""
    line = [process]
    while (above := case.launch.parent_now(line[-1])) is not None:
        if above == engine.id:
            return line
        line.append(case.process(above))
    return []


def _asked(process: Process) -> Call | None:
    """Return the call by which a process asked for a signal at its parent's death, if it did."""
    calls = [c for c in process.calls if c.arguments.get("option") == "PR_SET_PDEATHSIG"]
    valid = [c for c in calls if c.error is None]
    return valid[-1] if valid and valid[-1].arguments.get("signal") else None


def _signal(process: Process) -> str:
    call = _asked(process)
    return str(call.arguments.get("signal"))[:32] if call else ""


def _parent(case: Case, process: Process) -> str:
    return case.launch.parent_now(process) or "a process outside"


def _namespace(case: Case, container: Container) -> list[Sentence]:
    """Say that a PID namespace ends with its init."""
    init = case.launch.processes.get(container.init or "")
    if init is None or len(init.nspid) < 2 or not pid_one(init):
        return []
    draft = Draft(case)
    draft.rests_on(*pid_one_evidence(init))
    text = f"{draft.who(init.id)} is pid 1 of the container's PID namespace: when it ends, the"
    return [draft.inferred(f"{text} kernel kills all that is left in there.", _NAMESPACE)]
