"""Arrange the sentences of an answer as plain text parts, harmless in any format."""

from collections.abc import Sequence
from dataclasses import dataclass

from forktrace.analysis.explain import Section, Sentence
from forktrace.trace import events
from forktrace.views.explain_events import event_line
from forktrace.views.words import printable

_SHOWN = 12  # events of a sentence that stand in full; of more, their numbers
_NUMBERS = 40  # numbers of those; a count may rest on thousands


@dataclass(frozen=True, slots=True)
class Item:
    """Be a sentence to show; ``mark`` says how certain it is, "" of what was observed.

    Where they are asked for, ``events`` are lines about the events that it rests on, ``rule`` is
    the rule that it follows by, "" for none.
    """

    text: str
    mark: str = ""
    events: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Be the items under a heading, "" for none."""

    title: str
    items: tuple[Item, ...]


def build_parts(sections: Sequence[Section], trace: Sequence[events.Event] | None) -> list[Part]:
    """Make the parts of an answer.

    Args:
        sections: the answer.
        trace: the trace's events, to show which each sentence rests on; None to leave them out.
    """
    return [
        Part(printable(section.title), tuple(_item(s, trace) for s in section.sentences))
        for section in sections
        if section.sentences
    ]


def _item(sentence: Sentence, trace: Sequence[events.Event] | None) -> Item:
    mark = "" if sentence.certainty == "observed" else f"({sentence.certainty})"
    if trace is None:
        return Item(printable(sentence.text), mark)
    shown = tuple(_events(sentence, trace))
    return Item(printable(sentence.text), mark, shown, printable(sentence.rule))


def _events(sentence: Sentence, trace: Sequence[events.Event]) -> list[str]:
    shown, rest = sentence.events[:_SHOWN], sentence.events[_SHOWN:]
    lines = [event_line(number, trace) for number in shown]
    if rest:
        numbers = ", ".join(str(number) for number in rest[:_NUMBERS])
        more = f", and {len(rest) - _NUMBERS:,} more" if len(rest) > _NUMBERS else ""
        lines.append(f"events {numbers}{more}")
    return lines
