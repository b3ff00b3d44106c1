"""Play the OCI runtime, runc's part: create a container in three stages, start it, delete it.

``create --bundle DIR --pid-file FILE NAME`` leaves an init that waits at a FIFO; ``start NAME``
opens the FIFO, upon which init executes the container's command; ``delete --force NAME`` kills
what is left. ``init`` is what ``create`` executes for the stages, which are runc's (nsexec.c):
stage 0 clones stage 1, stage 1 enters new namespaces and clones stage 2, the init. Both clones
have CLONE_PARENT, so all three are children of ``create``.
"""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from .system import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    CLONE_PARENT,
    PLACE,
    clone,
    complain,
    inherited,
    place,
    ready,
    role_command,
    set_name,
    set_subreaper,
    spawn,
    unshare,
    wait,
)

LOOK_MS = 50
"""How often ``start`` looks whether the init that it waits for is still alive."""


def create(bundle: str, pid_file: str, name: str) -> int:
    """Create a container from a bundle, leave its init waiting, and return the exit code.

    Raises:
        OSError: a step failed.
    """
    set_subreaper(True)
    state = state_of(name)
    state.mkdir(parents=True)
    os.mkfifo(state / "exec.fifo")
    reports, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    variables = {"_DEMO_PIPE": str(theirs), "_DEMO_BUNDLE": bundle, "_DEMO_STATE": str(state)}
    init = role_command(place(), "runtime", "init")
    stages = {0: spawn(init, program="/proc/self/exe", variables=variables)}  # as runc does
    os.close(theirs)
    with os.fdopen(reports) as lines:  # ends when stage 2 is about to wait, or one has failed
        stages |= {int(stage): int(pid) for stage, pid in map(str.split, lines)}
    # CLONE_PARENT made all stages our children: reap those that only prepared the last one.
    if len(stages) != 3 or wait(stages[0]) or wait(stages[1]):
        return 1
    (state / "init").write_text(f"{stages[2]} {start_time(stages[2])}")
    Path(pid_file).write_text(str(stages[2]))
    return 0


def init() -> int:
    """Be the three stages of a container's init, and become its command.

    Returns only on failure: 126 where the command can't be executed.

    Raises:
        OSError: a step failed.
    """
    report = inherited("_DEMO_PIPE")
    next_stage(1, "demo:[0:PARENT]", report)
    complaint = enter_namespaces()
    if complaint:
        complain(complaint)
    next_stage(2, "demo:[1:CHILD]", report)
    set_name("demo:[2:INIT]")
    os.setsid()
    os.close(report)
    fifo = os.open(Path(os.environ["_DEMO_STATE"]) / "exec.fifo", os.O_WRONLY)  # until start
    os.write(fifo, b"\0")
    return become_command(Path(os.environ["_DEMO_BUNDLE"]) / "process")


def next_stage(number: int, name: str, report: int) -> None:
    """Take a name, clone the next stage and report it; only that stage returns from this.

    The report says which stage it is, as the next one may be quicker to report its own next.
    """
    set_name(name)
    child = clone(CLONE_PARENT | signal.SIGCHLD)
    if child:
        os.write(report, b"%d %d\n" % (number, child))
        os._exit(0)


def enter_namespaces() -> str | None:
    """Enter new namespaces as far as this machine permits it; return a sentence if it doesn't.

    Root needs no user namespace. Others do, with a map that makes them root in it: one line, of
    their own id, is all that an ordinary user may write (user_namespaces(7)).
    """
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC
    user, group = os.geteuid(), os.getegid()
    if user == 0 and refusal(flags) is None:
        return None
    why = refusal(CLONE_NEWUSER)
    if why:
        return f"no new namespaces here, the container goes without (user namespace: {why})"
    try:
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    except OSError as error:
        why = f"id map: {error.strerror}"
    why = why or refusal(flags)
    return why and f"a new user namespace, but no others here, the container goes without ({why})"


def refusal(flags: int) -> str | None:
    """Unshare namespaces; return the reason if the kernel refuses."""
    try:
        unshare(flags)
    except OSError as error:
        return error.strerror
    return None


def become_command(process: Path) -> int:
    """Execute the command that a bundle holds: the program's path and argv, apart by NUL.

    Its environment is the user's, but for the variables of Python, which the demo has changed.
    """
    program, *argv = process.read_bytes().split(b"\0")
    added = (PLACE, "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE", "_DEMO_", "_OCI_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(added)}
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, argv, kept)
    except OSError as error:
        complain(f"{os.fsdecode(program)}: {error.strerror}")
        return 126


def start(name: str) -> int:
    """Open the FIFO at which the container's init waits, and return the exit code.

    Raises:
        OSError: there is no such container.
    """
    state = state_of(name)
    fifo = os.open(state / "exec.fifo", os.O_RDONLY | os.O_NONBLOCK)
    while not ready([fifo], LOOK_MS):
        if init_of(state) is None:
            complain("the container ended before its start")
            return 1
    os.read(fifo, 1)
    (state / "exec.fifo").unlink()
    return 0


def delete(name: str) -> int:
    """Kill what is left of a container and forget it; return the exit code.

    Raises:
        OSError: its files can't be removed.
    """
    state = state_of(name)
    if not state.exists():
        return 0
    pid = init_of(state)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    for file in state.iterdir():
        file.unlink()
    state.rmdir()
    return 0


def state_of(name: str) -> Path:
    """Return the directory that holds what the runtime knows of a container."""
    return place() / "containers" / name


def init_of(state: Path) -> int | None:
    """Return the pid of a container's init, None if it is gone: a pid alone may be another's."""
    try:
        pid, started = (state / "init").read_text().split()
        return int(pid) if start_time(int(pid)) == started else None
    except (FileNotFoundError, ProcessLookupError):
        return None


def start_time(pid: int) -> str:
    """Return when a process was started, in ticks since boot (proc_pid_stat(5), field 22).

    Raises:
        OSError: there is no such process.
    """
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def main(arguments: Sequence[str]) -> int:
    """Run one command of the runtime and return its exit code."""
    try:
        match arguments:
            case ["create", "--bundle", bundle, "--pid-file", pid_file, name]:
                return create(bundle, pid_file, name)
            case ["init"]:
                return init()
            case ["start", name]:
                return start(name)
            case ["delete", "--force", name]:
                return delete(name)
    except OSError as error:
        complain(f"{arguments[0]} failed: {error}")
        return 1
    complain("usage: demo-runtime create|start|delete …")
    return 2
