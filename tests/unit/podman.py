"""Fabricate the launch of a container: podman, conmon, runc, as podman 4.3.1 on Debian 12 does.

The argument lists are those of the real programs. Processes, in creation order:

    p1 podman run            p2 conmon --version    p3 conmon (first)    p4 conmon (second)
    p5 runc create           p6, p7, p8 runc init (p8 becomes the container's echo)
    p9 runc start            p10 podman container cleanup
    p11 conmon --version     p12 runc delete        x1 systemd
"""

import shlex
from typing import Any

from forktrace.trace.reader import TraceFile
from tests.unit.events import Step, trace_of

CONTAINER = "5853b4a3807907d29c17ab335a71d2d97eb2e471eb93c49b9c8345827b928a92"
USERDATA = f"/var/lib/containers/storage/overlay-containers/{CONTAINER}/userdata"
RUNDATA = f"/run/containers/storage/overlay-containers/{CONTAINER}/userdata"
PODMAN = "podman --runtime runc run --rm --network=host alpine echo hi"
GLOBALS = (
    "--root /var/lib/containers/storage --runroot /run/containers/storage --log-level warning "
    "--cgroup-manager systemd --tmpdir /run/libpod --network-config-dir '' "
    "--network-backend netavark --volumepath /var/lib/containers/storage/volumes "
    "--runtime runc --events-backend journald"
)
CLEANUP = f"{GLOBALS} container cleanup --rm {CONTAINER}"

CONMON_SCOPE = f"0::/machine.slice/libpod-conmon-{CONTAINER}.scope"
PAYLOAD_SCOPE = f"0::/machine.slice/libpod-{CONTAINER}.scope"
SESSION = "0::/user.slice/user-0.slice/session-1.scope"
HOST_NS = {
    "cgroup": 4026531835,
    "ipc": 4026531839,
    "mnt": 4026531832,
    "net": 4026531833,
    "pid": 4026531836,
    "user": 4026531837,
    "uts": 4026531838,
}
HOST_PID_NS = {"pid": HOST_NS["pid"]}
CONTAINER_NS = HOST_NS | {"ipc": 4026532301, "mnt": 4026532299, "pid": 4026532302}


def conmon_argv(conmon: str = "/usr/bin/conmon", runtime: str = "/usr/sbin/runc") -> list[str]:
    """Return the arguments that podman gives conmon."""
    exit_arguments = [w for a in shlex.split(CLEANUP) for w in ("--exit-command-arg", a)]
    return [
        conmon,
        *f"--api-version 1 -c {CONTAINER} -u {CONTAINER} -r {runtime} -b {USERDATA}".split(),
        *f"-p {RUNDATA}/pidfile -n boring_kepler --exit-dir /run/libpod/exits".split(),
        *f"--full-attach -l k8s-file:{USERDATA}/ctr.log --log-level warning".split(),
        *f"--runtime-arg --log-format=json --runtime-arg --log={RUNDATA}/oci-log".split(),
        *f"--conmon-pidfile {RUNDATA}/conmon.pid --exit-command /usr/bin/podman".split(),
        *exit_arguments,
    ]


