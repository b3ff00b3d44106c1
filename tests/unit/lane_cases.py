"""Hold launches to draw as lanes, and look at the marks of what was drawn."""

from functools import cache
from itertools import pairwise
from pathlib import Path

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from forktrace.trace.text import from_str
from forktrace.views.lanes.layout import lay_out
from forktrace.views.options import ViewOptions
from forktrace.views.shapes import Bounds, Box, Curve, Dot, Group, Label, Line, Picture, Polygon
from tests.unit.events import Step, trace_of
from tests.unit.podman import podman_steps, podman_syscall_steps, subreaper

PIPELINE: list[Step] = [
    ("root", 10, ["sh", "-c", "cat /etc/passwd | grep root"]),
    ("fork", 10, 11),
    ("fork", 10, 12),
    ("exec", 11, "cat /etc/passwd"),
    ("exec", 12, "grep root"),
    ("exit", 11, "SIGPIPE"),
    ("exit", 12, 1),
    ("exit", 10, 1),
]


DAEMON: list[Step] = [
    ("root", 10, "daemonize served"),
    ("fork", 10, 11),
    ("fork", 11, 12),
    ("exit", 11, 0),
    ("reparent", 12, 1),
    ("outside", 1, "systemd"),
    ("exec", 12, "/usr/sbin/served --port 80"),
    ("exit", 10, 0),
]


ORPHANS: list[Step] = [
    ("root", 10, "parent"),
    *(("fork", 10, pid) for pid in range(11, 17)),
    ("exit", 10, "SIGKILL"),
    *(("reparent", pid, 1) for pid in range(11, 17)),
    ("outside", 1, "init"),
    *(("exit", pid, 0) for pid in range(11, 16)),
]


CHAIN: list[Step] = [
    ("root", 10, "sh"),
    *(("fork", pid, pid + 1) for pid in range(10, 48)),
    *(("exit", pid, 0) for pid in range(48, 9, -1)),
]


FAN: list[Step] = [
    ("root", 10, "./configure"),
    *(
        step
        for pid in range(11, 40)
        for step in (
            ("vfork", 10, pid),
            ("exec", pid, f"/usr/bin/tool{pid} --check feature{pid} header.h"),
            ("exit", pid, pid % 3),
        )
    ),
    ("exit", 10, 0),
]


CUT_OFF: list[Step] = podman_steps()[:30]


HOSTILE: list[Step] = [
    ("root", 10, ["<script>", "]]>", "a\nb", "\x1b[31m", "\u202eRTL", "\udcff", "x" * 100_000]),
    ("fork", 10, 11),
    ("exec", 11, ["漢字" * 40, "W" * 300]),
    ("exit", 11, "SIGSEGV"),
    ("exit", 10, 255),
]


ZOMBIES: list[Step] = [
    ("root", 10, "server"),
    subreaper(10, 1),
    ("fork", 10, 11),
    ("exit", 11, 0),
    ("fork", 10, 12),
    ("exec", 12, "worker --once"),
    ("fork", 12, 13),
    ("call", 13, "setsid"),
    ("exit", 13, "SIGKILL"),
    ("fork", 12, 14),
    ("fork", 12, 15),
    ("exit", 15, 3),
    ("exit", 12, 0),
    ("wait", 10, 12),
    ("reparent", 14, 10),
    ("exit", 14, 0),
    ("wait", 10, 14),
    ("wait", 10, 13),
    ("exit", 10, 0),
]


MAKE: list[Step] = [
    ("root", 10, "make"),
    *(
        step
        for pid in range(11, 40)
        for step in (
            ("vfork", 10, pid),
            ("call", pid, "setsid"),
            ("exec", pid, f"/usr/bin/cc -c file{pid}.c"),
            ("exit", pid, 0),
            ("wait", 10, pid),
        )
    ),
    ("exit", 10, 0),
]


UNSHARE: list[Step] = [
    ("root", 10, "unshare --pid --fork sh"),
    ("fork", 10, 11, "", {"nspid": [11, 1]}),
    ("call", 11, "setsid"),
    ("exec", 11, "sh"),
    ("exit", 11, 0),
    ("exit", 10, 0),
]


def standing(pid: int, ppid: int, command: str = "") -> list[Step]:
    """Return what tells of a process that ran before the trace; without a command of a zombie."""
    comm = Path(command.split()[0]).name if command else "gone"
    state = events.State(comm=comm, ppid=ppid, nspid=[pid])
    started = events.Started(at_ns=0, pid=pid, attached=True, state=state)
    if not command:
        return [started, ("exit", pid, 125)]
    argv = [from_str(word) for word in command.split()]
    return [started, events.Executed(at_ns=0, pid=pid, attached=True, argv=argv)]


