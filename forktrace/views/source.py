"""Say how a trace was made, and what that means for what it can tell."""

from collections.abc import Iterable

from forktrace.model.launch import Launch
from forktrace.model.process import Process

# Said of a launch that ``views.normalize`` has changed.
NORMALIZED = (
    "Normalised: pids and words with @ stand for what differs from run to run; "
    "steps that nothing puts in order may have come in another"
)
_RANGES = 5  # of ids, told one by one


def source_words(launch: Launch) -> str:
    """Say in a sentence where a trace's facts come from."""
    header = launch.header
    if header.source == "snapshot":
        return (
            "Read from /proc at one moment: nothing was traced, so who created whom, "
            "and what was before, is not known."
        )
    if header.source == "import":
        return "Imported from a log: what it does not show is unknown."
    words = f"Recorded with ptrace, detail “{header.detail}”."
    if header.detail == "minimal":
        words += " Parents follow from the clone flags; adoptions were not looked at."
    if launch.normalized:
        words += f" {NORMALIZED}."
    before = before_words(launch)
    return f"{words} {before}." if before else words


def axis_words(launch: Launch, *, time: bool = False) -> str:
    """Say what stands left and right in a picture whose columns are events."""
    if launch.header.source == "snapshot":
        return "a look at one moment"
    if time:
        return "left to right: time since the start, stretched where events lie close"
    return "left to right: order of events, not time"


def before_words(launch: Launch) -> str:
    """Say which processes of a trace are older than it; "" where none is, or it is a snapshot."""
    before = [p.id for p in launch.inside if p.attached]
    if not before or launch.header.source == "snapshot":
        return ""
    ranges = list(_ranges(before))
    who = ", ".join(ranges) if len(ranges) <= _RANGES else f"{len(before):,} processes"
    return f"{who} ran before the trace began"


def found_ended(launch: Launch, process: Process) -> bool:
    """Say whether a snapshot found a process ended: it was a zombie at that moment."""
    return launch.header.source == "snapshot" and process.exit is not None


def _ranges(ids: Iterable[str]) -> Iterable[str]:
    """Write ids in short: p1, p2, p3, p7, p8 are "p1 to p3", "p7", "p8"."""
    run: list[int] = []
    for number in [*(int(id_[1:]) for id_ in ids), -1]:
        if run and number != run[-1] + 1:
            told = [f"p{one}" for one in run]
            yield from told if len(run) < 3 else [f"{told[0]} to {told[-1]}"]
            run = []
        run.append(number)
