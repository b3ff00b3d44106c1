"""Tell of containers whose first process is not in the trace: it ran before, or was never made."""

from dataclasses import replace

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import cut, listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import Container
from forktrace.analysis.roles import programs
from forktrace.model.counting import count_words
from forktrace.model.process import Process

_MAKING = ("create", "run", "restore")
_SESSIONS = 5  # told one by one
_RULE = "analysis/containers.py"


def session_of(case: Case, container: Container) -> Container | None:
    """Return the first exec session in a container in the place of its launch; None without one.

    Its process stands for the container's first one, its monitor and engine for theirs.
    """
    if container.init is not None or not container.exec_sessions:
        return None
    session = container.exec_sessions[0]
    process = case.process(session.process)
    engine = next((i for i in case.line(process.id) if case.role(i) == "engine"), None)
    payload = next((i.at for i in process.own_images if not programs.executes_itself(i)), None)
    return replace(
        container,
        engine=engine,
        monitor=session.monitor,
        init=process.id,
        payload=payload,
    )


def sessions(case: Case, container: Container) -> list[Sentence]:
    """Say which processes were started in a container that was there already."""
    told = []
    for session in container.exec_sessions[:_SESSIONS]:
        draft = Draft(case)
        process = case.process(session.process)
        runtime = next((i for i in case.line(process.id) if case.role(i) == "runtime"), None)
        by = f" by {draft.who(runtime)}" if runtime else ""
        text = f"{draft.who(process.id)} ({case.pid(process)}) was started{by} in container"
        text += _id(container)
        text += ", whose own first process is not in this trace" * (container.init is None)
        text += ", which ran already" * (container.init is not None)
        told.append(draft.inferred(f"{text}.", _RULE))
    if len(container.exec_sessions) > _SESSIONS:
        untold = len(container.exec_sessions) - _SESSIONS
        more = count_words(untold, "more process", "more processes")
        told.append(unknown(f"{more} that were started in it are not told of here."))
    return told


def unmade(case: Case, container: Container) -> list[Sentence]:
    """Say how the making of a container ended that never had a process of its own."""
    if container.init is not None or container.exec_sessions:
        return []
    told = []
    for runtime in _makers(case, container):
        draft = Draft(case)
        text = f"{draft.who(runtime.id)} {draft.ended(runtime)} before what it made executed"
        text += f" anything that was asked for: container{_id(container)} never ran"
        early = _stages(case, runtime)
        if early:
            text += f". It had made {listed(draft.all_of(p.id for p in early))}"
            draft.rests_on(*(p.creation.at for p in early if p.creation))
            last = early[-1]
            text += f", of which {last.id} {draft.ended(last)}"
        told.append(draft.inferred(f"{text}.", _RULE))
    return told


def _makers(case: Case, container: Container) -> list[Process]:
    """Return the runtime's invocations that should have made a container, and have ended."""
    found = [case.process(id_) for id_ in container.runtimes]
    making = [p for p in found if programs.runtime_verb(p.argv) in _MAKING]
    return [p for p in making if p.exit is not None and (p.exit.code or p.exit.signal)]


def _stages(case: Case, runtime: Process) -> list[Process]:
    """Return the processes that a runtime made to set a container up."""
    below = {runtime.id}
    found = []
    for process in case.with_role("init-stage"):
        if process.creator in below:
            below.add(process.id)
            found.append(process)
    return found


def _id(container: Container) -> str:
    name = cut(container.name, 40) if container.name else cut(container.id or "", 13)
    return f" {name}" if name else ""
