"""List the workloads whose record by forktrace is compared with the kernel's."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
IMAGE = f"forktrace-ground-truth-{os.getpid()}"
_C_FILES = 12


class Missing(Exception):
    """The machine lacks what a workload needs; the message says what."""


@dataclass(frozen=True)
class Workload:
    """Be a kind of run.

    ``command`` makes what the run needs in a folder, and returns the command line; it is given
    the folder and the size, 1 for the short run. ``long`` is the size for the long run. ``needs``
    names programs. ``least`` is the number of events below which a run has not done its work.
    """

    name: str
    needs: tuple[str, ...]
    command: Callable[[Path, int], list[str]]
    least: int
    long: int

    def prepare(self, folder: Path, size: int) -> list[str]:
        """Return the command line. Raises Missing."""
        lacking = [name for name in self.needs if shutil.which(name) is None]
        if lacking:
            raise Missing(f"{self.name} needs {', '.join(lacking)}")
        return self.command(folder, size)


def _shell(folder: Path, size: int) -> list[str]:
    """Return a script of 2,000 commands (200 in the short run): programs, subshells, pipes."""
    lines = ["set -e"]
    for i in range(50 * size):
        lines += ["/bin/true", f"( : $(echo {i}) )", "echo a | cat >/dev/null", "/bin/true & wait"]
    script = folder / "script"
    script.write_text("\n".join(lines))
    return ["sh", str(script)]


def _make(folder: Path, size: int) -> list[str]:
    """Return a parallel build, four files at a time, of copies of the programs that lie here."""
    names = []
    for i in range(_C_FILES * size):
        source = ("storm", "killed")[i % 2]
        shutil.copy(PROGRAMS / f"{source}.c", folder / f"{source}{i}.c")
        names.append(f"{source}{i}")
    rules = (
        f"all: {' '.join(names)}\n%: %.o\n\t$(CC) -pthread -o $@ $<\n%.o: %.c\n\t$(CC) -O1 -c $<"
    )
    (folder / "Makefile").write_text(rules + "\n")
    return ["make", "-s", "-j4", "-C", str(folder)]


def _program(name: str, rounds: int) -> Callable[[Path, int], list[str]]:
    def command(folder: Path, size: int) -> list[str]:
        binary = folder / name
        source = PROGRAMS / f"{name}.c"
        subprocess.run(["cc", "-O1", "-pthread", "-o", binary, source], check=True)
        return [str(binary), str(rounds * size)]

    return command


def _go(folder: Path, size: int) -> list[str]:
    binary = folder / "spawn"
    environment = {**os.environ, "GOCACHE": str(folder / "cache"), "GOFLAGS": "-mod=mod"}
    source = PROGRAMS / "spawn.go"
    subprocess.run(["go", "build", "-o", binary, source], check=True, env=environment)
    return [str(binary), str(100 * size)]


def _stress(stressor: str, operations: int, *more: str) -> Callable[[Path, int], list[str]]:
    """Return a stressor of stress-ng, as an ordinary user: some refuse to run for root."""

    def command(folder: Path, size: int) -> list[str]:
        folder.chmod(0o755)
        scratch = folder / "scratch"
        scratch.mkdir()
        scratch.chmod(0o777)
        bound = ["--" + stressor, "2", f"--{stressor}-ops", str(operations * size), *more]
        options = ["--temp-path", str(scratch), "--timeout", "300", "-q"]
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        return [*user, "stress-ng", *options, *bound]

    return command


_STRESS = ("stress-ng", "setpriv")
_PODMAN = ("podman", "conmon", "runc", "busybox")
_NETAVARK = "/usr/lib/podman/netavark"
_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")


def _podman(*options: str, payload: str) -> Callable[[Path, int], list[str]]:
    """Return so many launches, one after the other, by a shell."""

    def command(_folder: Path, size: int) -> list[str]:
        words = ["podman", "--runtime", "runc", "run", "--rm", *options, *_LIMITS, IMAGE]
        launch = shlex.join([*words, "sh", "-c", payload])
        return ["sh", "-ec", "\n".join([launch] * size)]

    return command


WORKLOADS = (
    Workload("shell", ("sh",), _shell, 700, 10),
    Workload("make", ("make", "cc"), _make, 150, 8),
    Workload("threads", ("cc",), _program("storm", 40), 1500, 25),
    # How far a parent comes until it is killed depends on the machine's speed: at the least, each
    # of the 20 is created and ends, and so does the program itself.
    Workload("killed", ("cc",), _program("killed", 20), 42, 30),
    Workload("go", ("go",), _go, 1500, 10),
    Workload("fork", _STRESS, _stress("fork", 500), 1000, 24),
    Workload("vfork", _STRESS, _stress("vfork", 500), 1000, 24),
    Workload("clone", _STRESS, _stress("clone", 150), 200, 40),
    Workload("exec", _STRESS, _stress("exec", 20, "--exec-max", "100"), 300, 150),
    Workload("zombie", _STRESS, _stress("zombie", 500, "--zombie-max", "200"), 1000, 24),
    Workload("daemon", _STRESS, _stress("daemon", 300), 500, 24),
    Workload("session", _STRESS, _stress("session", 300), 1000, 24),
    Workload("podman", _PODMAN, _podman("--network=host", payload="echo hi"), 80, 5),
    Workload("podman-d", _PODMAN, _podman("-d", "--network=none", payload="sleep 0.2"), 80, 5),
    # netavark 1.14 executes nft a few times, earlier ones iptables some thirty times.
    Workload("podman-net", (*_PODMAN, _NETAVARK, "iptables"), _podman(payload="ip addr"), 120, 5),
)


def make_image(folder: Path) -> None:
    """Import an image of one static busybox, under a name of this process' own. Raises Missing."""
    lacking = [name for name in _PODMAN if shutil.which(name) is None]
    if lacking:
        raise Missing(f"podman's launches need {', '.join(lacking)}")
    programs = folder / "image" / "bin"
    programs.mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "busybox", programs / "busybox")
    for name in ("sh", "echo", "sleep", "ip"):
        (programs / name).symlink_to("busybox")
    packed = subprocess.run(
        ["tar", "-C", str(programs.parent), "-c", "."], check=True, capture_output=True
    )
    subprocess.run(
        ["podman", "import", "-", IMAGE], input=packed.stdout, check=True, capture_output=True
    )


def remove_image() -> None:
    """Remove the image, and containers of it that a failure may have left."""
    subprocess.run(["podman", "rmi", "-f", IMAGE], check=False, capture_output=True)
