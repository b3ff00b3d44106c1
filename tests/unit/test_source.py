"""Check the words that say how a trace was made."""

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.text import render
from forktrace.trace import events
from forktrace.views.options import ViewOptions
from forktrace.views.source import axis_words, before_words, source_words
from tests.unit.events import Step, launch_of


def standing(*pids: int) -> list[Step]:
    return [
        events.Started(
            at_ns=0, pid=pid, attached=True, state=events.State(comm=f"c{pid}", ppid=1, nspid=[pid])
        )
        for pid in pids
    ]


def page(launch: Launch) -> str:
    return render(launch, analyse(launch), ViewOptions(width=100))


def test_a_recorded_trace_names_its_detail() -> None:
    launch = launch_of(("root", 10, "sh"), detail="syscalls")
    assert source_words(launch) == "Recorded with ptrace, detail “syscalls”."
    assert axis_words(launch) == "left to right: order of events, not time"


def test_what_ran_before_is_said_once() -> None:
    launch = launch_of(*standing(10, 20, 30), ("fork", 10, 40), ("fork", 10, 50), source="attach")
    assert before_words(launch) == "p1 to p3 ran before the trace began"
    assert source_words(launch).endswith("p1 to p3 ran before the trace began.")
    assert page(launch).count("ran before the trace began") == 1


def test_ids_are_told_in_ranges_and_counted_where_there_are_many() -> None:
    steps: list[Step] = [*standing(10), ("fork", 10, 11), *standing(20, 30)]
    assert before_words(launch_of(*steps, source="attach")).startswith("p1, p3, p4 ran")
    steps = [s for pid in range(100, 110) for s in (*standing(pid), ("fork", pid, pid + 100))]
    assert before_words(launch_of(*steps, source="attach")).startswith("10 processes ran")
    assert before_words(launch_of(("root", 10, "sh"))) == ""


def test_a_snapshot_is_a_look_and_its_ended_processes_are_zombies() -> None:
    launch = launch_of(*standing(10, 20), ("exit", 20, 7), source="snapshot")
    assert "ptrace" not in source_words(launch)
    assert axis_words(launch) == "a look at one moment"
    shown = page(launch)
    assert "as /proc showed them within" in shown
    assert "a zombie: x1 has not waited for it" in shown
    assert "untraced" not in shown
    assert "before the trace" not in shown


def ran(*pids: int) -> list[Step]:
    """Fork children of pid 10 that all do the same."""
    return [s for pid in pids for s in (("fork", 10, pid), ("exec", pid, "true"), ("exit", pid, 0))]


def test_what_ran_before_is_not_folded_with_what_was_created() -> None:
    state = events.State(comm="true", ppid=10, nspid=[15])
    before = events.Started(at_ns=0, pid=15, attached=True, state=state)
    image = events.Executed(at_ns=0, pid=15, attached=True, path="true", argv=["true"])
    steps: list[Step] = [*standing(10), before, image, *ran(20, 30), ("exit", 15, 0)]
    assert "3\N{MULTIPLICATION SIGN}" not in page(launch_of(*steps, source="attach"))
    assert "3\N{MULTIPLICATION SIGN}" in page(launch_of(*standing(10), *ran(20, 30, 40)))


def test_those_outside_the_trace_are_not_counted_as_shown() -> None:
    shown = page(launch_of(*standing(10), *ran(20, 30, 40), source="attach"))
    assert "x1  " in shown
    assert "4 processes in 2 rows: 2 share the row of one like them" in shown
