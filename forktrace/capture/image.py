"""Read what a process has just executed: arguments, file, working directory."""

from forktrace.capture import proc
from forktrace.capture.gateway import PtraceError, Tracee
from forktrace.capture.proc import errno_name
from forktrace.capture.stack import ExecArguments, read_exec_arguments
from forktrace.trace.text import Text, encode_text


def arguments(tracee: Tracee, pid: int, errors: dict[str, str]) -> ExecArguments | None:
    """Read the arguments from the new stack, else from /proc (which has no file name).

    Args:
        tracee: the ptrace gateway; ``pid`` is stopped at its exec.
        pid: the process.
        errors: gets the errno, under "argv", if both fail.
    """
    try:
        found = read_exec_arguments(tracee, pid)
        if found is not None:
            return found
    except (PtraceError, OSError, KeyError):
        pass  # an x32 or foreign layout, or memory we may not read: /proc may still tell
    try:
        return ExecArguments(None, proc.read_cmdline(pid), [])
    except OSError as error:
        errors["argv"] = errno_name(error)
        return None


def link(pid: int, name: str, errors: dict[str, str]) -> Text | None:
    """Return where /proc/PID/exe or cwd leads; None, and its errno in ``errors``, if unreadable."""
    try:
        return encode_text(proc.read_link(pid, name))
    except OSError as error:
        errors[name] = errno_name(error)
        return None
