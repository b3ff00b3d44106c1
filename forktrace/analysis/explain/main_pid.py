"""Tell which process systemd takes for a unit's main one."""

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.model.facts import Moment
from forktrace.model.image import Image, image_name
from forktrace.model.process import Process

_UNIT = ("INVOCATION_ID", "NOTIFY_SOCKET")
_IGNORE = "--sdnotify=ignore"
_EXEC = "systemd.exec(5), environment variables of spawned processes"
_MAIN = "systemd.service(5), Type="
_SENDS = "podman: libpod/container_internal.go, start"


def main_pid(case: Case) -> list[Sentence]:
    """Tell what shows that a systemd unit was started, and what becomes its main process."""
    found = _in_unit(case)
    if found is None:
        why = "neither INVOCATION_ID nor NOTIFY_SOCKET was set where a program was executed"
        if case.imported:
            why = "the log shows no INVOCATION_ID or NOTIFY_SOCKET; without strace's option -v it"
            why += " does not show the environment at all"
        return [unknown(f"A systemd unit's main process is not in this trace, because {why}.")]
    process, image = found
    draft = Draft(case)
    draft.rests_on(*_needed(process, image))
    names = listed([name for name in _UNIT if name in image.env])
    text = f"{draft.who(process.id)} had {names} in its environment: systemd sets that for"
    told = [draft.inferred(f"{text} what it starts for a unit, and children inherit it.", _EXEC)]
    told += [*_started(case, process), *_notified(case, process, image)]
    return [sentence for sentence in told if sentence.events or sentence.certainty == "unknown"]


def _in_unit(case: Case) -> tuple[Process, Image] | None:
    """Return who ran in a unit, an engine if one did; what ran before the trace is left out."""
    engines = [case.process(c.engine) for c in case.findings.containers if c.engine]
    others = [p for p in case.launch.inside if case.role(p.id) != "container"]
    for process in (*engines, *others):
        for image in process.own_images:
            if set(_UNIT) & set(image.env) and not process.attached:
                return process, image
    return None


def _needed(process: Process, image: Image) -> list[Moment]:
    """Return the exec that shows the variables, unless another of that process does."""
    alike = [i.at for i in process.own_images if set(_UNIT) & set(i.env)]
    return [image.at] if len(alike) == 1 else []


def _started(case: Case, process: Process) -> list[Sentence]:
    """Say who started a process, which makes it the unit's main one if that was systemd."""
    draft = Draft(case)
    tracer = case.launch.header.tracer
    if process.id == case.launch.root and tracer is not None:
        draft.rests_on(process.born)
        text = f"forktrace (pid {tracer}) started {draft.who(process.id)}, so if the unit's"
        text += " ExecStart= names forktrace, forktrace is the main process until a MAINPID message"
        return [draft.inferred(f"{text} says otherwise.", _MAIN)]
    creator = case.launch.processes.get(process.creator or "")
    if creator is None or creator.pid != 1:
        return []
    draft.rests_on(process.creation.at if process.creation else None)
    text = f"{draft.who(creator.id)} created {draft.who(process.id)} (pid {process.pid}), which is"
    text += " the unit's main process unless its Type= is forking or a MAINPID message says"
    return [draft.inferred(f"{text} otherwise.", _MAIN)]


def _notified(case: Case, process: Process, image: Image) -> list[Sentence]:
    if "NOTIFY_SOCKET" not in image.env:
        why = "NOTIFY_SOCKET was not set: the unit's main process is the one that systemd started,"
        why += " unless Type= is forking"
        return [unknown(f"A MAINPID message is not in this trace, because {why}.")]
    if image_name(process.own_images[-1]) != "podman":
        return []
    monitors = [c.monitor for c in case.findings.containers if c.engine == process.id]
    return [_message(case, process, image, monitor) for monitor in monitors if monitor]


def notifier(process: Process) -> Image | None:
    """Return the exec by which an engine came to tell systemd the pid of conmon, if it does so."""
    set_in = [image for image in process.own_images if "NOTIFY_SOCKET" in image.env]
    if not set_in or image_name(process.own_images[-1]) != "podman":
        return None
    return None if _IGNORE in process.argv else set_in[0]


def notifier_evidence(process: Process) -> list[Moment]:
    """Return the exec that shows NOTIFY_SOCKET, unless another of that process does."""
    shown = [image.at for image in process.own_images if "NOTIFY_SOCKET" in image.env]
    return shown if len(shown) == 1 else []


def _message(case: Case, engine: Process, image: Image, monitor: str) -> Sentence:
    """Say whether podman tells systemd of conmon."""
    draft = Draft(case)
    draft.rests_on(*_needed(engine, image))
    name = draft.who(engine.id)
    if _IGNORE in engine.argv:
        text = f"{name} was called with --sdnotify=ignore: it sends systemd no message"
        return draft.inferred(f"{text}.", _SENDS)
    text = f"With NOTIFY_SOCKET set, {name} sends systemd the pid of {draft.who(monitor)} as"
    text += " MAINPID once the container has started, which makes that the unit's main process;"
    return draft.inferred(f"{text} the message itself is not recorded.", _SENDS)
