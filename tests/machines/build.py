"""Build the disk of a machine by debootstrap, once; it is cached outside of the repository."""

import fcntl
import os
import platform
import shutil
import subprocess
from pathlib import Path

from tests.machines.specs import Spec
from tests.mirror import apt_mirror

NEEDED = {"debootstrap": "debootstrap", "mkfs.ext4": "e2fsprogs", "unshare": "util-linux"}
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BUILD_SECONDS = 3600  # debootstrap for another architecture takes 600, and on a busy machine 2000
DISK = "6G"  # sparse
LINES = 30  # how many of the last lines are shown of what failed

LABEL = "forktrace"  # of the second disk
WORK = "/forktrace"  # where it is mounted

# The unit runs what the second disk says, and the machine goes off whatever becomes of it.
FILES = {
    "etc/hostname": "debian\n",
    "etc/hosts": "127.0.0.1 localhost debian\n",
    "etc/fstab": f"LABEL={LABEL} {WORK} ext4 defaults 0 0\n",
    "etc/systemd/system/forktrace-work.service": f"""[Unit]
Description=Run what the second disk says
RequiresMountsFor={WORK}
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=oneshot
ExecStart=/bin/sh {WORK}/run
StandardOutput=journal+console
StandardError=journal+console
Environment=HOME=/root LANG=C.UTF-8
UnsetEnvironment=INVOCATION_ID

[Install]
WantedBy=graphical.target
""",
    "usr/local/bin/forktrace": '#!/bin/sh\nexec /usr/bin/python3 -m forktrace "$@"\n',
}
# The unit is wanted by a target that comes after multi-user.target, which thus waits for no test.
LINKS = {
    "etc/systemd/system/default.target": "/lib/systemd/system/graphical.target",
    "etc/systemd/system/graphical.target.wants/forktrace-work.service": (
        "/etc/systemd/system/forktrace-work.service"
    ),
    # The console shows what the tests say, and no login prompt.
    "etc/systemd/system/serial-getty@ttyS0.service": "/dev/null",
    "etc/systemd/system/serial-getty@ttyAMA0.service": "/dev/null",
    "etc/systemd/system/getty@tty1.service": "/dev/null",
    # Tests run daemons of their own.
    "etc/systemd/system/docker.service": "/dev/null",
    "etc/systemd/system/docker.socket": "/dev/null",
    "etc/systemd/system/containerd.service": "/dev/null",
}


class MachineError(Exception):
    """Say why there is no machine, or no result of it."""


def cache() -> Path:
    """Return the folder that images, wheels and results are kept in."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "forktrace" / "machines"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def build(spec: Spec) -> Path:
    """Return the folder with a machine's disk, kernel and initrd; build it if it is not cached.

    Raises:
        MachineError: a program is missing, or debootstrap failed or took too long.
    """
    folder = cache() / spec.key
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _check(spec)
            _build(spec, folder)
    return folder


def _check(spec: Spec) -> None:
    lacking = [p for name, p in NEEDED.items() if shutil.which(name, path=PATH) is None]
    if lacking:
        raise MachineError(f"install {', '.join(lacking)}: a machine is built with them")
    if os.geteuid() != 0:
        raise MachineError("debootstrap needs root: build the machine as root")
    handler = Path(f"/proc/sys/fs/binfmt_misc/qemu-{spec.machine}")
    if spec.machine != platform.machine() and not handler.exists():
        raise MachineError(
            f"programs for {spec.machine} don't run here: install qemu-user-static, then "
            "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc and "
            f"update-binfmts --enable qemu-{spec.machine}"
        )


def _build(spec: Spec, folder: Path) -> None:
    partial = Path(f"{folder}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    root = partial / "root"
    bootstrap(spec, root, Path(f"{folder}.log"))
    _configure(spec, root)
    for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        (found,) = (root / "boot").glob(pattern)
        shutil.copy(found, partial / name)
    make_disk(root, partial / "disk.img", DISK)
    shutil.rmtree(root)
    partial.rename(folder)


def bootstrap(spec: Spec, root: Path, log: Path) -> None:
    """Fill a folder with a Debian, by debootstrap.

    Raises:
        MachineError: it failed or took too long; with the last lines of its log.
    """
    # In namespaces of its own, no process and no mount of it is left when it is killed.
    alone = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
    options = (
        "--variant=minbase", f"--arch={spec.arch}", f"--include={','.join(spec.packages)}",
    )  # fmt: skip
    command = (*alone, "debootstrap", *options, spec.suite, str(root), _mirror())
    # What initramfs-tools needs not make: an initrd with every driver there is.
    with log.open("wb") as out:
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True,
                timeout=BUILD_SECONDS, env={"PATH": PATH, "LANG": "C.UTF-8"},
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise MachineError(f"debootstrap failed: {error}\n{last_lines(log)}") from None


def _mirror() -> str:
    found = apt_mirror()
    if found is None:
        raise MachineError("no package source is named in /etc/apt")
    return found


def _configure(spec: Spec, root: Path) -> None:
    paths = f"{WORK}/project\n{WORK}/site\n"  # for every Python process, also one with -I
    site = f"usr/local/lib/python{spec.python}/dist-packages/forktrace.pth"
    for name, text in {**FILES, site: paths}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "usr/local/bin/forktrace").chmod(0o755)
    for name, target in LINKS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)
    (root / WORK.lstrip("/")).mkdir()
    # debootstrap copies it from the computer that it runs on.
    (root / "etc/resolv.conf").unlink(missing_ok=True)


def make_disk(folder: Path, disk: Path, size: str, label: str = "root") -> None:
    """Make a disk image that holds a folder.

    Args:
        folder: what the file system is filled with.
        disk: the image.
        size: as mkfs takes it; the file is sparse.
        label: the name of the file system.

    Raises:
        MachineError: mkfs said no.
    """
    command = ("mkfs.ext4", "-q", "-L", label, "-d", str(folder), str(disk), size)
    done = subprocess.run(command, env={"PATH": PATH}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"mkfs.ext4 made no disk of {folder}: {done.stderr.strip()}")


def last_lines(log: Path) -> str:
    """Return the last lines of a file of text, "" if there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LINES:])
