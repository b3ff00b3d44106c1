"""Ask the kernel, systemd and forktrace where processes are, each in its own way."""

import re
from pathlib import Path

from tests.engines.lab import call, cgroup_of
from tests.integration.harness import Forktrace


def path_of(pid: int) -> str:
    """Return the cgroup of a process, as /proc tells; the machine has v2 alone."""
    (line,) = cgroup_of(pid)
    assert line.startswith("0::")
    return line.removeprefix("0::")


def unit_of(pid: int) -> str:
    """Return the unit that ``systemctl status PID`` finds a process in."""
    first = call("systemctl", "status", "--no-pager", "-n", "0", str(pid), check=False)
    return first.splitlines()[0].split()[1]


def listed() -> dict[int, str]:
    """Return the cgroup by pid, from the tree that systemd-cgls draws."""
    drawn = call("systemd-cgls", "--all", "--full", "--no-pager", "/")
    return read_tree(drawn)


def drawn(forktrace: Forktrace, trace: Path, at: str | None = None) -> dict[int, str]:
    """Return the cgroup by pid, from the tree that ``forktrace ps --cgroups`` draws."""
    more = () if at is None else ("--at", at)
    done = forktrace("ps", str(trace), "--cgroups", "--wide", *more)
    assert done.status == 0, done.err
    return read_tree(done.out.decode())


def read_tree(text: str) -> dict[int, str]:
    """Return the cgroup by pid from a tree of cgroups, as forktrace and systemd-cgls draw it."""
    found: dict[int, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        bars = re.match(r"(?:[│ ] )*[├└]─", line)
        if bars is None:
            continue
        depth, rest = len(bars[0]) // 2 - 1, line[len(bars[0]) :].strip()
        process = re.match(r"(\d+) ", rest)
        if process:
            found[int(process[1])] = "/" + "/".join(path[:depth])
        else:
            path[depth:] = [rest.split(" ")[0]]  # systemd-cgls adds what is delegated
    return found


def explained(forktrace: Forktrace, trace: Path, *topic: str) -> str:
    """Return an answer of ``forktrace explain``, on one line."""
    done = forktrace("explain", str(trace), *topic)
    assert done.status == 0, done.err
    return " ".join(done.out.decode().split())


def short(path: str) -> str:
    """Return a path as explain shows it: long ids by their first twelve digits."""
    return re.sub(r"([0-9a-f]{12})[0-9a-f]{20,}", r"\1…", path)
