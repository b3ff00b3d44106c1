"""Tell how a process ended, who waited for it, and which signals were sent to it."""

from collections import Counter

from forktrace.analysis.explain.births import parenthood
from forktrace.analysis.explain.case import Case, created_at
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import times
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.model.process import Call, Moment, Process

_WAIT = "wait(2): only the parent can wait"
_GO = "go: src/runtime/signal_unix.go, preemptM"
_KILLERS = 4  # told of one process
_TEST = "signal 0 (a test whether it exists)"
_SIGNALS = frozenset(("kill", "tkill", "tgkill", "pidfd_send_signal"))
NOT_RECORDED = "waits are recorded with --detail syscalls only"


def end(case: Case, process: Process) -> list[Sentence]:
    """Say how a process ended, or that it runs on."""
    if process.exit is not None:
        return reaped(case, process)
    if process.outside:
        return []
    draft = Draft(case)
    if case.launch.end is not None and process.pid in case.launch.end.left:
        draft.rests_on(case.end)
        name = draft.who(process.id)
        return [draft.observed(f"{name} was still running when the trace ended.")]
    why = "the trace was cut off" if case.launch.end is None else "no record tells of it"
    if process.released is not None:
        why = "another tracer took it over"
    return [unknown(f"The end of {process.id} is not in this trace, because {why}.")]


def reaped(case: Case, process: Process) -> list[Sentence]:
    """Say how a process ended and who took its exit status, or could."""
    draft = Draft(case)
    text = f"{draft.who(process.id)} {draft.ended(process)}"
    if process.reap is not None:
        draft.rests_on(process.reap.at)
        waiter = draft.who(process.reap.by)
        return [draft.observed(f"{text}; {waiter} waited for it and took that status.")]
    parent, known_by = last_parent(case, process)
    if parent is None:
        return [draft.observed(f"{text}.")]
    if process.id in case.findings.unwaited:
        text += f"; its parent {parent.id} was not seen to wait for it, so it was a zombie from"
        return [draft.inferred(f"{text} then on, unless {parent.id} ignores SIGCHLD.", "wait(2)")]
    draft.rests_on(*known_by)
    text += f"; its parent then was {draft.who(parent.id)}, which alone could take that status"
    return [draft.inferred(f"{text}.", _WAIT)]


def last_parent(case: Case, process: Process) -> tuple[Process | None, list[Moment]]:
    """Return the real parent at a process' end and the event that shows it.

    None where that parent had died before, so that an unseen adoption must have followed.
    """
    parent = case.launch.processes.get(case.launch.parent_now(process) or "")
    if parent is None or process.exit is None:
        return None, []
    if parent.exit is not None and parent.exit.at.seq < process.exit.at.seq:
        return None, []
    return parent, parenthood(process)


def exit_dir(case: Case, container: Container) -> list[Sentence]:
    """Say where a container's monitor was told to leave the exit status."""
    for id_ in case.line(container.monitor) if container.monitor else ():
        for image in case.process(id_).own_images:
            if "--exit-dir" in image.argv[:-1]:
                draft = Draft(case)
                draft.rests_on(image.at)
                text = f"{draft.who(id_)} was called with --exit-dir, a directory in which the"
                text += " monitor leaves the container's exit status for the engine to read"
                return [draft.inferred(f"{text}.", "conmon: src/ctr_exit.c")]
    return []


def waits_note(case: Case) -> list[Sentence]:
    """Say that waits were not recorded, where they were not."""
    if case.waits_recorded or any(p.reap is not None for p in case.launch.inside):
        return []
    imported = case.launch.header.source == "import"
    why = "the log that was imported shows no wait" if imported else NOT_RECORDED
    return [unknown(f"Who called wait is not in this trace, because {why}.")]


def signals(case: Case, process: Process) -> list[Sentence]:
    """Say which signals others sent to a process, and by which it may have been killed."""
    if not case.waits_recorded:
        return []
    return [*_preempted(case, process), *_from_others(case, process)]


def _preempted(case: Case, process: Process) -> list[Sentence]:
    """Count the signals by which Go's runtime preempts threads: the program itself sent none."""
    calls = [c for c in process.calls if c.name == "tgkill" and c.error is None]
    own = [
        c
        for c in calls
        if c.arguments.get("signal") == "SIGURG"
        and c.arguments.get("pid") in (process.pid, *process.nspid)
    ]
    if not own:
        return []
    draft = Draft(case)
    draft.rests_on(*(c.at for c in own))
    text = f"{draft.who(process.id)} sent SIGURG to its own threads {times(len(own))}, as"
    return [draft.inferred(f"{text} Go's runtime does to switch between goroutines.", _GO)]


def _from_others(case: Case, process: Process) -> list[Sentence]:
    sent: dict[tuple[str, str], list[Call]] = {}
    for sender in case.launch.inside:
        for call in sender.calls if sender is not process else ():
            if _meant(sender, call, process):
                signal = str(call.arguments.get("signal") or _TEST)
                sent.setdefault((sender.id, signal[:40]), []).append(call)
    return [_sent(case, process, who, signal, calls) for (who, signal), calls in sent.items()]


def killers(case: Case, process: Process) -> list[Sentence]:
    """Say who sent the signal that a process was killed by, as far as that was recorded."""
    if process.exit is None or process.exit.signal is None:
        return []
    told = []
    for id_ in case.findings.signals.get(process.id, ())[:_KILLERS]:
        sent = [c for c in case.process(id_).calls if _sent_it(c, process)]
        told += [_sent(case, process, id_, process.exit.signal[:40], sent)] if sent else []
    return told


def _sent_it(call: Call, process: Process) -> bool:
    """Say whether a call sent what a process died of; who was meant was found out before."""
    end = process.exit
    if end is None or call.name not in _SIGNALS or call.error is not None:
        return False
    named = call.arguments.get("pid", call.arguments.get("tid")) in (process.pid, *process.nspid)
    timely = process.born.seq < call.at.seq < end.at.seq
    return named and timely and call.arguments.get("signal") == end.signal


def _meant(sender: Process, call: Call, process: Process) -> bool:
    """Say whether a call names this process; pids of a deeper PID namespace are left out."""
    if call.name not in _SIGNALS or call.error is not None or len(sender.nspid) > 1:
        return False
    seq = call.at.seq
    alive = process.born.seq < seq and (process.exit is None or process.exit.at.seq > seq)
    return alive and call.arguments.get("pid", call.arguments.get("tid")) == process.pid


def _sent(case: Case, process: Process, who: str, signal: str, calls: list[Call]) -> Sentence:
    draft = Draft(case)
    draft.rests_on(*(call.at for call in calls))
    name = Counter(call.name for call in calls).most_common(1)[0][0]
    often = f", {times(len(calls))}" if len(calls) > 1 else ""
    runner = case.process(who).creator if case.role(who) == "runtime" else None
    draft.rests_on(*created_at(case.process(who)) if runner else ())
    sender = f"{draft.who(who)}, which {draft.who(runner)} ran," if runner else draft.who(who)
    text = f"{sender} sent {signal} to {draft.who(process.id)} by {name}{often}."
    return draft.observed(text)
