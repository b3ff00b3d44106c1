"""Say that a container is not in a trace, as a client had a daemon make it."""

from forktrace.analysis.findings import Findings
from forktrace.analysis.roles.programs import DAEMONS, MAKING_VERBS, engine_verb, is_client
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.views.words import name_of

_DOCKERS = "-p $(pidof dockerd) -p $(pidof containerd)"


def remote_words(launch: Launch, findings: Findings) -> str:
    """Say which client had a daemon outside the trace make a container, and how to see that.

    It is "" where a container is in the trace, or a daemon, or no client was told to run one.
    """
    if findings.containers or any(p.name in DAEMONS for p in launch.inside):
        return ""
    client = next((p for p in launch.inside if _is_client(findings, p)), None)
    if client is None:
        return ""
    daemons = _DOCKERS if client.name == "docker" else "-p PID"
    return (
        f"{client.id} {name_of(client)} is only a client: a daemon outside this trace makes its "
        f"container; to see that: forktrace attach {daemons}"
    )


def _is_client(findings: Findings, process: Process) -> bool:
    found = findings.roles.get(process.id)
    if not process.images or found is None or found.role != "engine":
        return False
    image = process.images[-1]
    return is_client(image) and engine_verb(image.argv) in MAKING_VERBS
