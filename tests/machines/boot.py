"""Boot a machine in qemu, without KVM and without a network, and wait for it to go off."""

import shutil
import subprocess
import time
from pathlib import Path

from tests.machines.build import PATH, MachineError, last_lines
from tests.machines.specs import Spec

MEMORY = "3072"  # MiB
PROCESSORS = "2"
STOP_SECONDS = 20
# The work disk says when the tests begin, so that a boot that hangs ends long before a test does.
READY = "forktrace: the machine is up"
BOOT_SECONDS = 600
# Else a processor that stood still for a moment, as emulated ones do, makes the kernel distrust
# the cycle counter and ask a timer that is slow to emulate for the time, again and again.
CLOCK = {"x86_64": " tsc=reliable", "aarch64": ""}


def check_emulator(spec: Spec) -> None:
    """Raise MachineError if the emulator of a machine is not installed."""
    if shutil.which(spec.qemu[0], path=PATH) is None:
        package = {"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm"}[spec.machine]
        raise MachineError(f"{spec.qemu[0]} is not installed: install {package}")


def boot(spec: Spec, image: Path, work: Path, console: Path, seconds: float) -> float:
    """Run a machine until it goes off by itself; returns the seconds that its boot took.

    Nothing that it writes to its own disk is kept; what it writes to the work disk is.

    Args:
        spec: which machine.
        image: the folder with its disk, kernel and initrd.
        work: the image of the second disk, whose ``run`` the machine executes.
        console: the file for what its serial console shows.
        seconds: after how many it is ended by force.

    Raises:
        MachineError: it hung, or it failed; with the console's last lines.
    """
    with console.open("wb") as out:
        qemu = subprocess.Popen(
            _command(spec, image, work), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True, env={"PATH": PATH},
        )  # fmt: skip
        try:
            return _watch(qemu, console, seconds)
        finally:
            _stop(qemu)


def _command(spec: Spec, image: Path, work: Path) -> tuple[str, ...]:
    def disk(file: Path, more: str = "") -> tuple[str, str]:
        name = str(file).replace(",", ",,")
        return "-drive", f"file={name},format=raw,if=virtio,cache=unsafe{more}"

    return (
        "setpriv", "--pdeathsig", "KILL", "--",  # it ends with us, however we end
        *spec.qemu, "-m", MEMORY, "-smp", PROCESSORS, "-nographic", "-no-reboot", "-nic", "none",
        "-kernel", str(image / "kernel"), "-initrd", str(image / "initrd"),
        "-append",
        f"root=/dev/vda rw console={spec.console} quiet panic=-1 mitigations=off"
        + CLOCK[spec.machine],
        *disk(image / "disk.img", ",snapshot=on"), *disk(work),
    )  # fmt: skip


def _watch(qemu: "subprocess.Popen[bytes]", console: Path, seconds: float) -> float:
    """Wait for the machine's boot, and for its end; returns how long the boot took."""
    start = time.monotonic()
    booted = 0.0
    while qemu.poll() is None:
        passed = time.monotonic() - start
        if not booted and READY in console.read_text(errors="replace"):
            booted = passed
        limit = seconds if booted else min(seconds, BOOT_SECONDS)
        if passed > limit:
            doing = "boot" if not booted else "end"
            raise MachineError(
                f"the machine did not {doing} within {limit:.0f} s; its console's last lines:\n"
                f"{last_lines(console)}"
            )
        time.sleep(0.5)
    if qemu.returncode or not booted:
        raise MachineError(
            f"the machine went off with {qemu.returncode} and ran nothing; its console's last "
            f"lines:\n{last_lines(console)}"
        )
    return booted


def _stop(qemu: "subprocess.Popen[bytes]") -> None:
    if qemu.poll() is None:
        qemu.terminate()
        try:
            qemu.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            qemu.kill()
            qemu.wait()
