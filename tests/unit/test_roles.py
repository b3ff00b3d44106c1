"""What each process is for, by what it did; names alone decide nothing."""

from pathlib import Path

import msgspec
import pytest

from forktrace.analysis import analyse
from forktrace.analysis.roles.programs import MonitorArguments, monitor_arguments
from forktrace.model.build import build_launch
from forktrace.model.launch import Launch
from forktrace.trace import events
from forktrace.trace.reader import TraceFile, read_trace
from tests.unit.events import Step, launch_of, trace_of
from tests.unit.podman import CONTAINER, USERDATA, conmon_argv, podman_runc, podman_steps

PROJECT = Path(__file__).parents[2]
PODMAN_ROLES = {
    "p1": "engine",
    "p2": "helper",
    "p3": "monitor",
    "p4": "monitor",
    "p5": "runtime",
    "p6": "init-stage",
    "p7": "init-stage",
    "p8": "container",
    "p9": "runtime",
    "p10": "cleanup",
    "p11": "helper",
    "p12": "runtime",
    "x1": "other",
}


def roles(launch: Launch) -> dict[str, str]:
    return {id_: finding.role for id_, finding in analyse(launch).roles.items()}


def roles_of(*steps: Step) -> list[str]:
    """Return the roles of the processes inside, in creation order."""
    return [role for id_, role in roles(launch_of(*steps)).items() if id_[0] == "p"]


def minimal(trace: TraceFile) -> TraceFile:
    """Leave of a trace what the detail "minimal" records."""
    unseen = (events.Sampled, events.Reparented, events.Outside)
    kept = [e for e in trace.events if not isinstance(e, unseen)]
    bare: list[events.Event] = [
        msgspec.structs.replace(e, state=None)
        if isinstance(e, events.Started | events.Executed)
        else e
        for e in kept
    ]
    header = msgspec.structs.replace(trace.header, detail="minimal")
    return TraceFile(header, bare, trace.end, [])


def test_a_podman_launch() -> None:
    assert roles(launch_of(*podman_steps())) == PODMAN_ROLES


def test_a_podman_launch_at_minimal_detail() -> None:
    found = roles(build_launch(minimal(podman_runc())))
    assert found == {id_: role for id_, role in PODMAN_ROLES.items() if id_ != "x1"}


def test_rules_name_the_fact_that_decided() -> None:
    rules = {i: f.rule for i, f in analyse(launch_of(*podman_steps())).roles.items()}
    assert rules["p1"] == "started the monitor p3"
    assert rules["p3"] == (
        "its -r names the runtime that p5 executed; it created p4, which goes on, and ended"
    )
    assert rules["p5"] == "the runtime that p3's -r names, called to create"
    assert rules["p8"] == "left by p5 (runtime create), which had set it up, to p4"
    assert rules["p10"] == "the exit command that p4 was given"
    assert rules["p11"] == "p10 only asked it for its version"


def test_renamed_programs_keep_their_roles() -> None:
    launch = launch_of(*podman_steps("/opt/watch", "/opt/box", "/opt/pod"))
    assert roles(launch) == PODMAN_ROLES


def test_a_launch_that_was_cut_off_before_the_runtime_still_shows_conmon() -> None:
    steps = podman_steps()[:14]
    assert roles_of(*steps)[:4] == ["engine", "helper", "monitor", "monitor"]
    renamed = podman_steps("/opt/watch")[:14]
    assert roles_of(*renamed)[2:4] == ["helper", "helper"]  # podman ran it, no more is known


def test_conmons_arguments_are_read_as_conmon_reads_them() -> None:
    argv = "conmon -t -b /b --syslog -c id -i -r /bin/runc -s --exit-command /bin/pod -e"
    values = ["--exit-command-arg", "-r", "--exit-command-arg=rm", "--runtime-arg", "-c"]
    found = monitor_arguments([*argv.split(), *values])
    assert found == MonitorArguments("/bin/runc", ["/bin/pod", "-r", "rm"], "id", session=True)
    assert monitor_arguments(["conmon", "-c", "id", "-b", "/b"]) is None


