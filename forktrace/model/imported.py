"""Say what a trace that was made of a log lacks."""

from collections.abc import Iterable

from forktrace.model.process import Process
from forktrace.trace.events import Ended, Header, LogSummary

_TELLING = frozenset(("clone", "clone3", "fork", "vfork"))


def import_warnings(header: Header, end: Ended | None, processes: Iterable[Process]) -> list[str]:
    """Return a sentence for each thing that is not known because of the log.

    Args:
        header: the trace's; of one that was not imported nothing is said.
        end: the end record, None where the trace was cut off.
        processes: all processes.
    """
    if header.source != "import":
        return []
    log = end.log if end is not None and end.log is not None else LogSummary(lines=0)
    found = [*_shown(log), *_lost(log)]
    if not header.times:
        found.append("the log has no times: no more than the order of what it tells is known")
    if not log.ordered:
        found.append(
            "each task has a log of its own, without times: what happened first in two of them is "
            "not known, so no adoption was inferred"
        )
    derived = [p for p in processes if any(a.inferred for a in p.adoptions)]
    if derived:
        found.append(_adoptions(log))
    return found


def _shown(log: LogSummary) -> list[str]:
    if log.unfiltered:
        return []
    calls = ", ".join(log.calls) or "no creation of a process and no exec"
    found = [f"of the calls that matter here the log shows {calls}: the rest is not known"]
    if log.calls and not _TELLING & set(log.calls):
        found.append("the log shows nobody creating a process")
    return found


def _adoptions(log: LogSummary) -> str:
    sure = log.unfiltered or "prctl" in log.calls
    why = "" if sure else ", and who adopted is unknown: the log shows no prctl, so no subreaper"
    return f"adoptions are inferred by the kernel's rule from who ended when{why}"


def _lost(log: LogSummary) -> list[str]:
    found = []
    if log.unreadable:
        first = f", first at line {log.first_unreadable:,}" if log.first_unreadable else ""
        found.append(f"{log.unreadable:,} of {log.lines:,} lines could not be read{first}")
    if log.unassigned:
        found.append(f"of {log.unassigned:,} lines it is not known whose they are")
    if log.unannounced:
        tasks = "1 task" if log.unannounced == 1 else f"{log.unannounced:,} tasks"
        found.append(f"no line announces {tasks}: shown as processes, they may be threads")
    if log.left_out:
        found.append(f"{log.left_out:,} lines of dots stand for parts of the log that are left out")
    if log.first_by_elimination and (log.left_out or log.unreadable):
        found.append("the first process was given the first pid that no line announces")
    return found
