"""Say facts in words that every view shares: arguments, ends, names; harmless on any terminal."""

import re
import shlex
from collections.abc import Sequence

from forktrace.model.facts import Exit
from forktrace.model.image import Image, image_name
from forktrace.model.process import Process

ELLIPSIS = "…"


def printable(text: str) -> str:
    r"""Make ``text`` harmless to show: controls, bidi marks and stray bytes become ``\x1b``, ….

    ``text`` may hold PEP 383 surrogates. The result has printable characters only, so it can
    neither steer a terminal nor break a line; escaping for a format (XML, DOT) comes after.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a PEP 383 surrogate stands for one byte
        return f"\\x{code - 0xDC00:02x}"
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def quote(argument: str) -> str:
    """Quote one argument as a shell would need it, made printable."""
    shown = printable(argument)
    return shown if shown == shlex.quote(shown) else shlex.quote(shown)


def show_argv(argv: Sequence[str], limit: int | None = None) -> str:
    """Write arguments as a shell command line, cut to ``limit`` characters with an ellipsis."""
    return cut(" ".join(quote(a) for a in _enough(argv, limit)), limit)


def _enough(argv: Sequence[str], limit: int | None) -> Sequence[str]:
    """Leave out arguments that a cut would drop anyway, as there may be 100,000."""
    return argv if limit is None else [a[: limit + 1] for a in argv[: limit // 2 + 2]]


def cut(text: str, limit: int | None) -> str:
    """Cut ``text`` to ``limit`` characters, the last one an ellipsis where something is gone."""
    if limit is None or len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)].rstrip(ELLIPSIS) + ELLIPSIS


def exit_words(end: Exit | None) -> str:
    """Say how a process ended: "exit 0", "SIGKILL", "SIGSEGV (core dumped)", "still running"."""
    if end is None:
        return "still running"
    if end.signal:
        return end.signal + (" (core dumped)" if end.core else "")
    return f"exit {end.code}"


def name_of(process: Process) -> str:
    """Return the short printable name of a process."""
    return printable(process.name)


# Words that say what a program with subcommands is asked to do: those of the OCI runtime command
# line interface (runtime-tools, command-line-interface.md) and of the engines.
_SUBCOMMANDS = {
    *("create", "delete", "exec", "init", "kill", "restore", "run", "start", "state"),
    *("attach", "build", "container", "pod", "stop"),
}

_ID = re.compile(r"[0-9a-f]{32,}")
_LONG_PATH = 20
_FAR = 100  # a subcommand stands among so many arguments; there may be 100,000


def program_words(
    image: Image, limit: int | None = None, *, subcommand: bool = False, soon: int | None = None
) -> str:
    """Write what an image was called with, for a narrow place: ``runc … create --bundle …/b``.

    The program stands under its short name; container ids keep their first 12 digits, long paths
    their last part. An ellipsis marks each gap.

    Args:
        image: the image.
        limit: the most characters.
        subcommand: leave out the options before a subcommand that would else be cut off, or what
            it is about, which stands behind it.
        soon: among how many characters it must stand, if not ``limit``.
    """
    name = printable(image_name(image))
    if limit is None:
        return " ".join([name, *(short_argument(a) for a in image.argv[1:])])
    line = _joined(name, image.argv[1:], limit)
    at = place_of_subcommand(image.argv) if subcommand else 0
    near = min(limit, soon or limit)
    if len(line) > near and at > 1 and len(_joined(name, image.argv[1 : at + 2], near)) >= near:
        line = _joined(f"{name} {ELLIPSIS}", image.argv[at:], limit)
    return cut(line, limit)


def _joined(start: str, arguments: Sequence[str], limit: int) -> str:
    """Join so many arguments that a cut to ``limit`` characters has enough of them."""
    enough = arguments[: limit // 2 + 2]
    return " ".join([start, *(short_argument(a, limit) for a in enough)])


def place_of_subcommand(argv: Sequence[str]) -> int:
    """Return the place of the first subcommand, 0 if there is none near the start."""
    return next((i for i, a in enumerate(argv[:_FAR]) if i and a in _SUBCOMMANDS), 0)


def short_argument(argument: str, limit: int | None = None) -> str:
    """Quote one argument, its ids and its path shortened; one that needs quotes stays whole.

    ``limit`` only says how much of it can be of use; the result may be longer.
    """
    part = argument if limit is None else argument[: 2 * limit + 80]
    if quote(part) != part:
        return quote(part if limit is None else part[: limit + 1])
    return short_ids(_short_path(part))


def short_ids(text: str) -> str:
    """Keep the first 12 digits of container ids, as podman and docker list them."""
    return _ID.sub(lambda id_: id_[0][:12] + ELLIPSIS, text)


def _short_path(argument: str) -> str:
    option, equals, value = argument.rpartition("=")
    if not value.startswith("/") or len(value) <= _LONG_PATH or value.endswith("/"):
        return argument
    return option + equals + ELLIPSIS + value[value.rindex("/") :]


def duration_words(ns: int) -> str:
    """Say how long ``ns`` nanoseconds are, to three digits: "950 µs", "12.3 ms", "2 min 5 s"."""
    if ns >= 60_000_000_000:
        minutes, seconds = divmod(round(ns / 1e9), 60)
        return f"{minutes} min {seconds} s"
    units = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"))
    for size, unit in units:
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 999.5 * size else f"{ns / size:.0f} {unit}"
    return f"{ns} ns"
