"""Understand what is asked about a launch, and answer it."""

from forktrace.analysis.explain.biography import biography
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import Draft, label
from forktrace.analysis.explain.edges import edge, ends_of, is_edge
from forktrace.analysis.explain.phrases import listed
from forktrace.analysis.explain.sentences import Section, Sentence
from forktrace.analysis.explain.story import story
from forktrace.analysis.explain.topics import TOPICS
from forktrace.errors import NoProcessError
from forktrace.model.image import image_name
from forktrace.model.process import Process

_MANY = 6  # processes of one name that are all told of


def explain(case: Case, question: str | None = None) -> list[Section]:
    """Answer a question, or without one tell the story.

    Args:
        case: the launch.
        question: a topic, a process (id, pid or name), or an edge.

    Raises:
        NoProcessError: nothing in the trace is called so, or too much.
    """
    if question is None:
        return [_once(section) for section in story(case)]
    if question in TOPICS:
        topic = TOPICS[question]
        return [_once(Section("", tuple(topic.answer(case))))]
    if is_edge(question):
        _check(case, ends_of(question))
        return [_once(Section("", tuple(edge(case, question))))]
    return [_once(_life(case, process)) for process in find(case, question)]


def is_question(text: str) -> bool:
    """Say whether a text can only be a question, whatever the trace is."""
    return text in TOPICS or is_edge(text)


def _life(case: Case, process: Process) -> Section:
    title = f"{process.id} {label(case, process)} ({case.pid(process)})"
    if process.stand_in is not None:
        title = Draft(case).who(process.id)
    return Section(title, tuple(biography(case, process)))


def _once(section: Section) -> Section:
    """Leave out what was said before."""
    kept: dict[str, Sentence] = {}
    for sentence in section.sentences:
        kept.setdefault(sentence.text, sentence)
    return Section(section.title, tuple(kept.values()))


def _check(case: Case, ids: list[str]) -> None:
    for id_ in ids:
        if id_ not in case.launch.processes:
            raise NoProcessError(f"no process of this trace is {id_}: 'forktrace show' lists them")


def find(case: Case, text: str) -> list[Process]:
    """Return the processes that an id, a pid or a program's name means.

    Raises:
        NoProcessError: none is called so, or too many are.
    """
    processes = case.launch.processes
    if text in processes:
        return [processes[text]]
    if text.isdecimal() and len(text) < 11:
        found = [p for p in processes.values() if p.pid == int(text)]
    else:
        found = [p for p in processes.values() if _is_called(p, text)]
    if not found:
        raise NoProcessError(
            f"nothing in this trace is called {text!r}: name a process (p4, its pid or program), "
            "an edge (p1-p4), or a topic ('forktrace explain --topics')"
        )
    if len(found) > _MANY:
        ids = listed([p.id for p in found], 12)
        raise NoProcessError(f"{len(found):,} processes are called {text!r}: name one, of {ids}")
    return found


def _is_called(process: Process, text: str) -> bool:
    return text == process.name or any(image_name(i) == text for i in process.own_images)
