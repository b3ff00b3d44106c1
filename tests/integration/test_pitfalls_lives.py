"""Pitfalls of following births, execs, ends and adoptions: each handled, and noticed if not."""

import shlex

import pytest

from forktrace.model.process import Process
from tests.ground_truth import workloads
from tests.integration.harness import python
from tests.integration.pitfalls import AS_NAMESPACE_INIT, IN_PID_NAMESPACE, Run, Tracer, without

# Creators that are killed some 10 ms after they have forked. What was forked says so.
KILLED_CREATORS = """
import os, signal, time
for _ in range(8):
    reading, writing = os.pipe()
    creator = os.fork()
    if creator == 0:
        creator = os.getpid()
        os.write(writing, b"x")
        if os.fork() == 0:
            os.write(1, b'{"child": %d, "parent": %d}\\n' % (os.getpid(), creator))
            os._exit(0)
        signal.pause()
    os.read(reading, 1)
    time.sleep(0.01)
    os.kill(creator, signal.SIGKILL)
    os.waitpid(creator, 0)
    os.write(1, b'{"creator": %d}\\n' % creator)
"""


def orphans(run: Run) -> list[dict[str, int]]:
    """Return what the children of killed creators said: a few may have been too late."""
    assert run.result.status == 0
    said = [own for own in run.lines if "child" in own]
    assert said
    return said


# Children that are killed as soon as they are there.
KILLED_CHILDREN = """
import os, signal
for _ in range(8):
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print('{"child": %d}' % child)
"""

# A child as any other, and two that no tracer is told of; one of those stops, and is killed.
HIDDEN = """
import ctypes, os, signal
CLONE_UNTRACED = 0x00800000
def hide(code):
    call = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    child = ctypes.CDLL(None).syscall(call, CLONE_UNTRACED | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        if code == 9:
            os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(code)
    if code == 9:
        os.waitpid(child, os.WUNTRACED)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return child
seen = os.fork() or os._exit(0)
os.waitpid(seen, 0)
print('{"pid": %d, "seen": %d, "ended": %d, "killed": %d}' % (os.getpid(), seen, hide(6), hide(9)))
"""

# Processes and threads in turn, whose pids are the same few again and again: we set the last pid
# that was given back. Each child ends with a code of its own.
FEW_PIDS = """
import os, threading
for number in range(90):
    if number % 15 == 0:
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write("300")
    if number % 3 == 0:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    child = os.fork()
    if child == 0:
        if number % 2 and os.fork() == 0:
            os._exit(100)
        os._exit(number)
    os.waitpid(child, 0)
    print('{"child": %d, "code": %d}' % (child, number))
"""

# An orphan that has executed its program and creates nobody: only its adoption is to be seen.
ORPHAN = """sh -c "sleep 0.4 & sleep 0.2"; sleep 0.4"""
# One whose parent has gone before it could start.
EARLY_ORPHAN = """sh -c "sleep 0.4 & exit"; sleep 0.4"""


def root_of(run: Run) -> Process:
    assert run.launch.root is not None
    return run.launch.processes[run.launch.root]


@without("serve-early-children", order="creators-late")
def test_a_creator_killed_before_its_event_strands_no_child(tracer: Tracer) -> None:
    assert orphans(tracer.trace(*python(KILLED_CREATORS)))


@without("ask-killed-creators", order="creators-late")
def test_a_creator_killed_before_its_event_is_known(tracer: Tracer) -> None:
    run = tracer.trace(*python(KILLED_CREATORS))
    for own in orphans(run):
        assert run.pid(run.process(own["child"]).creator) == own["parent"]


@without("read-parent-of-unannounced", order="creators-late")
def test_the_parent_of_a_child_whose_creator_was_killed_is_read(tracer: Tracer) -> None:
    run = tracer.trace(*python(KILLED_CREATORS))
    for own in orphans(run):
        child = run.process(own["child"])
        assert run.pid(child.parent) == own["parent"]
        assert not child.parent_inferred