@pytest.mark.parametrize(
    "name", ["conmon", "runc", "crun", "podman", "netavark", "catatonit -P", "podman-lookalike"]
)
def test_a_name_alone_decides_nothing(name: str) -> None:
    assert roles_of(("root", 10, name), ("exit", 10, 0)) == ["other"]


@pytest.mark.parametrize(
    "command", ["podman run alpine", "runc create box", "dockerd -D", " ".join(conmon_argv())]
)
def test_a_name_does_not_count_against_the_facts(command: str) -> None:
    """Who reports success without having created a process launched no container."""
    shell: list[Step] = [("root", 9999, "sh"), ("fork", 9999, 10), ("exec", 10, command)]
    assert roles_of(*shell, ("exit", 10, 0)) == ["other", "other"]
    assert roles_of(*shell, ("exit", 10, 125))[1] != "other"  # it failed, as the real one may


def test_docker_asks_a_daemon() -> None:
    assert roles_of(("root", 10, "docker run alpine"), ("exit", 10, 0)) == ["engine"]
    assert roles_of(("root", 10, "podman --remote run alpine"), ("exit", 10, 0)) == ["engine"]


@pytest.mark.parametrize("command", ["sh -c 'a | b'", "make -j4", "podman-lookalike run x"])
def test_without_container_facts_all_is_other(command: str) -> None:
    found = roles_of(
        ("root", 10, command),
        ("fork", 10, 11),
        ("exec", 11, "create run"),
        ("fork", 10, 12),
        ("fork", 12, 13),
        ("exec", 13, "start --bundle x"),
        ("exit", 12, 0),
        ("reparent", 13, 1),
    )
    assert found == ["other"] * 4


def test_a_shell_that_calls_podman_is_none_of_it() -> None:
    shell: list[Step] = [("root", 5, "sh -c 'podman run alpine'"), ("fork", 5, 3000)]
    launch: list[Step] = [("exec", 3000, "podman run alpine"), *podman_steps()[1:]]
    found = roles_of(*shell, *launch)
    assert found == ["other", *[r for i, r in PODMAN_ROLES.items() if i != "x1"]]


def test_what_a_shell_did_before_it_became_podman_is_not_podmans() -> None:
    found = roles_of(
        ("root", 10, "sh -c 'umount /x; podman run alpine'"),
        ("fork", 10, 11),
        ("exec", 11, "umount /x"),
        ("fork", 10, 12),
        ("exec", 10, "podman run alpine"),
        ("fork", 10, 13),
        ("exec", 13, "umount /y"),
    )
    assert found == ["engine", "other", "other", "helper"]


def test_what_a_container_runs_is_the_container_whatever_its_name() -> None:
    steps = podman_steps()
    at = next(i for i, s in enumerate(steps) if isinstance(s, tuple) and s[:2] == ("exit", 3032))
    inner: list[Step] = [
        ("fork", 3032, 4000),
        ("exec", 4000, conmon_argv()),
        ("fork", 4000, 4001),
        ("exec", 4001, "podman run alpine"),
        ("vfork", 4001, 4002),
        ("exec", 4002, "/usr/sbin/runc create x"),
    ]
    launch = launch_of(*steps[:at], *inner, *steps[at:])
    by_pid = {p.pid: p.id for p in launch.processes.values()}
    found = roles(launch)
    assert [found[by_pid[pid]] for pid in (4000, 4001, 4002)] == ["container"] * 3
    assert found[by_pid[3056]] == "runtime"


