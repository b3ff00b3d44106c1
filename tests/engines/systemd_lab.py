"""Boot a small Debian with systemd as PID 1, in which forktrace and podman are installed.

The root file system is built once by debootstrap and cached outside of the repository. A machine
is systemd-nspawn on an overlay of it, in cgroups of its own: nothing that happens in it is kept,
and nothing of it is left when it has been stopped.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.engines.cgroups import new_cgroups
from tests.integration.harness import PATIENCE, PROJECT
from tests.mirror import apt_mirror

SUITE = "bookworm"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "procps", "python3", "busybox-static",
    "podman", "conmon", "runc", "crun", "netavark",
)  # fmt: skip
NEEDED = ("debootstrap", "systemd-nspawn", "nsenter", "setpriv", "unshare")
PYTHON = (3, 11)  # the suite's own, for which the environment's compiled modules must be

BUILD_SECONDS, BOOT_SECONDS, STOP_SECONDS = 240, 60, 15
CONSOLE_LINES = 30
SHARED = "/root/traces"  # in the machine, what is folder/traces outside
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "SYSTEMD_BUS_TIMEOUT": str(PATIENCE),  # a systemd that is traced may be slow to answer
}
WRAPPER = """#!/bin/sh
PYTHONPATH=/opt/forktrace:/opt/python exec /usr/bin/python3 -m forktrace "$@"
"""
# nspawn leaves the controllers read-only, to which a runtime writes; an image without a registry.
PREPARE = f"""
for folder in /sys/fs/cgroup/*; do
    case $folder in */systemd | */unified) ;; *)
        mountpoint -q "$folder" && mount -o remount,rw,bind "$folder" ;;
    esac
