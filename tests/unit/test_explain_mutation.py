"""Every sentence of every answer rests on the events that it names: without one it is weaker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forktrace.analysis.explain import TOPICS, Case, Sentence, explain
from forktrace.analysis.passes import analyse
from forktrace.errors import NoProcessError
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace.reader import TraceFile, read_trace
from tests.unit.events import trace_of
from tests.unit.podman import podman_steps, podman_syscall_steps

PROJECT = Path(__file__).parents[2]
SAVED = sorted(
    [*PROJECT.glob("examples/*/*.jsonl"), *(PROJECT / "tests/unit/data").glob("*.jsonl")]
)
FABRICATED = {
    "podman": lambda: trace_of(*podman_steps()),
    "podman-minimal": lambda: minimal(trace_of(*podman_steps(), detail="minimal")),
    "podman-syscalls": lambda: trace_of(*podman_syscall_steps(), detail="syscalls"),
}
STRENGTH = {"unknown": 0, "inferred": 1, "observed": 2}


def minimal(trace: TraceFile) -> TraceFile:
    """Leave out what the detail "minimal" does not record."""
    kept = [e for e in trace.events if type(e).__name__ not in ("Sampled", "Reparented", "Outside")]
    bare = [
        type(e)(**{f: getattr(e, f) for f in e.__struct_fields__ if f != "state"})
        if hasattr(e, "state") else e
        for e in kept
    ]  # fmt: skip
    return TraceFile(trace.header, bare, trace.end, [])


def without(trace: TraceFile, number: int) -> TraceFile:
    """Leave out one event; the number of events stands for the end record."""
    events = trace.events
    end = None if number == len(events) else trace.end
    return TraceFile(trace.header, [*events[:number], *events[number + 1 :]], end, [])


def questions(launch: Launch) -> list[str | None]:
    """Return all that can be asked: the story, every topic, process and edge."""
    edges = dict.fromkeys(f"{one}->{other}" for one, other in launch.graph.edges())
    return [None, *TOPICS, *launch.processes, *edges]


def answer(case: Case, question: str | None) -> list[Sentence]:
    try:
        return [s for section in explain(case, question) for s in section.sentences]
    except NoProcessError:
        return []


def case_of(trace: TraceFile) -> Case:
    launch = build_launch(trace)
    return Case(launch, analyse(launch))


def everything(trace: TraceFile) -> Iterator[tuple[str | None, Sentence]]:
    """Return all that is said of a trace, by question."""
    case = case_of(trace)
    for question in questions(case.launch):
        for sentence in answer(case, question):
            yield question, sentence


def faults(trace: TraceFile) -> list[str]:
    """Return what stays as certain as it was although an event that it rests on is gone."""
    resting: dict[int, dict[str | None, list[Sentence]]] = {}
    for question, sentence in everything(trace):
        for number in sentence.events:
            resting.setdefault(number, {}).setdefault(question, []).append(sentence)
    return [
        f"without event {number}, {question}: {sentence}"
        for number, asked in sorted(resting.items())
        for question, sentence in unmoved(case_of(without(trace, number)), asked)
    ]


def unmoved(
    case: Case, asked: dict[str | None, list[Sentence]]
) -> Iterator[tuple[str | None, Sentence]]:
    """Yield the sentences that a trace still says, with no less certainty."""
    for question, sentences in asked.items():
        said = {s.text: STRENGTH[s.certainty] for s in answer(case, question)}
        for sentence in sentences:
            if said.get(sentence.text, -1) >= STRENGTH[sentence.certainty]:
                yield question, sentence


@pytest.mark.parametrize("path", SAVED, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_sentence_of_a_saved_trace_survives_its_events(path: Path) -> None:
    assert faults(read_trace(path)) == []


@pytest.mark.parametrize("name", FABRICATED)
def test_no_sentence_of_a_fabricated_trace_survives_its_events(name: str) -> None:
    assert faults(FABRICATED[name]()) == []


@pytest.mark.parametrize("path", SAVED, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_sentence_rests_on_something_or_says_that_it_is_unknown(path: Path) -> None:
    for _, sentence in everything(read_trace(path)):
        assert bool(sentence.events) == (sentence.certainty != "unknown"), sentence
