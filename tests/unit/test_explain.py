"""What ``explain`` says of a launch, and what it does not dare to say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from forktrace.analysis.explain import TOPICS, Case, Sentence, explain
from forktrace.analysis.passes import analyse
from forktrace.errors import NoProcessError
from forktrace.model.build import build_launch
from forktrace.trace import events
from forktrace.trace.reader import TraceFile, read_trace
from tests.unit.events import Step, trace_of
from tests.unit.podman import podman_steps, podman_syscall_steps

PROJECT = Path(__file__).parents[2]
SESSION = "0::/user.slice/user-0.slice/session-1.scope"
UNIT = "0::/system.slice/baz.service"


def case_of(trace: TraceFile) -> Case:
    launch = build_launch(trace)
    return Case(launch, analyse(launch))


def say(question: str | None, *steps: Step, **header: Any) -> list[Sentence]:
    case = case_of(trace_of(*steps, **header))
    return [s for section in explain(case, question) for s in section.sentences]


def texts(question: str | None, *steps: Step, **header: Any) -> list[str]:
    return [sentence.text for sentence in say(question, *steps, **header)]


def told(sentences: Sequence[Sentence], words: str) -> Sentence:
    """Return the one sentence that has these words."""
    found = [s for s in sentences if words in s.text]
    assert len(found) == 1, (words, [s.text for s in sentences])
    return found[0]


# The story.


def test_the_story_of_a_container() -> None:
    said = say(None, *podman_steps())
    assert told(said, "is the command").text == "p1 podman (pid 3000) is the command that " + (
        "forktrace started."
    )
    double = told(said, "a double fork")
    assert double.text == (
        "p1 podman created p3 conmon (pid 3020) by vfork, p3 forked p4 conmon (pid 3021), and p3 "
        "executed nothing after that and exited with 0: a double fork."
    )
    assert double.certainty == "observed"
    adopted = told(said, "the kernel made p4 conmon")
    assert adopted.text.startswith("When p3 conmon, its parent, exited with 0, the kernel made p4")
    assert adopted.text.endswith("a child of x1 systemd (pid 1, outside the trace).")
    assert told(said, "must be a subreaper").certainty == "inferred"
    assert told(said, "p8 echo go, which had waited").certainty == "inferred"
    assert told(said, "`echo hi` itself").text.startswith("p8 echo ran `/usr/sbin/runc init` until")
    assert told(said, "alone would not have ended p4 conmon (a child of x1) or p8 echo (a child")
    assert len(said) <= 30


def test_recorded_calls_make_certain_what_was_inferred() -> None:
    said = say(None, *podman_syscall_steps(), detail="syscalls")
    assert told(said, "PR_SET_CHILD_SUBREAPER").certainty == "observed"
    waited = told(said, "p8 echo exited with 0")
    assert (waited.text, waited.certainty) == (
        "p8 echo exited with 0; p4 conmon waited for it and took that status.",
        "observed",
    )


def test_names_come_from_the_trace() -> None:
    """No engine's name stands in a story but that of the trace."""
    steps = podman_steps("/opt/watch", "/opt/oci", "/opt/motor")
    case = case_of(trace_of(*steps, command=["motor", "run"]))
    for question in (None, *TOPICS, *case.launch.processes):
        for section in explain(case, question):
            for sentence in section.sentences:
                words = sentence.text.replace("libpod-conmon-", "").replace("libpod-", "")
                words = words.replace("--runtime runc", "").replace(
                    "runc:[", ""
                )  # what the stages called themselves
                assert not [n for n in ("podman", "conmon", "runc", "docker") if n in words], words
    assert (
        "p1 motor created p3 watch"
        in told([s for section in explain(case) for s in section.sentences], "a double fork").text
    )


