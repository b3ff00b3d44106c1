"""Check beforehand what tracing needs here: one small function a check, each a plain result.

A check looks and changes nothing. Sources are named at each.
"""

import ctypes
import os
import platform
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from msgspec import Struct

from forktrace.capture.denied import find_cause, yama_denial
from forktrace.capture.privileges import has_sys_ptrace, status_field, tracer_pid, yama_scope
from forktrace.errors import LaunchError
from forktrace.trace import store

Status = Literal["ok", "info", "warn", "fail", "unknown"]

_OLDEST_KERNEL = (5, 3)  # PTRACE_GET_SYSCALL_INFO
_INITIAL_CGROUP_NS = 0xEFFFFFFB  # <linux/proc_ns.h>, PROC_CGROUP_INIT_INO
_ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
_ID_MAPPERS = ("newuidmap", "newgidmap")


class Check(Struct, frozen=True):
    """Be the result of one check.

    ``status``: "ok", "info" (neither good nor bad), "warn" (something will be missing), "fail"
    (tracing does not work), "unknown". ``remedy`` is None where nothing is to be done.
    """

    name: str
    status: Status
    found: str
    remedy: str | None = None


def run_checks(checks: Iterable[Callable[[], Check]]) -> list[Check]:
    """Return the results, in order; a check that breaks down is "unknown", never an exception."""
    return [_run(check) for check in checks]


