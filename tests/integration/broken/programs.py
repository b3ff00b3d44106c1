"""Rules of what is executed, by which architecture, and of what may not be read."""

from typing import Any

from forktrace.capture import arch, calls, gateway, image, nested, proc
from forktrace.capture.call_reader import Entered, Reader
from forktrace.capture.gateway import Tracee
from forktrace.capture.nested import Nested
from forktrace.capture.proc import Snapshot
from forktrace.capture.stack import ExecArguments
from tests.integration.broken.registry import replace, rule


@rule("path-as-given")
def _path_of_exe() -> None:
    """The file name is taken from /proc/PID/exe, the arguments from /proc/PID/cmdline."""

    def arguments(_tracee: Tracee, pid: int) -> ExecArguments:
        return ExecArguments(proc.read_link(pid, "exe"), proc.read_cmdline(pid), [])

    replace(image, "read_exec_arguments", arguments)


@rule("arch-of-the-call")
def _arch_of_the_process() -> None:
    """The system call table is that of the process, not of the call (int 0x80)."""
    replace(Tracee, "_audit_arch", lambda self, pid, layout: layout.audit)


@rule("layout-of-the-process")
def _one_layout() -> None:
    """Registers and pointers count as 64-bit ones."""
    replace(gateway, "LAYOUTS", dict.fromkeys(arch.LAYOUTS, arch.LAYOUTS[216]))
    replace(gateway, "ABIS", {})


@rule("denied-is-a-fact")
def _fail_on_denied() -> None:
    """What may not be read of a process ends the tracing."""

    def fail(self: Snapshot, what: str, error: OSError) -> None:
        raise error

    replace(Snapshot, "fail", fail)


@rule("ask-which-end-of-the-call")
def _count_calls() -> None:
    """Every second stop at a system call counts as its end."""
    real = Tracee.call_stop
    inside: dict[int, bool] = {}

    def stop(self: Any, pid: int, names: frozenset[str], entered: bool) -> Any:
        inside[pid] = not inside.get(pid, False)
        return real(self, pid, names, entered) if entered != inside[pid] else None

    replace(Tracee, "call_stop", stop)


@rule("leave-what-asks-to-be-traced")
def _keep_all() -> None:
    """A child of another tracer is kept when it asks to be traced by that."""
    replace(Nested, "begin", lambda self, tid: None)


@rule("read-no-served-program")
def _read_any_program() -> None:
    """A program is read also where a tracee serves its file system, and waits for us."""
    replace(nested, "served_by_a_process", lambda *_: False)


@rule("read-memory-after-the-kernel")
def _read_memory_first() -> None:
    """What a call is given is read at its entry, be it in memory yet or not."""
    real = calls.enter

    def enter(
        tracee: Tracee, tid: int, name: str, values: tuple[int, ...], word: int
    ) -> Entered | None:
        if name == "write":
            Reader(tracee, tid, values, word).memory(values[1], min(values[2], 20))
        return real(tracee, tid, name, values, word)

    replace(calls, "enter", enter)
