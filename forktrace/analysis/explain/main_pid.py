"""Tell which process systemd takes for a unit's main one."""

from forktrace.analysis.explain.case import Case, own_images
from forktrace.analysis.explain.draft import Draft, unknown
from forktrace.analysis.explain.phrases import listed
from forktrace.analysis.explain.sentences import Sentence
from forktrace.model.process import Image, Process, image_name

_UNIT = ("INVOCATION_ID", "NOTIFY_SOCKET")
_EXEC = "systemd.exec(5), environment variables of spawned processes"
_MAIN = "systemd.service(5), Type="
_SENDS = "podman: libpod/container_internal.go, start"


def main_pid(case: Case) -> list[Sentence]:
    """Tell what shows that a systemd unit was started, and what becomes its main process."""
    first = next(
        (
            (p, i)
            for p in case.launch.inside
            for i in own_images(p)
            if set(_UNIT) & set(i.env) and case.role(p.id) != "container"
        ),
        None,
    )
    if first is None:
        why = "neither INVOCATION_ID nor NOTIFY_SOCKET was set where a program was executed"
        return [unknown(f"A systemd unit's main process is not in this trace, because {why}.")]
    process, image = first
    return [*_in_unit(case, process, image), *_notified(case, image)]


def _in_unit(case: Case, process: Process, image: Image) -> list[Sentence]:
    draft = Draft(case)
    alike = [i.at for i in own_images(process) if set(_UNIT) & set(i.env)]
    draft.rests_on(*alike if len(alike) == 1 else ())
    found = listed([name for name in _UNIT if name in image.env])
    text = f"{draft.who(process.id)} had {found} in its environment: systemd sets that for"
    told = [draft.inferred(f"{text} what it starts for a unit, whose children inherit it.", _EXEC)]
    tracer = case.launch.header.tracer
    if process.id == case.launch.root and tracer is not None:
        draft = Draft(case)
        draft.rests_on(image.at)
        text = f"forktrace (pid {tracer}) started {draft.who(process.id)}, so where forktrace is"
        text += " what the unit's ExecStart names, forktrace is the main process until a"
        told.append(draft.inferred(f"{text} MAINPID message says otherwise.", _MAIN))
    return told


def _notified(case: Case, image: Image) -> list[Sentence]:
    if "NOTIFY_SOCKET" not in image.env:
        why = "NOTIFY_SOCKET was not set: the unit's main process is the one that systemd started"
        return [unknown(f"A MAINPID message is not in this trace, because {why}.")]
    told = []
    for container in case.findings.containers:
        if container.monitor is None or container.engine is None:
            continue
        engine = case.process(container.engine)
        ran = own_images(engine)
        if not ran or image_name(ran[-1]) != "podman":
            continue
        draft = Draft(case)
        draft.rests_on(image.at)
        if "--sdnotify=ignore" in ran[-1].argv:
            draft.rests_on(ran[-1].at)
            text = f"{draft.who(engine.id)} was called with --sdnotify=ignore: it sends nothing"
            told.append(draft.inferred(f"{text}.", _SENDS))
            continue
        text = f"With NOTIFY_SOCKET set, {draft.who(engine.id)} sends systemd the pid of"
        text += f" {draft.who(container.monitor)} as MAINPID once the container has started, which"
        text += " makes that the unit's main process; the message itself is not recorded"
        told.append(draft.inferred(f"{text}.", _SENDS))
    return told
