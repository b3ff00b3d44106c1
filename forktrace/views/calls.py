"""Say in short clauses what only recorded system calls tell (the detail "syscalls")."""

from collections.abc import Iterator

from forktrace.analysis.findings import Findings, Subreaper
from forktrace.analysis.reaping import lasting_zombie_ns
from forktrace.model.counting import count_words
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.words import duration_words, printable

_ERRNOS = 3  # named; of more, the first ones


def call_notes(launch: Launch, findings: Findings, process: Process) -> Iterator[str]:
    """Yield the clauses about a process, each harmless to print."""
    yield from _failed_execs(process)
    yield from (f"exec called by thread {image.tid}" for image in process.images[-1:] if image.tid)
    if any(call.name == "setsid" and call.error is None for call in process.calls):
        daemon = process.id in findings.double_forks
        yield f"setsid: leads {f'session {process.pid}' if daemon else 'a session of its own'}"
    if process.id in findings.subreapers:
        yield subreaper_words(findings.subreapers[process.id], times=launch.header.times)
    for sender in findings.signals.get(process.id, ()):
        if process.exit is not None:
            yield f"{process.exit.signal} sent by {sender}"
    yield from _reaped(launch, findings, process)


def subreaper_words(found: Subreaper, *, times: bool = True) -> str:
    """Say how it is known that a process was a subreaper, and whom it adopted first."""
    if found.inferred:
        return f"subreaper (inferred: it adopted {found.adopted})"
    until = ""
    if found.until is not None:
        until = f" until {duration_words(found.until.at_ns)}" if times else " for a while"
    return f"subreaper{until}" + (f": adopted {found.adopted}" if found.adopted else "")


def zombie_words(launch: Launch, findings: Findings, process: Process) -> str | None:
    """Say how long a process that nobody was seen to wait for was a zombie; None of another.

    A parent that ignores SIGCHLD has no zombies, and needs no wait (wait(2), NOTES).
    """
    parent = findings.unwaited.get(process.id)
    if parent is None:
        return None
    end = launch.processes[parent].exit
    until = f"at least until {parent} ended" if end else "to the end of the trace"
    # Go tries pidfds out so: waitid(P_PIDFD) without a siginfo tells nobody who was waited for.
    by_pidfd = process.creation is not None and "CLONE_PIDFD" in process.creation.flags
    other = " or waited by the pidfd it got" if by_pidfd else ""
    return f"no wait seen: a zombie {until}, unless {parent} ignores SIGCHLD{other}"


def _failed_execs(process: Process) -> Iterator[str]:
    errors = [c.error for c in process.calls if c.error and c.name in ("execve", "execveat")]
    if errors:
        named = ", ".join(printable(e[:20]) for e in list(dict.fromkeys(errors))[:_ERRNOS])
        yield f"{count_words(len(errors), 'failed exec')} ({named})"


def _reaped(launch: Launch, findings: Findings, process: Process) -> Iterator[str]:
    """Yield who waited for a process, where that is not simply its last parent."""
    if process.reap is not None and process.reap.by != launch.parent_now(process):
        yield f"reaped by {process.reap.by}"
    lasted = lasting_zombie_ns(process) if launch.header.times else None
    if process.reap is not None and lasted is not None:
        yield f"a zombie for {duration_words(lasted)}, until {process.reap.by} waited for it"
    unseen = zombie_words(launch, findings, process)
    if unseen is not None:
        yield unseen
