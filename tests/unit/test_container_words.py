"""Check the words about a container: no more than is known, and harmless."""

from forktrace.analysis.findings import Container, ExecSession, Findings, Holder, StreamEnd
from forktrace.model.facts import Moment
from forktrace.views.containers import container_title, container_words, stream_words
from tests.unit.events import launch_of
from tests.unit.podman import podman_steps

LAUNCH = launch_of(*podman_steps())
AT = Moment(0, 0)


def streams(*ends: StreamEnd) -> str | None:
    findings = Findings(streams={"p8": ends})
    return stream_words(LAUNCH, findings, Container("c1", init="p8"))


def end(fd: int, certainty: str = "observed", *holders: str) -> StreamEnd:
    held = tuple(Holder(id_, (5,), AT) for id_ in holders)
    return StreamEnd("p8", fd, "pipe", "pipe:[1]", holders=held, certainty=certainty)  # type: ignore[arg-type]


def test_a_container_is_named_by_what_is_known() -> None:
    assert container_words(Container("c1")) == "container"
    assert container_words(Container("c1", id="ab" * 32)) == "container · id abababababab"
    assert container_words(Container("c1", id="work-work12345")) == "container · id work-work12345"
    assert container_words(Container("c1", name="baz")) == "container baz"
    whole = Container("c1", id="ab" * 32, name="baz")
    assert container_words(whole) == "container baz · id abababababab"


def test_a_hostile_name_is_harmless_and_cut() -> None:
    words = container_words(Container("c1", name="\x1b[31m\n" + "x" * 10_000, id="\x07" * 20))
    assert words.isprintable()
    assert len(words) < 160


def test_its_title_tells_who_made_and_keeps_it() -> None:
    made = Container(
        "c1", image="alpine", engine="p1", monitor="p4", runtimes=["p5", "p9"], init="p8"
    )
    made.exec_sessions = [ExecSession("p11", "p10")]
    assert container_title(made) == (
        "container; image alpine; launched by p1; OCI runtime p5, p9; monitor p4; "
        "its first process is p8; also started in it: p11"
    )


def test_streams_of_one_holder_are_told_together() -> None:
    null = StreamEnd("p8", 0, "null", "/dev/null", certainty="observed")
    both = end(1, "observed", "p4"), end(2, "observed", "p4")
    assert streams(null, *both) == "p8 echo: stdin → /dev/null, stdout and stderr → p4 conmon"
    three = [end(fd, "observed", "p4") for fd in range(3)]
    assert streams(*three) == "p8 echo: stdin, stdout and stderr → p4 conmon"


def test_what_is_inferred_says_so_and_what_is_unknown_is_not_told() -> None:
    unknown = StreamEnd("p8", 0, "unknown", why="it was not looked at")
    assert streams(unknown, end(1, "inferred", "p4")) == "p8 echo: stdout → p4 conmon (inferred)"
    assert streams(unknown) is None
    assert streams(end(1)) is None
    assert stream_words(LAUNCH, Findings(), Container("c1")) is None


def test_other_descriptors_are_left_out() -> None:
    assert streams(end(7, "observed", "p4")) is None
