"""What ``explain`` says of launches that failed, were joined or killed, or made no container."""

from collections.abc import Callable, Sequence

from forktrace.analysis.explain import Sentence
from tests.unit.events import Step
from tests.unit.podman import podman_steps, podman_syscall_steps
from tests.unit.test_explain import of_example, say, texts, told


def is_step(step: Step, kind: str, pid: int) -> bool:
    return isinstance(step, tuple) and step[:2] == (kind, pid)


def until(steps: Sequence[Step], last: Callable[[Step], bool]) -> list[Step]:
    """Return the steps up to one, that one too."""
    place = next(i for i, step in enumerate(steps) if last(step))
    return list(steps[: place + 1])


def not_found() -> list[Step]:
    """Return a launch of a command that is not in the image: the container's init fails."""
    begun = until(podman_steps(), lambda step: is_step(step, "thread", 3032))
    return [*begun, ("exit", 3032, 1), ("exit", 3022, 1), ("exit", 3021, 1), ("exit", 3000, 127)]


def test_a_container_that_never_ran() -> None:
    for question in (None, "where-is-my-container"):
        failed = told(say(question, *not_found()), "never ran")
        assert failed.text.startswith("p5 runc create exited with 1 before what it made executed")
        assert "container boring_kepler never ran" in failed.text
        assert "It had made p6 runc init, p7 runc init and p8 runc init" in failed.text
        assert failed.text.endswith("of which p8 exited with 1.")
        assert failed.certainty == "inferred"
    assert not any("made a process of a container" in t for t in texts(None, *not_found()))


def test_a_session_in_a_container_that_ran_before() -> None:
    said = of_example("podman-exec", None)
    session = told(said, "was started by p5 runc exec in container e22e0b4e36db")
    assert session.text.startswith("p8 date (pid 88)")
    assert session.text.endswith("whose own first process is not in this trace.")
    joined = told(said, "p7 runc init joined the ipc, uts, mnt and pid namespaces that p8 date is")
    assert joined.certainty == "observed"
    assert told(said, "p8 date ran `/usr/bin/runc init` until it executed `date` itself")
    assert told(of_example("podman-exec", "where-is-my-container"), "whose own first process")


def test_the_namespaces_of_a_container() -> None:
    said = of_example("podman-foreground", None)
    made = told(said, "made the new mnt, uts, ipc and pid namespaces that p8 sh is in, by unshare.")
    assert made.text.startswith("p7 runc init made")


def test_a_story_is_short() -> None:
    for name in ("podman-foreground", "podman-detached", "podman-netavark", "podman-crun"):
        assert len(of_example(name, None)) <= 27, name


def test_who_killed_whom_is_part_of_the_story() -> None:
    steps = podman_syscall_steps()
    place = next(i for i, step in enumerate(steps) if is_step(step, "exit", 3032))
    steps[place : place + 1] = [
        ("vfork", 3000, 3090), ("exec", 3090, "/usr/sbin/runc kill 5853 KILL"),
        ("call", 3090, "kill", {"pid": 3032, "signal": "SIGKILL"}), ("exit", 3032, "SIGKILL"),
    ]  # fmt: skip
    said = say(None, *steps, detail="syscalls")
    assert told(said, "sent SIGKILL to p8 echo by kill.").certainty == "observed"
    assert told(said, "p8 echo was killed by SIGKILL; p4 conmon waited for it")


def test_a_signal_of_another_kind_is_no_killer() -> None:
    said = texts(None, ("root", 10, "sh"), ("fork", 10, 11),
                 ("call", 11, "kill", {"pid": 10, "signal": "SIGUSR1"}),
                 ("exit", 10, "SIGKILL"), ("exit", 11, 0), detail="syscalls")  # fmt: skip
    assert not any("sent" in text for text in said)


def test_only_descendants_live_on() -> None:
    detached = of_example("podman-detached", "what-survives")
    assert told(detached, "lived on").text == (
        "When p2 podman exited with 0, p5 conmon and p9 sleep lived on."
    )


def test_an_engine_that_is_the_init_of_a_namespace_takes_all_with_it() -> None:
    steps = podman_steps()
    root = steps[0]
    assert isinstance(root, tuple)
    steps[0] = (*root[:3], {**root[3], "nspid": [3000, 1]})
    said = texts("what-survives", *steps)
    assert any("p1 podman is itself the init of a PID namespace" in text for text in said)
    assert not any("would not have ended" in text for text in said)


def test_the_end_of_a_unit_reaches_conmon_in_it() -> None:
    said = of_example("podman-systemd-unit", "what-survives")
    ends = told(said, "are in the cgroup of baz.service")
    assert "ends all that is left there when p1 ends, p4 too, unless KillMode=" in ends.text
    assert ends.text.endswith("but not p8 sh, which is in another cgroup.")
    assert ends.certainty == "inferred"
    assert not any("KillMode" in s.text for s in of_example("podman-foreground", "what-survives"))


def test_small_launches_are_told_one_by_one() -> None:
    assert texts(None, ("root", 10, "sh"), ("fork", 10, 11),
                 ("clone", 11, 12, "PARENT SIGCHLD"), ("exec", 12, "echo hi"),
                 ("exit", 12, 0), ("exit", 11, 0), ("exit", 10, 0))[1:3] == [
        "p1 sh forked p2 sh (pid 11).",
        "p2 sh created p3 echo (pid 12) by clone with CLONE_PARENT, which executed `echo hi`.",
    ]  # fmt: skip
    many = [("fork", 10, pid) for pid in range(11, 20)]
    said = texts(None, ("root", 10, "sh"), *many, ("exit", 10, 0))
    assert said[1] == "In all 9 processes were created: 9 \N{MULTIPLICATION SIGN} sh."


