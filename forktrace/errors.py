"""Report what went wrong in one sentence, with the exit status that belongs to it."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


class ForktraceError(Exception):
    """Be any failure that a user or a file can cause.

    The message is one sentence: what is wrong, where, and what to do about it.
    """

    exit_code = 1


class UsageError(ForktraceError):
    """The command line asks for something that does not fit together."""

    exit_code = 2


class TraceFormatError(ForktraceError):
    """A trace file is damaged, is no trace at all, or is of a newer version."""


class LogFormatError(ForktraceError):
    """A log to import can't be read, or is none of strace's."""


class NoTraceError(ForktraceError):
    """No trace was named and no earlier run left one."""


class NoProcessError(ForktraceError):
    """A process that was named by its pid does not run, or can't be seen."""


class OutputError(ForktraceError):
    """An output file can't be written."""


class CheckError(ForktraceError):
    """A picture can't be compared with a trace; 1 is the status of one that differs."""

    exit_code = 2


class MissingToolError(ForktraceError):
    """A program that an output needs (Graphviz, say) is not installed."""


class LaunchError(ForktraceError):
    """Forktrace failed before the command started; env(1) uses the same status."""

    exit_code = 125


class NotExecutableError(LaunchError):
    """The command exists but the kernel will not execute it."""

    exit_code = 126


class NotFoundError(LaunchError):
    """The command does not exist."""

    exit_code = 127


class PtraceDeniedError(LaunchError):
    """The kernel does not permit ptrace here."""


def fault_words(error: Exception) -> str:
    """Say what a fault of forktrace's own is, and in which of its lines, for a report of it.

    Args:
        error: as it was caught, with its traceback.
    """
    place = ""
    step = error.__traceback__
    while step is not None:
        file = Path(step.tb_frame.f_code.co_filename)
        if file.is_relative_to(_PACKAGE):
            place = f", at {file.relative_to(_PACKAGE.parent)}:{step.tb_lineno}"
        step = step.tb_next
    return f"{type(error).__name__}: {error}{place}"
