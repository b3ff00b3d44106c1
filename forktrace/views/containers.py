"""Say in words which container something is, and what its streams are."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from forktrace.analysis.findings import Container, Findings, StreamEnd
from forktrace.model.launch import Launch
from forktrace.views.words import cut, name_of, printable

SEPARATOR = " \N{MIDDLE DOT} "
_ID_DIGITS = 12  # as podman and docker list them
_ID = re.compile(r"[0-9a-f]+")
_PATH_CHARS = 40
_STREAMS = ("stdin", "stdout", "stderr")
_NAME_CHARS = 64  # the most that a host name has; engines allow more


def container_words(container: Container) -> str:
    """Name a container by what is known of it: "container baz · id 0123456789ab"."""
    name = f" {cut(printable(container.name), _NAME_CHARS)}" if container.name else ""
    id_ = f"{SEPARATOR}id {_short_id(container.id)}" if container.id else ""
    return f"container{name}{id_}"


def _short_id(id_: str) -> str:
    """Cut an id as engines list it where engines made it; buildah's is a word of its own."""
    return id_[:_ID_DIGITS] if _ID.fullmatch(id_) else cut(printable(id_), _NAME_CHARS)


def container_title(container: Container) -> str:
    """Say all that is known of who made a container and keeps it."""
    return "; ".join([container_words(container), *_parts(container)])


def _parts(container: Container) -> Iterator[str]:
    if container.image:
        yield f"image {cut(printable(container.image), _NAME_CHARS)}"
    if container.engine:
        yield f"launched by {container.engine}"
    if container.runtimes:
        yield f"OCI runtime {_listed(container.runtimes)}"
    if container.monitor:
        yield f"monitor {container.monitor}"
    if container.init:
        yield f"its first process is {container.init}"
    sessions = [session.process for session in container.exec_sessions]
    if sessions:
        yield f"also started in it: {_listed(sessions)}"


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 8} more" if len(ids) > 8 else ""
    return ", ".join(ids[:8]) + more


def stream_words(launch: Launch, findings: Findings, container: Container) -> str | None:
    """Say what the container's first streams led to when it ran, None where that is unknown.

    As "p8 sh: stdin → /dev/null, stdout and stderr → p4 conmon".
    """
    if container.init is None:
        return None
    ends = [end for end in findings.streams.get(container.init, ()) if end.fd < len(_STREAMS)]
    told = [(words, _STREAMS[end.fd]) for end in ends if (words := _end(launch, end))]
    parts = [
        f"{_and([name for _, name in same])} {words}"
        for words, same in groupby(told, key=lambda item: item[0])
    ]
    who = f"{container.init} {cut(name_of(launch.processes[container.init]), _PATH_CHARS)}"
    return f"{who}: {', '.join(parts)}" if parts else None


def _and(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _end(launch: Launch, end: StreamEnd) -> str:
    guessed = " (inferred)" if end.certainty == "inferred" else ""
    if end.holders:
        held = [
            f"{holder.process} {cut(name_of(launch.processes[holder.process]), _PATH_CHARS)}"
            for holder in end.holders[:3]
        ]
        more = f" and {len(end.holders) - 3} more" if len(end.holders) > 3 else ""
        return f"→ {', '.join(held)}{more}{guessed}"
    if end.kind == "closed":
        return f"closed{guessed}"
    if end.kind in ("file", "null", "terminal") and end.to:
        return f"→ {cut(printable(end.to), _PATH_CHARS)}{guessed}"
    return ""
