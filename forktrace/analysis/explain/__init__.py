"""Explain a launch in sentences, each with the events that it rests on."""

from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.questions import explain, find, is_question
from forktrace.analysis.explain.sentences import Section, Sentence
from forktrace.analysis.explain.topics import TOPICS, Topic

__all__ = [
    "TOPICS",
    "Case",
    "Section",
    "Sentence",
    "Topic",
    "explain",
    "find",
    "is_question",
]