def test_a_launch_without_a_container() -> None:
    said = texts(None, ("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "date"), ("exit", 11, 0),
                 ("exit", 10, 3))  # fmt: skip
    assert said == [
        "p1 sh (pid 10) is the command that forktrace started.",
        "p1 sh forked p2 date (pid 11), which executed `date`.",
        "p1 sh exited with 3; no process that descends from it was seen to live on.",
    ]


def test_helpers_are_counted() -> None:
    steps: list[Step] = list(podman_steps())
    for pid in range(4000, 4036):
        steps[5:5] = [("vfork", 3000, pid), ("exec", pid, "iptables -nvL"), ("exit", pid, 0)]
    said = say(None, *steps)
    assert "36 \N{MULTIPLICATION SIGN} iptables" in told(said, "37 helpers: ").text
    assert len(said) <= 30


# Cgroups.


def in_unit(argv: str = "podman run alpine", **executed: Any) -> list[Step]:
    """Return a launch in a unit where conmon stays and the container leaves."""
    steps = podman_steps()
    root = events.Started(
        at_ns=1, pid=3000, root=True,
        state=events.State(comm="python3", ppid=9, nspid=[3000], cgroup=[UNIT], pgid=3, sid=3),
    )  # fmt: skip
    ran = events.Executed(
        at_ns=2, pid=3000, path="/usr/bin/podman", argv=list(argv.split()), **executed
    )
    kept: list[Step] = []
    for step in steps[1:]:
        assert isinstance(step, tuple)
        state = step[-1]
        scope = isinstance(state, dict) and "conmon" in str(state.get("cgroup", ""))
        if step[0] == "sample" and scope:
            continue
        if scope:
            step = (*step[:-1], {k: v for k, v in state.items() if k != "cgroup"})
        kept.append(step)
    return [root, ran, *kept]


def test_a_unit_keeps_conmon_where_invocation_id_is_set() -> None:
    sentence = told(
        say("why-cgroup", *in_unit(env=["INVOCATION_ID"])), "is in the cgroup of p1 podman:"
    )
    assert "INVOCATION_ID is set" in sentence.text
    assert "leaves conmon there" in sentence.text
    assert sentence.certainty == "inferred"
    assert "1.8.0" in sentence.rule


def test_the_bug_of_cgroupfs_is_only_suspected() -> None:
    sentence = told(say("why-cgroup", *in_unit()), "is in the cgroup of p1 podman")
    assert "although INVOCATION_ID is not set in the environment of p1" in sentence.text
    assert "looks like a bug of podman 4.2 to 5.8" in sentence.text
    assert "would tell" in sentence.text
    assert sentence.certainty == "inferred"


def test_nothing_is_suspected_where_the_environment_was_not_seen() -> None:
    said = say("why-cgroup", *in_unit(), source="import")
    assert "INVOCATION_ID" not in told(said, "is in the cgroup of p1 podman").text


def test_conmon_stays_where_it_was_told_to() -> None:
    said = say("why-cgroup", *in_unit("podman run --cgroups=no-conmon alpine"))
    assert "as --cgroups=no-conmon asked for" in told(said, "is in the cgroup of p1 podman").text


def test_conmon_in_a_cgroup_of_its_own() -> None:
    said = say("why-cgroup", *podman_steps())
    assert told(said, "p4 conmon is not in the cgroup of p1 podman").certainty == "inferred"
    moved = told(said, "p4 conmon ended up in the cgroup")
    assert "by whom was not recorded" in moved.text
    assert told(said, "named after the container's id").certainty == "inferred"


# Docker, units, survival.


def test_a_container_that_a_daemon_makes() -> None:
    steps: list[Step] = [("root", 10, "docker run alpine echo hi"), ("thread", 10, 11),
                         ("exit", 10, 0)]  # fmt: skip
    for question in ("where-is-my-container", None):
        said = say(question, *steps)
        assert told(said, "is a client: it asks dockerd over a socket").certainty == "inferred"
        assert told(said, "forktrace attach -p").certainty == "unknown"


def test_a_client_that_was_not_to_make_a_container() -> None:
    steps: list[Step] = [("root", 10, "docker ps"), ("exit", 10, 0)]
    said = say("where-is-my-container", *steps)
    assert told(said, "made a process of a container").certainty == "unknown"


def test_the_main_process_of_a_unit() -> None:
    said = say("main-pid", *in_unit(env=["INVOCATION_ID", "NOTIFY_SOCKET"]))
    assert told(said, "had INVOCATION_ID and NOTIFY_SOCKET in its environment")
    sent = told(said, "as MAINPID once")
    assert "p4 conmon" in sent.text
    assert "not recorded" in sent.text
    assert sent.certainty == "inferred"
    assert told(said, "forktrace is the main process until").certainty == "inferred"


def asks_for_death(pid: int) -> Step:
    return ("call", pid, "prctl", {"option": "PR_SET_PDEATHSIG", "signal": "SIGKILL"})


CHAIN: list[Step] = [
    ("root", 10, "podman run --name x alpine"),
    ("vfork", 10, 11),
    ("exec", 11, "runc run ID"),
    ("clone", 11, 12, "NEWPID NEWNS", {"nspid": [12, 1]}),
    ("exec", 12, "sleep 1"),
    ("exit", 12, 0), ("exit", 11, 0), ("exit", 10, 0),
]  # fmt: skip


def test_a_death_that_reaches_the_container_down_the_line() -> None:
    both = [*CHAIN[:2], asks_for_death(11), *CHAIN[2:4], asks_for_death(12), *CHAIN[4:]]
    dies = told(say("what-survives", *both, detail="syscalls"), "would have reached p3 sleep")
    assert dies.text.endswith(
        "p2 runc run and p3 sleep asked for SIGKILL at the death of their parents."
    )
    one = [*CHAIN[:4], asks_for_death(12), *CHAIN[4:]]
    assert told(say("what-survives", *one, detail="syscalls"), "would not have ended p3 sleep")
    assert told(say("what-survives", *CHAIN), "Whether p3 would have died").certainty == "unknown"


def test_who_lived_on() -> None:
    said = texts("what-survives", ("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "sleep 9"),
                 ("exit", 10, 0), ("exit", 11, 0))  # fmt: skip
    assert said == ["When p1 sh exited with 0, p2 sleep lived on."]


# What is not in the trace is said so.


@pytest.mark.parametrize("topic", [t for t in TOPICS if t not in ("who-reaps", "what-survives")])
def test_what_is_not_in_the_trace_is_said_with_its_reason(topic: str) -> None:
    (sentence,) = say(topic, ("root", 10, "true"), ("exit", 10, 0))
    assert "not in this trace, because" in sentence.text
    assert (sentence.certainty, sentence.events) == ("unknown", ())


def test_waits_that_were_not_recorded() -> None:
    said = say("who-reaps", *podman_steps())
    assert "--detail syscalls" in told(said, "not in this trace").text
    assert told(said, "p8 echo exited with 0; its parent then was p4").certainty == "inferred"


def test_nothing_but_the_end_is_known_of_an_empty_trace() -> None:
    assert say(None) == []
    for topic in TOPICS:
        assert [s.certainty for s in say(topic)] == ["unknown"], topic


# Processes and edges.


def test_a_process_by_id_pid_and_name() -> None:
    steps = podman_steps()
    assert texts("p8", *steps) == texts("3032", *steps) == texts("echo", *steps)
    lives = explain(case_of(trace_of(*steps)), "conmon")
    assert [life.title for life in lives] == [
        "p2 conmon (pid 3010)", "p3 conmon (pid 3020)", "p4 conmon (pid 3021)",
        "p11 conmon (pid 3055)",
    ]  # fmt: skip


def test_a_life_from_birth_to_end() -> None:
    said = texts("p8", *podman_syscall_steps(), detail="syscalls")
    for words in (
        "p7 runc init created p8 echo (pid 3032) by clone with CLONE_PARENT.",
        "p8 was born as a child of p5 runc create",
        "p8 executed `echo hi`",
        "p8 echo called setsid",
        "has the pids 3032 and 1",
        "p8 made 1 more thread",
        "p4 conmon waited for it",
    ):
        assert any(words in text for text in said), words


def test_signals_that_were_sent() -> None:
    said = say("p2", ("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "sleep 9"),
               ("call", 10, "kill", {"pid": 11, "signal": "SIGTERM"}), ("exit", 11, "SIGTERM"),
               ("wait", 10, 11), ("exit", 10, 0), detail="syscalls")  # fmt: skip
    assert told(said, "p1 sh sent SIGTERM to p2 sleep by kill.").certainty == "observed"
    assert told(said, "p2 sleep was killed by SIGTERM; p1 sh waited for it")


def test_edges() -> None:
    steps = podman_steps()
    assert any("exited with 0, the kernel made p4" in t for t in texts("reparent:p4", *steps))
    assert texts("create:p3", *steps)[0] == "p1 podman created p3 conmon (pid 3020) by vfork."
    assert any("p7 and p8" in t or "born as a child of p5" in t for t in texts("p5->p8", *steps))
    assert texts("p4->p5", *steps) == texts("p5-p4", *steps)
    apart = say("p1-p4", *steps)
    assert apart[0].certainty == "unknown"
    assert [s.text.split(" ")[0] for s in apart[1:]] == ["p1", "p3"]
    assert "neither created" in texts("p2-p4", *steps)[0]


@pytest.mark.parametrize("question", ["p99", "p1-p99", "reparent:x7", "nobody", "99999", "--"])
def test_what_is_not_there_is_told_in_one_sentence(question: str) -> None:
    with pytest.raises(NoProcessError) as caught:
        say(question, *podman_steps())
    assert "\n" not in str(caught.value)


def test_a_name_that_many_have() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(11, 31):
        steps += [("fork", 10, pid), ("exec", pid, "date")]
    with pytest.raises(NoProcessError, match="20 processes are called 'date'"):
        say("date", *steps)


def test_times_of_a_log_without_times() -> None:
    steps = [("root", 10, "sh", {"cgroup": ["0::/a"]}), ("exit", 10, 0)]
    said = texts("p1", *steps, times=False)
    assert any("at the first look, event 0." in text for text in said), said


# Saved traces of real launches.


def of_example(name: str, question: str | None) -> list[Sentence]:
    case = case_of(read_trace(PROJECT / "examples" / name / "launch.jsonl"))
    return [s for section in explain(case, question) for s in section.sentences]


def test_podman_in_a_unit_under_a_traced_systemd() -> None:
    said = of_example("podman-systemd-attach", "why-cgroup")
    assert told(said, "p2 podman ended up in the cgroup /system.slice/baz.service").text.endswith(
        "it was moved there by p1 systemd, which wrote its pid there."
    )
    assert told(said, "p5 conmon ended up in the cgroup /system.slice/baz.service")
    assert told(said, "INVOCATION_ID is set in the environment of p2").certainty == "inferred"
    payload = told(said, "p9 sh ended up in the cgroup /machine.slice/libpod-")
    assert "was moved there by p1 systemd" in payload.text
    assert payload.certainty == "observed"
    holds = of_example("podman-systemd-attach", "who-holds-stdout")
    streams = told(holds, "p2 podman leads to /dev/null; standard output and")
    assert "lead to a socket, whose other end is held by p1 systemd (" in streams.text
    assert "end is held by p5 conmon" in told(holds, "p2 podman has a socket open as").text


def test_podman_in_a_unit_with_forktrace_in_it() -> None:
    said = of_example("podman-systemd-unit", "why-cgroup")
    moved = told(said, "p8 sh ended up in the cgroup /machine.slice/libpod-")
    assert "by a process outside the trace" in moved.text
    assert moved.certainty == "inferred"
    assert told(of_example("podman-systemd-unit", "main-pid"), "forktrace is the main process")


def test_docker_seen_from_its_daemons_and_from_its_client() -> None:
    said = of_example("docker-daemon", None)
    assert told(said, "the kernel made p8 sh a child of p4 containerd-shim-runc-v2")
    assert told(said, "p8 sh exited with 0; p4 containerd-shim-runc-v2 waited for it")
    client = of_example("docker-client", "where-is-my-container")
    assert told(client, "p1 docker is a client").certainty == "inferred"


def test_rootless_podman_is_no_victim_of_the_cgroup_bug() -> None:
    """There the runtime made no cgroup either, so nothing hints at the bug."""
    assert "bug" not in " ".join(s.text for s in of_example("rootless", "why-cgroup"))


def test_what_is_left_out_is_counted() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for pid in range(20, 60, 2):
        steps += [("fork", 10, pid), ("fork", pid, pid + 1), ("exit", pid, 0),
                  ("reparent", pid + 1, 1)]  # fmt: skip
    assert texts("double-fork", *steps)[-1].startswith("12 more processes of this trace are not")
    assert texts("why-parent", *steps)[-1].startswith("12 more processes of this trace are not")
    assert any(
        "14 more processes of this trace got another parent" in t for t in texts(None, *steps)
    )
