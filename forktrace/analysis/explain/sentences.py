"""Hold what ``explain`` says: sentences, each with the events that it rests on."""

from dataclasses import dataclass

from forktrace.analysis.findings import Certainty


@dataclass(frozen=True, slots=True)
class Sentence:
    """Be one sentence of an answer.

    ``text`` holds names and arguments as the trace has them, so a renderer must escape it.
    ``events`` are the positions of the events without any one of which the sentence would be
    gone, or another, or less certain; the end record's position is the number of events.
    ``certainty`` is "observed" where the kernel or a record said so, "inferred" where a rule
    was needed, "unknown" where the trace does not tell, which rests on no event. ``rule`` names
    the rule and its source; "" where the record itself says it.
    """

    text: str
    events: tuple[int, ...]
    certainty: Certainty
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Be sentences under a ``title``; "" stands for none."""

    title: str
    sentences: tuple[Sentence, ...]
