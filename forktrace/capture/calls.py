"""Say which system calls are worth a record, and what their arguments mean.

Each is recorded when it has returned, with its result: that is the exact moment of what events
show only by its results later. On entry only registers and links are looked at. The caller's memory
is read when the kernel has done so itself: a page that is not there yet may have to be fetched from
a process that serves its file system (FUSE), and that one may wait for us in a stop of its own.
Sources: the man page of each call; <linux/prctl.h>.
"""

import os
import struct
from collections.abc import Callable

from forktrace.capture import proc
from forktrace.capture.call_reader import Arguments, Entered, Reader
from forktrace.capture.clone_flags import flag_names
from forktrace.capture.gateway import Tracee, signal_name
from forktrace.capture.waits import reaped_by_wait4, reaped_by_waitid
from forktrace.trace.text import encode_text

_CGROUP_FILES = (b"/cgroup.procs", b"/tasks", b"/cgroup.threads")
MAX_PARTS = 2  # of a gathered write
MAX_PID_WRITE = 20  # a pid in decimal, with room for a newline
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
RECORDED_OPTIONS = (_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER)
_AT_FDCWD = -100


def _nothing(_call: Reader) -> Arguments:
    return {}


def _setpgid(call: Reader) -> Arguments:
    return {"pid": call.number(0), "pgid": call.number(1)}


def _prctl(call: Reader) -> Arguments | None:
    option = call.values[0]
    if option == _PR_SET_NAME:
        return {"option": "PR_SET_NAME"}
    if option == _PR_SET_CHILD_SUBREAPER:
        return {"option": "PR_SET_CHILD_SUBREAPER", "value": int(bool(call.values[1]))}
    if option == _PR_SET_PDEATHSIG:
        signum = call.number(1)
        return {"option": "PR_SET_PDEATHSIG", "signal": signal_name(signum) if signum else None}
    return None


def _unshare(call: Reader) -> Arguments:
    return {"flags": flag_names(call.values[0] & 0xFFFFFFFF)}


def _setns(call: Reader) -> Arguments:
    target = call.link(call.number(0))
    return {"target": encode_text(target), "flags": flag_names(call.values[1] & 0xFFFFFFFF)}


def _write(call: Reader) -> Arguments | None:
    """Take a write to a cgroup's file that is no longer than a pid."""
    return _cgroup_file(call) if 0 < call.values[2] <= MAX_PID_WRITE else None


def _writev(call: Reader) -> Arguments | None:
    """Take the same of a call that gathers its data, as musl's stdio does."""
    return _cgroup_file(call) if 0 < call.values[2] <= MAX_PARTS else None


def _cgroup_file(call: Reader) -> Arguments | None:
    path = call.link(call.number(0))
    return {"path": encode_text(path)} if path.endswith(_CGROUP_FILES) else None


def _name(call: Reader, known: Arguments) -> Arguments:
    if known["option"] != "PR_SET_NAME":
        return known
    return {**known, "name": encode_text(call.string(1, 16))}


def _new_root(call: Reader, known: Arguments) -> Arguments:
    return {**known, "path": encode_text(call.string(0))}


def _exchanged_roots(call: Reader, known: Arguments) -> Arguments:
    return {**_new_root(call, known), "old": encode_text(call.string(1))}


def _written_pid(call: Reader, known: Arguments) -> Arguments | None:
    return _with_pid(known, call.memory(call.values[1], call.values[2]))


def _gathered_pid(call: Reader, known: Arguments) -> Arguments | None:
    size = call.values[2] * 2 * call.word
    listed = call.memory(call.values[1], size)
    if len(listed) < size:  # at the end of a mapping
        return None
    parts = [*struct.iter_unpack("=2Q" if call.word == 8 else "=2I", listed)]
    if sum(size for _, size in parts) > MAX_PID_WRITE:
        return None
    return _with_pid(known, b"".join(call.memory(at, size) for at, size in parts if size))


def _with_pid(known: Arguments, data: bytes) -> Arguments | None:
    data = data.strip()
    return {**known, "pid": int(data)} if data.isdigit() else None


