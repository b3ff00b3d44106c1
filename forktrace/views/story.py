"""Tell a launch in sentences, for who cannot see its picture."""

from collections.abc import Iterator

from forktrace.analysis.findings import Container, Findings
from forktrace.model.counting import count_words
from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.trace.text import decode_text
from forktrace.views.containers import container_words
from forktrace.views.notes import summary_words
from forktrace.views.words import cut, name_of, program_words, show_argv

_MOST = 40  # sentences; a longer story tells nobody anything
_CHARS = 40  # of a command line


def tell(launch: Launch, findings: Findings) -> str:
    """Say who created whom, what was executed, who was adopted and how each ended, in order.

    Strings from the trace come out printable; escaping for a format is left to the renderer.
    """
    sentences = [sentence for _, sentence in sorted(_sentences(launch, findings), key=_order)]
    told = sentences[:_MOST]
    untold = len(sentences) - len(told)
    command = show_argv([decode_text(a) for a in launch.header.command], 200)
    summary = ", ".join(summary_words(launch))
    more = [f"And {count_words(untold, 'further event')}."] if untold else []
    more += [_container(found) for found in findings.containers[:_MOST]]
    return " ".join([f"Launch of {command}: {summary}.", *told, *more])


def _order(item: tuple[Moment, str]) -> int:
    return item[0].seq


def _sentences(launch: Launch, findings: Findings) -> Iterator[tuple[Moment, str]]:
    for process in launch.inside:
        yield from _birth(launch, process)
        yield from _programs(process)
        yield from _adoptions(launch, findings, process)
        if process.exit is not None:
            how = process.exit.signal or f"with exit code {process.exit.code}"
            yield process.exit.at, f"{_who(process)} ended {how}."
        yield from _calls(findings, process)


def _container(found: Container) -> str:
    words = container_words(found)
    members = ", ".join(found.members[:_MOST]) or "no process that was seen"
    return f"{words[0].upper()}{words[1:]} holds {members}."


def _who(process: Process) -> str:
    return f"{process.id} {cut(name_of(process), _CHARS)}"


def _birth(launch: Launch, process: Process) -> Iterator[tuple[Moment, str]]:
    creator = process.creator
    if process.attached and process.parent is not None:
        yield process.born, f"{process.parent} was the parent of {_who(process)} before."
    if creator is None or creator not in launch.processes:
        return
    words = f"{creator} created {process.id}"
    if process.parent is not None and process.parent != creator:
        words += f", whose real parent is {process.parent}"
    yield process.born, words + "."


def _programs(process: Process) -> Iterator[tuple[Moment, str]]:
    for image in process.images:
        before = process.attached and image.at.seq <= process.born.seq
        if not image.inherited and not before:
            yield image.at, f"{process.id} executed {program_words(image, _CHARS)}."


def _calls(findings: Findings, process: Process) -> Iterator[tuple[Moment, str]]:
    """Yield what recorded system calls tell; of waits just those that are no matter of course."""
    for call in process.calls:
        if call.name == "setsid" and call.error is None:
            yield call.at, f"{process.id} called setsid and leads a new session."
    subreaper = findings.subreapers.get(process.id)
    if subreaper is not None and subreaper.at is not None:
        yield subreaper.at, f"{process.id} became a subreaper."
    if process.reap is not None and process.reap.by != process.creator:
        words = f"{process.reap.by} waited for {process.id} and took its exit status."
        yield process.reap.at, words
    if process.id in findings.unwaited and process.exit is not None:
        parent = findings.unwaited[process.id]
        yield process.exit.at, f"{parent} was not seen to wait for {process.id}."


def _adoptions(
    launch: Launch, findings: Findings, process: Process
) -> Iterator[tuple[Moment, str]]:
    fork = findings.double_forks.get(process.id)
    for adoption in process.adoptions:
        adopter = launch.processes[adoption.parent]
        cause = f" when {adoption.death} died" if adoption.death else ""
        double = fork is not None and fork.middle == adoption.death
        daemon = ", which completes a double fork" if double else ""
        where = " outside the trace" if adopter.outside else ""
        yield adoption.at, f"{_who(adopter)}{where} adopted {process.id}{cause}{daemon}."