def podman_steps(
    conmon: str = "/usr/bin/conmon",
    runtime: str = "/usr/sbin/runc",
    podman: str = "/usr/bin/podman",
) -> list[Step]:
    """Return the steps of a foreground ``podman run`` with runc, with programs renamed at will."""
    monitor = [a if a != "/usr/bin/podman" else podman for a in conmon_argv(conmon, runtime)]
    name = runtime.rpartition("/")[2]
    create = (
        f"{runtime} --log-format=json --log {RUNDATA}/oci-log create --bundle {USERDATA} "
        f"--pid-file {RUNDATA}/pidfile {CONTAINER}"
    )
    session: dict[str, Any] = {"pgid": 3000, "sid": 2000}
    daemon = {"pgid": 3021, "sid": 3021}
    payload = {"cgroup": [PAYLOAD_SCOPE], **daemon}
    return [
        (
            "root",
            3000,
            [podman.rpartition("/")[2], *PODMAN.split()[1:]],
            {"ns": HOST_NS, "cgroup": [SESSION], "tty": 34816, **session},
        ),
        ("thread", 3000, 3001),
        ("thread", 3000, 3002),
        ("thread", 3000, 3003),
        ("vfork", 3000, 3010, "", {"comm": "podman", **session}),
        ("exec", 3010, f"{conmon} --version"),
        ("exit", 3010, 0),
        ("vfork", 3000, 3020, "", {"comm": "podman", **session}),
        ("exec", 3020, monitor, conmon, {"comm": "conmon", "pgid": 3020}),
        ("sample", 3020, {"cgroup": [CONMON_SCOPE]}),
        ("fork", 3020, 3021, "", {"pgid": 3020, "sid": 2000, "cgroup": [CONMON_SCOPE]}),
        ("exit", 3020, 0),
        ("reparent", 3021, 1),
        ("outside", 1, "systemd"),
        ("sample", 3021, daemon),
        ("fork", 3021, 3022, "", {"comm": "conmon", **daemon}),
        ("exec", 3022, create, runtime, {"comm": name}),
        ("thread", 3022, 3023),
        ("thread", 3022, 3024),
        ("vfork", 3022, 3030, "", {"comm": name, **daemon}),
        ("exec", 3030, f"{runtime} init", "/proc/self/exe", {"comm": "exe"}),
        ("exec", 3030, f"{runtime} init", "/dev/fd/6", {"comm": name, **payload}),
        ("sample", 3030, {"comm": "runc:[0:PARENT]"}),
        ("clone", 3030, 3031, "PARENT", {"comm": "runc:[0:PARENT]", **payload}),
        ("sample", 3031, {"comm": "runc:[1:CHILD]", "ns": CONTAINER_NS | HOST_PID_NS}),
        ("clone", 3031, 3032, "PARENT", {"nspid": [3032, 1], "ns": CONTAINER_NS, **payload}),
        ("exit", 3031, 0),
        ("exit", 3030, 0),
        ("thread", 3032, 3033),
        ("exit", 3022, 0),
        ("reparent", 3032, 3021),
        ("sample", 3032, {"comm": "runc:[2:INIT]", "pgid": 3032, "sid": 3032}),
        ("vfork", 3000, 3040, "", {"comm": "podman", **session}),
        ("exec", 3040, f"{runtime} start {CONTAINER}"),
        ("exit", 3040, 0),
        ("exec", 3032, "echo hi", "/bin/echo", {"comm": "echo"}),
        ("exit", 3032, 0),
        ("fork", 3021, 3050, "", {"comm": "conmon", **daemon}),
        ("exec", 3050, f"{podman} {CLEANUP}"),
        ("vfork", 3050, 3055, "", {"comm": "podman", **daemon}),
        ("exec", 3055, f"{conmon} --version"),
        ("exit", 3055, 0),
        ("vfork", 3050, 3056, "", {"comm": "podman", **daemon}),
        ("exec", 3056, f"{runtime} delete --force {CONTAINER}"),
        ("exit", 3056, 0),
        ("exit", 3050, 0),
        ("exit", 3021, 0),
        ("exit", 3000, 0),
    ]


def podman_syscall_steps() -> list[Step]:
    """Return the same launch as the detail "syscalls" records it."""
    more: dict[tuple[str, int], list[Step]] = {
        ("exit", 3010): [("wait", 3000, 3010)],
        ("fork", 3020): [("call", 3021, "setsid"), subreaper(3021, 1)],
        ("outside", 1): [("wait", 3000, 3020)],
        ("exec", 3022): [subreaper(3022, 1)],
        ("exit", 3031): [("wait", 3022, 3031)],
        ("exit", 3030): [("wait", 3022, 3030)],
        ("thread", 3032): [("call", 3032, "setsid")],
        ("reparent", 3032): [("wait", 3021, 3022)],
        ("exit", 3040): [("wait", 3000, 3040)],
        ("exit", 3032): [("wait", 3021, 3032), subreaper(3021, 0)],
        ("exit", 3055): [("wait", 3050, 3055)],
        ("exit", 3056): [("wait", 3050, 3056)],
        ("exit", 3050): [("wait", 3021, 3050)],
    }
    steps: list[Step] = []
    for step in podman_steps():
        assert isinstance(step, tuple)
        steps += [step, *more.get((step[0], step[1]), ())]
    return steps


def subreaper(pid: int, value: int) -> Step:
    """Return the step in which a process becomes a subreaper, or no longer is one."""
    return ("call", pid, "prctl", {"option": "PR_SET_CHILD_SUBREAPER", "value": value})


def podman_runc() -> TraceFile:
    """Return the whole trace."""
    return trace_of(*podman_steps(), command=PODMAN.split())
