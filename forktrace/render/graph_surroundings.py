"""Say in JSON what a process lived in: containers, cgroups, namespaces, open descriptors.

Only what is a process' own is written, so that the size is linear in what the trace tells: what is
left out of a cgroup or namespace history was inherited from the creator, and of descriptors only
those that differ from the look before.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from msgspec import to_builtins

from forktrace.analysis.findings import CgroupStay, Container, NamespaceStay
from forktrace.analysis.stays import Stays
from forktrace.model.facts import Descriptor, Moment
from forktrace.model.process import Process
from forktrace.trace.text import from_str

Json = dict[str, Any]
S = TypeVar("S", CgroupStay, NamespaceStay)


def as_text(text: str | None) -> Any:
    """Return text as it is where its bytes are UTF-8, else as ``{"b64": …}``, as in a trace."""
    if text is None or text.isascii():  # the quick way for nearly all
        return text
    return to_builtins(from_str(text))


def as_texts(texts: list[str]) -> list[Any]:
    """Return texts as ``as_text`` does."""
    return texts if "".join(texts).isascii() else [as_text(text) for text in texts]


def own_stays(stays: Mapping[str, list[S]], id_: str) -> list[S]:
    """Return the stays of a process but for what it just inherited from its creator."""
    if isinstance(stays, Stays):
        return stays.own(id_)
    return [stay for stay in stays.get(id_, []) if stay.how != "inherited" or stay.inferred]


def container(found: Container) -> Json:
    """Return a container, with the ids of the processes that have to do with it."""
    return {
        "key": found.key,
        "id": as_text(found.id),
        "name": as_text(found.name),
        "image": as_text(found.image),
        "engine": found.engine,
        "monitor": found.monitor,
        "runtimes": found.runtimes,
        "init": found.init,
        "payload_ns": _ns(found.payload),
        "exec_sessions": [
            {"process": session.process, "monitor": session.monitor}
            for session in found.exec_sessions
        ],
        "members": found.members,
    }


def cgroup(stay: CgroupStay) -> Json:
    """Return a stay in a cgroup."""
    return {
        "hierarchy": as_text(stay.hierarchy),
        "path": as_text(stay.path),
        **_came(stay),
    }


def namespace(stay: NamespaceStay) -> Json:
    """Return a stay in a namespace."""
    return {"kind": as_text(stay.kind), "inode": stay.inode, **_came(stay)}


def _came(stay: CgroupStay | NamespaceStay) -> Json:
    return {
        "since_ns": stay.since.at_ns,
        "how": stay.how,
        "by": stay.by,
        "not_before_ns": _ns(stay.not_before),
        "inferred": stay.inferred,
    }


def _ns(moment: Moment | None) -> int | None:
    return moment.at_ns if moment else None


def descriptor_changes(process: Process) -> Iterator[Json]:
    """Yield for each look at a process' descriptors what differed from the look before."""
    known: dict[int, Descriptor] = {}
    for table in process.descriptors:
        changed = {n: fd for n, fd in table.fds.items() if known.get(n) != fd}
        yield {
            "at_ns": table.at.at_ns,
            "at": table.at_event,
            "whole": table.whole,
            "fds": {str(number): _descriptor(fd) for number, fd in changed.items()},
            "closed": [number for number in known if number not in table.fds],
            "errors": table.errors,
        }
        known = table.fds


def _descriptor(fd: Descriptor) -> Json:
    shown = {
        "to": as_text(fd.to),
        "access": fd.access,
        "peer": fd.peer,
        "bound": as_text(fd.bound),
        "tty": fd.tty,
        "slave": fd.slave,
        "device": fd.device,
    }
    return {name: value for name, value in shown.items() if value is not None}
