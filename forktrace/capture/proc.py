"""Read what /proc shows of a process, as bytes, and say which errno stood in the way.

Opening the files of a new process is the dearest thing a tracer does, so each is asked for only
where its facts are needed. Sources: proc(5), fs/proc/array.c.
"""

import os
from errno import errorcode
from pathlib import Path

from msgspec import Struct

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


class Snapshot(Struct):
    """Hold what was read of a process at one moment; None is "not asked for" or unreadable.

    ``errors`` maps the field that could not be read to the name of the errno.
    """

    tgid: int | None = None
    comm: bytes | None = None
    ppid: int | None = None
    pgid: int | None = None
    sid: int | None = None
    tty: int | None = None
    nspid: list[int] | None = None
    cgroup: bytes | None = None
    ns: dict[str, int] | None = None
    errors: dict[str, str] = {}

    def fail(self, what: str, error: OSError) -> None:
        """Note that ``what`` could not be read."""
        self.errors[what] = errno_name(error)


def errno_name(error: OSError) -> str:
    """Return "EACCES" for 13."""
    return errorcode.get(error.errno or 0, str(error.errno))


def read_file(path: str, size: int = 4096) -> bytes:
    """Return a /proc file's content in as few system calls as possible."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, size)
        if len(data) < size:
            return data
        parts = [data]
        while part := os.read(fd, 65536):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def read_status(pid: int, into: Snapshot) -> None:
    """Read thread group, name, parent, group, session and the pid in each PID namespace."""
    try:
        data = read_file(f"/proc/{pid}/status")
    except OSError as error:
        into.fail("status", error)
        return
    into.comm = _unescape(_line(data, b"Name:\t"))
    into.tgid = _number(data, b"\nTgid:\t")
    into.ppid = _number(data, b"\nPPid:\t")
    into.nspid = [int(n) for n in _line(data, b"\nNStgid:\t").split()] or None
    into.pgid = _first(data, b"\nNSpgid:\t")
    into.sid = _first(data, b"\nNSsid:\t")


def _line(data: bytes, key: bytes) -> bytes:
    at = data.find(key)
    if at < 0:
        return b""
    at += len(key)
    return data[at : data.index(b"\n", at)]


def _number(data: bytes, key: bytes) -> int | None:
    text = _line(data, key)
    return int(text) if text else None


def _first(data: bytes, key: bytes) -> int | None:
    words = _line(data, key).split()
    return int(words[0]) if words else None


def _unescape(name: bytes) -> bytes:
    r"""Undo the escapes of status' Name line: ``\n`` and ``\\`` (proc_task_name)."""
    if b"\\" not in name:
        return name
    return name.replace(b"\\\\", b"\0").replace(b"\\n", b"\n").replace(b"\0", b"\\")


def read_tty(pid: int, into: Snapshot) -> None:
    """Read the device number of the controlling terminal (stat's tty_nr), 0 for none."""
    try:
        data = read_file(f"/proc/{pid}/stat", 1024)
    except OSError as error:
        into.fail("stat", error)
        return
    into.tty = int(_after_comm(data).split(b" ", 5)[4])


def _after_comm(stat: bytes) -> bytes:
    """Return a stat file's fields from the state on: comm, in brackets, may hold any byte."""
    return stat[stat.rindex(b")") + 2 :]


def read_cgroup(pid: int, into: Snapshot) -> None:
    """Read the lines ``hierarchy:controllers:path`` (cgroups(7))."""
    try:
        into.cgroup = read_file(f"/proc/{pid}/cgroup")
    except OSError as error:
        into.fail("cgroup", error)


def read_namespaces(pid: int, into: Snapshot) -> None:
    """Read the inode of each namespace (namespaces(7)); stops at the first that is denied."""
    found: dict[str, int] = {}
    for kind in NAMESPACES:
        try:
            link = os.readlink(f"/proc/{pid}/ns/{kind}")  # noqa: PTH115 (hot)
        except FileNotFoundError:
            continue  # a kernel without this kind, or a process that has let go of it
        except OSError as error:
            into.fail("ns", error)
            break
        found[kind] = int(link[link.index("[") + 1 : -1])
    into.ns = found or None


def read_link(pid: int, name: str) -> bytes:
    """Return where /proc/PID/exe or cwd leads. Raises OSError."""
    return os.readlink(f"/proc/{pid}/{name}".encode())  # noqa: PTH115 (as bytes)


