"""``forktrace explain`` as a user runs it, and what it says of a real podman held against /proc."""

import re
import sys
from pathlib import Path

import pytest

from forktrace.trace.reader import read_trace
from tests.integration.harness import PROJECT, Forktrace, status_field, the_sentence, wait_until
from tests.integration.test_podman import RUN, container, image, podman  # noqa: F401 (fixtures)
from tests.unit.test_explain_mutation import faults

DEMO = (sys.executable, "-m", "forktrace.demo")
EXAMPLE = str(PROJECT / "examples" / "podman-run" / "launch.jsonl")
TOPICS = (
    "why-parent", "why-cgroup", "who-reaps", "who-holds-stdout", "what-survives",
    "what-is-runc-init", "where-is-my-container", "double-fork", "main-pid",
)  # fmt: skip


def words(text: bytes | str) -> str:
    """Return the text of an answer in one line."""
    return " ".join((text.decode() if isinstance(text, bytes) else text).split())


def test_the_topics_are_listed_and_each_is_answered(forktrace: Forktrace) -> None:
    listed = forktrace("explain", "--topics")
    assert [line.split()[0] for line in listed.out.decode().splitlines()] == list(TOPICS)
    for topic in TOPICS:
        done = forktrace("explain", EXAMPLE, topic)
        assert (done.status, done.err) == (0, ""), topic
        assert re.search(r"^- ", done.out.decode(), re.MULTILINE), topic


def test_one_word_is_a_question_or_a_trace(forktrace: Forktrace) -> None:
    assert forktrace("run", "-q", "--", "sh", "-c", "true & wait").status == 0
    story = forktrace("explain")
    assert b"sh -c 'true & wait'" in story.out
    assert b"is the command that forktrace started" in story.out
    latest = str(story.trace)
    assert forktrace("explain", "p1").out == forktrace("explain", latest, "p1").out
    named = forktrace("explain", "sh")
    assert b"about sh" in named.out
    assert b"p1 sh" in named.out
    assert forktrace("explain", EXAMPLE).out != story.out
    (forktrace.folder / "why-parent").write_text("no trace")
    assert b"not in this trace, because" in forktrace("explain", "why-parent").out


def test_events_and_rules_are_shown_where_asked_for(forktrace: Forktrace) -> None:
    done = forktrace("explain", EXAMPLE, "reparent:p4", "--events", env=forktrace.env)
    lines = done.out.decode().splitlines()
    lines_of_trace = Path(EXAMPLE).read_text().splitlines()
    number = next(
        i for i, line in enumerate(lines_of_trace[1:]) if '"reparent"' in line and "285" in line
    )
    assert any(line.startswith(f"    {number}  ") and "reparent" in line for line in lines)
    assert any("rule: kernel/exit.c: find_new_reaper" in line for line in lines)


def test_markdown_goes_to_a_file_by_its_extension(forktrace: Forktrace) -> None:
    assert forktrace("explain", EXAMPLE, "-o", "story.md").status == 0
    made = (forktrace.folder / "story.md").read_text()
    assert made.startswith("# `podman ")
    assert "*(inferred)*" in made
    again = forktrace("explain", EXAMPLE, "-o", "story.md")
    assert again.status == 1
    assert "exists already" in the_sentence(again.err)
    assert forktrace("explain", EXAMPLE, "--format", "markdown").out.decode() == made
    assert forktrace("render", EXAMPLE, "-o", "story:same.md").status == 0
    assert (forktrace.folder / "same.md").read_text() == made


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        ((EXAMPLE, "p99"), 1, "nothing in this trace is called 'p99'"),
        ((EXAMPLE, "p1-p99"), 1, "no process of this trace is p99"),
        ((EXAMPLE, "nobody"), 1, "nothing in this trace is called 'nobody'"),
        ((EXAMPLE, "-o", "story.pdf"), 2, "ends neither in .md nor in .txt"),
        (("missing.jsonl",), 1, "missing.jsonl"),
        (("conmon",), 1, "no trace to show yet"),
        ((str(PROJECT / "README.md"),), 1, "README.md"),
    ],
)
def test_errors_are_one_sentence(
    forktrace: Forktrace, args: tuple[str, ...], status: int, said: str
) -> None:
    done = forktrace("explain", *args)
    assert done.status == status
    assert said in the_sentence(done.err)


