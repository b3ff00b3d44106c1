"""Tell PID namespaces apart."""

from forktrace.model.process import Process


def pid_namespace(process: Process) -> str | None:
    """Return what identifies a process's PID namespace, None for the tracer's own.

    That is its inode where it could be read, else how deep it is (NSpid of proc(5)).
    """
    if process.outside or len(process.nspid) < 2:
        return None
    inodes = [s.ns["pid"] for s in process.samples if s.ns and "pid" in s.ns]
    return f"inode {inodes[-1]}" if inodes else f"depth {len(process.nspid)}"
