"""Tell of sessions and process groups."""

from forktrace.analysis.explain.case import Case, Known
from forktrace.analysis.explain.draft import Draft
from forktrace.analysis.explain.sentences import Sentence
from forktrace.analysis.findings import DoubleFork
from forktrace.model.facts import Call
from forktrace.model.process import Process

_SETSID = "setsid(2)"
_FORK = "setpgid(2), setsid(2): a new process is in the session and group of its parent"
_KILL = "kill(2), credentials(7)"
_OUTSIDE = " from outside its PID namespace"


def session(case: Case, process: Process) -> list[Sentence]:
    """Say which session and process group a process leads, or is in."""
    draft = Draft(case)
    name = draft.who(process.id)
    call = setsid(process)
    if call is not None:
        draft.rests_on(call.at)
        text = f"{name} called setsid: it leads a session and a process group of its own"
        text += ", at first without a controlling terminal"
        return [draft.observed(f"{text}.", _SETSID)]
    sid, pgid = case.sampled(process, "sid"), case.sampled(process, "pgid")
    if sid is None or pgid is None:
        return []
    told = _both(_in(process, sid, "session"), _in(process, pgid, "process group"))
    own = {sample.at for sample in process.samples}
    looks = [known[1][0] for known in (sid, pgid) if known[1][0] in own]
    if not looks:
        draft.rests_on(*sid[1], *pgid[1])
        text = f"{name} {told}, like its parent."
        return [draft.told(text, _FORK, inferred=not process.samples)]
    last = max(looks, key=lambda look: look.seq)
    draft.rests_on(last)
    for what, known in (("sid", sid), ("pgid", pgid)):
        before = case.sampled(process, what, known[1][0].at_ns - 1)
        draft.rests_on(*known[1] if before is None or before[0] != known[0] else ())
    return [draft.observed(f"{name} {told}, as /proc showed at {case.when(last)}.")]


def _in(process: Process, known: Known, what: str) -> tuple[str, str]:
    """Say that a process leads, or is in, what has a number."""
    number = known[0]
    if number == process.pid:
        return "leads", f"{what} {number}"
    return "is in", _numbered(number, what)


def _numbered(number: int, what: str) -> str:
    """Name a session or group; 0 stands for one of another PID namespace (getsid(2))."""
    return f"{what} {number}" if number else f"a {what}{_OUTSIDE}"


def _both(one: tuple[str, str], other: tuple[str, str]) -> str:
    verb = "" if one[0] == other[0] else f"{other[0]} "
    first = one[1].removesuffix(_OUTSIDE) if other[1].endswith(_OUTSIDE) else one[1]
    return f"{one[0]} {first} and {verb}{other[1]}"


def setsid(process: Process) -> Call | None:
    """Return the first successful setsid of a process."""
    return next((c for c in process.calls if c.name == "setsid" and c.error is None), None)


def apart(case: Case, fork: DoubleFork) -> list[Sentence]:
    """Say what a double fork's daemon has no part in any more: parent, session, group."""
    if fork.origin is None:
        return []
    origin, daemon = case.process(fork.origin), case.process(fork.daemon)
    draft = Draft(case)
    draft.rests_on(*(a.at for a in daemon.adoptions if a.death == fork.middle))
    draft.rests_on(daemon.creation.at if daemon.creation else None)
    who, other = draft.who(daemon.id), draft.who(origin.id)
    text = f"So {who} is not a child of {other}, which can't wait for it and gets no SIGCHLD at its"
    told = [draft.inferred(f"{text} end.", "wait(2): one waits for one's children")]
    return [*told, *no_signals(case, origin, daemon)]


def no_signals(case: Case, origin: Process, daemon: Process) -> list[Sentence]:
    """Say that a terminal's signals to the one don't reach the other, where that is known."""
    here, there = case.sampled(origin, "sid"), case.sampled(daemon, "sid")
    group, other = case.sampled(origin, "pgid"), case.sampled(daemon, "pgid")
    if here is None or there is None or group is None or other is None:
        return []
    if here[0] == there[0] or group[0] == other[0]:
        return []
    draft = Draft(case)
    draft.rests_on(*here[1], *there[1], *group[1], *other[1])
    call = setsid(daemon)
    draft.rests_on(call.at if call else None)
    who, whose = draft.who(daemon.id), draft.who(origin.id)
    text = f"{who} called setsid: it" if call else who
    text += f" is in {_both_numbers(there, other)}, {whose} in {_both_numbers(here, group)}:"
    text += " a hangup or ^C at the terminal of"
    return [draft.inferred(f"{text} {origin.id} does not reach {daemon.id}.", _KILL)]


def _both_numbers(session: Known, group: Known) -> str:
    """Name a session and a process group, where 0 stands for one of another PID namespace."""
    numbers = (_numbered(session[0], "session"), _numbered(group[0], "process group"))
    return _both(("in", numbers[0]), ("in", numbers[1])).removeprefix("in ")