def test_crun_makes_the_container_in_one_step() -> None:
    found = roles_of(
        ("root", 10, "podman run alpine"),
        ("vfork", 10, 11),
        ("exec", 11, conmon_argv(runtime="/usr/bin/crun")),
        ("fork", 11, 12),
        ("exit", 11, 0),
        ("reparent", 12, 1),
        ("fork", 12, 13),
        ("exec", 13, f"/usr/bin/crun create --bundle {USERDATA} {CONTAINER}"),
        ("exec", 13, f"/usr/bin/crun create --bundle {USERDATA} {CONTAINER}", "/proc/self/fd/3"),
        ("fork", 13, 14),
        ("exec", 14, "/usr/libexec/oci-hook"),
        ("exit", 14, 0),
        ("clone3", 13, 15, "NEWNS NEWPID INTO_CGROUP", {"nspid": [15, 1]}),
        ("exit", 13, 0),
        ("reparent", 15, 12),
        ("vfork", 10, 16),
        ("exec", 16, f"/usr/bin/crun start {CONTAINER}"),
        ("exec", 16, f"/usr/bin/crun start {CONTAINER}", "/proc/self/fd/3"),
        ("exit", 16, 0),
        ("exec", 15, "echo hi"),
    )
    assert found == [
        "engine",
        "monitor",
        "monitor",
        "runtime",
        "helper",
        "container",
        "runtime",
    ]


def test_crun_with_a_user_namespace_needs_a_stage_on_the_way() -> None:
    found = roles_of(
        ("root", 10, "crun run box"),
        ("clone3", 10, 11, "NEWUSER"),
        ("fork", 11, 12, "", {"nspid": [12, 1]}),
        ("exit", 11, 0),
        ("reparent", 12, 10),
        ("exec", 12, "sh"),
        ("fork", 12, 13, "", {"nspid": [13, 2]}),
        ("exec", 13, "ls"),
    )
    assert found == ["runtime", "init-stage", "container", "container"]


def test_an_init_that_the_runtime_gave_up_stays_a_stage() -> None:
    found = roles_of(
        ("root", 10, "crun create box"),
        ("clone3", 10, 11, "NEWPID", {"nspid": [11, 1]}),
        ("exit", 11, "SIGKILL"),
        ("exit", 10, 1),
    )
    assert found == ["runtime", "init-stage"]


def test_a_hook_that_stays_is_not_the_container() -> None:
    found = roles_of(
        ("root", 10, "crun create box"),
        ("fork", 10, 11),
        ("exec", 11, "oci-seccomp-bpf-hook"),
        ("clone3", 10, 12, "NEWNS"),
        ("exit", 10, 0),
        ("reparent", 11, 1),
        ("reparent", 12, 1),
        ("exec", 12, "sleep 9"),
    )
    assert found == ["runtime", "helper", "container"]


