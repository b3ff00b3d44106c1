"""Write names, commands and lists as parts of a sentence; escaping for a format comes later."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from forktrace.model.facts import Creation

ELLIPSIS = "…"
_NAME = 32  # characters of a program's name
_COMMAND = 60  # characters of a command line
_PATH = 120  # characters of a cgroup's path
_ID = re.compile(r"[0-9a-f]{32,}")
_MATTERING = ("CLONE_PARENT", "CLONE_INTO_CGROUP", "CLONE_UNTRACED", "CLONE_NEW")


def short_name(name: str) -> str:
    """Return a program's name, quoted where it could be taken for words of the sentence."""
    return cut(shlex.quote(name[: _NAME * 2]), _NAME)


def command_line(argv: Sequence[str], limit: int = _COMMAND) -> str:
    """Return arguments as a shell command in backquotes, cut, ids to their first 12 digits."""
    words = shlex.join(a[: 2 * limit] for a in argv[:limit])
    return f"`{cut(_short_ids(words).replace('`', chr(39)), limit)}`"


def short_path(path: str) -> str:
    """Return a path, ids cut to their first 12 digits."""
    return cut(_short_ids(path[: 4 * _PATH]), _PATH)


def _short_ids(text: str) -> str:
    return _ID.sub(lambda found: found[0][:12] + ELLIPSIS, text)


def cut(text: str, limit: int) -> str:
    """Cut ``text`` to ``limit`` characters, the last one an ellipsis where something is gone."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def listed(items: Sequence[str], limit: int = 8, last: str = "and") -> str:
    """Join items: "a, b and c"; beyond ``limit`` the rest is counted."""
    shown = list(items[:limit])
    if len(items) > limit:
        shown.append(f"{len(items) - limit:,} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def times(count: int) -> str:
    """Say how often: "once", "twice", "12 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def kinds(names: Iterable[str], limit: int = 8) -> str:
    """List names, those that stand more than once with their number before them."""
    counts = Counter(names)
    shown = [f"{n} \N{MULTIPLICATION SIGN} {name}" if n > 1 else name for name, n in counts.items()]
    return listed(shown, limit)


def creating(creation: Creation) -> tuple[str, str]:
    """Say how a process was made, as verb and manner: ("created", " by vfork"), ("forked", "").

    A clone without a flag that matters is what the C library's fork(3) calls.
    """
    flags = [f[:_NAME] for f in creation.flags if f.startswith(_MATTERING)]
    tail = f" with {listed(flags, 12)}" if flags else ""
    if creation.how is None:
        return "created", ""
    if creation.is_vfork:
        return "created", " by vfork" + tail
    if flags or "CLONE_VM" in creation.flags or creation.how == "clone3":
        return "created", f" by {creation.how}" + tail
    return "forked", ""
