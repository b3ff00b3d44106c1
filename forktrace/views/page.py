"""Say what an interactive page shows of a launch, as plain data; no format.

The page's script steps through it, filters and scrolls; what a step is, who stands above whom and
every sentence is decided here. Texts are printable already; the renderer escapes them.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from forktrace.analysis.explain import Case, Section, explain
from forktrace.analysis.findings import Findings
from forktrace.model.launch import Launch
from forktrace.model.moment import Timeline, waits_are_recorded
from forktrace.model.tracer import command_parent
from forktrace.trace.text import decode_text
from forktrace.views.notes import closing_notes, summary_lines
from forktrace.views.options import ROLES, ViewOptions
from forktrace.views.page_lanes import MOST_PROCESSES, PageLanes, lay_out_page, whole
from forktrace.views.page_processes import MOST_SURROUNDED, ProcessColumns
from forktrace.views.page_steps import Step, StepFinder, find_steps
from forktrace.views.page_tables import NONE
from forktrace.views.select.scene import Scene, by_creator
from forktrace.views.source import before_words, source_words
from forktrace.views.when import usual_moment
from forktrace.views.words import exit_words, printable, show_argv

_TITLE_CHARS = 2000
MOST_TOLD = 5_000  # processes of which the page says all that `explain` does
_MOST_ABOVE = 20  # of these, on the average: what is said of a process goes through all above it
_LETTERS = {
    "birth": "b",
    "exec": "e",
    "exit": "x",
    "adopt": "a",
    "reap": "w",
    "session": "s",
    "subreaper": "r",
}
_INFERRED_ADOPTION = "A"


@dataclass(frozen=True, slots=True)
class Page:
    """Be what a page is made from: its ``data`` for the script, and the ``lanes`` as a picture.

    Where the launch is ``small`` the picture has all its lanes, else it is an overview, and the
    script draws rows from the data.
    """

    title: str
    lanes: PageLanes
    small: bool
    data: dict[str, Any]


def make_page(launch: Launch, findings: Findings, options: ViewOptions) -> Page:
    """Decide what a page shows of a launch.

    Raises:
        UsageError: what the user asked to see is not in the trace.
    """
    steps = find_steps(launch, findings)
    finder = StepFinder(launch, steps)
    scene = by_creator(launch, findings)
    small = len(scene.order) <= MOST_PROCESSES
    lanes = lay_out_page(launch, findings, whole(launch, options), steps)
    columns = ProcessColumns(launch, findings, scene, finder)
    processes = columns.columns()
    title = show_argv([decode_text(a) for a in launch.header.command], _TITLE_CHARS)
    data: dict[str, Any] = {
        "version": 1,
        "title": title,
        "summary": summary_lines(launch),
        "small": small,
        "source": launch.header.source,
        "waits": waits_are_recorded(launch),
        "times": launch.header.times,
        "usual": _usual_step(launch, findings, steps, finder) if small else _busiest(steps),
        "notes": _notes(launch, findings),
        "roles": list(ROLES),
        "processes": processes,
        "steps": _step_columns(columns, steps),
        "order": [columns.place[id_] for id_ in _order(launch, scene)],
        "lanes": _geometry(columns, lanes),
        "started": _started(launch, columns),
        "left": _left_out(scene),
        **(_told(launch, findings, columns) if _is_told(scene) else {"story": [], "sentences": {}}),
    }
    data["strings"] = columns.strings.rows
    data["arguments"] = columns.arguments.rows
    data["images"] = columns.images.rows
    return Page(title, lanes, small, data)


def _usual_step(launch: Launch, findings: Findings, steps: list[Step], finder: StepFinder) -> int:
    """Return the step of the moment that ``forktrace ps`` shows where none is asked for."""
    usual = usual_moment(launch, findings, Timeline(launch))
    return max(min(finder.at(usual), len(steps) - 1), 0)


def _busiest(steps: list[Step]) -> int:
    """Return the first step after which the most processes were there; a timeline takes long."""
    changes = {"birth": 1, "exit": -1}
    alive = list(accumulate(changes.get(step.kind, 0) for step in steps))
    return alive.index(max(alive)) if alive else 0


def _order(launch: Launch, scene: Scene) -> list[str]:
    """Return the rows: those outside the trace that others have to do with, then all others."""
    wanted: set[str] = set()
    for process in launch.inside:
        wanted.update(adoption.parent for adoption in process.adoptions)
        if process.id != launch.root:
            wanted.update(id_ for id_ in (process.creator, process.parent) if id_)
    return [
        *(p.id for p in launch.processes.values() if p.outside and p.id in wanted),
        *scene.order,
    ]


def _notes(launch: Launch, findings: Findings) -> list[str]:
    """Return where the facts come from, which tells what was before; then what else is to note."""
    before = before_words(launch)
    closing = (note for note in closing_notes(launch, findings) if note != before)
    return [source_words(launch), *map(printable, closing)]


def _step_columns(columns: ProcessColumns, steps: list[Step]) -> dict[str, Any]:
    return {
        "kind": "".join(map(_letter, steps)),
        "event": [step.at.seq for step in steps],
        "ns": [step.at.at_ns for step in steps],
        "process": [columns.place[step.process] for step in steps],
        "other": [columns.number(step.other) for step in steps],
        "more": [_more(columns, step) for step in steps],
    }


def _letter(step: Step) -> str:
    inferred = step.adoption is not None and step.adoption.inferred
    return _INFERRED_ADOPTION if inferred else _LETTERS[step.kind]


def _more(columns: ProcessColumns, step: Step) -> int:
    """Return what else a step tells: the program, how it ended, whose death it was."""
    if step.image is not None:
        return columns.image(step.image, step.process)
    if step.end is not None:
        return columns.text(exit_words(step.end))
    if step.adoption is not None:
        return columns.number(step.adoption.death)
    return NONE


def _geometry(columns: ProcessColumns, lanes: PageLanes) -> dict[str, Any]:
    return {
        "rows": [
            [columns.place[row.process], *(round(v, 1) for v in (row.top, row.y, row.bottom))]
            for row in lanes.rows
        ],
        "columns": [[round(x, 1), step] for x, step in lanes.columns],
    }


def _started(launch: Launch, columns: ProcessColumns) -> list[int]:
    """Return the places of the command and of forktrace, which started it; none if it did not."""
    tracer = command_parent(launch)
    return [columns.number(tracer.root.id), columns.number(tracer.id)] if tracer else []


def _is_told(scene: Scene) -> bool:
    """Say whether a launch is neither too large nor too deep for all that ``explain`` says."""
    count = len(scene.order)
    return count <= MOST_TOLD and sum(scene.depth.values()) <= _MOST_ABOVE * MOST_TOLD


def _left_out(scene: Scene) -> dict[str, str]:
    """Say what the page of a launch has not; "" where it has all."""
    count = len(scene.order)
    why = f"it has over {MOST_TOLD:,} processes" if count > MOST_TOLD else "the launch is so deep"
    sentences = (
        f"What is known of a process in sentences is not in this page, as {why}: "
        f"`forktrace explain TRACE ID` says it."
    )
    places = (
        f"Cgroups and namespaces over time are not in this page, as it has over "
        f"{MOST_SURROUNDED:,} processes: `forktrace explain TRACE ID` tells them."
    )
    return {
        "sentences": "" if _is_told(scene) else sentences,
        "places": places if count > MOST_SURROUNDED else "",
    }


def _told(launch: Launch, findings: Findings, columns: ProcessColumns) -> dict[str, Any]:
    """Return what ``explain`` says: the story, and the life of each process by its place."""
    case = Case(launch, findings)
    story = [
        (columns.text(printable(section.title)), _sentences(columns, section))
        for section in explain(case)
    ]
    lives = {
        str(columns.place[id_]): [
            sentence for section in explain(case, id_) for sentence in _sentences(columns, section)
        ]
        for id_ in launch.processes
    }
    return {"story": story, "sentences": lives}


def _sentences(columns: ProcessColumns, section: Section) -> list[tuple[int, int, list[int]]]:
    """Return sentences, each with its certainty and the events that it rests on."""
    return [
        (columns.text(printable(s.text)), columns.text(s.certainty), list(s.events))
        for s in section.sentences
    ]
