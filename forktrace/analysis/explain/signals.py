"""Tell which signals were sent to a process, and by whom it was killed."""

from collections import Counter

from forktrace.analysis.explain.case import Case, created_at
from forktrace.analysis.explain.draft import Draft
from forktrace.analysis.explain.phrases import times
from forktrace.analysis.explain.sentences import Sentence
from forktrace.model.facts import Call
from forktrace.model.process import Process

_GO = "go: src/runtime/signal_unix.go, preemptM"
_OUTSIDE = "signal(7); kill(2); cgroups(7)"
_KILLERS = 4  # told of one process
_TEST = "signal 0 (a test whether it exists)"
_SIGNALS = frozenset(("kill", "tkill", "tgkill", "pidfd_send_signal"))
_KILL = "SIGKILL"
_ASKED_FOR = (_KILL, "SIGTERM")  # those that no fault, terminal or timer causes


def signals(case: Case, process: Process) -> list[Sentence]:
    """Say which signals others sent to a process, and by which it may have been killed."""
    if not case.waits_recorded:
        return []
    from_others = _from_others(case, process)
    return [*_preempted(case, process), *from_others, *_from_outside(case, process)]


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
    return told or _from_outside(case, process)


def _from_outside(case: Case, process: Process) -> list[Sentence]:
    """Say that nobody in the trace sent what a process was killed by, where that is certain."""
    if process.exit is None or process.exit.signal not in _ASKED_FOR or not case.waits_recorded:
        return []
    if len(process.nspid) > 1 and process.nspid[-1] != 1:
        return []  # it may have died with the init of its PID namespace
    if any(_may_have_killed(sender, process) for sender in case.launch.inside):
        return []
    draft = Draft(case)
    draft.rests_on(process.exit.at)
    text = f"The {process.exit.signal} that ended {draft.who(process.id)} came from a process"
    text += " outside the trace"
    text += ", or from the kernel, as after a write to cgroup.kill" * (process.exit.signal == _KILL)
    return [draft.inferred(f"{text}: no traced one called kill for it.", _OUTSIDE)]


def _may_have_killed(sender: Process, process: Process) -> bool:
    """Say whether a process sent such a signal to anybody, or may have done so unseen.

    A signal can name a group, a pid of another PID namespace, or a pidfd; a process can ask for one
    at its parent's death; what is not traced can do anything.
    """
    end = process.exit
    if end is None or sender.untraced or sender.taken_over:
        return True
    sent = (c for c in sender.calls if c.name in _SIGNALS or sender is process)
    return any(
        c.error is None and c.arguments.get("signal") == end.signal and c.at.seq < end.at.seq
        for c in sent
    )


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
