"""Tell in Markdown what the machines were and how their tests ended, from the results alone."""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.machines.specs import MACHINES

PARTS = ("kernel", "python", "podman", "conmon", "crun", "runc", "systemd")
HEAD = ("machine", *PARTS, "run", "passed", "failed", "skipped")


def table(results: Path) -> str:
    """Return a table with a row for each run of a machine whose results are in a folder.

    Args:
        results: the folder, with one folder a run, named ``MACHINE`` or ``MACHINE-RUN``.
    """
    rows = [HEAD, ("---",) * len(HEAD), *_rows(results)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(results: Path) -> Iterator[tuple[str, ...]]:
    for name in MACHINES:
        for folder in sorted(results.glob(f"{name}*")):
            if (folder / "junit.xml").exists():
                versions = _versions(folder / "versions")
                ends = count(folder / "junit.xml")
                told = (str(ends[end]) for end in ("passed", "failed", "skipped"))
                run = folder.name.removeprefix(name).removeprefix("-") or "some"
                yield name, *(versions.get(part, "-") for part in PARTS), run, *told


def _versions(file: Path) -> dict[str, str]:
    """Return the first number of each part, as "4.3.1" of "podman: 4.3.1+ds1-8"."""
    pairs = (line.split(": ", 1) for line in file.read_text().splitlines() if ": " in line)
    return {part: version.split("+")[0].split("-")[0] for part, version in pairs}


def count(junit: Path) -> Counter[str]:
    """Return how many tests ended how; one that must fail and does so counts as passed.

    pytest writes an expected failure as a skip of the type "pytest.xfail".
    """
    ends: Counter[str] = Counter()
    for case in ET.parse(junit).getroot().iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            ends["failed"] += 1
        elif skip is not None and skip.get("type") != "pytest.xfail":
            ends["skipped"] += 1
        else:
            ends["passed"] += 1
    return ends
