"""What ``explain`` says of imported logs, of which nobody looked at /proc."""

import re
from textwrap import dedent

import pytest

from forktrace.analysis.explain import Sentence, explain
from forktrace.analysis.explain.edges import KINDS
from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.render.report_markdown import render
from forktrace.trace.reader import TraceFile
from forktrace.views.options import ViewOptions
from tests.unit.strace_logs import trace_of_log, trace_of_logs
from tests.unit.test_explain import told
from tests.unit.test_explain_mutation import answer, case_of, everything, faults
from tests.unit.test_strace_import import (
    EXEC_BY_A_THREAD,
    INSIDE,
    PIPELINE,
    QUESTION,
    SEPARATE,
    THREADS,
)

ORPHAN = """
    800 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
    800 clone(child_stack=NULL, flags=SIGCHLD) = 801
    800 exit_group(0) = ?
    800 +++ exited with 0 +++
    801 execve("/bin/sleep", ["sleep","1"], 0x1 /* 3 vars */) = 0
    801 exit_group(0) = ?
    801 +++ exited with 0 +++
"""
DOUBLE_FORK = """
    800 execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
    {call}
    800 clone(child_stack=NULL, flags=SIGCHLD) = 801
    801 clone(child_stack=NULL, flags=SIGCHLD) = 802
    801 exit_group(0) = ?
    801 +++ exited with 0 +++
    802 exit_group(0) = ?
    802 +++ exited with 0 +++
    800 exit_group(0) = ?
    800 +++ exited with 0 +++
"""
SUBREAPER = DOUBLE_FORK.format(call="800 prctl(PR_SET_CHILD_SUBREAPER, 1) = 0")
NO_SUBREAPER = DOUBLE_FORK.format(call='800 prctl(PR_SET_NAME, "sh") = 0')
NO_PRCTL = DOUBLE_FORK.format(call="800 setsid() = 800")
IN_A_NAMESPACE = """
    40 execve("/bin/unshare", ["unshare"], 0x1 /* 3 vars */) = 0
    40 prctl(PR_SET_NAME, "unshare") = 0
    40 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 41
    41 clone(child_stack=NULL, flags=SIGCHLD) = 2
    42 clone(child_stack=NULL, flags=SIGCHLD) = 3
    43 setsid() = 3
    42 exit_group(0) = ?
    42 +++ exited with 0 +++
    43 exit_group(0) = ?
    43 +++ exited with 0 +++
"""
PODMAN = """
    600 execve("/usr/bin/podman", ["podman", "run", "alpine"], {env}) = 0
    600 vfork() = 601
    601 execve("/usr/bin/conmon", ["conmon", "-c", "abc"], 0x1 /* 3 vars */) = 0
    600 write(7</sys/fs/cgroup/libpod_parent/conmon/cgroup.procs>, "601", 3) = 3
    601 write(7</sys/fs/cgroup/other/cgroup.procs>, "0", 1) = 1
    600 write(7</sys/fs/cgroup/no/cgroup.procs>, "601", 3) = -1 ENOENT (No such file or directory)
    601 exit_group(0) = ?
    601 +++ exited with 0 +++
    600 exit_group(0) = ?
    600 +++ exited with 0 +++
"""
SEPARATE_TIMED = tuple(
    (name, dedent(text).format(*(f"12:00:0{n} " for n in range(10))).encode())
    for name, text in SEPARATE
)


def with_times(text: str) -> str:
    """Put a time of day behind the pid of each line."""
    lines = (line.strip().partition(" ") for line in text.strip().splitlines())
    return "".join(f"{pid} 12:00:{n:02} {rest}\n" for n, (pid, _, rest) in enumerate(lines))


def quiet(text: str) -> str:
    """Leave out the lines of ends, as strace -qq does."""
    return re.sub(r".*\+\+\+ exited.*\n", "", text)


LOGS: dict[str, TraceFile] = {
    "orphan": trace_of_log(ORPHAN),
    "orphan-timed": trace_of_log(with_times(ORPHAN)),
    "orphan-quiet": trace_of_log(quiet(ORPHAN)),
    "orphan-stderr": trace_of_log(re.sub(r"(?m)^ *(\d+) ", r"[pid \1] ", ORPHAN)),
    "subreaper": trace_of_log(SUBREAPER),
    "no-subreaper": trace_of_log(NO_SUBREAPER),
    "no-prctl": trace_of_log(NO_PRCTL),
    "namespace": trace_of_log(IN_A_NAMESPACE),
    "podman": trace_of_log(PODMAN.format(env="0x1 /* 3 vars */")),
    "podman-v": trace_of_log(PODMAN.format(env='["NOTIFY_SOCKET=/x", "INVOCATION_ID=1"]')),
    "pipeline": trace_of_log(PIPELINE),
    "question": trace_of_log(QUESTION),
    "threads": trace_of_log(THREADS + EXEC_BY_A_THREAD["very quietly"].lstrip("\n")),
    "inside": trace_of_log(INSIDE),
    "separate": trace_of_logs(*SEPARATE_TIMED),
}


