"""How a user names a moment: times, numbers, shares, events; and what a wrong one is told."""

from pathlib import Path

import pytest

from forktrace.analysis import analyse
from forktrace.analysis.findings import Container, ExecSession, Findings
from forktrace.errors import UsageError
from forktrace.model.build import build_launch
from forktrace.model.facts import Moment
from forktrace.model.moment import Timeline
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from forktrace.views.when import moment_words, parse_moment, usual_moment
from tests.unit.events import launch_of

EXAMPLES = Path(__file__).parents[2] / "examples"

# The steps' times: a millisecond each, and 0.1 ms more from a fork to the child's first stop.
LAUNCH = launch_of(
    ("root", 10, "podman run"),  # 0 at 1 ms, 1 at 2 ms
    ("fork", 10, 11),  # 2 at 3 ms, 3 at 3.1 ms
    ("exec", 11, "/usr/bin/conmon -c ID"),  # 4 at 4.1 ms
    ("fork", 11, 12),  # 5 at 5.1 ms, 6 at 5.2 ms
    ("exit", 11, 0),  # 7 at 6.2 ms
    ("reparent", 12, 1),  # 8
    ("exec", 12, "/usr/bin/conmon -e"),  # 9 at 8.2 ms
    ("call", 12, "setsid"),  # 10
    ("exec", 12, "sh"),  # 11 at 10.2 ms
    ("exit", 12, "SIGKILL"),  # 12 at 11.2 ms
)
FINDINGS = Findings(
    containers=[
        Container("c1", id="0123456789ab", name="baz", payload=Moment(10_200_000, 11)),
        Container("c2", id="cafe56789abc", name="two", payload=Moment(11_200_000, 12)),
        Container("c3", name="never"),
    ]
)


def parse(text: str, findings: Findings = FINDINGS) -> int:
    return parse_moment(text, LAUNCH, findings, Timeline(LAUNCH))


@pytest.mark.parametrize(
    ("text", "seq"),
    [
        ("start", 0),
        ("end", 12),
        ("0", 0),
        ("0.003", 2),
        (".003", 2),
        ("3ms", 2),
        ("3.09ms", 2),
        ("3100us", 3),
        ("3100000ns", 3),
        ("1s", 12),
        ("99999999", 12),
        ("#0", 0),
        ("#7", 7),
        ("e7", 7),
        ("0%", 0),
        ("50%", 6),  # of 12.2 ms, the time of the end record: 6.1 ms
        ("100%", 12),
        ("exec:podman", 1),
        ("exec:conmon", 4),
        ("exec:conmon:1", 4),
        ("exec:conmon:2", 9),
        ("exec:p3", 9),
        ("exec:p3:2", 11),
        ("exit:p2", 7),
        ("exit:conmon", 7),
        ("exit:sh", 12),
        ("exit:conmon:2", 12),  # p3 ran conmon too
        ("fork:p3", 5),
        ("create:p2", 2),
        ("reparent:p3", 8),
        ("reparent:sh", 8),
        ("setsid:p3", 10),
        ("start:container", 11),
        ("start:container:baz", 11),
        ("start:container:two", 12),
        ("start:container:cafe", 12),
        ("start:container:c2", 12),
    ],
)
def test_moments(text: str, seq: int) -> None:
    assert parse(text) == seq


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "'soon' is no moment: ask for seconds"),
        ("", "'' is no moment"),
        ("-1", "'-1' is no moment"),
        ("nan", "'nan' is no moment"),
        ("1e3", "'1e3' is no moment"),
        ("٣", "is no moment"),
        ("9" * 5000, "is no moment"),
        ("\x1b[2J", r"'\x1b[2J' is no moment"),
        ("#13", "there is no event #13: the last one of this trace is #12"),
        ("101%", "101% is later than the end"),
        (
            "exec:conmn",
            "no exec event of this trace is of 'conmn'; there is: exec:conmon",
        ),
        (
            "reparent:p2",
            "no reparent event of this trace is of 'p2'; there is: reparent:conmon, reparent:sh",
        ),
        ("exec:conmon:3", "exec:'conmon' has no number 3: there are 2"),
        ("exit:sh:0", "exit:'sh' has no number 0: there is 1"),
        ("exec:", "no exec event of this trace is of ''"),
        ("start:engine", "nothing called 'engine' starts: ask for start:container"),
        (
            "start:container:foo",
            "no container that was started is called 'foo'; there is: baz, two",
        ),
        ("start:container:never", "no container that was started is called 'never'"),
    ],
)
def test_a_wrong_moment_is_one_sentence_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_without_a_container_none_starts() -> None:
    with pytest.raises(UsageError, match="no container was seen to start"):
        parse("start:container", Findings())


