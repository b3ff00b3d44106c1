"""``forktrace completion``: the completion script for a shell."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: eval "$(forktrace completion bash)"
    fish: forktrace completion fish | source
    """
    maker = get_completion_class(shell)
    root = ctx.find_root().command
    if maker is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(maker(root, {}, "forktrace", "_FORKTRACE_COMPLETE").source())
