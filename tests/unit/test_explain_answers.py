"""What ``explain`` says of units, double forks that are none, waits, signals and small launches."""

from typing import Any

import msgspec
import pytest

from forktrace.analysis.explain import Sentence
from forktrace.trace import events
from tests.unit.events import Step, trace_of
from tests.unit.podman import podman_steps
from tests.unit.test_explain import PROJECT, in_unit, of_example, say, texts, told

# Units.


def test_the_end_of_a_unit_reaches_what_is_below_its_cgroup() -> None:
    said = of_example("podman-quadlet", "what-survives")
    ends = told(said, "are in the cgroup of baz.service")
    assert ends.text == (
        "p2 podman and p5 conmon are in the cgroup of baz.service: once p5 is the unit's main "
        "process, as podman's MAINPID message says (NOTIFY_SOCKET is set for p2), systemd ends all "
        "that is left there when p5 ends, p7 sleep too, unless KillMode= says otherwise."
    )
    assert not any("another cgroup" in s.text for s in said)


def in_cgroups(engine: str, container: str, **executed: Any) -> list[Sentence]:
    """Tell of a launch in a unit, the container in a cgroup of its own."""
    steps: list[Step] = []
    for step in in_unit(**executed):
        if isinstance(step, events.Started) and step.state is not None:
            state = msgspec.structs.replace(step.state, cgroup=[f"0::{engine}"])
            step = msgspec.structs.replace(step, state=state)
        if isinstance(step, tuple) and isinstance(step[-1], dict) and "cgroup" in step[-1]:
            step = (*step[:-1], {**step[-1], "cgroup": [f"0::{container}"]})
        steps.append(step)
    return say("what-survives", *steps)


def test_a_unit_ends_with_its_innermost_service() -> None:
    unit = "/user.slice/user-0.slice/user@0.service/app.slice/baz.service"
    ends = told(in_cgroups(unit, f"{unit}/libpod-payload"), "are in the cgroup of baz.service")
    assert "systemd ends all that is left there when p1 ends, p4 and p8 echo too," in ends.text
    beside = told(in_cgroups(unit, f"{unit}2/libpod-payload"), "are in the cgroup of baz.service")
    assert beside.text.endswith("but not p8 echo, which is in another cgroup.")
    scope = in_cgroups("/user.slice/user@0.service/user.slice/run-1.scope", "/payload")
    assert not any("KillMode" in s.text for s in scope)


def test_a_unit_whose_engine_sends_no_message() -> None:
    unit = "/system.slice/baz.service"
    env = ["NOTIFY_SOCKET"]
    argv = "podman run --sdnotify=ignore alpine"
    assert "once p4 is" in told(in_cgroups(unit, "/x", env=env), "KillMode=").text
    assert "if p1 is" in told(in_cgroups(unit, "/x", env=env, argv=argv), "KillMode=").text


def test_the_main_process_of_a_unit_that_forks() -> None:
    said = of_example("podman-systemd-unit", "main-pid")
    assert told(said, "A MAINPID message is not").text.endswith(
        "the unit's main process is the one that systemd started, unless Type= is forking."
    )


# What is no double fork.


@pytest.mark.parametrize("name", ["nspawn", "subreaper"])
def test_an_orphan_that_a_subreaper_above_took_is_no_double_fork(name: str) -> None:
    said = of_example(name, "double-fork")
    assert said[0].certainty == "unknown"
    assert "went to a process above, in the same tree" in said[0].text
    kept = told(said, "a subreaper above took it")
    assert f"p3 went to p1 {'systemd-nspawn' * (name == 'nspawn')}" in kept.text
    assert "which had created p2" in kept.text
    assert kept.certainty == "inferred"
    assert told(said, "a child of p1").certainty == "observed"
    assert not any("a double fork." in s.text for s in said)


def test_an_orphan_of_a_pid_namespace_stays_in_it() -> None:
    kept = told(of_example("pid-namespace", "double-fork"), "so it did not leave the tree of p2")
    assert ": the init of its PID namespace took it, so" in kept.text


# Who reaps, and who killed.


def test_who_reaps_what_runs_below_the_init_of_a_sandbox() -> None:
    said = of_example("bubblewrap", "who-reaps")
    assert told(said, "p3 sleep exited with 0").text.endswith(
        "p2 bwrap waited for it and took that status."
    )
    assert told(said, "p1 bwrap exited with 0").text.endswith(
        "its parent is forktrace (pid 17), which passes the status on."
    )


