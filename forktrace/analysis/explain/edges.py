"""Tell why an edge of the graph is there."""

import re

from forktrace.analysis.explain.adoptions import adoption
from forktrace.analysis.explain.births import birth
from forktrace.analysis.explain.case import Case
from forktrace.analysis.explain.draft import unknown
from forktrace.analysis.explain.ends import reaped
from forktrace.analysis.explain.sentences import Sentence
from forktrace.model.process import Process

KINDS = ("create", "parent", "reparent", "reap")
_PAIR = re.compile(r"([px]\d{1,9})(->|-)([px]\d{1,9})")
_KIND = re.compile(rf"({'|'.join(KINDS)}):([px]\d{{1,9}})")


def is_edge(text: str) -> bool:
    """Say whether a text has the form of an edge: "p1-p4", "p1->p4", "reparent:p4"."""
    return bool(_PAIR.fullmatch(text) or _KIND.fullmatch(text))


def ends_of(text: str) -> list[str]:
    """Return the ids that an edge names."""
    pair, kind = _PAIR.fullmatch(text), _KIND.fullmatch(text)
    if pair:
        return [pair[1], pair[3]]
    return [kind[2]] if kind else []


def edge(case: Case, text: str) -> list[Sentence]:
    """Tell of an edge that ``is_edge``, between processes that are there."""
    kind = _KIND.fullmatch(text)
    if kind:
        return _of_kind(case, kind[1], case.process(kind[2]))
    one, other = ends_of(text)
    directed = "->" in text
    told = _between(case, one, case.process(other))
    if not directed:
        told += _between(case, other, case.process(one))
    return told or _none(case, one, other)


def _of_kind(case: Case, kind: str, process: Process) -> list[Sentence]:
    told: list[Sentence] = []
    if kind in ("create", "parent"):
        told = birth(case, process)
    elif kind == "reparent":
        told = [s for change in process.adoptions for s in adoption(case, process, change)]
    elif process.exit is not None:
        told = reaped(case, process)
    if told:
        return told
    return [unknown(f"An edge {kind} to {process.id} is not in this trace, because none was seen.")]


def _between(case: Case, one: str, child: Process) -> list[Sentence]:
    """Tell of each fact that joins a process to one that it created, had, or adopted."""
    told: list[Sentence] = []
    if one in (child.creator, child.parent):
        told += birth(case, child)
    for change in child.adoptions:
        if change.parent == one:
            told += adoption(case, child, change)
    if child.reap is not None and child.reap.by == one:
        told += reaped(case, child)
    return told


def _none(case: Case, one: str, other: str) -> list[Sentence]:
    """Say by which others two processes are joined, if one descends from the other."""
    for elder, younger in ((one, other), (other, one)):
        line = case.line(younger)
        if elder in line:
            below = line[line.index(elder) + 1 :]
            told = [unknown(f"No edge joins {one} and {other}; between them are others.")]
            return told + [s for id_ in below for s in birth(case, case.process(id_))]
    why = "neither created, adopted or waited for the other"
    return [unknown(f"An edge between {one} and {other} is not in this trace, because {why}.")]