def read_cmdline(pid: int) -> list[bytes]:
    """Return the arguments that a process shows now. Raises OSError."""
    data = read_file(f"/proc/{pid}/cmdline")
    return data[:-1].split(b"\0") if data.endswith(b"\0") else [data] if data else []


def pid_of_pidfd(tid: int, fd: int) -> int | None:
    """Return the pid that a descriptor of ``tid`` stands for (pidfd_open(2)), None if none.

    It is the pid in ``tid``'s own PID namespace, as its other calls have it, where the kernel
    shows that (fs/pidfs.c: pidfd_show_fdinfo).
    """
    try:
        shown = read_file(f"/proc/{tid}/fdinfo/{fd}")
        pids = (_line(shown, b"\nNSpid:\t") or _line(shown, b"\nPid:\t")).split()
        depth = len(_line(read_file(f"/proc/{tid}/status"), b"\nNSpid:\t").split()) or 1
        return int(pids[depth - 1])
    except (OSError, ValueError, IndexError):
        return None


def read_children(pid: int, tid: int) -> list[int]:
    """Return the processes that thread ``tid`` of ``pid`` has created and is the parent of now.

    Raises OSError. Exact only while they do not come and go (proc(5), children).
    """
    return [int(child) for child in read_file(f"/proc/{pid}/task/{tid}/children").split()]


def is_traced(pid: int) -> bool:
    """Say whether a tracer has ``pid``, and has not reaped it. Raises OSError."""
    return bool(_number(read_file(f"/proc/{pid}/status"), b"\nTracerPid:\t"))


def has_number(tid: int, number: int) -> bool:
    """Say whether ``number`` is ``tid`` as one of its PID namespaces sees it. Raises OSError."""
    return b"%d" % number in _line(read_file(f"/proc/{tid}/status"), b"\nNSpid:\t").split()


def is_namespace_init(tid: int) -> bool:
    """Say whether a task's process is the first in its PID namespace (NStgid), False if unread."""
    try:
        return _line(read_file(f"/proc/{tid}/status"), b"\nNStgid:\t").split()[-1:] == [b"1"]
    except OSError:
        return False


def catches(tid: int, signum: int) -> bool:
    """Say whether a task has a handler for a signal (SigCgt), False if unread."""
    try:
        return bool(_mask(tid, b"\nSigCgt:\t") >> (signum - 1) & 1)
    except OSError:
        return False


def status_of_zombie(stat: int) -> int | None:
    """Return how a process has ended, as wait(2) gives it, None if it has not or not quite.

    Args:
        stat: an open /proc/PID/stat. exit_code, the last field, is 0 for whoever may not know it.

    Raises:
        OSError: it was waited for.
    """
    fields = _after_comm(os.pread(stat, 1024, 0)).split()
    return int(fields[-1]) if fields[0] == b"Z" else None


def pending_signals(pid: int) -> int:
    """Return the mask of signals that wait for the process as a whole (ShdPnd). Raises OSError."""
    return _mask(pid, b"\nShdPnd:\t")


def tracer(pid: int) -> int | None:
    """Return the tid of the thread that traces a process, 0 for none, None where unreadable."""
    try:
        return _number(read_file(f"/proc/{pid}/status"), b"\nTracerPid:\t")
    except OSError:
        return None


def stopped_tracees(tracer: int) -> list[int]:
    """Return the tasks that thread ``tracer`` traces and that are in a stop now (state t)."""
    tasks = (int(path.name) for path in Path("/proc").glob("[0-9]*/task/*"))
    return [tid for tid in tasks if state_and_tracer(tid) == ("t", tracer)]


def state_and_tracer(tid: int) -> tuple[str, int]:
    """Return the state's letter and the tracer's tid of a thread, ("", 0) if it is gone."""
    try:
        status = read_file(f"/proc/{tid}/status")
    except OSError:
        return "", 0
    return _line(status, b"\nState:\t")[:1].decode(), _number(status, b"\nTracerPid:\t") or 0


def has_files(pid: int) -> bool:
    """Say whether a process has a table of descriptors (FDSize); a killed one lets go of it first.

    Raises OSError.
    """
    return bool(_number(read_file(f"/proc/{pid}/status"), b"\nFDSize:\t"))


def ignored_signals(pid: int) -> int:
    """Return the mask of signals that a process ignores (SigIgn), 0 where unreadable."""
    try:
        return _mask(pid, b"\nSigIgn:\t")
    except OSError:
        return 0


def _mask(tid: int, key: bytes) -> int:
    return int(_line(read_file(f"/proc/{tid}/status"), key) or b"0", 16)