done
mkdir -p /run/image/bin {SHARED} && cp /usr/bin/busybox /run/image/bin/
for name in sh date sleep echo true cat kill; do ln -sf busybox /run/image/bin/$name; done
tar -C /run/image -c . | podman import - alpine
"""


class LabError(Exception):
    """Say why there is no machine, with the last lines of what was printed."""


def build() -> Path:
    """Return the folder of the machine's root file system; build it if it is not cached.

    Raises:
        LabError: debootstrap failed, or took too long.
    """
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    key = hashlib.sha256(repr((SUITE, PACKAGES)).encode()).hexdigest()[:12]
    root = Path(base) / "forktrace" / f"systemd-{SUITE}-{key}"
    root.parent.mkdir(parents=True, exist_ok=True)
    with Path(f"{root}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _bootstrap(root)
    return root


def _bootstrap(root: Path) -> None:
    partial = Path(f"{root}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    include = f"--include={','.join(PACKAGES)}"
    # In namespaces of its own, no process and no mount of it is left when it is killed.
    alone = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    command = ("debootstrap", "--variant=minbase", include, SUITE, str(partial), _mirror())
    log = Path(f"{root}.log")
    with log.open("wb") as out:
        try:
            subprocess.run(
                [*alone, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                timeout=BUILD_SECONDS, check=True, env=os.environ | ENVIRONMENT,
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise LabError(f"{error}\n{_last_lines(log)}") from None
    # debootstrap copies both from the machine that it runs on.
    (partial / "etc/hostname").write_text("debian\n")
    (partial / "etc/resolv.conf").unlink(missing_ok=True)
    partial.rename(root)


def _mirror() -> str:
    found = apt_mirror()
    if found is None:
        raise LabError("no package source is named in /etc/apt")
    return found


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-CONSOLE_LINES:])


class Machine:
    """Be a running machine.

    ``traces`` is the folder outside for what is written to ``SHARED`` inside.

    Args:
        init: the pid of its systemd, outside.
        traces: that folder.
        console: the file that holds what its console showed.
        cgroups: the cgroup.procs of the machine's own cgroups, that a command enters.
    """

    def __init__(
        self, init: int, traces: Path, console: Path, cgroups: Sequence[Path] = ()
    ) -> None:
        self.traces = traces
        self._init = init
        self._console = console
        self._cgroups = cgroups

    def command(self, *words: str) -> tuple[str, ...]:
        """Return the command line by which root runs a command in the machine."""
        enter = ("nsenter", "-t", str(self._init), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w")
        return (*enter, "--", *words)

    def start(self, *words: str, **more: Any) -> "subprocess.Popen[bytes]":
        """Start a command in the machine."""
        return subprocess.Popen(
            self.command(*words), env=ENVIRONMENT, preexec_fn=self._enter, **more
        )

    def _enter(self) -> None:
        """Enter the machine's cgroups of those controllers that its systemd leaves alone."""
        _enter([file for file in self._cgroups if _is_v1_controller(file.parent)])

    def call(self, *words: str, check: bool = True, given: str | None = None) -> str:
        """Run a command in the machine; returns its standard output, stripped.

        Args:
            words: the command.
            check: raise an error if it fails.
            given: its standard input.

        Raises:
            LabError: it failed or hung; with what it said, and the console's last lines.
        """
        try:
            done = subprocess.run(
                self.command(*words), env=ENVIRONMENT, capture_output=True, text=True,
                timeout=PATIENCE, check=False, input=given or "", preexec_fn=self._enter,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{error}\n{_last_lines(self._console)}") from None
        if check and done.returncode:
            told = f"{words} failed in the machine with {done.returncode}: {done.stderr}"
            raise LabError(f"{told}\n{_last_lines(self._console)}")
        return done.stdout.strip()

    def read(self, path: str) -> str:
        """Return what a file in the machine holds."""
        return self.call("cat", path)

    def write(self, path: str, text: str) -> None:
        """Write a file in the machine."""
        self.call("sh", "-c", 'cat > "$0"', path, given=text)

    def cgroup_of(self, pid: int) -> list[str]:
        """Return the lines of /proc/PID/cgroup of a process in the machine."""
        return self.read(f"/proc/{pid}/cgroup").splitlines()

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Return what ``systemctl show`` tells of a unit."""
        told = self.call("systemctl", "show", "-p", ",".join(properties), unit)
        return dict(line.split("=", 1) for line in told.splitlines())


class Here(Machine):
    """Be this computer itself, where that is a whole machine made for tests.

    Args:
        traces: the folder that ``SHARED`` then is.
    """

    def __init__(self, traces: Path) -> None:
        super().__init__(1, traces, Path(os.devnull))

    def command(self, *words: str) -> tuple[str, ...]:
        return words


def is_whole_machine() -> bool:
    """Say whether this computer was made for tests, by tests/machines, and has its own systemd."""
    return os.environ.get("FORKTRACE_MACHINE") == "1"


@contextmanager
def boot(folder: Path) -> Iterator[Machine]:
    """Run a machine, and stop it at the end, whatever happens.

    Args:
        folder: where its console's log, its traces and its containers' storage go.

    Raises:
        LabError: it was not built, or did not come up; with the last lines of its console.
    """
    if is_whole_machine():
        with _here(folder) as machine:
            yield machine
        return
    root = build()
    for name in ("traces", "containers", "bin"):
        (folder / name).mkdir()
    wrapper = folder / "bin" / "forktrace"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    console = folder / "console"
    with new_cgroups() as files, console.open("wb") as out:
        nspawn = subprocess.Popen(
            _nspawn(root, folder), env=ENVIRONMENT, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            preexec_fn=lambda: _enter(files),
        )  # fmt: skip
        try:
            init = _await_systemd(nspawn, console)
            machine = Machine(init, folder / "traces", console, files)
            machine.call("sh", "-e", given=PREPARE)
            yield machine
        finally:
            _stop(nspawn)


@contextmanager
def _here(folder: Path) -> Iterator[Machine]:
    """Prepare this computer; its containers' storage is its own."""
    traces = folder / "traces"
    traces.mkdir()
    Path(SHARED).symlink_to(traces)
    try:
        machine = Here(traces)
        machine.call("sh", "-e", given=PREPARE)
        yield machine
    finally:
        Path(SHARED).unlink()


def _nspawn(root: Path, folder: Path) -> Sequence[str]:
    def bound(source: Path, target: str) -> str:
        escaped = str(source).replace("\\", "\\\\").replace(":", "\\:")
        return f"{escaped}:{target}"

    return (
        "setpriv", "--pdeathsig", "TERM", "--",  # it ends with the tests, however these end
        "systemd-nspawn", "-q", "-D", str(root), "--volatile=overlay", "--hostname=debian",
        "--register=no", "--keep-unit", "--capability=all",
        "--system-call-filter=@keyring bpf @debug",
        f"--bind={bound(folder / 'containers', '/var/lib/containers')}",
        f"--bind={bound(folder / 'traces', SHARED)}",
        f"--bind-ro={bound(folder / 'bin' / 'forktrace', '/usr/local/bin/forktrace')}",
        f"--bind-ro={bound(PROJECT, '/opt/forktrace')}",
        f"--bind-ro={bound(Path(sysconfig.get_paths()['platlib']), '/opt/python')}",
        "-b",
    )  # fmt: skip


def _await_systemd(nspawn: "subprocess.Popen[bytes]", console: Path) -> int:
    """Return the pid of the machine's systemd when it has started what it had to."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline and nspawn.poll() is None:
        for init in _children(nspawn.pid):
            state = Machine(init, console, console).call(
                "timeout", "10", "systemctl", "is-system-running", check=False
            )
            if state in ("running", "degraded"):
                return init
        time.sleep(0.2)
    raise LabError(f"systemd did not come up in the machine\n{_last_lines(console)}")


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _stop(nspawn: "subprocess.Popen[bytes]") -> None:
    """End a machine: by its own shutdown, else by force."""
    nspawn.terminate()
    try:
        nspawn.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for init in _children(nspawn.pid):
            os.kill(init, signal.SIGKILL)
        nspawn.kill()
        nspawn.wait()


def _is_v1_controller(cgroup: Path) -> bool:
    """Say whether a cgroup is in a v1 hierarchy that has controllers (systemd has one without)."""
    return (cgroup / "tasks").exists() and "systemd" not in cgroup.parts


def _enter(files: Sequence[Path]) -> None:
    for file in files:
        file.write_text("0")


def why_not() -> str | None:
    """Return what this computer lacks for a machine, None if it lacks nothing."""
    if is_whole_machine():
        return None
    missing = [name for name in NEEDED if shutil.which(name, path=ENVIRONMENT["PATH"]) is None]
    if os.geteuid() != 0:
        return "a machine is booted by root"
    if missing:
        return f"{', '.join(missing)} is not installed"
    if sys.version_info[:2] != PYTHON:
        return "the machine's Python is 3.11, and so must be the one that runs the tests"
    return None
