"""Write the graph as node-link JSON, which networkx and many other tools read back.

``graph.schema.json`` beside this file describes it. In Python::

    networkx.node_link_graph(json.load(file), edges="edges")
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from json import JSONEncoder
from typing import Any

from msgspec import json, to_builtins

from forktrace.analysis.findings import Findings, RoleFinding
from forktrace.model.facts import Call, Sample
from forktrace.model.graph import list_edges
from forktrace.model.image import Image
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.render.graph_surroundings import (
    as_text,
    as_texts,
    cgroup,
    container,
    descriptor_changes,
    namespace,
    own_stays,
)
from forktrace.trace.events import User
from forktrace.views.options import ViewOptions

VERSION = 1
_UNKNOWN = RoleFinding("other", "no pass looked at it")

Json = dict[str, Any]


def render(launch: Launch, findings: Findings, options: ViewOptions) -> str:
    """Return the graph as JSON, a line for each node and each edge.

    Text that is no UTF-8 is written as ``{"b64": …}``, as in a trace. All else is ASCII, so a
    terminal that shows it comes to no harm. ``options`` are for pictures and not used.
    """
    del options
    nodes = (_node(findings, p) for p in launch.processes.values())
    edges = (_edge(*edge) for edge in list_edges(launch.processes))
    head = (
        f'{{\n "directed": true,\n "multigraph": true,\n "graph": {_dump(_graph(launch, findings))}'
    )
    return "".join(
        chain((head, ',\n "nodes": '), _lines(nodes), (',\n "edges": ',), _lines(edges), ("\n}\n",))
    )


_encode = json.Encoder().encode
_encode_ascii = JSONEncoder(ensure_ascii=True, allow_nan=False).encode


def _dump(item: object) -> str:
    """Return JSON on one line, in ASCII. msgspec is twice as quick, but escapes no other text."""
    with suppress(UnicodeEncodeError):  # it refuses a lone surrogate
        line = json.format(_encode(item), indent=0)
        if line.isascii() and b"\x7f" not in line:
            return line.decode()
    return _encode_ascii(item)


def _lines(items: Iterable[Json]) -> Iterator[str]:
    """Yield a list piece by piece, an item a line."""
    before = "[\n  "
    for item in items:
        yield before
        yield _dump(item)
        before = ",\n  "
    yield "[]" if before[0] == "[" else "\n ]"


def _graph(launch: Launch, findings: Findings) -> Json:
    header = launch.header
    return {
        "format": "forktrace-graph",
        "version": VERSION,
        "command": to_builtins(header.command),
        "detail": header.detail,
        "complete": launch.complete,
        "root": launch.root,
        "source": header.source,
        "forktrace": header.forktrace,
        "cwd": to_builtins(header.cwd),
        "user": _user(header.user),
        "kernel": header.kernel,
        "machine": header.machine,
        "started_ns": header.started_ns,
        "times": header.times,
        "end": _end(launch),
        "warnings": [as_text(w) for w in launch.warnings],
        "containers": [container(found) for found in findings.containers],
    }


def _user(user: User | None) -> Json | None:
    return None if user is None else {"uid": user.uid, "gid": user.gid, "name": user.name}


def _end(launch: Launch) -> Json | None:
    end = launch.end
    if end is None:
        return None
    return {"at_ns": end.at_ns, "reason": end.reason, "left": end.left}


def _node(findings: Findings, process: Process) -> Json:
    role = findings.roles.get(process.id, _UNKNOWN)
    double_fork = findings.double_forks.get(process.id)
    return {
        "id": process.id,
        "pid": process.pid,
        "nspid": process.nspid,
        "name": as_text(process.name),
        "role": role.role,
        "rule": as_text(role.rule),
        "outside": process.outside,
        "attached": process.attached,
        "unseen": process.unseen,
        "born_ns": process.born.at_ns,
        "creator": process.creator,
        "creator_tid": process.creation.tid if process.creation else None,
        "parent": process.parent,
        "parent_inferred": process.parent_inferred,
        "images": [_image(image) for image in process.images],
        "argv": as_texts(process.argv),
        "exit": _exit(process),
        "reap": _reap(process),
        "double_fork": double_fork.middle if double_fork else None,
        "subreaper": _subreaper(findings, process),
        "adoptions": [
            {
                "at_ns": adoption.at.at_ns,
                "parent": adoption.parent,
                "previous": adoption.previous,
                "death": adoption.death,
                "inferred": adoption.inferred,
            }
            for adoption in process.adoptions
        ],
        "threads": len(process.threads),
        "samples": [_sample(sample) for sample in process.samples],
        "calls": [_call(call) for call in process.calls],
        "released_ns": process.released.at_ns if process.released else None,
        "untraced": [
            {
                "at_ns": child.at.at_ns,
                "pid": child.pid,
                "code": child.code,
                "signal": child.signal,
            }
            for child in process.untraced
        ],
        "cgroups": [cgroup(stay) for stay in own_stays(findings.cgroups, process.id)],
        "namespaces": [namespace(stay) for stay in own_stays(findings.namespaces, process.id)],
        "descriptors": list(descriptor_changes(process)),
    }


def _exit(process: Process) -> Json | None:
    end = process.exit
    if end is None:
        return None
    return {"code": end.code, "signal": end.signal, "core": end.core, "at_ns": end.at.at_ns}


def _reap(process: Process) -> Json | None:
    reap = process.reap
    return None if reap is None else {"by": reap.by, "at_ns": reap.at.at_ns}


def _subreaper(findings: Findings, process: Process) -> Json | None:
    found = findings.subreapers.get(process.id)
    if found is None:
        return None
    return {
        "inferred": found.inferred,
        "at_ns": found.at.at_ns if found.at else None,
        "until_ns": found.until.at_ns if found.until else None,
        "adopted": found.adopted,
    }


def _call(call: Call) -> Json:
    return {
        "at_ns": call.at.at_ns,
        "name": as_text(call.name),
        "tid": call.tid,
        "arguments": {name: _argument(value) for name, value in call.arguments.items()},
        "result": call.result,
        "error": as_text(call.error),
    }


def _argument(value: str | int | list[str] | None) -> Any:
    return as_text(value) if isinstance(value, str) else value


def _image(image: Image) -> Json:
    return {
        "at_ns": image.at.at_ns,
        "path": as_text(image.path),
        "argv": as_texts(image.argv),
        "exe": as_text(image.exe),
        "cwd": as_text(image.cwd),
        "env": image.env,
        "inherited": image.inherited,
        "tid": image.tid,
        "errors": image.errors,
    }


def _sample(sample: Sample) -> Json:
    """Return what was sampled; what had not changed is left out."""
    shown = {
        "at_ns": sample.at.at_ns,
        "at": sample.at_event,
        "comm": as_text(sample.comm),
        "ppid": sample.ppid,
        "pgid": sample.pgid,
        "sid": sample.sid,
        "tty": sample.tty,
        "nspid": sample.nspid,
        "cgroup": None if sample.cgroup is None else as_texts(sample.cgroup),
        "ns": sample.ns,
        "errors": sample.errors or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _edge(source: str, target: str, key: str, attributes: Json) -> Json:
    return {"source": source, "target": target, "key": key, **attributes}
