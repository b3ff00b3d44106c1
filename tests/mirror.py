"""Find where this machine has its Debian packages from."""

import re
from pathlib import Path

_SOURCES = Path("/etc/apt")


def apt_mirror() -> str | None:
    """Return the first URI of apt's own sources (sources.list(5)), None where there is none."""
    for file in (_SOURCES / "sources.list", *sorted((_SOURCES / "sources.list.d").glob("*"))):
        lines = file.read_text().splitlines() if file.is_file() else []
        kept = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
        found = re.search(r"^(?:URIs:|deb\s)(?:\s*\[[^]]*\])?\s*(\w+:\S+)", kept, re.MULTILINE)
        if found:
            return found[1]
    return None