def _execve(call: Reader) -> Arguments:
    return {"path": encode_text(call.string(0))}


def _execveat(call: Reader) -> Arguments:
    path = call.string(1)
    fd = call.number(0)
    if fd != _AT_FDCWD and not path.startswith(b"/"):
        path = call.link(fd) + (b"/" + path if path else b"")
    return {"path": encode_text(path)}


def _kill(call: Reader) -> Arguments:
    return {"pid": call.number(0), **_signal(call.number(1))}


def _tgkill(call: Reader) -> Arguments:
    return {"pid": call.number(0), "tid": call.number(1), **_signal(call.number(2))}


def _tkill(call: Reader) -> Arguments:
    return {"tid": call.number(0), **_signal(call.number(1))}


def _pidfd_send_signal(call: Reader) -> Arguments:
    return {"pid": proc.pid_of_pidfd(call.tid, call.number(0)), **_signal(call.number(1))}


def _waitid(call: Reader) -> Arguments:
    """Note whom a pidfd stands for, where nothing else tells: it no longer does on leaving."""
    if call.values[0] != os.P_PIDFD or call.values[2]:
        return {}
    return {"waited": proc.pid_of_pidfd(call.tid, call.number(1))}


def _signal(number: int) -> Arguments:
    return {"signal": signal_name(number) if number else None}


_ON_ENTRY: dict[str, Callable[[Reader], Arguments | None]] = {
    "setsid": _nothing,
    "setpgid": _setpgid,
    "prctl": _prctl,
    "unshare": _unshare,
    "setns": _setns,
    "chroot": _nothing,
    "pivot_root": _nothing,
    "write": _write,
    "pwrite64": _write,
    "writev": _writev,
    "execve": _nothing,
    "execveat": _nothing,
    "kill": _kill,
    "tkill": _tkill,
    "tgkill": _tgkill,
    "pidfd_send_signal": _pidfd_send_signal,
    "wait4": _nothing,
    "waitid": _waitid,
    "waitpid": _nothing,
}
NAMES = frozenset(_ON_ENTRY)
# What adds to that on return, from the caller's memory; None if the call is of no interest then.
_ON_RETURN: dict[str, Callable[[Reader, Arguments], Arguments | None]] = {
    "prctl": _name,
    "chroot": _new_root,
    "pivot_root": _exchanged_roots,
    "write": _written_pid,
    "pwrite64": _written_pid,
    "writev": _gathered_pid,
}


def enter(
    tracee: Tracee, tid: int, name: str, values: tuple[int, ...], word: int
) -> Entered | None:
    """Return a call that ``tid`` has just entered, None if it is of no interest after all."""
    arguments = _ON_ENTRY[name](Reader(tracee, tid, values, word))
    return None if arguments is None else Entered(name, values, arguments, word)


def leave(tracee: Tracee, tid: int, call: Entered, result: int) -> Arguments | None:
    """Return what a call that has ended with ``result`` (not an error) is to be recorded with.

    None for what needs no record: a successful exec (it has an event of its own), a wait that
    reaped nobody.
    """
    if call.name in ("execve", "execveat"):
        return None
    reader = Reader(tracee, tid, call.values, call.word)
    if call.name in ("wait4", "waitpid"):
        return reaped_by_wait4(reader, result)
    if call.name == "waitid":
        return reaped_by_waitid(reader, call.arguments.get("waited"))
    return _complete(reader, call)


def _complete(reader: Reader, call: Entered) -> Arguments | None:
    add = _ON_RETURN.get(call.name)
    return add(reader, call.arguments) if add else call.arguments


def leave_failed(tracee: Tracee, tid: int, call: Entered) -> Arguments | None:
    """Return what a call that has failed is to be recorded with, None for a wait.

    What an exec was given is read only now, as most succeed.
    """
    if call.name in ("wait4", "waitid", "waitpid"):
        return None
    reader = Reader(tracee, tid, call.values, call.word)
    if call.name == "execve":
        return _execve(reader)
    return _execveat(reader) if call.name == "execveat" else _complete(reader, call)
