"""Reading trace files: whole ones, cut-off ones, and whatever else a file may hold."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forktrace.analysis import analyse
from forktrace.errors import ForktraceError, TraceFormatError
from forktrace.model.build import build_launch
from forktrace.render.graph_json import render
from forktrace.trace.events import Exited, Outside, Reparented, Started
from forktrace.trace.reader import read_trace
from forktrace.trace.text import Raw, decode_text
from forktrace.views.options import ViewOptions
from tests.unit.events import HEADER, trace_of, write_trace
from tests.unit.podman import podman_runc

HEADER_LINE = msgspec.json.encode(HEADER) + b"\n"
EXIT = b'{"event":"exit","at_ns":5,"pid":10,"code":0}\n'
END = b'{"event":"end","at_ns":9,"reason":"exited"}\n'


def file_of(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    return path


def test_a_trace_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = podman_runc()
    read = read_trace(write_trace(tmp_path / "t.jsonl", written))
    assert read == written
    assert read.end is not None


def test_bytes_that_are_no_utf8_survive(tmp_path: Path) -> None:
    outside = Outside(at_ns=1, pid=1, argv=["é", Raw("/4A=")])
    read = read_trace(write_trace(tmp_path / "t.jsonl", trace_of(outside)))
    (event,) = read.events
    assert isinstance(event, Outside)
    assert event.argv is not None
    assert [decode_text(a).encode("utf-8", "surrogateescape") for a in event.argv] == [
        b"\xc3\xa9",
        b"\xff\x80",
    ]


def test_a_trace_without_end_is_read_with_a_warning(tmp_path: Path) -> None:
    read = read_trace(file_of(tmp_path, HEADER_LINE + EXIT))
    assert read.events == [Exited(at_ns=5, pid=10, code=0)]
    assert read.end is None
    assert len(read.warnings) == 1
    assert "cut off after 1 events" in read.warnings[0]


@pytest.mark.parametrize("kept", range(1, len(EXIT)))
def test_a_line_cut_anywhere_is_left_out(tmp_path: Path, kept: int) -> None:
    read = read_trace(file_of(tmp_path, HEADER_LINE + EXIT + EXIT[:kept]))
    whole = kept == len(EXIT) - 1  # only the newline is missing
    assert len(read.events) == (2 if whole else 1)
    assert ("incomplete" in read.warnings[0]) is not whole


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"not json\n",
        b"\0\0\0\n",
        b"[1, 2]\n",
        b'{"event":"exit","at_ns":5}\n',
        b'{"event":"exit","at_ns":5,"pid":10,"colour":"red"}\n',
        b'{"event":"exit","at_ns":5,"pid":-1}\n',
        b'{"event":"exit","at_ns":5,"pid":1.5}\n',
        b'{"event":"exit","at_ns":' + b"9" * 6000 + b',"pid":1}\n',
        b'{"event":"exit","at_ns":18446744073709551615,"pid":1}\n',
        b'{"event":"birthday","at_ns":5,"pid":10}\n',
        b'{"event":"outside","at_ns":5,"pid":1,"argv":["\xff"]}\n',
        b'{"event":"outside","at_ns":5,"pid":1,"argv":["\\udcff"]}\n',
        b'{"event":"outside","at_ns":5,"pid":1,"argv":[{"b64":"=!"}]}\n',
        b'{"event":"outside","at_ns":5,"pid":1,"argv":[{"b64":"\xc3\xa9"}]}\n',
        b'{"event":"outside","at_ns":5,"pid":1,"state":' + b'{"ns":' * 50_000 + b"\n",
        b"[" * 200_000 + b"\n",
        HEADER_LINE,
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
def test_a_damaged_line_is_named_by_its_number(tmp_path: Path, line: bytes) -> None:
    path = file_of(tmp_path, HEADER_LINE + EXIT + line + END)
    with pytest.raises(TraceFormatError, match=r"t\.jsonl, line 3 is damaged \(.+\): record") as e:
        read_trace(path)
    assert str(e.value).isprintable()


def test_nothing_may_follow_the_end(tmp_path: Path) -> None:
    path = file_of(tmp_path, HEADER_LINE + END + EXIT)
    with pytest.raises(TraceFormatError, match=r"line 3 .*after the end"):
        read_trace(path)


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a\0\xff\xfe",
        b"\x7fELF\n\n",
        b"{}\n",
        b"null",
        b'{"event":"exit","at_ns":5,"pid":10}\n',
        b'{"event":"header","format":"other","version":1}\n',
        b'{"event":"header","format":"forktrace","version":0}\n',
        b'{"event":"header","format":"forktrace","version":"1"}\n',
        b"[" * 200_000,
        b"0" * 6000,
    ],
    ids=lambda content: content[:40].decode(errors="replace"),
)
def test_what_is_no_trace_is_called_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TraceFormatError, match="is no forktrace trace"):
        read_trace(file_of(tmp_path, content))


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(TraceFormatError, match=r"t\.jsonl is empty"):
        read_trace(file_of(tmp_path, b""))


def test_a_newer_version_asks_for_an_upgrade(tmp_path: Path) -> None:
    newer = b'{"event":"header","format":"forktrace","version":7,"news":[]}\n'
    with pytest.raises(TraceFormatError, match=r"version 7, .* up to version 1: upgrade"):
        read_trace(file_of(tmp_path, newer))


def test_a_bad_header_is_line_1(tmp_path: Path) -> None:
    with pytest.raises(TraceFormatError, match="line 1 is damaged"):
        read_trace(file_of(tmp_path, b'{"event":"header","format":"forktrace","version":1}\n'))


def test_what_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "none.jsonl"
    with pytest.raises(TraceFormatError, match=r"can't read the trace .*: No such file"):
        read_trace(missing)
    with pytest.raises(TraceFormatError, match="Is a directory"):
        read_trace(tmp_path)
    with pytest.raises(TraceFormatError, match="null byte"):
        read_trace("a\0b")


def test_an_unreadable_file_is_one_sentence() -> None:
    with pytest.raises(TraceFormatError, match="/proc/self/mem: Input/output error"):
        read_trace("/proc/self/mem")  # which fails for root too


def show(path: Path) -> str:
    """Take a file all the way to an output."""
    launch = build_launch(read_trace(path))
    return render(launch, analyse(launch), ViewOptions())


LINES = b"".join(
    msgspec.json.encode(r) + b"\n" for r in [HEADER, *podman_runc().events]
).splitlines(keepends=True)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_gives_anything_but_our_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(b"".join(LINES))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.getbasetemp() / "mutated.jsonl"
    path.write_bytes(content)
    try:
        said = show(path)
    except ForktraceError as error:
        said = str(error)
    assert said.startswith(("{", str(path)))


@settings(max_examples=150, deadline=None)
@given(order=st.lists(st.integers(1, len(LINES) - 1), max_size=80))
@example(order=[1, 1, 1])
def test_events_in_any_order_and_number_are_taken(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "shuffled.jsonl"
    path.write_bytes(LINES[0] + b"".join(LINES[i] for i in order))
    assert show(path).startswith("{")


PIDS = st.sampled_from([0, 1, 9, 10, 11, 12])


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("start"), PIDS, st.one_of(st.none(), PIDS)),
            st.tuples(st.just("create"), PIDS, PIDS, st.sampled_from(["", "PARENT"])),
            st.tuples(st.just("thread"), PIDS, PIDS),
            st.tuples(st.just("exec"), PIDS, st.sampled_from(["runc create x", "podman run"])),
            st.tuples(st.just("exit"), PIDS, st.sampled_from([0, 1, "SIGKILL"])),
            st.tuples(st.just("outside"), PIDS, st.just("init")),
            st.builds(
                Reparented,
                at_ns=st.just(1),
                pid=PIDS,
                ppid=PIDS,
                previous=PIDS,
                death=st.one_of(st.none(), PIDS),
            ),
        ),
        max_size=40,
    )
)
def test_absurd_parents_make_no_circle(steps: list[object]) -> None:
    trace = trace_of(Started(at_ns=0, pid=10, root=True), *steps)  # type: ignore[arg-type]
    launch = build_launch(trace)
    order = list(launch.processes)
    for process in launch.inside:
        above = [process.creator, process.parent, *(a.parent for a in process.adoptions)]
        for id_ in above:
            if id_ is not None and not launch.processes[id_].outside:
                assert order.index(id_) < order.index(process.id)
    assert set(analyse(launch).roles) == set(launch.processes)