def test_who_reaps_the_root() -> None:
    wrapped: list[Step] = [("root", 10, "env podman"), ("fork", 10, 11),
                           ("exec", 11, "podman run alpine"), ("exit", 11, 0),
                           ("exit", 10, 0)]  # fmt: skip
    assert told(say("who-reaps", *wrapped), "p1 env exited with 0; its parent is forktrace (pid 9)")
    assert texts("p1", *wrapped, tracer=None)[-1] == "p1 env exited with 0."


def killed(*calls: Step, signal: str = "SIGKILL", detail: str = "syscalls") -> list[Sentence]:
    return say("p2", ("root", 10, "sh"), ("fork", 10, 11), *calls, ("exit", 11, signal),
               ("exit", 10, 0), detail=detail)  # fmt: skip


def test_a_signal_that_nobody_in_the_trace_sent() -> None:
    for question in (None, "p8"):
        outside = told(of_example("podman-systemd-unit", question), "came from a process outside")
        assert outside.text == (
            "The SIGKILL that ended p8 sh came from a process outside the trace, or from the "
            "kernel, as after a write to cgroup.kill: no traced one called kill for it."
        )
        assert outside.certainty == "inferred"
    assert told(killed(signal="SIGTERM"), "came from a process outside the trace: no")


def test_a_signal_that_somebody_in_the_trace_may_have_sent() -> None:
    group = ("call", 10, "kill", {"pid": -10, "signal": "SIGKILL"})
    asked = ("call", 11, "prctl", {"option": "PR_SET_PDEATHSIG", "signal": "SIGKILL"})
    for said in (killed(group), killed(asked), killed(signal="SIGSEGV"), killed(detail="events")):
        assert not any("outside the trace" in s.text for s in said)


# Stories without a container.


def test_the_story_of_an_exec_by_a_thread() -> None:
    assert told(of_example("thread-exec", None), "p1 executed").text == (
        "p1 executed `echo hi` from its thread 25 (the file /bin/echo); until then it ran "
        "thread-exec."
    )


def test_the_story_of_a_daemon_tells_its_creation_once() -> None:
    said = of_example("daemon", None)
    assert told(said, "forked p3 daemon").text.endswith(": a double fork.")
    assert told(said, "forked p2 daemon (pid 25)")
    ran = texts(None, ("root", 10, "d"), ("fork", 10, 11), ("fork", 11, 12), ("exit", 11, 0),
                ("reparent", 12, 1), ("exec", 12, "sleep 9"), ("exit", 10, 0))  # fmt: skip
    assert "p2 d forked p3 sleep (pid 12), which executed `sleep 9`." in ran


def test_the_story_of_a_zombie() -> None:
    assert told(of_example("zombie", None), "was a zombie for").text == (
        "p2 zombie exited with 3 and was a zombie for 0.2 s, until p1 zombie waited for it."
    )
    at_once = texts(None, ("root", 10, "sh"), ("fork", 10, 11), ("exit", 11, 0), ("wait", 10, 11),
                    ("exit", 10, 0), detail="syscalls")  # fmt: skip
    assert not any("zombie" in text for text in at_once)


# Cgroups, roles.


def test_the_cgroup_of_a_client() -> None:
    said = of_example("docker-client", "why-cgroup")
    assert told(said, "p1 docker ended up in the cgroup /, where the first look found it")


def test_three_are_listed_as_three() -> None:
    steps = [step for step in podman_steps() if not isinstance(step, tuple) or step[0] != "sample"]
    bare = [
        tuple({k: v for k, v in w.items() if k != "cgroup"} if isinstance(w, dict) else w
              for w in step) if isinstance(step, tuple) else step
        for step in steps
    ]  # fmt: skip
    assert told(say("why-cgroup", *bare), "The cgroups of p1, p4 and p8 are not in this trace")


def test_the_role_of_a_monitor_rests_on_all_that_its_rule_tells() -> None:
    trace = trace_of(*podman_steps())
    (sentence,) = [s for s in say("p3", *podman_steps()) if "is a monitor" in s.text]
    assert "runtime that p5 executed; it created p4, which goes on, and ended" in sentence.text
    kinds = {(type(e).__name__, e.pid, getattr(e, "child", None))
             for e in (trace.events[n] for n in sentence.events)}  # fmt: skip
    assert {("Created", 3020, 3021), ("Exited", 3020, None), ("Executed", 3022, None)} <= kinds


def test_a_runtime_that_executes_itself_again_is_known_by_its_first_exec() -> None:
    sentence = told(of_example("podman-crun", "p3"), "p3 conmon is a monitor")
    lines = (PROJECT / "examples/podman-crun/launch.jsonl").read_text().splitlines()[1:]
    assert any('"/usr/bin/crun"' in lines[number][:80] for number in sentence.events)
