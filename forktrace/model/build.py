"""Build a launch from a trace: join its events to processes, and draw the graph between them."""

from collections.abc import Callable

from forktrace.model.births import confirm_parents, infer_missed_adoptions, inherit_images
from forktrace.model.derive import derive_adoptions
from forktrace.model.facts import Moment
from forktrace.model.gaps import gap_warnings
from forktrace.model.imported import import_warnings
from forktrace.model.join import Joiner
from forktrace.model.launch import Launch
from forktrace.model.reaps import find_reaps
from forktrace.trace import events
from forktrace.trace.collector import collector_paused
from forktrace.trace.reader import Report, TraceFile, no_report

_REPORT_EVENTS = 8192


def build_launch(trace: TraceFile, report: Report = no_report) -> Launch:
    """Join what a trace says into processes with ids of their own.

    Whatever a file says, this ends: what contradicts itself is left out and counted in the
    launch's warnings.

    Args:
        trace: what a trace says.
        report: is called now and then with the part that is done, from 0 to 1.
    """
    with collector_paused():
        return _build(trace, report)


def _build(trace: TraceFile, report: Report) -> Launch:
    joiner = Joiner(trace.header.tracer)
    handlers: dict[type, Callable[..., None]] = {
        events.Started: joiner.started,
        events.ThreadStarted: joiner.thread_started,
        events.Created: joiner.created,
        events.Executed: joiner.executed,
        events.Sampled: joiner.sampled,
        events.Descriptors: joiner.descriptors,
        events.Reparented: joiner.reparented,
        events.Exited: joiner.exited,
        events.ThreadExited: joiner.thread_exited,
        events.Outside: joiner.described,
        events.Untraced: joiner.untraced,
        events.Released: joiner.released,
        events.Called: joiner.called,
    }
    for seq, event in enumerate(trace.events):
        handlers[type(event)](Moment(event.at_ns, seq), event)
        if seq % _REPORT_EVENTS == 0:
            report(seq / len(trace.events))
    joiner.finish()
    processes = joiner.processes
    infer_missed_adoptions(processes, joiner.expected_parents)
    confirm_parents(processes)
    find_reaps(joiner.ends_and_waits)
    if trace.header.source == "import":
        derive_adoptions(processes, trace.end.log if trace.end else None)
    inherit_images(processes)
    return Launch(
        header=trace.header,
        processes=processes,
        root=joiner.root,
        end=trace.end,
        warnings=[
            *trace.warnings,
            *joiner.warnings(),
            *gap_warnings(processes.values()),
            *import_warnings(trace.header, trace.end, processes.values()),
        ],
        times_ns=[event.at_ns for event in trace.events],
    )
