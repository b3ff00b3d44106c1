"""The machines that tests run in: what Debian, which processor, and which packages."""

import hashlib
from dataclasses import dataclass

# What the tests use beside the engines; no recommended package comes along.
BASE = (
    "systemd", "systemd-sysv", "udev", "dbus", "dbus-user-session", "libpam-systemd",
    "procps", "iproute2", "strace", "busybox-static", "python3", "gcc", "libc6-dev",
    "graphviz",
)  # fmt: skip
ENGINES = (
    "podman", "crun", "runc", "conmon", "catatonit", "netavark", "aardvark-dns", "iptables",
    "uidmap", "slirp4netns", "fuse-overlayfs",
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """Be one machine.

    Args:
        name: what the developer calls it.
        suite: Debian's name of the release.
        arch: Debian's name of the architecture; ``machine`` is the kernel's.
        machine: as ``uname -m`` prints it.
        python: the version of its own Python, as "3.11".
        glibc: the minor version of its glibc 2, which says which wheels fit.
        qemu: the emulator, and what makes it such a machine.
        console: the serial port that the kernel calls its console.
        kernel: the package of the kernel.
        more: the packages that only this machine has.
        patience: how many seconds a test waits there for what takes a second elsewhere: emulated,
            all is some ten times slower, and a system call that stops for a tracer still more.
    """

    name: str
    suite: str
    arch: str
    machine: str
    python: str
    glibc: int
    qemu: tuple[str, ...]
    console: str
    kernel: str
    more: tuple[str, ...] = ()
    patience: int = 300

    @property
    def packages(self) -> tuple[str, ...]:
        """Return the names of all packages that it is built with."""
        return (*BASE, *ENGINES, *self.more, self.kernel)

    @property
    def key(self) -> str:
        """Return a text that differs when an image built before is of no use."""
        told = repr((self.suite, self.arch, self.packages))
        return f"{self.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


# gdb needs a virtual package, for which debootstrap finds no real one by itself.
GDB_12 = ("gdb", "libboost-regex1.74.0")
GDB_13 = ("gdb", "libboost-regex1.83.0")
# What the kernel's record is compared on, and CPython's own tests.
LOAD_12 = ("make", "stress-ng", "libpython3.11-testsuite")
LOAD_13 = ("make", "stress-ng", "libpython3.13-testsuite")
# The engines that are not podman are run in one machine, newer than the development machine's.
OTHERS = ("docker.io", "docker-cli", "containerd", "buildah", "bubblewrap", "systemd-container")
# A processor without AVX: emulated, the C library's functions for AVX2 cost a sixth of all time.
X86_64 = ("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "Nehalem")
AARCH64 = ("qemu-system-aarch64", "-M", "virt", "-accel", "tcg,thread=multi", "-cpu", "cortex-a72")

MACHINES = {
    spec.name: spec
    for spec in (
        Spec(
            "debian12-x86_64", "bookworm", "amd64", "x86_64", "3.11", 36,
            X86_64, "ttyS0", "linux-image-cloud-amd64", (*GDB_12, *LOAD_12),
        ),
        Spec(
            "debian13-x86_64", "trixie", "amd64", "x86_64", "3.13", 41,
            X86_64, "ttyS0", "linux-image-cloud-amd64",
            ("passt", "nftables", *GDB_13, *LOAD_13, *OTHERS),
        ),
        Spec(
            "debian12-aarch64", "bookworm", "arm64", "aarch64", "3.11", 36,
            AARCH64, "ttyAMA0", "linux-image-cloud-arm64", (*GDB_12, *LOAD_12), patience=900,
        ),
    )
}  # fmt: skip
