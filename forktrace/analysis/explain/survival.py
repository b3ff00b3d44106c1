"""Tell what outlived another process, and what would have."""

from forktrace.analysis.explain.births import parenthood
from forktrace.analysis.explain.case import Case, pid_one, pid_one_evidence
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
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
    """Say which other processes were seen to live on when a process ended."""
    if process.exit is None:
        return []
    seq = process.exit.at.seq
    left = set(case.launch.end.left) if case.launch.end else set()
    there = [p for p in case.launch.inside if p.born.seq < seq and p is not process]
    ended = [p for p in there if p.exit and p.exit.at.seq > seq]
    running = [p for p in there if p.exit is None and p.pid in left]
    found = sorted([*ended, *running], key=lambda p: p.born.seq)[:_MANY]
    draft = Draft(case)
    name, end = draft.who(process.id), draft.ended(process)
    if not found:
        return [draft.inferred(f"{name} {end}; no other process was seen to live on.", "")]
    draft.rests_on(*(p.exit.at for p in found if p.exit))
    draft.rests_on(case.end if running else None)
    more = f", and {len(ended) + len(running) - len(found)} more" * (len(found) == _MANY)
    names = listed(draft.all_of(p.id for p in found))
    text = f"When {name} {end}, {names}{more} lived on"
    if running:
        text += f"; {listed([p.id for p in running])} still ran when the trace ended"
    return [draft.observed(f"{text}.")]


def _would_survive(case: Case, engine: Process, kept: list[Process]) -> list[Sentence]:
    free = [p for p in kept if case.launch.parent_now(p) not in (engine.id, None)]
    if not free:
        return []
    draft = Draft(case)
    draft.rests_on(*(moment for p in free for moment in parenthood(p)))
    names = listed([f"{draft.who(p.id)} (a child of {_parent(case, p)})" for p in free])
    asked = [(p, c) for p in free for c in p.calls if c.arguments.get("signal") and _deathsig(c)]
    text = f"The death of {draft.who(engine.id)} alone would not have ended {names}: the kernel"
    text += " ends no process because another one died, unless it is the parent and the process"
    told = [draft.inferred(f"{text} asked for that by PR_SET_PDEATHSIG.", _DEATH)]
    if not case.waits_recorded:
        why = "it is recorded with --detail syscalls only"
        text = f"Whether one of them asked for PR_SET_PDEATHSIG is not in this trace, because {why}"
        return [*told, unknown(f"{text}.")]
    for process, call in asked:
        draft = Draft(case)
        draft.rests_on(call.at)
        signal = str(call.arguments["signal"])[:32]
        text = f"{draft.who(process.id)} asked for {signal} at its parent's death by prctl."
        told.append(draft.observed(text))
    return told


def _deathsig(call: object) -> bool:
    return getattr(call, "arguments", {}).get("option") == "PR_SET_PDEATHSIG"


def _parent(case: Case, process: Process) -> str:
    return case.launch.parent_now(process) or ""


def _namespace(case: Case, container: Container) -> list[Sentence]:
    """Say that a PID namespace ends with its init."""
    init = case.launch.processes.get(container.init or "")
    if init is None or len(init.nspid) < 2 or not pid_one(init):
        return []
    draft = Draft(case)
    draft.rests_on(*pid_one_evidence(init))
    text = f"{draft.who(init.id)} is pid 1 of the container's PID namespace: when it ends, the"
    return [draft.inferred(f"{text} kernel kills all that is left in there.", _NAMESPACE)]
