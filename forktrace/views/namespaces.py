"""Tell PID namespaces apart."""

from forktrace.model.history import History
from forktrace.model.launch import Launch


def pid_namespaces(launch: Launch) -> dict[str, str]:
    """Map each process that is in a PID namespace below the tracer's to what identifies that.

    This is its inode where it was read, of the process or of whom it inherited it from, else how
    deep it is (NSpid of proc(5)).
    """
    history = History(launch, "ns")
    result = {}
    for process in launch.inside:
        if len(process.nspid) > 1:
            inode = (history.last(process.id) or {}).get("pid")
            result[process.id] = f"inode {inode}" if inode else f"depth {len(process.nspid)}"
    return result
