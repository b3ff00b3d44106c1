"""Decide what is asked of /proc at each kind of stop, and reduce it to what has changed.

What is sampled follows from what a process did, never from its name:

* birth: nothing where the flags leave no doubt that the child is as its parent is; else status
  (parent, session, group, the pids in each PID namespace), and cgroup and namespaces where the
  flags made new ones or the PID namespace is not the parent's;
* create: session and cgroup of the creator, as a daemon leaves its session, and a monitor is
  moved to its cgroup, before it forks; at its first creation since birth or exec, then at the
  2nd, 4th, 8th and so on, as a shell that forks thousands of times changes no more for it;
* exec: status, cgroup and namespaces;
* exit: status and cgroup of what has created processes, or executed nothing;
* reparent: status and cgroup of the adopted child.

A process that has not executed a program since its birth may be a runtime's stage that enters
and makes namespaces by itself, so its namespaces are read at create and exit as well.
"""

from forktrace.capture import proc
from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import TracedProcess
from forktrace.trace.events import State
from forktrace.trace.text import encode_text

_PLAIN = ("ppid", "pgid", "sid", "tty", "nspid", "ns")


def complete_birth(
    pid: int, now: Snapshot, parent: TracedProcess | None, *, elsewhere: bool
) -> None:
    """Add to a new process' status what its birth calls for.

    Args:
        pid: the new process.
        now: its status; the rest is added here.
        parent: its real parent, None if that is outside the trace.
        elsewhere: its creation flags made new namespaces, or put it in another cgroup.
    """
    if elsewhere or parent is None or _depth(now) != _depth(parent.known):
        proc.read_namespaces(pid, now)
        proc.read_cgroup(pid, now)


def inherited(parent: TracedProcess | None) -> Snapshot:
    """Return what a new process has from its parent, so that only what differs is recorded."""
    if parent is None:
        return Snapshot()
    known = parent.known
    return Snapshot(pgid=known.pgid, sid=known.sid, tty=known.tty, cgroup=known.cgroup, ns=known.ns)


def settled(process: TracedProcess) -> bool:
    """Say that a child of ``process`` is born as any other: no stage made it a namespace unseen.

    A process that enters or makes a PID namespace for its children does so before it forks, and
    then executes nothing (unshare(1) forks after its own exec, so it is looked at one level
    deeper: at its child's exec or exit).
    """
    return process.executed and _depth(process.known) == 1


def _depth(snapshot: Snapshot) -> int:
    return len(snapshot.nspid or ())


def at_stop(process: TracedProcess, namespaces: bool) -> Snapshot:
    """Read session, group, parent and cgroup of a stopped process."""
    now = Snapshot()
    proc.read_status(process.pid, now)
    proc.read_cgroup(process.pid, now)
    if now.sid != process.known.sid or process.known.tty is None:
        proc.read_tty(process.pid, now)  # a terminal belongs to a session
    if namespaces:
        proc.read_namespaces(process.pid, now)
    return now


def due_at_creation(process: TracedProcess) -> bool:
    """Count a creation, and say whether the creator is to be sampled: at powers of two."""
    process.creations += 1
    return process.creations & (process.creations - 1) == 0


def changes(known: Snapshot, now: Snapshot) -> State | None:
    """Return what ``now`` shows that ``known`` did not, and bring ``known`` up to date.

    None where nothing has changed. A read that failed counts as a change once.
    """
    changed: dict[str, object] = {}
    for name in _PLAIN:
        value = getattr(now, name)
        if value is not None and value != getattr(known, name):
            setattr(known, name, value)
            changed[name] = value
    if now.comm is not None and now.comm != known.comm:
        known.comm = now.comm
        changed["comm"] = encode_text(now.comm)
    if now.cgroup is not None and now.cgroup != known.cgroup:
        known.cgroup = now.cgroup
        changed["cgroup"] = [encode_text(line) for line in now.cgroup.splitlines()]
    if now.errors and now.errors != known.errors:
        known.errors = now.errors
        changed["errors"] = now.errors
    return State(**changed) if changed else None  # type: ignore[arg-type]


def whole(now: Snapshot) -> State | None:
    """Return all that ``now`` shows."""
    return changes(Snapshot(), now)
