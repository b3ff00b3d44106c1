"""Make a tree of all kinds of standing processes, have ps print it, and end it.

Arguments: a folder in a cgroup hierarchy to put one of them into, if there is one. On standard
output: the lines of ps, then one JSON object with /proc/PID/cgroup of each process of its own.
"""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

THREADED = (
    "import threading, time; "
    "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start(); time.sleep(1000)"
)


def stands(pid: int, name: str, state: str) -> bool:
    """Say whether a process is called ``name`` (a program, not its comm before) and in a state."""
    found = Path(f"/proc/{pid}/stat").read_text()
    comm, _, rest = found.rpartition(")")
    return comm.partition("(")[2] == name and rest.split()[0] in state


def wait_for(pid: int, name: str, state: str = "S") -> int:
    """Wait until a process stands as it is to be shown."""
    while not stands(pid, name, state):
        time.sleep(0.01)
    return pid


def left_by_a_shell(script: str) -> int:
    """Run a shell that leaves a process and says its pid; the shell itself ends."""
    return int(subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True).stdout)


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def main() -> None:
    pids: list[int] = []
    try:
        stand(pids, sys.argv[1] if sys.argv[1:] else None)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


def stand(pids: list[int], folder: str | None) -> None:
    """Make the tree, each process of which comes into ``pids``, and say what ps and /proc show."""
    sleeps = [
        subprocess.Popen(["sleep", "1001"]),
        subprocess.Popen(["sleep", "1002"], process_group=0),
        subprocess.Popen(["sleep", "1003"], start_new_session=True),
    ]
    pids += [process.pid for process in sleeps]
    # The daemon and the orphan; their streams are not those that run() waits for the end of.
    for launcher in ("setsid sleep", "sleep"):
        pids.append(left_by_a_shell(f"{launcher} 1004 >/dev/null 2>&1 & echo $!"))
    waiting = subprocess.Popen(["sh", "-c", "sleep 1005 & echo $!; wait"], stdout=subprocess.PIPE)
    assert waiting.stdout is not None
    pids.append(int(waiting.stdout.readline()))
    # Its child ends only when it is sleep: a shell would wait for one that has ended before.
    reading, writing = os.pipe()
    child = f"sh -c 'read go; exec /bin/true' <&{reading}"
    careless = subprocess.Popen(
        ["sh", "-c", f"{child} & echo $!; exec sleep 1006"],
        stdout=subprocess.PIPE,
        pass_fds=(reading,),
    )
    pids.append(careless.pid)
    assert careless.stdout is not None
    left = int(careless.stdout.readline())
    wait_for(careless.pid, "sleep")
    os.write(writing, b"\n")
    os.close(writing)
    os.close(reading)
    wait_for(left, "true", "Z")
    late = subprocess.Popen(["/bin/true"])
    wait_for(late.pid, "true", "Z")
    threaded = subprocess.Popen([sys.executable, "-c", THREADED])
    pids.append(threaded.pid)
    while threads(threaded.pid) < 2:
        time.sleep(0.01)
    terminal, _master = pty.fork()
    if terminal == 0:
        os.execvp("sleep", ["sleep", "1007"])
    pids.append(terminal)
    if folder is not None:
        moved = os.fork()
        if moved == 0:
            Path(folder, "cgroup.procs").write_text(str(os.getpid()))
            os.execvp("sleep", ["sleep", "1008"])
        pids.append(moved)
    for pid in pids:
        if pid != threaded.pid:
            wait_for(pid, "sleep")
    cgroups = {pid: Path(f"/proc/{pid}/cgroup").read_text() for pid in [os.getpid(), *pids]}
    subprocess.run(["ps", "-e", "-ww", "-o", "pid=,ppid=,pgid=,sid=,tty=,stat=,args="], check=True)
    print(json.dumps(cgroups))
    late.wait()


main()
