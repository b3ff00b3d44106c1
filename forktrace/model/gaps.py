"""Say what a trace is known to lack."""

from collections.abc import Iterable

from forktrace.model.process import Process


def gap_warnings(processes: Iterable[Process]) -> list[str]:
    """Return a sentence for each kind of process that was not, or not always, traced."""
    untraced = released = 0
    for process in processes:
        untraced += len(process.untraced)
        released += process.taken_over
    found = []
    if untraced:
        found.append(
            f"{untraced} {'child was' if untraced == 1 else 'children were'} not traced (made with "
            "CLONE_UNTRACED, or from outside): what was done and started there is missing"
        )
    if released:
        found.append(
            f"{released} {'process was' if released == 1 else 'processes were'} left to another "
            "tracer of this tree: what was done and started there from then on is missing"
        )
    return found
