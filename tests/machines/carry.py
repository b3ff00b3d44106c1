"""Carry this checkout into a machine, with what it depends on, and bring the results back."""

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.machines.boot import READY
from tests.machines.build import LABEL, PATH, MachineError, cache, make_disk
from tests.machines.specs import Spec

PROJECT = Path(__file__).parents[2]
DISK = "3G"  # sparse
# Every view, each in a format that needs no more than forktrace does.
FORMS = (
    "lanes:{0}.svg", "tree:{0}-tree.svg", "{0}.html", "{0}.txt", "report:{0}.md",
    "story:{0}-story.md", "{0}.json", "{0}.mmd", "sequence:{0}-sequence.mmd", "{0}.graphml",
    "{0}.perfetto.json",
)  # fmt: skip
# Checkers and their types, a browser, and readers of its pictures: what no test imports there.
UNUSED = ("ruff", "mypy", "import-linter", "types-", "playwright", "pillow", "pypdfium2")


def site(spec: Spec) -> Path:
    """Return a folder with all Python packages that the tests need, for the machine's Python.

    They are installed from wheels, by pip, without running anything of the machine's.

    Raises:
        MachineError: pip found no wheel that fits.
    """
    needs = requirements()
    key = hashlib.sha256(repr((needs, spec.python, spec.glibc)).encode()).hexdigest()[:12]
    folder = cache() / f"site-{spec.machine}-{key}"
    if folder.exists():
        return folder
    partial = Path(f"{folder}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    tag = f"cp{spec.python.replace('.', '')}"
    abis = [f"--abi={abi}" for abi in (tag, "abi3", "none")]
    kinds = ["manylinux1", "manylinux2014"]
    kinds += [f"manylinux_2_{minor}" for minor in range(17, spec.glibc + 1)]
    platforms = [f"--platform={kind}_{spec.machine}" for kind in kinds]
    command = (
        sys.executable, "-m", "pip", "install", "--quiet", "--target", str(partial),
        "--only-binary=:all:", "--implementation=cp", f"--python-version={spec.python}",
        *abis, *platforms, *needs,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"pip found no packages for {spec.name}: {done.stderr.strip()}")
    partial.rename(folder)
    return folder


def requirements() -> list[str]:
    """Return what forktrace and its tests depend on, as pyproject.toml names it."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    more = project["optional-dependencies"]
    named = [*project["dependencies"], *more["dev"], *more["dot"]]
    return [need for need in named if not need.startswith(UNUSED)]


def work_disk(spec: Spec, tests: Sequence[str], seconds: float | None) -> Path:
    """Make the disk that carries the work in, and the results out; returns its image.

    Args:
        spec: the machine that it is for.
        tests: the arguments of pytest.
        seconds: how long one test may take, None for three times as long as it waits for a thing.

    Raises:
        MachineError: there is no wheel that fits, or no disk could be made.
    """
    folder = cache() / "work" / spec.name
    shutil.rmtree(folder, ignore_errors=True)
    content = folder / "content"
    (content / "results").mkdir(parents=True)
    for name in _files():
        target = content / "project" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, target, follow_symlinks=False)
    shutil.copytree(site(spec), content / "site", symlinks=True)
    shutil.copy(Path(__file__).with_name("run.sh"), content / "run")
    (content / "ready").write_text(f"{READY}\n")
    (content / "patience").write_text(f"{spec.patience}\n")
    (content / "commit").write_text(_commit())
    (content / "arguments").write_text(
        "\n".join((f"--timeout={seconds or 3 * spec.patience:.0f}", *tests)) + "\n"
    )
    disk = folder / "work.img"
    make_disk(content, disk, DISK, LABEL)
    shutil.rmtree(content)
    return disk


def _commit() -> str:
    """Return the name of the checkout's commit, with "-dirty" where files were changed since."""
    command = ("git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--exclude=*")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _files() -> list[str]:
    """Return the names of the checkout's files, also of those not yet committed."""
    command = ("git", "-C", str(PROJECT), "ls-files", "-z", "-c", "-o", "--exclude-standard")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = sorted(set(done.stdout.split("\0")) - {""})
    return [name for name in names if (PROJECT / name).is_file()]


def bring_back(disk: Path, folder: Path) -> None:
    """Copy the results from the work disk into a folder, which is emptied first.

    Raises:
        MachineError: the disk could not be read.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # As a machine that was ended by force leaves its journal, that is played first.
    subprocess.run(
        ("e2fsck", "-fy", str(disk)), env={"PATH": PATH}, capture_output=True, check=False
    )
    command = ("debugfs", "-R", f'rdump results "{folder}"', str(disk))
    done = subprocess.run(command, env={"PATH": PATH}, capture_output=True, text=True, check=False)
    found = folder / "results"
    if not found.is_dir():
        raise MachineError(f"the work disk {disk} can't be read: {done.stderr.strip()}")
    for each in found.iterdir():
        each.rename(folder / each.name)
    found.rmdir()


def draw(results: Path) -> list[str]:
    """Draw the traces that were brought back, in every format; returns what could not be drawn."""
    pictures = results / "pictures"
    pictures.mkdir(exist_ok=True)
    troubles = []
    for trace in sorted((results / "traces").glob("*.jsonl")):
        outputs = [word for form in FORMS for word in ("-o", form.format(pictures / trace.stem))]
        command = (sys.executable, "-m", "forktrace", "render", str(trace), *outputs)
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
        if done.returncode:
            troubles.append(f"{trace.name}: {done.stderr.strip()}")
    return troubles
