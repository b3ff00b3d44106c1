"""Join what a trace tells of open descriptors, which is only what has changed, to whole tables.

A new process has what its creator had (fork(2)); an exec is looked at, and leaves no record where
descriptors 0 to 2 are as they were known to be. Of the others nothing is known after it, as it
closes those with FD_CLOEXEC.
"""

from bisect import bisect_right
from dataclasses import replace

from forktrace.model.facts import Descriptor, DescriptorTable, Moment
from forktrace.model.process import Process
from forktrace.trace import events
from forktrace.trace.text import decode_text

STANDARD = (0, 1, 2)
_FOLDER = "fd"
_MORE = "E2BIG"


def descriptors_at(process: Process, at: Moment) -> DescriptorTable | None:
    """Return what is known of a process' descriptors at a moment, None for nothing.

    What was read at the same time or before counts. Before the first look at a process itself
    that is what its creator had when it was created, marked as inherited, with the moment when
    that was read: it may have opened and closed some since.

    Args:
        process: whose they are.
        at: the moment.
    """
    position = bisect_right(process.descriptors, at.at_ns, key=lambda table: table.at.at_ns)
    if position:
        return process.descriptors[position - 1]
    heritage = process.heritage
    if heritage is None or at.at_ns < process.born.at_ns:
        return None
    return replace(heritage, inherited=True)


def last_table(process: Process) -> DescriptorTable | None:
    """Return the last known table, which may be its creator's."""
    return process.descriptors[-1] if process.descriptors else process.heritage


def inherit_table(child: Process, creator: Process) -> None:
    """Give a new process the table that its creator has at this point of the trace."""
    child.heritage = last_table(creator)


def table_at_exec(process: Process, at: Moment) -> None:
    """Take that a process was looked at, at an exec: it has what it had, until a record differs."""
    known = last_table(process)
    if known is None:
        return
    fds, errors = known.fds, known.errors
    if known.whole or not fds.keys() <= set(STANDARD):
        fds = {fd: fds[fd] for fd in STANDARD if fd in fds}
    if errors and not is_unreadable(known):
        errors = {key: error for key, error in errors.items() if key in ("0", "1", "2")}
    process.descriptors.append(
        DescriptorTable(at, "exec", fds, errors=errors, partial=known.partial)
    )


def add_table(process: Process, at: Moment, event: events.Descriptors) -> None:
    """Take what has changed by the moment of an event.

    Args:
        process: whose descriptors they are; its table before this one is the base.
        at: the moment of the event.
        event: what has changed since.
    """
    known = last_table(process)
    fds = dict(known.fds) if known else {}
    errors = known.errors if known else {}
    if event.errors is not None:
        errors = dict(event.errors)
    if errors.get(_FOLDER, _MORE) != _MORE:
        fds.clear()
    for number in event.closed:
        fds.pop(number, None)
    for key, found in event.fds.items():
        if key.isdecimal() and len(key) < 10:
            fds[int(key)] = _descriptor(found)
    complete = event.whole or event.at == "birth" or (known is not None and not known.partial)
    process.descriptors.append(
        DescriptorTable(
            at, event.at, dict(sorted(fds.items())), event.whole, errors, partial=not complete
        )
    )


def is_unreadable(table: DescriptorTable) -> bool:
    """Say whether nothing of a table could be read."""
    return table.errors.get(_FOLDER, _MORE) != _MORE


def _descriptor(found: events.Descriptor) -> Descriptor:
    return Descriptor(
        decode_text(found.to),
        found.access,
        found.peer,
        found.tty,
        decode_text(found.bound) if found.bound is not None else None,
        found.slave,
        found.device,
    )
