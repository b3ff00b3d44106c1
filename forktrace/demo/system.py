"""Make the system calls that Python has no function for, and small steps that the roles share.

The demo's roles are single-threaded, which ``clone`` relies on.
"""

import ctypes
import functools
import os
import platform
import select
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path

PLACE = "FORKTRACE_DEMO"
"""The environment variable that names the temporary place."""

PLAY = "-Smdemo"
"""The option that has Python, without its site packages, run this package from the place."""

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end a demo early."""

CLONE_NEWNS = 0x00020000
CLONE_PARENT = 0x00008000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_SYS_CLONE = {"x86_64": 56, "aarch64": 220}

# PyDLL keeps the interpreter's lock, so that a child of clone() holds it as its parent does.
_libc = ctypes.PyDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def clone(flags: int) -> int:
    """Make a copy of this process with ``flags`` (CLONE_* and the exit signal), on the same stack.

    Nothing needs mending in the child: its only thread goes on in a copy of all memory, where no
    lock can be held by another.

    Returns:
        The child's pid to the caller, 0 to the child.

    Raises:
        OSError: the kernel refused; ENOSYS on a machine whose call number isn't known.
    """
    number = _SYS_CLONE.get(platform.machine())
    if number is None:
        raise OSError(38, f"clone isn't known on {platform.machine()}")
    words = [ctypes.c_ulong(value) for value in (number, flags, 0, 0, 0, 0)]
    return _checked(_libc.syscall(*words))


def unshare(flags: int) -> None:
    """Move this process into new namespaces, those that the CLONE_NEW* in ``flags`` name.

    Raises:
        OSError: the kernel refused.
    """
    _checked(_libc.unshare(flags))


def set_subreaper(on: bool) -> None:
    """Make this process the one that adopts its orphaned descendants, or end that: prctl(2)."""
    _checked(_libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(on), 0, 0, 0))


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends: PR_SET_PDEATHSIG of prctl(2)."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0))


def set_name(name: str) -> None:
    """Set the comm of this process, 15 bytes at most: PR_SET_NAME of prctl(2)."""
    _checked(_libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0))


def spawn(
    argv: Sequence[str],
    *,
    program: str | None = None,
    variables: dict[str, str] | None = None,
    descriptors: dict[int, int] | None = None,
    group: int | None = None,
    blocked: Sequence[int] = (),
) -> int:
    """Execute ``argv`` in a child, as Go does: the parent sleeps until the exec (posix_spawn(3)).

    Args:
        argv: the program's path and its arguments.
        program: the path to execute where it isn't the one in ``argv``.
        variables: environment variables to add.
        descriptors: maps a descriptor of the child to the one of ours it is a copy of.
        group: the process group to enter, 0 for one of its own; None to stay in ours.
        blocked: the signals that the child begins with blocked.

    Returns:
        The child's pid.

    Raises:
        OSError: the program can't be executed.
    """
    actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in (descriptors or {}).items()]
    environment = os.environ | (variables or {})
    start = functools.partial(
        os.posix_spawn,
        program or argv[0],
        list(argv),
        environment,
        file_actions=actions,
        setsigmask=blocked,
    )
    return start() if group is None else start(setpgroup=group)


def inherited(variable: str) -> int:
    """Return the descriptor that an environment variable names, no longer inheritable."""
    descriptor = int(os.environ[variable])
    os.set_inheritable(descriptor, False)
    return descriptor


def exit_code(status: int) -> int:
    """Turn a wait(2) status into a code as a shell shows it: 128 + n for signal n."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def wait(pid: int) -> int:
    """Wait for the child ``pid`` and return its exit code as a shell shows it."""
    return exit_code(os.waitpid(pid, 0)[1])


def relay(source: int, target: int) -> bool:
    """Copy what can be read now; return False, ``source`` closed, once there is no more to copy.

    A target that nobody reads ends it too, so that the writer behind ``source`` learns of it.
    """
    try:
        data = os.read(source, 65536)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(target, rest) :]
    except OSError:
        data = b""
    if not data:
        os.close(source)
    return bool(data)


def ready(descriptors: Iterable[int], timeout_ms: int | None = None) -> list[int]:
    """Wait until one of the descriptors can be read, or is at its end; return those that are."""
    waiting = select.poll()
    for descriptor in descriptors:
        waiting.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in waiting.poll(timeout_ms)]


def place() -> Path:
    """Return the temporary place of this demo."""
    return Path(os.environ[PLACE])


def role_command(place: Path, role: str, *arguments: str) -> list[str]:
    """Return the command line that plays a role: Python's ``-S -m demo``, by the role's name."""
    return [str(place / f"demo-{role}"), PLAY, *arguments]


def complain(sentence: str) -> None:
    """Write one sentence to standard error, if anybody listens."""
    try:
        os.write(2, f"forktrace demo: {sentence}\n".encode(errors="replace"))
    except OSError:
        return