def test_a_hook_inside_the_container_is_a_helper() -> None:
    found = roles_of(
        ("root", 10, "crun create box"),
        ("clone3", 10, 11, "NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("exec", 12, "/usr/libexec/hook"),
        ("exit", 12, 0),
        ("exit", 10, 0),
        ("reparent", 11, 1),
        ("exec", 11, "sh"),
        ("fork", 11, 13, "", {"nspid": [13, 3]}),
        ("exec", 13, "ls"),
    )
    assert found == ["runtime", "container", "helper", "container"]


def test_podman_exec_adds_a_process_to_the_container() -> None:
    exec_session = [a for a in conmon_argv() if a != "--full-attach"] + ["-e", "--exec-attach"]
    found = roles_of(
        ("root", 10, "podman exec box ls"),
        ("vfork", 10, 11),
        ("exec", 11, exec_session),
        ("fork", 11, 12),
        ("exit", 11, 0),
        ("reparent", 12, 1),
        ("fork", 12, 13),
        ("exec", 13, "/usr/sbin/runc exec --process p.json --detach box"),
        ("vfork", 13, 14),
        ("exec", 14, "/usr/sbin/runc init", "/proc/self/exe"),
        ("clone", 14, 15, "PARENT"),
        ("clone", 15, 16, "PARENT", {"nspid": [16, 7]}),
        ("exit", 15, 0),
        ("exit", 14, 0),
        ("exec", 16, "ls"),
        ("exit", 13, 0),
        ("reparent", 16, 12),
    )
    assert found[3:] == ["runtime", "init-stage", "init-stage", "container"]


def test_gos_trial_of_a_pidfd_is_no_stage() -> None:
    found = roles_of(
        ("root", 10, "runc create box"),
        ("clone", 10, 11, "VM VFORK PIDFD"),
        ("exit", 11, 0),
        ("exit", 10, 1),
    )
    assert found == ["runtime", "runtime"]


def test_dockers_side() -> None:
    shim = "/usr/bin/containerd-shim-runc-v2 -namespace moby -id c1 -address /run/c.sock"
    found = roles_of(
        ("root", 10, "dockerd"),
        ("vfork", 10, 11),
        ("exec", 11, "containerd --config c.toml"),
        ("vfork", 11, 12),
        ("exec", 12, f"{shim} start"),
        ("vfork", 12, 13),
        ("exec", 13, shim),
        ("exit", 12, 0),
        ("reparent", 13, 1),
        ("vfork", 13, 14),
        ("exec", 14, "/usr/bin/runc --root /run/docker create --bundle /b c1"),
        ("vfork", 14, 15),
        ("exec", 15, "runc init", "/proc/self/fd/7"),
        ("clone", 15, 16, "PARENT"),
        ("clone", 16, 17, "PARENT", {"nspid": [17, 1]}),
        ("exit", 16, 0),
        ("exit", 15, 0),
        ("exit", 14, 0),
        ("reparent", 17, 13),
        ("vfork", 10, 18),
        ("exec", 18, "/usr/bin/docker-proxy -proto tcp"),
        ("exec", 17, "sh"),
    )
    assert found == [
        "engine",
        "engine",
        "helper",
        "monitor",
        "runtime",
        "init-stage",
        "init-stage",
        "container",
        "helper",
    ]


def test_who_adopts_what_a_runtime_leaves_is_a_monitor_under_any_name() -> None:
    found = roles_of(
        ("root", 10, "watcher"),
        ("fork", 10, 11),
        ("exec", 11, "runc create box"),
        ("clone", 11, 12, "NEWPID"),
        ("exit", 11, 0),
        ("reparent", 12, 10),
    )
    assert found == ["monitor", "runtime", "container"]


def test_bubblewrap() -> None:
    found = roles_of(
        ("root", 10, "bwrap --unshare-pid sh"),
        ("clone", 10, 11, "NEWNS NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("exec", 12, "sh"),
    )
    assert found == ["monitor", "container", "container"]
    assert roles_of(("root", 10, "bwrap --version"), ("fork", 10, 11)) == ["other", "other"]


def test_bubblewraps_reaper_is_in_the_container_to_its_end() -> None:
    found = roles_of(
        ("root", 10, "bwrap --unshare-pid sh"),
        ("clone", 10, 11, "NEWNS NEWPID", {"nspid": [11, 1]}),
        ("fork", 11, 12, "", {"nspid": [12, 2]}),
        ("exec", 12, "sh"),
        ("exit", 12, 0),
        ("exit", 11, 0),
        ("exit", 10, 0),
    )
    assert found == ["monitor", "container", "container"]


def test_systemd_nspawn() -> None:
    found = roles_of(
        ("root", 10, "systemd-nspawn -D /x sh"),
        ("clone", 10, 11, "NEWNS"),
        ("clone", 11, 12, "NEWNS NEWIPC NEWPID NEWUTS", {"nspid": [12, 1]}),
        ("exit", 11, 0),
        ("reparent", 12, 10),
        ("exec", 12, "sh"),
        ("fork", 12, 13, "", {"nspid": [13, 2]}),
        ("exec", 13, "ls"),
    )
    assert found == ["monitor", "init-stage", "container", "container"]


def test_lxc_start_goes_to_the_background_first() -> None:
    found = roles_of(
        ("root", 10, "lxc-start -n box"),
        ("fork", 10, 11),
        ("fork", 11, 12),
        ("exit", 11, 0),
        ("reparent", 12, 1),
        ("clone3", 12, 13, "NEWNS NEWPID INTO_CGROUP", {"nspid": [13, 1]}),
        ("exec", 13, "/sbin/init"),
    )
    assert found == ["other", "other", "monitor", "container"]


def test_buildah_with_a_runtime_is_its_own_monitor() -> None:
    found = roles_of(
        ("root", 10, "buildah run --isolation oci work -- echo hi"),
        ("vfork", 10, 11),
        ("exec", 11, "buildah-copier", "/proc/self/exe"),
        ("exit", 11, 0),
        ("vfork", 10, 12),
        ("exec", 12, "buildah-oci-runtime", "/proc/self/exe"),
        ("vfork", 12, 13),
        ("exec", 13, "/usr/bin/runc create --bundle /b buildah-x"),
        ("clone", 13, 14, "NEWPID", {"nspid": [14, 1]}),
        ("exit", 13, 0),
        ("reparent", 14, 12),
        ("vfork", 12, 15),
        ("exec", 15, "/usr/bin/runc start buildah-x"),
        ("exec", 14, "echo hi"),
    )
    assert found == ["engine", "helper", "monitor", "runtime", "container", "runtime"]


def test_dockerd_called_by_the_name_of_some_work_is_a_helper() -> None:
    """A hook of the runtime's (/proc/14/exe is dockerd), and a child of dockerd's own."""
    launch = build_launch(read_trace(PROJECT / "examples" / "docker-daemon" / "launch.jsonl"))
    found = roles(launch)
    called = {p.argv[0]: found[p.id] for p in launch.inside if p.argv}
    assert (called["libnetwork-setkey"], called["set-ipv6"]) == ("helper", "helper")
    assert called["dockerd"] == "engine"


def test_buildah_without_a_runtime_isolates_by_chroot() -> None:
    found = roles_of(
        ("root", 10, "buildah run --isolation chroot work -- echo hi"),
        ("vfork", 10, 11),
        ("exec", 11, "buildah-chroot-runtime", "/proc/self/exe"),
        ("clone", 11, 12, "NEWNS NEWUTS"),
        ("exec", 12, "buildah-chroot-exec echo hi", "/proc/self/exe"),
        ("vfork", 12, 13),
        ("exec", 13, "echo hi", "/bin/echo"),
    )
    assert found == ["engine", "engine", "engine", "container"]


def test_cri_os_side() -> None:
    """Fabricated from the sources: CRI-O runs conmon through taskset, and pins namespaces."""
    found = roles_of(
        ("root", 10, "crio"),
        ("vfork", 10, 11),
        ("exec", 11, "/usr/bin/pinns -d /run -f x --ipc --net --uts"),
        ("exit", 11, 0),
        ("vfork", 10, 12),
        ("exec", 12, ["taskset", "-c", "0", *conmon_argv()]),
        ("exec", 12, conmon_argv()),
        ("fork", 12, 13),
        ("exit", 12, 0),
        ("reparent", 13, 1),
        ("fork", 13, 14),
        ("exec", 14, f"/usr/sbin/runc create --bundle /b {CONTAINER}"),
        ("clone", 14, 15, "NEWPID", {"nspid": [15, 1]}),
        ("exit", 14, 0),
        ("reparent", 15, 13),
        ("exec", 15, "app"),
    )
    assert found == ["engine", "helper", "monitor", "monitor", "runtime", "container"]


def test_conmonrs_forks_once() -> None:
    found = roles_of(
        ("root", 10, "crio"),
        ("vfork", 10, 11),
        ("exec", 11, "/usr/bin/conmonrs --runtime /usr/bin/runc --runtime-dir /run/c"),
        ("fork", 11, 12),
        ("exit", 11, 0),
        ("reparent", 12, 1),
        ("vfork", 12, 13),
        ("exec", 13, "/usr/bin/conmonrs pause --base-path /run/ns"),
        ("vfork", 12, 14),
        ("exec", 14, "/usr/bin/runc create --bundle /b box"),
        ("clone", 14, 15, "NEWPID", {"nspid": [15, 1]}),
        ("exit", 14, 0),
        ("reparent", 15, 12),
        ("exec", 15, "app"),
    )
    assert found == ["engine", "monitor", "monitor", "helper", "runtime", "container"]


def test_a_rootless_podmans_copy_is_podman_before_it_executes_itself() -> None:
    found = roles_of(
        ("root", 10, "podman run alpine"),
        ("clone", 10, 11, "NEWUSER NEWNS"),
        ("fork", 11, 12),
        ("exec", 11, "podman run alpine", "/proc/self/exe"),
        ("fork", 11, 13),
    )
    assert found == ["engine", "engine", "engine", "engine"]


def test_engine_helpers() -> None:
    found = roles_of(
        ("root", 10, "podman run -p 80:80 alpine"),
        ("clone", 10, 11, "NEWUSER NEWNS"),
        ("vfork", 10, 12),
        ("exec", 12, "newuidmap 11 0 1000 1"),
        ("exec", 11, "podman run -p 80:80 alpine", "/proc/self/exe"),
        ("vfork", 11, 13),
        ("exec", 13, "/usr/libexec/podman/netavark setup /run/netns/x"),
        ("fork", 13, 14),
        ("exec", 14, "iptables -t nat -L"),
        ("fork", 11, 15),
        ("exec", 15, "storage-untar /", "/proc/self/exe"),
        ("vfork", 11, 16),
        ("exec", 16, "podman", "/proc/self/exe"),
        ("exec", 16, "catatonit -P"),
    )
    assert found == ["engine", "engine", "helper", "helper", "helper", "helper", "helper"]


def test_podman_unshare_runs_a_command_of_the_users() -> None:
    found = roles_of(("root", 10, "podman unshare ls"), ("fork", 10, 11), ("exec", 11, "ls"))
    assert found == ["engine", "other"]


def test_a_users_own_cleanup_is_the_engine() -> None:
    found = roles_of(("root", 10, "podman container cleanup box"), ("fork", 10, 11))
    assert found == ["engine", "engine"]


def test_every_process_gets_a_role_and_a_rule() -> None:
    trace = trace_of(("root", 10, "sh"), ("create", 10, 11), ("exec", 44, "x"))
    trace.events.append(events.Started(at_ns=99_000_000, pid=50, attached=True))
    launch = build_launch(trace)
    found = analyse(launch).roles
    assert [found[id_].role for id_ in launch.processes] == ["other"] * 4
    assert found["p4"].rule == "its program is unknown"


@pytest.mark.parametrize(
    "asked",
    [
        "conmon --version",
        "/usr/bin/podman --version",
        "podman --log-level info --version",
        "podman --root run -v",
        "docker --context exec --version",
        "buildah --version",
        "runc --version",
        "runc --root create --version",
        "runc --log exec.log -v",
        "crun --version",
        "crun features",
        "runc features",
        "youki --version",
        "dockerd --version",
        "containerd -v",
        "containerd-shim-runc-v2 -v",
        "conmonrs --version",
        "bwrap --version",
    ],
)
def test_what_is_only_asked_about_is_neither_engine_monitor_nor_runtime(asked: str) -> None:
    assert roles_of(("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, asked), ("fork", 11, 12),
                    ("exit", 12, 0), ("exit", 11, 0)) == ["other"] * 3  # fmt: skip


@pytest.mark.parametrize(
    ("called", "rule"),
    [
        ("podman --log-level info run alpine", "podman, called to run"),
        ("podman run --log-driver ps alpine", "podman, called to run"),
        ("docker --context exec container create alpine", "docker, called to create"),
        ("podman --an-option-of-tomorrow run alpine", "podman, called to run"),
        ("runc --root /run/x --log state delete exec", "runc, an OCI runtime, called to delete"),
    ],
)
def test_a_verb_is_not_looked_for_among_the_values_of_options(called: str, rule: str) -> None:
    launch = launch_of(("root", 10, called), ("fork", 10, 11), ("exit", 10, 0))
    assert analyse(launch).roles["p1"].rule == rule


def test_the_container_of_unshare_has_helpers_as_any() -> None:
    """Only `podman unshare` itself runs what the user asked for."""
    steps: list[Step] = [("fork", 10, 11), ("exec", 11, "tool")]
    assert roles_of(("root", 10, "podman run alpine unshare"), *steps) == ["engine", "helper"]
    assert roles_of(("root", 10, "podman unshare tool"), *steps) == ["engine", "other"]
