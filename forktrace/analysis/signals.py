"""Find who sent the signals that processes died of."""

from collections import defaultdict
from collections.abc import Iterator

from forktrace.analysis.findings import Findings
from forktrace.model.facts import Call
from forktrace.model.history import History
from forktrace.model.launch import Launch
from forktrace.model.process import Process

_CALLS = frozenset(("kill", "tkill", "tgkill", "pidfd_send_signal"))


def find_senders(launch: Launch, findings: Findings) -> None:
    """Note for each process that a signal killed who had sent it that signal, in order.

    That it died of just that one is not certain, as more than one may have been on its way. Only
    calls that name the process count (kill(2) can name a group), and none that it made itself.
    """
    killed = [p for p in launch.inside if p.exit and p.exit.signal]
    if launch.header.detail != "syscalls" or not killed:
        return
    namespaces = History(launch, "ns")
    by_pid: defaultdict[tuple[int, int, str | None], list[Process]] = defaultdict(list)
    for process in killed:
        signal = process.exit.signal if process.exit else None
        for level, pid in enumerate(process.nspid or [process.pid]):
            by_pid[level, pid, signal].append(process)
    for sender, call, pid, signal in _sent(launch):
        level = max(len(sender.nspid), 1) - 1
        for process in by_pid.get((level, pid, signal), ()):
            meant = level == 0 or _share_pid_namespace(namespaces, sender, process)
            if meant and process is not sender and _alive(process, call):
                senders = findings.signals.setdefault(process.id, [])
                senders += [sender.id] if sender.id not in senders else []


def _sent(launch: Launch) -> Iterator[tuple[Process, Call, int, str]]:
    """Yield each sender with its call, the pid that this named, and the signal, in order."""
    sent = (
        (process, call)
        for process in launch.inside
        for call in process.calls
        if call.name in _CALLS and call.error is None
    )
    for process, call in sorted(sent, key=lambda pair: pair[1].at.seq):
        pid = call.arguments.get("pid", call.arguments.get("tid"))
        signal = call.arguments.get("signal")
        if isinstance(pid, int) and isinstance(signal, str):
            yield process, call, pid, signal


def _share_pid_namespace(namespaces: History, one: Process, other: Process) -> bool:
    """Say whether both are known to be in one PID namespace: pids of others mean others."""
    seen = [(namespaces.last(p.id) or {}).get("pid") for p in (one, other)]
    return seen[0] is not None and seen[0] == seen[1]


def _alive(process: Process, call: Call) -> bool:
    return process.exit is not None and process.born.seq < call.at.seq < process.exit.at.seq