def _run(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        name = str(getattr(check, "__name__", "a check")).replace("_", " ")
        return Check(name, "unknown", f"could not be checked: {reason}")


def kernel() -> Check:
    """Check that the kernel has the ptrace requests that we make."""
    release = os.uname().release
    numbers = re.match(r"(\d+)\.(\d+)", release)
    if numbers is None:
        return Check("kernel", "unknown", f"{release} is no version that can be compared")
    if (int(numbers[1]), int(numbers[2])) < _OLDEST_KERNEL:
        remedy = "use Linux 5.3 or later: older ones lack what --detail syscalls needs"
        return Check("kernel", "warn", f"Linux {release}", remedy)
    return Check("kernel", "ok", f"Linux {release}")


def architecture() -> Check:
    """Check that our table has this architecture's registers and system calls."""
    from forktrace.capture.arch import ABIS

    machine = os.uname().machine
    if machine in {abi.name for abi in ABIS.values()}:
        return Check("architecture", "ok", machine)
    return Check(
        "architecture",
        "warn",
        f"{machine} is not known: how processes are created will not be recorded",
        "trace on x86_64 or aarch64",
    )


def python_ptrace() -> Check:
    """Check that python-ptrace is there, without its C extension, which loses errno."""
    try:
        from forktrace.capture.gateway import check_binding

        check_binding()
    except LaunchError:
        remedy = "uninstall it: pip uninstall cptrace"
        return Check("python-ptrace", "fail", "the module cptrace hides ptrace's errors", remedy)
    except Exception as error:
        remedy = "install it again: pip install --force-reinstall python-ptrace"
        return Check("python-ptrace", "fail", f"can't be loaded: {error}", remedy)
    found = f"{version('python-ptrace')}, under Python {platform.python_version()}"
    return Check("python-ptrace", "ok", found)


def proc() -> Check:
    """Check that /proc is mounted, and shows our own PID namespace (pid_namespaces(7))."""
    remedy = "mount it: mount -t proc proc /proc"
    try:
        shown = os.readlink("/proc/self")  # noqa: PTH115 (a name, not a path)
    except OSError as error:
        return Check("/proc", "fail", f"not usable: {error.strerror}", remedy)
    if shown != str(os.getpid()):
        return Check("/proc", "fail", "it shows another PID namespace than ours", remedy)
    return Check("/proc", "ok", "mounted, and of this PID namespace")


def ptrace() -> Check:
    """Check by doing it: fork a child, trace it, and read its memory."""
    from forktrace.capture.gateway import PtraceError

    try:
        readable = _trace_a_child()
    except PtraceError as error:
        denial = find_cause(error.errno)
        return Check("ptrace", "fail", f"not permitted: {denial.cause}", denial.remedy)
    if not readable:
        return Check(
            "ptrace",
            "warn",
            "a child could be traced, but its memory not be read (process_vm_readv)",
            "allow that call in the seccomp profile: file names of execs are missing without it",
        )
    return Check("ptrace", "ok", "a child could be traced")


def _trace_a_child() -> bool:
    """Seize a child, and say whether its memory could be read. Raises PtraceError."""
    from forktrace.capture.gateway import Tracee

    mark = ctypes.create_string_buffer(b"forktrace")
    wait_end, our_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(our_end)
        os.read(wait_end, 1)
        os._exit(0)
    tracee = Tracee()
    try:
        tracee.seize(child, 0)
        return tracee.read_memory(child, ctypes.addressof(mark), 9) == b"forktrace"
    except OSError:
        return False
    finally:
        os.close(wait_end)
        os.close(our_end)
        with suppress(ChildProcessError):  # SIGCHLD may have been given to us as ignored
            os.waitpid(child, 0)


def yama() -> Check:
    """Check the restriction of ptrace by Yama."""
    scope = yama_scope()
    name = f"kernel.yama.ptrace_scope is {scope}"
    denial = yama_denial()
    if denial is not None:
        return Check("Yama", "fail", denial.cause, denial.remedy)
    if scope is None:
        return Check("Yama", "ok", "not in this kernel")
    if scope == 0:
        return Check("Yama", "ok", f"{name}: no restriction")
    own = "what forktrace starts can be traced"
    return Check("Yama", "ok", f"{name}: {own}, other processes only as root")


def privilege() -> Check:
    """Check for the capability to trace what other users run."""
    if has_sys_ptrace():
        return Check("CAP_SYS_PTRACE", "ok", "held: programs of all users can be traced")
    return Check("CAP_SYS_PTRACE", "info", "not held: only your own programs can be traced")


def other_tracer() -> Check:
    """Check whether forktrace itself is being traced."""
    tracer = tracer_pid()
    if not tracer:
        return Check("other tracer", "ok", "none: nobody traces forktrace")
    found = f"pid {tracer} traces forktrace: what that follows can't be traced again"
    return Check("other tracer", "warn", found, "run forktrace outside it")


def seccomp_filter() -> Check:
    """Check whether a filter, such as a container's, lies on forktrace (seccomp(2))."""
    mode = status_field("Seccomp")
    if mode == "2":
        count = status_field("Seccomp_filters")
        number = f" ({count})" if count else ""
        found = f"set{number}, as in a container: it may forbid calls to what is traced"
        return Check("seccomp filter", "info", found)
    return Check("seccomp filter", "ok", "none on forktrace")


def seccomp_trace() -> Check:
    """Check that the kernel's filters can stop a process for its tracer (SECCOMP_RET_TRACE)."""
    try:
        actions = _ACTIONS.read_text().split()
    except OSError as error:
        found = f"{_ACTIONS} is not readable: {error.strerror}"
        return Check("seccomp trace", "unknown", found)
    if "trace" in actions:
        return Check("seccomp trace", "ok", "filters can stop a process for its tracer")
    found = "filters can't stop a process for its tracer"
    return Check("seccomp trace", "warn", found, "use a kernel with CONFIG_SECCOMP_FILTER")


def setuid_programs() -> Check:
    """Check whether setuid programs keep their power when traced (cap_bprm_creds_from_file)."""
    name = "setuid programs"
    if status_field("NoNewPrivs") == "1":
        found = "no_new_privs is set: they gain no privilege here, traced or not"
        return Check(name, "warn", found, "start forktrace outside this sandbox")
    if has_sys_ptrace():
        return Check(name, "ok", "keep their power when traced")
    privileged = [mapper for mapper in _ID_MAPPERS if _has_privilege(mapper)]
    if not privileged:
        return Check(name, "info", "gain no privilege when traced by an ordinary user")
    return Check(
        name,
        "warn",
        f"{' and '.join(privileged)} gain no privilege when traced by an ordinary user, "
        "so rootless podman can't set itself up",
        "run 'podman unshare true' once before, or trace as root with --user",
    )


def is_file(path: Path) -> bool:
    """Say whether a file is there, as far as its folder may be looked into."""
    try:
        return path.is_file()
    except PermissionError:  # a folder of another user's in PATH (as sudo may leave it)
        return False


def _has_privilege(program: str) -> bool:
    """Say whether a program is setuid, or has file capabilities (capabilities(7))."""
    for folder in os.get_exec_path():
        path = Path(folder, program)
        if not is_file(path):
            continue
        try:
            return bool(path.stat().st_mode & 0o4000 or os.getxattr(path, "security.capability"))
        except OSError:
            return False
    return False


def cgroups() -> Check:
    """Check that /proc tells cgroups, and say of which version (cgroups(7))."""
    try:
        text = Path("/proc/self/cgroup").read_text(errors="replace")
    except OSError as error:
        found = f"/proc/self/cgroup is not readable: {error.strerror}"
        return Check("cgroups", "warn", found, "use a kernel with CONFIG_CGROUPS")
    unified = [line.startswith("0::") for line in text.splitlines()]
    if not unified:
        return Check("cgroups", "warn", "no hierarchy is mounted", "mount one: see cgroups(7)")
    kind = "v2" if all(unified) else "v1 and v2 (hybrid)" if any(unified) else "v1"
    return Check("cgroups", "ok", f"{kind}, {_cgroup_namespace()}")


def _cgroup_namespace() -> str:
    try:
        inode = Path("/proc/self/ns/cgroup").stat().st_ino
    except OSError:
        return "namespace unknown"
    if inode == _INITIAL_CGROUP_NS:
        return "paths from the machine's root"
    return "in a cgroup namespace: paths begin at its root"


def state_folder() -> Check:
    """Check that traces can be kept."""
    try:
        return Check("state folder", "ok", f"{store.writable_folder()} can be written")
    except OSError as error:
        found = f"{os.fsdecode(error.filename or b'')} can't be written: {error.strerror}"
        remedy = "set XDG_STATE_HOME to a folder of yours, or name the trace with -o NAME.jsonl"
        return Check("state folder", "warn", found, remedy)


TRACING = (
    kernel,
    architecture,
    python_ptrace,
    proc,
    ptrace,
    yama,
    privilege,
    other_tracer,
    seccomp_filter,
    setuid_programs,
)
DETAILS = (cgroups, seccomp_trace)
