"""Pitfalls of following execs, ends and adoptions: each handled, and noticed if not."""

import os

import pytest

from tests.integration.harness import python
from tests.integration.pitfalls import AS_NAMESPACE_INIT, IN_PID_NAMESPACE, Tracer, without

# A child that leaves an orphan, which ends when we have seen its parent's end. It is left as soon
# as it is there, or when it has executed its program: then only its adoption is still to be seen.
_ORPHAN = """
import os, time
reading, writing = os.pipe()
middle = os.fork()
if middle == 0:
    os.close(writing)
    orphan = os.fork()
    if orphan == 0:
        os.dup2(reading, 0)
        os.execv("/bin/cat", ["cat"])
    # It is called so from the middle of its exec on, and sleeps when that is over.
    while %(executes)d and "(cat) S" not in open(f"/proc/{orphan}/stat").read():
        time.sleep(0.001)
    os._exit(0)
os.waitpid(middle, 0)
print('{"middle": %%d}' %% middle)
"""
EARLY_ORPHAN = python(_ORPHAN % {"executes": False})
ORPHAN = python(_ORPHAN % {"executes": True})


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
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace")
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


@without("parent-can-die-before-first-stop", order="grandchildren-after-parents")
def test_a_parent_that_dies_before_the_first_stop(tracer: Tracer) -> None:
    check_adoption(tracer, EARLY_ORPHAN)


def check_adoption(tracer: Tracer, command: tuple[str, ...]) -> None:
    run = tracer.trace(*command)
    middle = run.process(run.said("middle")["middle"])
    orphan = run.has_argv("cat")
    assert orphan.parent == middle.id
    assert len(orphan.adoptions) == 1
    adoption = orphan.adoptions[0]
    assert adoption.death == middle.id
    assert middle.exit is not None
    assert orphan.exit is not None
    assert middle.exit.at.seq < adoption.at.seq < orphan.exit.at.seq


@without("never-wait-for-one")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace")
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
    ends = [p.exit.signal if p.exit else "" for p in run.launch.inside if p.id != run.launch.root]
    assert ends == ["SIGKILL"] * 2000
