"""``forktrace demo``: trace the launcher that ships in the package."""

import sys
from typing import Any

import click

from forktrace.cli.run import capture_options, make_request
from forktrace.cli.session import trace_command


@click.command("demo")
@capture_options
def command(**options: Any) -> int:
    """Trace a built-in launch that makes the moves of podman, conmon and runc.

    It needs no container engine and no privileges, and is labelled as a demo in every output.
    """
    line = (sys.executable, "-m", "forktrace.demo")
    return trace_command(make_request(line, options, source="demo"))
