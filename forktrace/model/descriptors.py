"""Join what a trace tells of open descriptors, which is only what has changed, to whole tables."""

from forktrace.model.process import Descriptor, DescriptorTable, Moment, Process
from forktrace.trace import events
from forktrace.trace.text import decode_text


def descriptor_table(process: Process, at: Moment, event: events.Descriptors) -> DescriptorTable:
    """Return all that is known of a process' descriptors at the moment of an event.

    Args:
        process: whose they are; its table before this one is the base.
        at: the moment of the event.
        event: what has changed since.
    """
    fds = dict(process.descriptors[-1].fds) if process.descriptors else {}
    for number in event.closed:
        fds.pop(number, None)
    for key, found in event.fds.items():
        if key.isdecimal() and len(key) < 10:
            fds[int(key)] = Descriptor(decode_text(found.to), found.access, found.peer, found.tty)
    ordered = dict(sorted(fds.items()))
    return DescriptorTable(at, event.at, ordered, event.whole, dict(event.errors or {}))
