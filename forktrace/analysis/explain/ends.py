"""Tell how a process ended, and who waited for it."""

from forktrace.analysis.explain.births import parenthood
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.model.derive import ANY_ADOPTER
from forktrace.model.facts import Moment
from forktrace.model.process import Process

_WAIT = "wait(2): only the parent can wait"
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
    if process.fault is not None:
        why = f"it was let go at its {process.fault}, of which it could not die while it was traced"
    elif process.released is not None:
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
    tracer = case.launch.header.tracer
    if process.id == case.launch.root and tracer is not None:
        text += f"; its parent is forktrace (pid {tracer}), which passes the status on"
        return [draft.observed(f"{text}.")]
    parent, known_by = last_parent(case, process)
    if parent is None or parent.stand_in == ANY_ADOPTER:
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
    imported = case.imported
    why = "the log that was imported shows no wait" if imported else NOT_RECORDED
    return [unknown(f"Who called wait is not in this trace, because {why}.")]
