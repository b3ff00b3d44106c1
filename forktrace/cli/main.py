"""Find the command, run it, and turn what goes wrong into one sentence and an exit status."""

import os
import sys
from importlib import import_module
from keyword import iskeyword

import click

from forktrace import __version__
from forktrace.capture.surroundings import fill_closed_streams
from forktrace.cli.messages import say, write_error
from forktrace.errors import ForktraceError, LaunchError, OutputError

# Each command's module, imported only when it is asked for: the traced command starts sooner.
COMMANDS = {
    "run": "Trace a command and everything that it starts.",
    "show": "Show a trace as a tree in the terminal.",
    "render": "Draw a trace, in any format.",
    "check": "Say whether a picture is still what a trace shows.",
    "explain": "Tell in words what happened, and why.",
    "ps": "Show the processes of a trace at a moment, as ps does.",
    "formats": "List the output formats.",
    "attach": "Trace processes that run already.",
    "import": "Make a trace of a log of strace.",
    "snapshot": "Record what runs now, without tracing it.",
    "doctor": "Check whether tracing works here, and what is missing.",
    "demo": "Trace a built-in launch; needs no container engine.",
    "completion": "Print a shell's completion script.",
}
_STARTS_A_COMMAND = ("run", "demo")


class _LazyGroup(click.Group):
    """List commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"forktrace.cli.{cmd_name}{'_' * iskeyword(cmd_name)}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    "forktrace", cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", prog_name="forktrace")
def _cli() -> None:
    """Show what really happens when a container is launched.

    \b
    forktrace run -o launch.svg -- podman run --rm alpine echo hi
    forktrace show
    """


def main() -> int:
    """Run forktrace with this process' arguments and return its exit status."""
    fill_closed_streams()
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    try:
        result = _cli.main(prog_name="forktrace", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        write_error(error.format_message() + "\n")
        return 2
    except click.ClickException as error:
        return _usage_error(error)
    except click.Abort:
        return 130
    except ForktraceError as error:
        say(str(error))
        return _own_status(error)
    except BrokenPipeError:
        _discard_stdout()
        return 141
    except OSError as error:
        _discard_stdout()
        failure = OutputError(f"{error.filename or 'standard output'}: {error.strerror}")
        say(str(failure))
        return _own_status(failure)
    return result if isinstance(result, int) else 0


def _usage_error(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    say(error.format_message())
    if context is not None:
        write_error(f"Try '{context.command_path} --help'.\n")
    return LaunchError.exit_code if _starts_a_command() else error.exit_code


def _own_status(error: ForktraceError) -> int:
    """Return the status for an error: before a command has started it is 125 (env(1))."""
    if _starts_a_command() and not isinstance(error, LaunchError):
        return LaunchError.exit_code
    return error.exit_code


def _starts_a_command() -> bool:
    return len(sys.argv) > 1 and sys.argv[1] in _STARTS_A_COMMAND


def _discard_stdout() -> None:
    # Python would complain once more when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
