"""Normalise a launch for documentation: tracing it again gives the same, on any machine.

``views.normalize_steps`` says what is done to the order of events, ``views.normalize_text`` what
to texts. Ids, pids, process groups and sessions are numbered in the new order, there are no times
and no threads, and processes outside the trace have no names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

from msgspec.structs import replace as replace_struct

from forktrace.analysis.findings import CgroupStay, Findings, NamespaceStay
from forktrace.analysis.passes import analyse
from forktrace.model.facts import Descriptor, Sample
from forktrace.model.image import image_name
from forktrace.model.launch import Launch
from forktrace.trace.text import decode_text, from_str
from forktrace.views.normalize_order import Rebuilt
from forktrace.views.normalize_text import Masks

_GIVEN = re.compile(r"[=:\s]")
_APART: dict[type, tuple[str, ...]] = {Sample: ("cgroup",), CgroupStay: ("path",)}
_DESCRIPTOR_NUMBERS = ("peer", "tty", "slave", "device")


def normalize(launch: Launch, findings: Findings) -> tuple[Launch, Findings]:
    """Return a launch as it would be traced again, and what analysis finds in that.

    Neither argument is changed. The result is marked as normalised, and stays as it is here.

    Args:
        launch: what was traced.
        findings: what analysis found in it; its containers tell what depends on what.
    """
    if launch.normalized:
        return launch, findings
    rebuilt = Rebuilt(launch, findings)
    found = analyse(rebuilt.launch)
    masks = _masks(launch, rebuilt)
    masked = _Masked(masks)
    header = launch.header
    new = replace(
        rebuilt.launch,
        header=replace_struct(
            rebuilt.launch.header,
            command=[from_str(masks.text(decode_text(a))) for a in header.command],
            cwd=None if header.cwd is None else "@cwd",
        ),
        processes=masked.value(rebuilt.launch.processes),
        warnings=[masks.text(warning) for warning in launch.warnings],
        normalized=True,
    )
    return new, cast(Findings, masked.value(found))


def _masks(launch: Launch, rebuilt: Rebuilt) -> Masks:
    header = launch.header
    root = launch.processes.get(launch.root or "")
    lines = next((s.cgroup for s in root.samples if s.cgroup), []) if root else []
    user = header.user.name if header.user else None
    pids = {p.pid: new.pid for p, new in rebuilt.pairs()}
    return Masks(
        cwd=None if header.cwd is None else decode_text(header.cwd),
        user=user if user != "root" else None,
        cgroups={line.split(":", 2)[-1] for line in lines},
        names=_made_up_names(launch),
        pid=pids.get,
    )


def _made_up_names(launch: Launch) -> Iterator[str]:
    """Yield the names of containers (conmon's -n) that the command does not say."""
    said = {word for a in launch.header.command for word in _GIVEN.split(decode_text(a))}
    for process in launch.inside:
        for image in process.images:
            if image_name(image) == "conmon" and "-n" in image.argv[:-1]:
                name = image.argv[image.argv.index("-n") + 1]
                if name not in said:
                    yield name


class _Masked:
    """Rebuild values with their texts and numbers masked."""

    def __init__(self, masks: Masks) -> None:
        self._masks = masks

    def value(self, value: Any) -> Any:
        """Return a copy of a value, however it is nested, with its texts masked."""
        if isinstance(value, str):
            return self._masks.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            parts = [self.value(part) for part in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        if is_dataclass(value) and not isinstance(value, type):
            return self._record(value)
        return value

    def _record(self, record: Any) -> Any:
        """Return a record masked; what its numbers and paths are follows from its class."""
        apart = _APART.get(type(record), ())
        names = [f.name for f in fields(record) if f.init and f.name not in apart]
        changed = {name: self.value(getattr(record, name)) for name in names}
        number = self._masks.number
        match record:
            case Sample():
                if record.ns is not None:
                    changed["ns"] = {k: number("inode", v) for k, v in record.ns.items()}
                if record.cgroup is not None:
                    changed["cgroup"] = [self._masks.cgroup(line) for line in record.cgroup]
                if record.tty:
                    changed["tty"] = number("tty", record.tty)
            case CgroupStay():
                changed["path"] = self._masks.cgroup(record.path)
            case NamespaceStay():
                if record.inode is not None:
                    changed["inode"] = number("inode", record.inode)
            case Descriptor():
                for name in _DESCRIPTOR_NUMBERS:
                    known = getattr(record, name)
                    kind = "inode" if name == "peer" else name
                    changed[name] = None if known is None else number(kind, known)
            case _:
                pass
        return replace(record, **changed)
