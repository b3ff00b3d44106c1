"""Run strace over small programs, and say what a graph has in common with another of the same."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conftest import Missing
from tests.integration.harness import PATIENCE, python

Tree = tuple[tuple[str, ...], object, int, tuple["Tree", ...]]

# One ends after the other, so that each run of a program gives the same tree.
PIPELINE = (
    "sh",
    "-c",
    "exec 2>/dev/null; /bin/echo a | /bin/cat >/dev/null; (exit 3); /bin/sh -c 'kill -9 $$'; :",
)
DAEMON = python(
    "import os, time\n"
    "first = os.fork()\n"
    "if not first:\n"
    "    os.setsid()\n"
    "    if os.fork(): os._exit(0)\n"
    "    time.sleep(0.2)\n"
    "    os.execv('/bin/sh', ['sh', '-c', 'exit 7'])\n"
    "os.waitpid(first, 0)\n"
    "time.sleep(0.6)\n"
)
THREADS = python(
    "import os, subprocess, threading\n"
    "def work(): os.waitpid(os.posix_spawn('/bin/sh', ['sh', '-c', 'exit 5'], {}), 0)\n"
    "def last(): os.execv('/bin/echo', ['echo', 'h\\u00e9\\n\\x01\"' + 'x' * 50])\n"
    "for target in (work, work, last):\n"
    "    thread = threading.Thread(target=target)\n"
    "    thread.start()\n"
    "    thread.join()\n"
)


def strace(missing: Missing) -> str:
    """Return strace's path."""
    found = shutil.which("strace")
    if found is None:
        missing("strace is not installed")
    return found


def write_log(
    folder: Path, options: Sequence[str], command: Sequence[str], missing: Missing
) -> list[Path]:
    """Run a command under strace with its log in a file, or on standard error without ``-o``.

    Returns the log, or with ``-ff`` the logs of all tasks.
    """
    log = folder / "x.log"
    to_file = "-o" in options
    given = [str(log) if option == "LOG" else option for option in options]
    done = subprocess.run(
        [strace(missing), *given, "--", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
    )  # fmt: skip
    if not to_file:
        log.write_bytes(done.stderr)
    return sorted(folder.glob("x.log.*")) or [log]


def tree_of(graph: dict[str, Any]) -> Tree:
    """Return who executed what, ended how, and had how many threads, from the root down."""
    nodes = {n["id"]: n for n in graph["nodes"]}
    root = nodes[graph["graph"]["root"]]
    return _below(root, [n for n in graph["nodes"] if not n["outside"]])


def _below(node: dict[str, Any], nodes: Sequence[dict[str, Any]]) -> Tree:
    own = tuple(Path(str(i["path"])).name for i in node["images"] if not i["inherited"])
    end = node["exit"] and (node["exit"]["code"], node["exit"]["signal"])
    children = tuple(_below(n, nodes) for n in nodes if n["creator"] == node["id"])
    return own, end, int(node["threads"]), children