@without("first-stop-can-be-the-last", order="children-late")
def test_a_child_killed_before_its_first_stop_has_an_end(tracer: Tracer) -> None:
    run = tracer.trace(*python(KILLED_CHILDREN))
    assert len(run.lines) == 8
    for own in run.lines:
        child = run.process(own["child"])
        assert not child.unseen
        assert child.exit is not None
        assert child.exit.signal == "SIGKILL"


@without("esrch-is-no-error", order="killed")
def test_sigkill_just_before_a_request(tracer: Tracer) -> None:
    assert orphans(tracer.trace(*python(KILLED_CREATORS)))


@without("message-of-this-event", order="slow")
def test_sigkill_at_a_creators_event(tracer: Tracer) -> None:
    run = tracer.trace(*python(KILLED_CREATORS))
    told = {pid for own in run.lines for pid in own.values()}
    assert {p.pid for p in run.launch.inside} == {root_of(run).pid, *told}


def test_sigkill_at_any_stop(whole: Tracer) -> None:
    run = whole.trace(*whole.program_of("killed", workloads.PROGRAMS), "20")
    assert run.result.status == 0
    assert all(process.exit for process in run.launch.inside)


def check_few_pids(tracer: Tracer) -> None:
    tracer.program = (*IN_PID_NAMESPACE, *tracer.program)
    run = tracer.trace(*python(FEW_PIDS))
    assert len(run.lines) == 90
    children = [p for p in run.launch.inside if p.creator == run.launch.root]
    found = [(p.pid, p.exit.code if p.exit and p.exit.code is not None else -1) for p in children]
    assert sorted(found) == sorted((own["child"], own["code"]) for own in run.lines)
    assert len({pid for pid, _code in found}) < 60


@without("pid-is-free-after-death")
def test_pids_are_used_again(tracer: Tracer) -> None:
    check_few_pids(tracer)


@without("remember-unannounced", order="creators-late")
def test_a_creator_tells_of_a_child_that_has_ended(tracer: Tracer) -> None:
    check_few_pids(tracer)


@without("clone-parent")
def test_clone_parent(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("clone_parent"))
    own = run.said("sibling")
    sibling = run.process(own["sibling"])
    assert run.pid(sibling.creator) == own["creator"]
    assert run.pid(sibling.parent) == own["parent"]
    assert sibling.adoptions == []


@without("event-is-not-the-call")
def test_a_clone_event_is_not_always_a_thread(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("clone_flags"))
    assert len(run.lines) == 3
    for own in run.lines:
        assert run.pid(run.process(own["child"]).parent) == own["pid"]


@without("clone3-arguments")
def test_clone3(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("clone3"))
    creation = run.process(run.said("child")["child"]).creation
    assert creation is not None
    assert (creation.flags, creation.exit_signal) == (["CLONE_FS"], "SIGCHLD")


@without("untraced-children")
@pytest.mark.parametrize("place", [(), AS_NAMESPACE_INIT], ids=["outside", "in-a-namespace"])
def test_a_child_made_with_clone_untraced_is_told_of(
    tracer: Tracer, place: tuple[str, ...]
) -> None:
    run = tracer.trace(*place, *python(HIDDEN), warnings=1)
    own = run.said("ended")
    process = next(p for p in run.launch.inside if p.nspid[-1:] == [own["pid"]])
    assert [(c.pid, c.code, c.signal) for c in process.untraced] == [
        (own["ended"], 6, None),
        (own["killed"], None, "SIGKILL"),
    ]


@pytest.mark.parametrize(
    ("place", "found"), [((), 2), (AS_NAMESPACE_INIT, 0)], ids=["outside", "in-a-namespace"]
)
def test_with_little_detail_nobody_is_taken_for_untraced(
    whole: Tracer, place: tuple[str, ...], found: int
) -> None:
    minimal = ("--detail", "minimal")
    run = whole.trace(*place, *python(HIDDEN), options=minimal, warnings=found > 0)
    assert sum(len(p.untraced) for p in run.launch.inside) == found


@without("leader-is-not-the-process")
def test_a_leader_that_ends_first(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("leader_first"))
    own = run.said("tid")
    process, child = run.process(own["pid"]), run.process(own["child"])
    assert process.exit is not None
    assert child.exit is not None
    assert process.exit.code == 8 == run.result.status
    assert process.exit.at.seq > child.exit.at.seq