SNAPSHOT: list[Step] = [
    *standing(1, 0, "/sbin/init splash"),
    *standing(20, 1, "/usr/sbin/sshd -D"),
    *standing(21, 20, "bash"),
    *(step for pid in range(22, 30) for step in standing(pid, 21, "sleep 9" * (pid % 3))),
    *standing(30, 1),
    *standing(31, 1, "cron"),
]


ATTACHED: list[Step] = [
    ("outside", 1, "systemd"),
    *standing(20, 1, "containerd --config /etc/containerd/config.toml"),
    *standing(21, 20, "shim"),
    ("fork", 20, 22),
    ("exec", 22, "containerd-shim-runc-v2 start"),
    ("exit", 22, 0),
]


SAVED = Path(__file__).parent / "data" / "podman-syscalls.jsonl"


CASES = {
    "podman": trace_of(*podman_steps()),
    "pipeline": trace_of(*PIPELINE),
    "daemon": trace_of(*DAEMON),
    "orphans": trace_of(*ORPHANS),
    "chain": trace_of(*CHAIN),
    "fan": trace_of(*FAN),
    "cut off": trace_of(*CUT_OFF),
    "hostile": trace_of(*HOSTILE),
    "podman with calls": trace_of(*podman_syscall_steps(), detail="syscalls"),
    "saved podman with calls": read_trace(SAVED),
    "zombies": trace_of(*ZOMBIES, detail="syscalls"),
    "snapshot": trace_of(*SNAPSHOT, source="snapshot"),
    "attach": trace_of(*ATTACHED, source="attach"),
    "unshare": trace_of(*UNSHARE, detail="syscalls"),
    "make with calls": trace_of(*MAKE, detail="syscalls"),
}


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/launch.jsonl"))


CASES |= {f"example {path.parent.name}": read_trace(path) for path in EXAMPLES}


def picture_of(launch: Launch, width: int | None = None) -> Picture:
    return lay_out(launch, analyse(launch), ViewOptions(width=width))


@cache
def drawn(
    name: str, time: bool = False, width: int | None = None, unfolded: bool = False
) -> Picture:
    launch = build_launch(CASES[name])
    options = ViewOptions(time=time, width=width, unfolded=unfolded)
    return lay_out(launch, analyse(launch), options)


def labels(picture: Picture) -> list[Label]:
    return [mark for mark in picture.marks if isinstance(mark, Label)]


def placed(picture: Picture) -> list[tuple[str, Bounds]]:
    """Return every text with the box that it fits in."""
    return [(label.text, label.bounds) for label in labels(picture)]


def texts(picture: Picture, kind: str) -> list[str]:
    return [label.text for label in labels(picture) if label.kind.split()[0] == kind]


def boxes_of(mark: object) -> list[Bounds]:
    """Return what a mark covers: small boxes along a curve or a line, its own box else."""
    match mark:
        case Line(x1, y1, x2, y2):
            return [Bounds(min(x1, x2) - 0.9, min(y1, y2), max(x1, x2) + 0.9, max(y1, y2))]
        case Curve():
            points = [mark.point(i / 60) for i in range(61)]
            pairs = pairwise(points)
            return [
                Bounds(
                    min(a[0], b[0]) - 0.9, min(a[1], b[1]), max(a[0], b[0]) + 0.9, max(a[1], b[1])
                )
                for a, b in pairs
            ]
        case Dot(x, y, radius):
            return [Bounds(x - radius, y - radius, x + radius, y + radius)]
        case Polygon(points):
            xs, ys = [x for x, _ in points], [y for _, y in points]
            return [Bounds(min(xs), min(ys), max(xs), max(ys))]
        case Box(x, y, width, height):
            return [Bounds(x, y, x + width, y + height)]
    raise AssertionError(mark)


# Grounds that a text stands on.
BEHIND = {"page", "frame", "container-frame", "badge-frame", "badge-end-frame"}


def group(picture: Picture, name: str) -> Group:
    return next(i for i in picture.items if isinstance(i, Group) and i.name == name)


def lines(picture: Picture, name: str, kind: str) -> list[Line]:
    marks = group(picture, name).marks
    return [m for m in marks if isinstance(m, Line) and m.kind.split()[0] == kind]


def lane_y(picture: Picture, name: str) -> float:
    return next(
        m.y + m.height / 2
        for m in group(picture, name).marks
        if isinstance(m, Box) and m.kind.startswith("lane ")
    )


def reap_lines(picture: Picture) -> dict[str, Line]:
    """Return the reap lines by their titles; a sample in the legend has none."""
    found = [m for m in picture.marks if isinstance(m, Line) and m.kind == "reap"]
    return {m.title: m for m in found if m.title}


def frames(picture: Picture, kind: str) -> list[Box]:
    """Return the frames of a kind; a sample in the legend has no title."""
    return [m for m in picture.marks if isinstance(m, Box) and m.kind == kind and m.title]
