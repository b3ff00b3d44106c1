"""Turn what an event holds into what the model holds: text as ``str``, a state as a sample."""

from forktrace.model.facts import Moment, Sample
from forktrace.trace import events
from forktrace.trace.text import Raw, Text, decode_text


def read_text(text: Text | None) -> str | None:
    """Return a text of the trace as ``str``, bytes that are no UTF-8 as PEP 383 surrogates."""
    return None if text is None else decode_text(text)


def read_texts(texts: list[Text] | None) -> list[str] | None:
    """Return texts of the trace as ``str``; None if there are none."""
    return None if texts is None else [decode_text(t) for t in texts]


def read_argument(value: events.Argument) -> str | int | list[str] | None:
    """Return an argument of a system call, text as ``str``."""
    return decode_text(value) if isinstance(value, Raw) else value


def read_sample(at: Moment, at_event: str, state: events.State) -> Sample:
    """Return what a look at /proc showed, at the moment and the event of that look."""
    return Sample(
        at,
        at_event,
        comm=read_text(state.comm),
        ppid=state.ppid,
        pgid=state.pgid,
        sid=state.sid,
        tty=state.tty,
        nspid=state.nspid,
        cgroup=read_texts(state.cgroup),
        ns=state.ns,
        errors=dict(state.errors or {}),
    )
