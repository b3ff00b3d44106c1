"""--detail syscalls: exact moments, told by programs that say themselves what they did."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis import analyse
from forktrace.model.build import build_launch
from forktrace.trace.reader import read_trace
from tests.conftest import Missing
from tests.integration import programs
from tests.integration.harness import Forktrace, Record, Result, python

DETAIL = ("--detail", "syscalls")


def run_python(forktrace: Forktrace, script: str, *arguments: str) -> Result:
    done = forktrace.record(sys.executable, "-c", script, *arguments, options=DETAIL)
    assert done.status == 0, done.err
    return done


def calls(done: Result, name: str) -> list[Record]:
    return [c for c in done.events("call") if c["name"] == name]


def test_setsid_and_setpgid_with_their_results(forktrace: Forktrace) -> None:
    script = (
        "import os\n"
        "if os.fork() == 0:\n"
        "    os.setpgid(0, 0); os._exit(0)\n"
        "if os.fork() == 0:\n"
        "    os.setsid(); os._exit(0)\n"
        "os.wait(); os.wait()\n"
    )
    done = run_python(forktrace, script)
    (group,) = calls(done, "setpgid")
    (session,) = calls(done, "setsid")
    assert group["arguments"] == {"pid": 0, "pgid": 0}
    assert session["result"] == session["pid"]


def test_prctl_of_interest_and_no_other(forktrace: Forktrace) -> None:
    script = (
        "import ctypes, signal\n"
        "prctl = ctypes.CDLL(None).prctl\n"
        "prctl(36, 1); prctl(15, b'a\\xffname'); prctl(1, int(signal.SIGTERM)); prctl(36, 0)\n"
        "prctl(3)\n"  # PR_GET_DUMPABLE
    )
    done = run_python(forktrace, script)
    assert [c["arguments"] for c in calls(done, "prctl")] == [
        {"option": "PR_SET_CHILD_SUBREAPER", "value": 1},
        {"option": "PR_SET_NAME", "name": {"b64": "Yf9uYW1l"}},
        {"option": "PR_SET_PDEATHSIG", "signal": "SIGTERM"},
        {"option": "PR_SET_CHILD_SUBREAPER", "value": 0},
    ]


def test_a_failed_exec_has_its_errno_and_a_successful_one_no_call(forktrace: Forktrace) -> None:
    script = (
        "import os\n"
        "try:\n"
        "    os.execv('/no/such/program', ['x'])\n"
        "except OSError:\n"
        "    os.execv('/bin/true', ['true'])\n"
    )
    done = run_python(forktrace, script)
    (failed,) = calls(done, "execve")
    assert (failed["arguments"], failed["error"]) == ({"path": "/no/such/program"}, "ENOENT")
    assert done.events("exec")[-1]["path"] == "/bin/true"


def test_signals_that_were_sent(forktrace: Forktrace) -> None:
    script = (
        "import os, signal, time\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    time.sleep(30)\n"
        "os.kill(pid, 0); os.kill(pid, signal.SIGTERM); os.wait()\n"
        "fd = os.pidfd_open(os.getpid()); signal.pidfd_send_signal(fd, 0)\n"
    )
    done = run_python(forktrace, script)
    (child,) = [e["child"] for e in done.events("create")]
    assert [c["arguments"] for c in calls(done, "kill")] == [
        {"pid": child, "signal": None},
        {"pid": child, "signal": "SIGTERM"},
    ]
    (by_pidfd,) = calls(done, "pidfd_send_signal")
    assert by_pidfd["arguments"] == {"pid": by_pidfd["pid"], "signal": None}


WAITS = {
    "wait4": "os.wait4(pid, 0)",
    "waitid": "os.waitid(os.P_PID, pid, os.WEXITED)",
    "waitid that only looked before": (
        "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT); os.waitpid(pid, 0)"
    ),
    "waitid that asks for no siginfo": (
        "import ctypes; ctypes.CDLL(None).waitid(os.P_PID, pid, None, os.WEXITED)"
    ),
    "waitid on a pidfd": "os.waitid(os.P_PIDFD, os.pidfd_open(pid), os.WEXITED)",
    "waitid on a pidfd that asks for no siginfo": (
        "import ctypes\nfd = os.pidfd_open(pid)\n"
        "ctypes.CDLL(None).waitid(os.P_PIDFD, fd, None, os.WEXITED)"
    ),
}


@pytest.mark.parametrize("how", WAITS)
def test_who_reaped_whom(forktrace: Forktrace, how: str) -> None:
    script = f"import os\npid = os.fork()\nif pid == 0:\n    os._exit(7)\n{WAITS[how]}\n"
    done = run_python(forktrace, script)
    launch = build_launch(read_trace(done.trace))
    child = launch.processes["p2"]
    assert child.exit is not None
    assert child.reap is not None
    assert (child.exit.code, child.reap.by) == (7, "p1")
    reaping = [c for c in done.events("call") if "reaped" in c["arguments"]]
    assert [c["arguments"]["reaped"] for c in reaping] == [child.pid]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace")
def test_a_pidfd_stands_for_the_pid_that_its_owner_sees(forktrace: Forktrace) -> None:
    script = (
        "import ctypes, os, signal\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    signal.pause()\n"
        "fd = os.pidfd_open(pid)\n"
        "signal.pidfd_send_signal(fd, signal.SIGTERM)\n"
        "ctypes.CDLL(None).waitid(os.P_PIDFD, fd, None, os.WEXITED)\n"
        "print(pid)\n"
    )
    command = ("unshare", "--pid", "--fork", *python(script))
    done = forktrace.record(*command, options=("--detail", "syscalls"))
    pid = int(done.out)
    assert pid < 10
    (sent,) = calls(done, "pidfd_send_signal")
    assert sent["arguments"] == {"pid": pid, "signal": "SIGTERM"}
    assert {"reaped": pid} in [c["arguments"] for c in calls(done, "waitid")]


def test_a_wait_that_tells_nobody_leaves_it_open_who_was_reaped(forktrace: Forktrace) -> None:
    script = (
        "import ctypes, os\n"
        "os.fork() or os._exit(0)\n"
        "ctypes.CDLL(None).waitid(os.P_ALL, 0, None, os.WEXITED | os.WNOWAIT)\n"
        "ctypes.CDLL(None).waitid(os.P_ALL, 0, None, os.WEXITED)\n"
    )
    done = run_python(forktrace, script)
    (untold,) = [c for c in done.events("call") if c["name"] == "waitid"]
    assert untold["arguments"] == {"reaped": None}
    launch = build_launch(read_trace(done.trace))
    assert launch.processes["p2"].reap is None
    assert analyse(launch).unwaited == {}


def test_a_zombie_that_nobody_waits_for_is_not_reaped(forktrace: Forktrace) -> None:
    script = "import os, time\nif os.fork() == 0:\n    os._exit(0)\ntime.sleep(0.2)\n"
    done = run_python(forktrace, script)
    assert build_launch(read_trace(done.trace)).processes["p2"].reap is None


@pytest.mark.skipif(os.geteuid() != 0, reason="unshare and setns of a UTS namespace need root")
def test_namespaces_that_were_made_and_joined(forktrace: Forktrace) -> None:
    script = (
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        "fd = os.open('/proc/self/ns/uts', os.O_RDONLY)\n"
        "assert libc.unshare(0x04000000) == 0\n"
        "assert libc.setns(fd, 0x04000000) == 0\n"
        "print(os.readlink(f'/proc/self/fd/{fd}'))\n"
        "assert libc.setns(-1, 0) == -1\n"
    )
    done = run_python(forktrace, script)
    assert [c["arguments"] for c in calls(done, "unshare")] == [{"flags": ["CLONE_NEWUTS"]}]
    joined, failed = calls(done, "setns")
    assert joined["arguments"] == {"target": done.out.decode().strip(), "flags": ["CLONE_NEWUTS"]}
    assert failed["error"] == "EBADF"


def _own_cgroup_folder() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _hierarchy, controllers, path = line.split(":", 2)
        for base in (f"/sys/fs/cgroup/{controllers}", "/sys/fs/cgroup"):
            folder = Path(base + path)
            if controllers in ("", "pids") and os.access(folder / "cgroup.procs", os.W_OK):
                return folder
    return None


@pytest.mark.skipif(_own_cgroup_folder() is None, reason="no cgroup that may be written to")
@pytest.mark.parametrize("options", [(), ("--seccomp",)], ids=["stopped", "filtered"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("write", "os.write(fd, pid)"),
        ("pwrite64", "os.pwrite(fd, pid, 0)"),
        ("writev", "os.writev(fd, [pid[:1], pid[1:]])"),
    ],
)
def test_a_move_to_a_cgroup_by_a_write(
    forktrace: Forktrace, name: str, code: str, options: tuple[str, ...]
) -> None:
    if options and os.geteuid() != 0:
        pytest.skip("a filter needs root")
    own = _own_cgroup_folder()
    assert own is not None
    folder = own / f"forktrace-test-{os.getpid()}"
    folder.mkdir()
    script = (
        "import os, sys\nfd = os.open(sys.argv[1], os.O_WRONLY)\npid = b'%d' % os.getpid()\n"
        f"{code}\nprint(os.getpid())"
    )
    command = (sys.executable, "-c", script, str(folder / "cgroup.procs"))
    try:
        done = forktrace.record(*command, options=(*DETAIL, *options))
    finally:
        folder.rmdir()
    (move,) = calls(done, name)
    wanted: dict[str, Any] = {"path": str(folder / "cgroup.procs"), "pid": int(done.out)}
    assert move["arguments"] == wanted


@pytest.mark.parametrize("options", [(), ("--seccomp",)], ids=["stopped", "filtered"])
def test_the_calls_of_a_32_bit_program(
    forktrace: Forktrace, builds: Path, missing: Missing, options: tuple[str, ...]
) -> None:
    """They have numbers of their own, and pointers of another size."""
    if options and os.geteuid() != 0:
        pytest.skip("a filter needs root")
    command = programs.command(programs.THIRTY_TWO_BIT[os.uname().machine], builds, missing)
    done = forktrace.record(*command, options=(*DETAIL, *options))
    if done.status == programs.UNSUPPORTED:
        missing("no 32-bit program can be executed")
    waited = [call for name in ("wait4", "waitpid") for call in calls(done, name)]
    children = [created["child"] for created in done.events("create")]
    assert len(children) == 2
    assert [call["arguments"] for call in waited] == [{"reaped": child} for child in children]