@without("exec-names-its-thread")
def test_exec_by_a_thread_that_is_not_the_leader(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("thread_exec"))
    own = run.said("tid")
    assert run.process(own["pid"]).images[-1].tid == own["tid"]
    assert run.process(own["pid"]).argv[:2] == ["sh", "-c"]


# A process whose threads an exec ends, and then children that get the threads' numbers.
AFTER_THREADS = """
import os, threading, time
def execute():
    os.execv("/bin/sh", ["sh", "-c", "echo 300 >/proc/sys/kernel/ns_last_pid; "
             "for i in 1 2 3 4 5 6 7 8; do sh -c \\"exit $i\\"; done"])
with open("/proc/sys/kernel/ns_last_pid", "w") as last:
    last.write("300")
for _ in range(3):
    threading.Thread(target=time.sleep, args=(60,)).start()
threading.Thread(target=execute).start()
"""


@without("exec-ends-threads")
def test_exec_frees_the_numbers_of_the_other_threads(tracer: Tracer) -> None:
    tracer.program = (*IN_PID_NAMESPACE, *tracer.program)
    run = tracer.trace(*python(AFTER_THREADS))
    children = [p for p in run.launch.inside if p.creator == run.launch.root]
    assert [p.argv for p in children] == [["sh", "-c", f"exit {i}"] for i in range(1, 9)]


@without("adoption-at-death")
def test_an_orphan_is_looked_at_when_its_parent_has_died(tracer: Tracer) -> None:
    check_adoption(tracer, ORPHAN)


@without("adoption-after-exit-event")
def test_an_adoption_shows_only_after_the_death(tracer: Tracer) -> None:
    check_adoption(tracer, ORPHAN)


@without("parent-can-die-before-first-stop", order="children-late")
def test_a_parent_that_dies_before_the_first_stop(tracer: Tracer) -> None:
    check_adoption(tracer, EARLY_ORPHAN)


def check_adoption(tracer: Tracer, script: str) -> None:
    run = tracer.trace("sh", "-c", script)
    middle = run.has_argv(*shlex.split(script.split(";")[0]))
    orphan = run.has_argv("sleep", "0.4", parent=middle)
    assert len(orphan.adoptions) == 1
    adoption = orphan.adoptions[0]
    assert adoption.death == middle.id
    assert middle.exit is not None
    assert orphan.exit is not None
    assert middle.exit.at.seq < adoption.at.seq < orphan.exit.at.seq


@without("never-wait-for-one")
def test_a_namespace_init_ends_after_its_namespace(tracer: Tracer) -> None:
    script = "sleep 100 & sleep 101 & sleep 102 & exit 5"
    run = tracer.trace(*AS_NAMESPACE_INIT, "sh", "-c", script)
    init = next(p for p in run.launch.inside if p.nspid[-1:] == [1])
    assert init.argv == ["sh", "-c", script]
    assert init.exit is not None
    assert init.exit.code == 5 == run.result.status
    sleepers = [p for p in run.launch.inside if p.parent == init.id]
    assert len(sleepers) == 3
    for sleeper in sleepers:
        assert sleeper.exit is not None
        assert sleeper.exit.signal == "SIGKILL"
        assert sleeper.exit.at.seq < init.exit.at.seq


@without("never-wait-for-vfork")
def test_a_vfork_that_lasts(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("vfork_lasts"))
    own = run.said("child")
    child, other = run.process(own["child"]), run.process(own["other"])
    assert child.exit is not None
    assert child.exit.code == own["code"] == 5
    made = [p for p in run.launch.inside if p.parent == other.id]
    assert len(made) == 20
    assert all(p.exit and p.exit.at.seq < child.exit.at.seq for p in made)


@without("no-descriptor-a-tracee")
def test_thousands_of_live_tracees(tracer: Tracer) -> None:
    tracer.program = ("sh", "-c", 'ulimit -n 256; exec "$@"', "sh", *tracer.program)
    run = tracer.trace(*tracer.program_of("many"), "2000")
    ends = [p.exit.signal if p.exit else "" for p in run.launch.inside if p != root_of(run)]
    assert ends == ["SIGKILL"] * 2000