def test_a_zombie_of_a_small_launch_is_told_of() -> None:
    said = texts(None, ("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), ("exit", 10, 0),
                 detail="syscalls")  # fmt: skip
    assert any("was a zombie from then on" in text for text in said)


def test_the_payload_below_a_sandbox_that_stays() -> None:
    stays = told(of_example("bubblewrap", None), "stays as the first process of the container")
    assert stays.text == (
        "p2 bwrap stays as the first process of the container; p3 sleep, which p2 bwrap created, "
        "executed `/bin/sh -c '/bin/date; /bin/sleep 0.1'`."
    )


def test_what_was_held_before_is_not_held_elsewhere_for_sure() -> None:
    stdin = told(of_example("buildah", "who-holds-stdout"), "Standard input of p10 echo")
    assert "is closed, held outside the trace" in stdin.text
    assert "before that, it was held by p6 buildah-oci-runtime (descriptor 10)" in stdin.text


def test_a_session_that_was_not_looked_at_itself() -> None:
    bare: list[Step] = [("root", 10, "sh", {"sid": 5, "pgid": 10}), ("create", 10, 11),
                        ("exit", 10, 0)]  # fmt: skip
    inherited = told(say("p2", *bare), "is in session 5 and process group 10")
    assert (inherited.text[-18:], inherited.certainty) == (", like its parent.", "inferred")
    seen: list[Step] = [*bare[:1], ("fork", 10, 11), ("sample", 11, {"pgid": 11}), ("exit", 10, 0)]
    assert told(say("p2", *seen), "and leads process group 11, as /proc showed at 0.00")


def test_a_daemon_was_never_in_its_engines_group() -> None:
    apart = told(of_example("podman-foreground", "double-fork"), "a hangup or ^C")
    assert apart.text == (
        "p4 conmon called setsid: it is in session 47 and process group 47, p1 podman in a session "
        "from outside its PID namespace and process group 2: a hangup or ^C at the terminal of p1 "
        "does not reach p4."
    )


def test_hierarchies_that_agree_share_a_sentence() -> None:
    where = told(of_example("podman-foreground", "why-cgroup"), "p4 conmon ended up in the cgroup")
    assert "/libpod_parent/conmon (in the hierarchies memory, pids, blkio and 5 more)" in where.text


def preempting(signal: str) -> list[Sentence]:
    calls = [("call", 10, "tgkill", {"pid": 10, "tid": 12, "signal": signal})] * 3
    return say("p1", ("root", 10, "podman"), *calls, ("exit", 10, 0), detail="syscalls")


def test_signals_of_the_go_runtime_are_counted_once() -> None:
    sent = told(preempting("SIGURG"), "SIGURG")
    assert sent.text.startswith("p1 podman sent SIGURG to its own threads 3 times, as Go's runtime")
    assert sent.certainty == "inferred"
    assert not any("sent" in sentence.text for sentence in preempting("SIGUSR1"))


def test_how_a_process_came_to_its_cgroup() -> None:
    born = told(of_example("podman-crun", "p6"), "p6 echo was created in the cgroup")
    assert born.text == (
        "p6 echo was created in the cgroup /libpod_parent/libpod-5ee25b81b92b"
        "\N{HORIZONTAL ELLIPSIS} (in the cgroup v2 hierarchy) by p5 crun create, "
        "with CLONE_INTO_CGROUP."
    )
    nspawn = of_example("nspawn", "p1")
    assert told(nspawn, "/supervisor").text == (
        "p1 systemd-nspawn moved itself to the cgroup /supervisor (in the hierarchies cgroup v2 "
        "and name=systemd), by writing its own pid."
    )
    payload = [s.text for s in of_example("nspawn", "p3") if "cgroup /" in s.text]
    assert payload[:2] == [
        "p3 sleep was born in the cgroup / (in the hierarchies cgroup v2 and name=systemd), that "
        "of its creator p2 systemd-nspawn.",
        "p3 sleep was moved to the cgroup /payload (in the hierarchies cgroup v2 and name=systemd) "
        "by p1 systemd-nspawn, which wrote its pid there.",
    ]


def test_helpers_are_named_and_counted() -> None:
    assert told(of_example("docker-daemon", None), "also ran").text == (
        "p1 dockerd also ran 1 helper: set-ipv6."
    )
    assert told(of_example("podman-netavark", None), "also ran").text == (
        "p1 podman also ran 36 helpers, some of them through others: conmon, netavark, "
        "33 \N{MULTIPLICATION SIGN} iptables and ip6tables."
    )


def test_a_signal_that_only_tests_for_a_process() -> None:
    sent = told(of_example("podman-detached", "p9"), "p11 podman sent")
    assert sent.text == (
        "p11 podman sent signal 0 (a test whether it exists) to p9 sleep by kill, 11 times."
    )


def test_a_namespace_that_a_process_made_for_itself() -> None:
    assert told(of_example("podman-crun", None), "made the new cgroup namespace").text == (
        "p6 echo made the new cgroup namespace that it is in, by unshare."
    )


def test_a_session_and_a_group_from_outside_share_their_words() -> None:
    outside = told(of_example("podman-run", "p1"), "p1 podman is in a session")
    assert outside.text.startswith(
        "p1 podman is in a session and a process group from outside its PID namespace, as /proc"
    )


def test_a_subreaper_for_a_while() -> None:
    until = told(of_example("podman-crun", "p4"), "made itself a subreaper at")
    assert until.text.startswith("p4 conmon made itself a subreaper at 0.")
    assert (
        ": orphans below it became its children from then on, until it ended that at" in until.text
    )