def test_minimal_detail_says_why_there_are_no_adoptions() -> None:
    launch = launch_of(("root", 10, "sh"), detail="minimal")
    with pytest.raises(UsageError, match="no reparent event: with --detail minimal"):
        parse_moment("reparent:p1", launch, Findings(), Timeline(launch))


def test_a_log_without_times_has_numbers_and_names() -> None:
    launch = launch_of(("root", 10, "sh"), ("exec", 10, "next"), source="import", times=False)
    timeline = Timeline(launch)
    asked = [parse_moment(text, launch, Findings(), timeline) for text in ("50%", "100%", "#1")]
    assert asked == [1, 2, 1]
    assert moment_words(launch, timeline, 2) == (
        "after event #2 of #0 to #2: p1 (pid 10) executed next"
    )
    with pytest.raises(UsageError, match="no times: ask for an event by its number or name"):
        parse_moment("0.1", launch, Findings(), timeline)


def test_a_name_with_a_colon_and_digits_is_a_name_first() -> None:
    launch = launch_of(("root", 10, "sh"), ("exec", 10, ["a:2"]), ("exec", 10, ["a"]))
    timeline = Timeline(launch)
    assert parse_moment("exec:a:2", launch, Findings(), timeline) == 2
    assert parse_moment("exec:a:2:1", launch, Findings(), timeline) == 2
    assert parse_moment("exec:a", launch, Findings(), timeline) == 3


def test_the_first_is_the_earliest_whatever_process_it_is_of() -> None:
    launch = launch_of(
        ("root", 10, "sh"), ("fork", 10, 11), ("exec", 11, "next"), ("exec", 10, "next")
    )
    timeline = Timeline(launch)
    asked = [parse_moment(f"exec:next:{n}", launch, Findings(), timeline) for n in (1, 2)]
    assert asked == [4, 5]


def test_a_session_seen_by_its_result() -> None:
    launch = launch_of(("root", 10, "sh"), ("fork", 10, 11), ("sample", 11, {"sid": 11}))
    assert parse_moment("setsid:p2", launch, Findings(), Timeline(launch)) == 4


def test_the_usual_moment() -> None:
    timeline = Timeline(LAUNCH)
    assert usual_moment(LAUNCH, FINDINGS, timeline) == 11
    assert usual_moment(LAUNCH, Findings(), timeline) == 6  # three alive, up to the exit #7
    joined = Container("c1", exec_sessions=[ExecSession("p3")])
    assert usual_moment(LAUNCH, Findings(containers=[joined]), timeline) == 11
    state = events.State(ppid=0)
    snapshot = launch_of(
        *(events.Started(at_ns=i, pid=9 + i, attached=True, state=state) for i in range(3)),
        events.Exited(at_ns=4, pid=9, code=0),
        source="snapshot",
    )
    assert usual_moment(snapshot, Findings(), Timeline(snapshot)) == 3


@pytest.mark.parametrize(
    ("seq", "words"),
    [
        (1, "at 2 ms: p1 (pid 10) executed podman"),
        (2, "at 3 ms: p2 conmon (pid 11) was created by p1"),
        (3, "at 3.1 ms: p2 conmon (pid 11) was looked at"),
        (7, "at 6.2 ms: p2 conmon (pid 11) ended with 0"),
        (8, "at 7.2 ms: x1 pid 1 (pid 1) adopted p3 sh (pid 12)"),
        (10, "at 9.2 ms: p3 sh (pid 12) called setsid"),
        (12, "at 11.2 ms: p3 sh (pid 12) ended by SIGKILL"),
    ],
)
def test_a_moment_in_words(seq: int, words: str) -> None:
    assert (
        moment_words(LAUNCH, Timeline(LAUNCH), seq) == f"after event #{seq} of #0 to #12, {words}"
    )


def test_a_trace_without_events_in_words() -> None:
    launch = launch_of()
    assert moment_words(launch, Timeline(launch), 0) == "this trace has no events"


def test_an_exec_that_only_asks_for_the_version_is_passed_over() -> None:
    """Podman 4 executes `conmon --version` before it executes conmon."""
    launch = build_launch(read_trace(EXAMPLES / "podman-foreground" / "launch.jsonl"))
    findings = analyse(launch)
    timeline = Timeline(launch)

    def executed(name: str) -> tuple[str, str]:
        seq = parse_moment(name, launch, findings, timeline)
        return next((p.id, i.argv[1]) for p in launch.inside for i in p.images if i.at.seq == seq)

    assert executed("exec:conmon") == ("p3", "--api-version")
    assert executed("exec:p2") == ("p2", "--version")
