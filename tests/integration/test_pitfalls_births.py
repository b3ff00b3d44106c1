"""Pitfalls of following births: each handled, and noticed if not."""

import os

import pytest

from forktrace.model.process import Process
from tests.ground_truth import workloads
from tests.integration.harness import python
from tests.integration.pitfalls import AS_NAMESPACE_INIT, IN_PID_NAMESPACE, Run, Tracer, without

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace")

# Creators that are killed: as soon as their child runs, or some 10 ms after they have forked. What
# was forked says so.
_KILLED_CREATORS = """
import os, signal, time
for _ in range(6):
    reading, writing = os.pipe()
    creator = os.fork()
    if creator == 0:
        creator = os.getpid()
        if %(soon)d:
            os.write(writing, b"x")
        if os.fork() == 0:
            os.write(1, b'{"child": %%d, "parent": %%d}\\n' %% (os.getpid(), creator))
            os.write(writing, b"x")
            while os.getppid() == creator:
                time.sleep(0.001)
            os._exit(0)
        signal.pause()
    os.read(reading, 1)
    time.sleep(0.01 * %(soon)d)
    os.kill(creator, signal.SIGKILL)
    os.waitpid(creator, 0)
    os.write(1, b'{"creator": %%d}\\n' %% creator)
"""
KILLED_WHEN_CHILD_RUNS = python(_KILLED_CREATORS % {"soon": False})
KILLED_SOON = python(_KILLED_CREATORS % {"soon": True})


def orphans(run: Run) -> list[dict[str, int]]:
    """Return what the children of killed creators said: some may not have come to be."""
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
import os, threading, warnings
warnings.simplefilter("ignore")  # of a fork while a joined thread may still be there (Python 3.12)
for number in range(48):
    if number % 12 == 0:
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


def root_of(run: Run) -> Process:
    assert run.launch.root is not None
    return run.launch.processes[run.launch.root]


@without("serve-early-children", order="creators-stuck")
def test_a_creator_killed_before_its_event_strands_no_child(tracer: Tracer) -> None:
    assert orphans(tracer.trace(*KILLED_WHEN_CHILD_RUNS))


@without("ask-killed-creators", order="creators-stuck")
def test_a_creator_killed_before_its_event_is_known(tracer: Tracer) -> None:
    run = tracer.trace(*KILLED_WHEN_CHILD_RUNS)
    for own in orphans(run):
        assert run.pid(run.process(own["child"]).creator) == own["parent"]


@without("read-parent-of-unannounced", order="creators-stuck")
def test_the_parent_of_a_child_whose_creator_was_killed_is_read(tracer: Tracer) -> None:
    run = tracer.trace(*KILLED_WHEN_CHILD_RUNS)
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
    assert orphans(tracer.trace(*KILLED_SOON))


@without("message-of-this-event", order="slow")
def test_sigkill_at_a_creators_event(tracer: Tracer) -> None:
    run = tracer.trace(*KILLED_SOON)
    told = {pid for own in run.lines for pid in own.values()}
    assert {p.pid for p in run.launch.inside} == {root_of(run).pid, *told}


@without("leave-the-killed-alone", order="killed-in-between")
def test_a_creator_killed_between_two_requests_is_known(tracer: Tracer) -> None:
    run = tracer.trace(*KILLED_SOON)
    for own in orphans(run):
        assert run.pid(run.process(own["child"]).creator) == own["parent"]


def test_sigkill_at_any_stop(whole: Tracer) -> None:
    run = whole.trace(*whole.program_of("killed", workloads.PROGRAMS), "20")
    assert run.result.status == 0
    assert all(process.exit for process in run.launch.inside)


def check_few_pids(tracer: Tracer) -> None:
    tracer.program = (*IN_PID_NAMESPACE, *tracer.program)
    run = tracer.trace(*python(FEW_PIDS))
    assert len(run.lines) == 48
    children = [p for p in run.launch.inside if p.creator == run.launch.root]
    found = [(p.pid, p.exit.code if p.exit and p.exit.code is not None else -1) for p in children]
    assert sorted(found) == sorted((own["child"], own["code"]) for own in run.lines)
    assert len({pid for pid, _code in found}) < 36


@without("pid-is-free-after-death")
@ROOT_ONLY
def test_pids_are_used_again(tracer: Tracer) -> None:
    check_few_pids(tracer)


@without("remember-unannounced", order="creators-late")
@ROOT_ONLY
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
@pytest.mark.parametrize(
    "place",
    [
        pytest.param((), id="outside"),
        pytest.param(AS_NAMESPACE_INIT, id="in-a-namespace", marks=ROOT_ONLY),
    ],
)
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
    ("place", "found"),
    [
        pytest.param((), 2, id="outside"),
        pytest.param(AS_NAMESPACE_INIT, 0, id="in-a-namespace", marks=ROOT_ONLY),
    ],
)
def test_with_little_detail_nobody_is_taken_for_untraced(
    whole: Tracer, place: tuple[str, ...], found: int
) -> None:
    minimal = ("--detail", "minimal")
    run = whole.trace(*place, *python(HIDDEN), options=minimal, warnings=found > 0)
    assert sum(len(p.untraced) for p in run.launch.inside) == found
