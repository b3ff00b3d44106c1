"""Get bash's own tests of job control, traps and coprocesses, and run them with this bash.

They are not copied into this project; Debian's source package has them, or any unpacked source of
bash. What a script prints, process numbers left out, is its outcome.
"""

import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.other_suites.suites import Missing, Suite, run_quietly

_SCRIPTS = re.compile(r"(jobs|trap|coproc|procsub|exec|lastpipe)\d*\.(tests|sub)|execscript")
_HELPERS = ("recho", "zecho", "printenv", "xcase")
_NUMBER = re.compile(r"\b\d{3,}\b")
_APT = Path("/etc/apt")


class Bash(Suite):
    """Be the scripts among bash's tests that are about processes.

    Args:
        source: an unpacked source of bash, None to get it as Debian's source package.
        scratch: where to put that.
    """

    name = "bash"

    def __init__(self, source: Path | None, scratch: Path) -> None:
        self._given = source
        self._scratch = scratch
        self._source: Path | None = None

    def run(
        self, prefix: Sequence[str], folder: Path, only: Iterable[str] | None = None
    ) -> dict[str, str]:
        source = self._source = self._source or self._given or _download(self._scratch)
        tests = folder / "tests"
        shutil.copytree(source / "tests", tests)
        _build_helpers(source, tests)
        names = sorted(p.name for p in tests.iterdir() if _SCRIPTS.fullmatch(p.name))
        chosen = names if only is None else [n for n in names if n in set(only)]
        return {name: _outcome(prefix, tests, name) for name in chosen}


def _outcome(prefix: Sequence[str], tests: Path, name: str) -> str:
    """Run a script as bash's run-all does, and return its status and what it printed."""
    bash = shutil.which("bash") or "bash"
    environment = {
        "THIS_SH": bash, "PATH": f".:{tests}:/usr/bin:/bin:/usr/sbin:/sbin", "TMPDIR": str(tests)
    }  # fmt: skip
    status, said = run_quietly(prefix, [bash, f"./{name}"], tests, **environment)
    return f"status {status}\n" + _NUMBER.sub("N", said)


def _build_helpers(source: Path, into: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("bash's tests need a C compiler (cc)")
    for name in _HELPERS:
        subprocess.run(
            [compiler, "-w", "-DHAVE_STRING_H", "-DHAVE_UNISTD_H", "-DHAVE_STDLIB_H",
             f"-I{source}", f"-I{source}/include",
             "-o", str(into / name), str(source / "support" / f"{name}.c")],
            check=False, capture_output=True,
        )  # fmt: skip


def _download(scratch: Path) -> Path:
    """Get the source package by apt, with lists of its own. Raises Missing."""
    lists, folder = scratch / "apt" / "lists", scratch / "source"
    (lists / "partial").mkdir(parents=True)
    folder.mkdir()
    _source_lists(scratch / "apt")
    apt = scratch / "apt"
    settings = {
        "Etc::sourcelist": "/dev/null", "Etc::sourceparts": apt, "State::lists": lists, "Cache": apt
    }  # fmt: skip
    options = ["-qq", *(f"-oDir::{name}={value}" for name, value in settings.items())]
    for words in (["update"], ["--download-only", "source", "bash"]):
        done = subprocess.run(
            ["apt-get", *options, *words], cwd=folder, capture_output=True, check=False
        )
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()[-200:]
            raise Missing(
                f"the source of bash can't be had by apt-get; name it by --bash ({reason})"
            )
    (archive,) = folder.glob("bash_*.orig.tar.*")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (found,) = (path.parent for path in folder.glob("*/tests/jobs.tests"))
    return found.parent


def _source_lists(folder: Path) -> None:
    """Ask the machine's own places for sources too."""
    if shutil.which("apt-get") is None:
        raise Missing("the source of bash is to be had by apt-get, or named by --bash")
    for path in (_APT / "sources.list", *(_APT / "sources.list.d").glob("*")):
        if path.suffix in (".list", ".sources") and path.is_file():
            text = path.read_text()
            text = re.sub(r"^Types: deb$", "Types: deb-src", text, flags=re.MULTILINE)
            text = re.sub(r"^deb ", "deb-src ", text, flags=re.MULTILINE)
            (folder / path.name).write_text(text)