@pytest.mark.podman
def test_a_running_container_is_where_podman_says(
    forktrace: Forktrace,
    image: str,  # noqa: F811
    container: str,  # noqa: F811
) -> None:
    done = forktrace.record(
        *RUN, "-d", "--name", container, image, "sleep", "1000",
        options=["--linger", "0.5", "--detail", "syscalls"],
    )  # fmt: skip
    assert done.status == 0, done.err
    payload = int(podman("inspect", "-f", "{{.State.Pid}}", container))
    conmon = int(podman("inspect", "-f", "{{.State.ConmonPid}}", container))
    where = words(forktrace("explain", str(done.trace), "where-is-my-container").out)
    assert re.search(
        rf"Container {container[:39]}\S* is p\d+ sleep \(pid {payload}\), a child", where
    )
    assert "sleep was still running when the trace ended" in where

    alive = words(forktrace("explain", str(done.trace), "what-survives").out)
    lived = re.search(r"podman exited with 0, (p\d+ conmon and p\d+ sleep) lived on", alive)
    assert lived, alive

    life = words(forktrace("explain", str(done.trace), str(payload)).out)
    assert status_field(payload, "PPid:") == str(conmon)
    assert "the kernel made" in life
    assert "has the pids" in life
    assert f"pids {payload} and 1," in life

    holds = words(forktrace("explain", str(done.trace), "who-holds-stdout").out)
    pipe = Path(f"/proc/{payload}/fd/1").readlink()
    ends = [
        int(fd.name)
        for fd in Path(f"/proc/{conmon}/fd").iterdir()
        if fd.exists() and fd.readlink() == pipe
    ]
    told = re.search(r"conmon \(descriptors? ([\d and]+)\)", holds)
    assert told, holds
    assert str(ends[0]) in told[1].split()

    paths = {
        line.partition(":")[2].partition(":")[2]
        for line in Path(f"/proc/{payload}/cgroup").read_text().splitlines()
    }
    cgroups = words(forktrace("explain", str(done.trace), "why-cgroup").out)
    shown = re.search(r"sleep ended up in the cgroup (\S+?)…", cgroups)
    assert shown, cgroups
    assert [p for p in paths if p.startswith(shown[1])]

    podman("rm", "-f", "-t", "0", container)
    wait_until(lambda: not Path(f"/proc/{conmon}").exists(), "conmon has ended")


@pytest.mark.podman
def test_waits_are_told_as_the_kernel_saw_them(
    forktrace: Forktrace,
    image: str,  # noqa: F811
) -> None:
    done = forktrace.record(
        *RUN, "--rm", image, "sh", "-c", "exit 7", options=["--detail", "syscalls"]
    )
    assert done.status == 7
    said = words(forktrace("explain", str(done.trace), "who-reaps").out)
    assert re.search(r"sh exited with 7; p\d+ conmon waited for it and took that status\.", said)
    story = words(forktrace("explain", str(done.trace)).out)
    assert "had made itself a subreaper by prctl(PR_SET_CHILD_SUBREAPER)" in story
    assert "a double fork" in story
    assert story.count(" - ") <= 32


@pytest.mark.parametrize("detail", ["minimal", "events", "syscalls"])
def test_no_sentence_of_a_new_trace_survives_its_events(forktrace: Forktrace, detail: str) -> None:
    """What tests/unit/test_explain_mutation.py does to the saved traces."""
    trace = forktrace.trace_path()
    done = forktrace("run", "-q", "--detail", detail, "-o", str(trace), "--", *DEMO)
    assert done.status == 0, done.err
    assert faults(read_trace(trace)) == []
