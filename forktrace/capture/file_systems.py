"""Tell what may be read of a file while tracees are stopped.

To open or read a file on FUSE is a request to the process that serves it. If that process is a
tracee in a stop, nobody would ever answer: the tracer would sleep in the kernel, where not even
SIGKILL wakes it. A look at a path that leads there, or fstat, can be such a request as well.
"""

import os

from forktrace.capture import proc

# Where a server is a process of its own, perhaps of this machine (filesystems(5), fuse(4)).
_SERVED = frozenset(
    (b"9p", b"afs", b"ceph", b"cifs", b"fuse", b"fuseblk", b"nfs", b"nfs4", b"smb3")
)


def served_by_a_process(pid: int, name: str) -> bool:
    """Say whether ``/proc/PID/NAME`` leads to a file system that a process serves, as FUSE does.

    Asks nothing of the file system: the file's mount is looked up in the mounts of the process
    (proc_pid_mountinfo(5)). False for a file in no mount, such as a memfd.

    Raises:
        OSError: the link or the mounts can't be read.
    """
    fd = os.open(f"/proc/{pid}/{name}", os.O_PATH | os.O_CLOEXEC)
    try:
        shown = proc.read_file(f"/proc/self/fdinfo/{fd}")
    finally:
        os.close(fd)
    mount = shown.partition(b"mnt_id:")[2].split(maxsplit=1)[0]
    for line in proc.read_file(f"/proc/{pid}/mountinfo", 64 * 1024).splitlines():
        if line.startswith(mount + b" "):
            kind = line.partition(b" - ")[2].split(b" ", 1)[0]
            return kind.partition(b".")[0] in _SERVED
    return False
