"""Say in words what a selection does not show."""

from collections.abc import Sequence

from forktrace.analysis.findings import Findings
from forktrace.model.counting import count_words
from forktrace.model.launch import Launch
from forktrace.views.select.selection import Selection


def within_words(findings: Findings, ids: Sequence[str]) -> str:
    """Say what a row counts that is below it: "+12 helpers", "+1 process"."""
    roles = {found.role if (found := findings.roles.get(id_)) else None for id_ in ids}
    if roles == {"helper"}:
        return f"+{count_words(len(ids), 'helper')}"
    return f"+{count_words(len(ids), 'process', 'processes')}"


def hidden_words(launch: Launch, selection: Selection, row: str) -> str:
    """Say how many processes stand in how many rows, and where the others are counted.

    Those outside the trace don't count, whether they have a row or not.
    """
    shown = sum(not launch.processes[found.id].outside for found in selection.rows)
    parts = [
        f"{selection.alike:,} share the {row} of one like them" if selection.alike else "",
        f"{selection.within:,} are counted (+) at the one above them" if selection.within else "",
        f"{len(selection.left_out):,} are left out" if selection.left_out else "",
    ]
    rows = count_words(shown, row, "boxes" if row == "box" else None)
    total = count_words(shown + selection.hidden, "process", "processes")
    return f"{total} in {rows}: {', '.join(part for part in parts if part)}"
