"""Render a launch as a Mermaid sequence diagram: who created, executed, adopted and ended when."""

from collections.abc import Iterator

from forktrace.analysis.findings import Findings
from forktrace.model.counting import count_words
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.render.mermaid import check_size, escape_bare, front_matter
from forktrace.render.notices import notice
from forktrace.views.lanes.edges import birth_word
from forktrace.views.options import ViewOptions
from forktrace.views.programs import SUBCOMMANDED
from forktrace.views.select.words import hidden_words
from forktrace.views.tree import Tree, build_tree, outside_rows
from forktrace.views.words import cut, exit_words, name_of, program_words

_MOST_PROCESSES = 24  # columns; a wider diagram can't be read
_MOST_STEPS = 400
_CHARS = 40  # of a program with its arguments
_NAME = 24  # characters

# An event's place in the trace, its rank among those of the same place, and what is written.
Step = tuple[int, int, str]


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Write the sequence diagram, in the order of events.

    What it has no room for is told by a ``LeftOutWarning``, and in a note of the diagram.
    """
    tree = build_tree(launch, findings, options, _MOST_PROCESSES)
    rows = [*tree.rows, *outside_rows(launch, tree)]
    chosen = {row.process.id for row in rows}
    shown = [process for id_, process in launch.processes.items() if id_ in chosen]
    steps = sorted(step for process in shown for step in _steps(process, findings, chosen))
    lines = [*front_matter(launch), "sequenceDiagram"]
    lines += [f"  participant {process.id} as {_who(process)}" for process in shown]
    lines += [f"  {line}" for _, _, line in steps[:_MOST_STEPS]]
    for words in _left_out(launch, tree, len(steps)):
        notice(f"the Mermaid sequence diagram: {words}")
        lines.append(f"  Note over {shown[0].id}: {escape_bare(words)}")
    text = "\n".join(lines) + "\n"
    check_size(text)
    return text


def _left_out(launch: Launch, tree: Tree, steps: int) -> Iterator[str]:
    if tree.selection.hidden and tree.rows:
        yield hidden_words(launch, tree.selection, "row")
    if steps > _MOST_STEPS:
        yield f"the last {count_words(steps - _MOST_STEPS, 'event')} of {steps:,} are left out"


def _who(process: Process) -> str:
    # A space would end the name: the parser looks for Mermaid's words behind it.
    name = escape_bare(f"{process.id} {cut(name_of(process), _NAME)}").replace(" ", "#32;")
    return f"{name}<br/>outside the trace" if process.outside else name


def _steps(process: Process, findings: Findings, shown: set[str]) -> Iterator[Step]:
    """Yield the events of a process."""
    if process.outside:
        return
    yield from _birth(process, shown)
    found = findings.roles.get(process.id)
    has_subcommand = found is not None and found.role in SUBCOMMANDED
    for image in process.images:
        if not image.inherited and not (process.attached and image is process.images[0]):
            words = escape_bare(program_words(image, _CHARS, subcommand=has_subcommand))
            yield image.at.seq, 2, f"Note over {process.id}: exec {words}"
    for adoption in process.adoptions:
        if adoption.parent in shown:
            cause = f", as {adoption.death} ended" if adoption.death else ""
            words = escape_bare(f"adopts{cause}")
            yield adoption.at.seq, 3, f"{adoption.parent}-->>{process.id}: {words}"
    if process.exit is not None:
        words = escape_bare(exit_words(process.exit))
        yield process.exit.at.seq, 1, f"Note over {process.id}: {words}"


def _birth(process: Process, shown: set[str]) -> Iterator[Step]:
    creation = process.creation
    if creation is None or creation.creator not in shown:
        return
    how = birth_word(creation) or "created"
    parent = process.parent
    words = how if parent in (None, creation.creator) else f"{how}, real parent {parent}"
    yield process.born.seq, 0, f"{creation.creator}->>{process.id}: {escape_bare(words)}"
