"""Find and run CPython's own tests of processes, signals and multiprocessing."""

import functools
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.other_suites.suites import Missing, Suite, run_quietly

_PROBE = "import importlib.util as u, sys; sys.exit(u.find_spec('test.{}') is None)"


@functools.cache
def interpreter(module: str) -> str:
    """Return a Python that has the standard library's tests, ``module`` among them.

    Raises:
        Missing: none of this machine's has.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = Path(sys.base_prefix) / "bin" / version
    for candidate in (own, Path("/usr/bin/python3")):
        if candidate.exists() and _has_test(str(candidate), module):
            return str(candidate)
    raise Missing(f"no Python here has test.{module} (Debian: lib{version}-testsuite)")


def _has_test(python: str, module: str) -> bool:
    probe = [python, "-c", _PROBE.format(module)]
    return subprocess.run(probe, capture_output=True, check=False, cwd="/").returncode == 0


@dataclass
class CPython(Suite):
    """Be one of the standard library's test files, as a whole or the tests that fit patterns."""

    name: str
    patterns: tuple[str, ...] = ()

    def run(
        self, prefix: Sequence[str], folder: Path, only: Iterable[str] | None = None
    ) -> dict[str, str]:
        report = folder / "report.xml"
        command = [interpreter(self.name), "-m", "test", "--junit-xml", str(report)]
        command += ["--tempdir", str(folder), self.name]
        for pattern in self.patterns if only is None else only:
            command += ["-m", pattern]
        status, said = run_quietly(prefix, command, folder)
        if not report.exists():
            if not prefix:
                raise Missing(f"{self.name} gives no report, without forktrace: {said[-300:]}")
            return {self.name: f"no report, status {status}: {said[-300:]}"}
        return dict(_outcome(case) for case in ElementTree.parse(report).iter("testcase"))


def _outcome(case: ElementTree.Element) -> tuple[str, str]:
    """Return a test's name and whether it passed, was skipped (and why) or failed."""
    problems = [child for child in case if child.tag in ("failure", "error", "skipped")]
    if not problems:
        return case.attrib["name"], "passed"
    first = problems[0]
    detail = f" ({(first.text or '').strip()})" if first.tag == "skipped" else ""
    return case.attrib["name"], first.tag + detail


PROCESSES_IN_TEST_OS = ("*Spawn*", "*Pid*", "*Exec*", "*Fork*", "*Kill*", "*Program*", "*Posix*")
SUITES = (
    CPython("test_subprocess"),
    CPython("test_os", PROCESSES_IN_TEST_OS),
    CPython("test_signal"),
    CPython("test_posix"),
    CPython("test_fork1"),
    CPython("test_wait3"),
    CPython("test_wait4"),
    CPython("test_popen"),
    CPython("test_pty"),
    CPython("test_multiprocessing_fork"),
    CPython("test_multiprocessing_spawn"),
)