def said_of(name: str, question: str | None) -> list[Sentence]:
    return [s for section in explain(case_of(LOGS[name]), question) for s in section.sentences]


@pytest.mark.parametrize("name", LOGS)
def test_every_question_is_answered_by_what_the_sentences_name(name: str) -> None:
    trace = LOGS[name]
    case = case_of(trace)
    for kind in KINDS:
        for id_ in case.launch.processes:
            assert answer(case, f"{kind}:{id_}")
    for _, sentence in everything(trace):
        assert bool(sentence.events) == (sentence.certainty != "unknown"), sentence
        assert "pid 0" not in sentence.text
    assert faults(trace) == []


@pytest.mark.parametrize("name", LOGS)
def test_every_report_is_written(name: str) -> None:
    launch = build_launch(LOGS[name])
    assert render(launch, analyse(launch), ViewOptions()).startswith("# ")


def test_logs_with_adoptions_are_among_them() -> None:
    adopted = [n for n, t in LOGS.items() if any(p.adoptions for p in build_launch(t).inside)]
    assert len(adopted) >= 8, adopted


def test_an_adoption_by_one_that_is_unknown() -> None:
    for question in (None, "why-parent", "p2", "reparent:p2", "x1->p2"):
        said = said_of("orphan", question)
        by_rule = told(said, "When p1 sh, its parent, exited with 0, the kernel's rule gave p2")
        assert by_rule.certainty == "inferred"
        assert by_rule.text.endswith("the nearest subreaper above it, else the init of its PID "
                                     "namespace.")  # fmt: skip
        assert told(said, "Which process adopted p2").certainty == "unknown"


def test_the_life_of_one_that_is_unknown() -> None:
    (life,) = explain(case_of(LOGS["orphan"]), "x1")
    assert life.title == "x1 (an unknown adopter)"
    assert [s.text for s in life.sentences] == [
        "Which process x1 stands for, an unknown adopter, is not in this trace, because nothing "
        "tells."
    ]


def test_an_adoption_by_one_outside_the_log() -> None:
    made = told(said_of("no-subreaper", "why-parent"), "the kernel's rule makes p3 sh a child of")
    assert made.text.endswith(
        "of x1 (a subreaper or init, outside the trace), as nobody above it in the log was a "
        "subreaper."
    )
    assert made.certainty == "inferred"


def test_an_adoption_by_a_subreaper_of_the_log() -> None:
    said = said_of("subreaper", "why-parent")
    assert told(said, "the kernel's rule makes p3 sh a child of p1 sh.").certainty == "inferred"
    assert told(said, "p1 sh had made itself a subreaper").certainty == "inferred"


def test_an_adoption_by_the_init_of_a_namespace() -> None:
    said = said_of("namespace", "why-parent")
    assert told(said, "the kernel's rule makes p4 unshare a child of p2 unshare.")
    assert told(said, "p2 unshare is the init of its PID namespace")
    assert told(said_of("namespace", "p3"), "from strace's PID namespace inwards")


def test_the_status_of_an_orphan_is_for_one_that_is_not_known() -> None:
    said = said_of("orphan", "who-reaps")
    assert told(said, "p2 sleep exited").text == "p2 sleep exited with 0."
    assert told(said_of("no-subreaper", "who-reaps"), "p3 sh exited").text.endswith(
        "its parent then was x1 (a subreaper or init, outside the trace), which alone could take "
        "that status."
    )


def test_a_double_fork_that_may_be_none() -> None:
    said = said_of("no-prctl", "double-fork")
    assert "because it is not known who adopted what was left" in said[0].text
    assert told(said, "p2 sh created p3 sh").text == (
        "p2 sh created p3 sh and exited with 0: a double fork, unless p3 went to who had created "
        "p2, which the log does not tell."
    )
    assert len(said_of("orphan", "double-fork")) == 1


def test_a_log_with_gaps_is_not_taken_for_all_that_happened() -> None:
    (survives,) = said_of("question", "what-survives")
    assert survives.text.endswith("because no record tells of the end of p1.")
    for question in (None, "where-is-my-container"):
        nowhere = told(said_of("question", question), "A container is not in this trace")
        assert "the log does not show that p1, or what it created, made" in nowhere.text


def test_the_environment_that_a_log_does_not_show() -> None:
    (unset,) = said_of("podman", "main-pid")
    assert "was set" not in unset.text
    assert "strace's option -v" in unset.text
    assert told(said_of("podman-v", "main-pid"), "p1 podman had INVOCATION_ID and NOTIFY_SOCKET")


def test_writes_to_cgroups_are_told() -> None:
    assert [s.text for s in said_of("podman", "why-cgroup")] == [
        "p1 podman wrote the pid of p2 conmon to /sys/fs/cgroup/libpod_parent/conmon/cgroup.procs.",
        "p2 conmon wrote its own pid to /sys/fs/cgroup/other/cgroup.procs.",
    ]
