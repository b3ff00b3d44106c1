"""How an answer of ``explain`` is written: widths, escapes, events, and the docs' example."""

from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from forktrace.analysis.explain import TOPICS, explain
from forktrace.errors import TraceFormatError
from forktrace.render import explain_markdown, explain_text
from forktrace.render.markdown import code, escape, prose
from forktrace.trace import events
from forktrace.trace.reader import read_trace
from forktrace.views.explain import Item, Part, build_parts
from forktrace.views.explain_heading import heading
from forktrace.views.options import ViewOptions
from tests.fuzz.mutate import mutated
from tests.unit.events import Step, trace_of
from tests.unit.podman import podman_steps
from tests.unit.test_explain import PROJECT, case_of

EXAMPLE = PROJECT / "examples" / "podman-run" / "launch.jsonl"


PLAIN = {"heading", "paragraph", "bullet_list", "list_item", "inline", "text", "code_inline", "em"}


def assert_plain(markdown: str) -> None:
    """Let a CommonMark parser see headings, lists and code, and emphasis of certainty alone."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    children = [child for token in tokens for child in token.children or ()]
    for token in [*tokens, *children]:
        assert token.type.removesuffix("_open").removesuffix("_close") in PLAIN, token
    emphasised = [b.content for a, b in pairwise(children) if a.type == "em_open"]
    assert set(emphasised) <= {"(inferred)", "(unknown)"}


HOSTILE = "x\x1b[31m`*_<b>\n|[a](http://b.c)"


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_hostile_names_are_harmless(form: str) -> None:
    steps: list[Step] = [
        ("root", 10, [HOSTILE, "-c", HOSTILE * 9999]),
        ("fork", 10, 11, "", {"comm": "y\r\x9b", "cgroup": [f"0::/{HOSTILE}"]}),
        ("exec", 11, [HOSTILE + "z"], HOSTILE),
        ("exit", 10, HOSTILE), ("exit", 11, 0),
    ]  # fmt: skip
    trace = trace_of(*steps, command=[HOSTILE])
    case = case_of(trace)
    render = {"text": explain_text.render_parts, "markdown": explain_markdown.render_parts}[form]
    for question in (None, *TOPICS, "p1", "p2"):
        parts = build_parts(explain(case, question), trace.events)
        made = render(heading(case.launch, question), parts, ViewOptions())
        assert all(c == "\n" or c.isprintable() for c in made)
        assert len(made) < 60_000
        if form == "markdown":
            assert_plain(made)


def test_markdown_is_escaped_in_one_place() -> None:
    assert escape("# a <b> [c](d) *e* _f_ `g` | ~h~ &amp; !i") == (
        "\\# a \\<b\\> \\[c\\](d) \\*e\\* \\_f\\_ \\`g\\` \\| \\~h\\~ \\&amp; \\!i"
    )
    assert [escape(t) for t in ("- a", "1. b", "2) c", "== d", "+ e", "1 f")] == [
        "\\- a", "1\\. b", "2\\) c", "\\== d", "\\+ e", "1 f",
    ]  # fmt: skip
    assert escape("see http://a.b and www.c.d") == "see http\\://a.b and www\\.c.d"
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"
    assert prose("ran `a_b` in a_b") == "ran `a_b` in a\\_b"


def test_certainty_is_written_out_and_events_in_a_line_each() -> None:
    trace = trace_of(*podman_steps())
    case = case_of(trace)
    parts = build_parts(explain(case, "reparent:p4"), trace.events)
    made = explain_text.render_parts(["title"], parts, ViewOptions(width=80))
    lines = made.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "(inferred)" in made
    number = next(i for i, e in enumerate(trace.events) if isinstance(e, events.Reparented))
    at = next(i for i, line in enumerate(lines) if line.startswith(f"    {number}  "))
    assert "reparent pid=3021 ppid=1 previous=3020 death=3020" in lines[at]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_text_keeps_to_its_width(width: int) -> None:
    trace = read_trace(EXAMPLE)
    case = case_of(trace)
    parts = build_parts(explain(case), trace.events)
    made = explain_text.render_parts(heading(case.launch, None), parts, ViewOptions(width=width))
    assert max(map(len, made.splitlines())) <= width


def test_the_example_in_the_docs_is_what_is_said_now() -> None:
    case = case_of(read_trace(EXAMPLE))
    parts = build_parts(explain(case), None)
    made = explain_text.render_parts(heading(case.launch, None), parts, ViewOptions(width=80))
    assert f"```text\n{made}```" in (PROJECT / "docs" / "explain.md").read_text(), (
        "put the output of 'forktrace explain examples/podman-run/launch.jsonl' there again"
    )


def test_the_docs_list_every_topic() -> None:
    docs = (PROJECT / "docs" / "explain.md").read_text()
    assert [t for t in TOPICS if f"| `{t}` |" not in docs] == []


@pytest.mark.parametrize("seed", range(0, 120, 6))
def test_damaged_traces_are_explained_or_refused(seed: int, tmp_path: Path) -> None:
    saved = sorted(PROJECT.glob("examples/*/launch.jsonl"))
    path = tmp_path / "damaged.jsonl"
    for number in range(seed, seed + 6):
        path.write_bytes(mutated(number, saved[number % len(saved)].read_bytes()))
        try:
            trace = read_trace(path)
        except TraceFormatError:
            continue
        case = case_of(trace)
        for question in (None, *TOPICS, *list(case.launch.processes)[:8]):
            parts = build_parts(explain(case, question), trace.events)
            made = explain_text.render_parts([], parts, ViewOptions())
            assert all(c == "\n" or c.isprintable() for c in made)


def wrapped(text: str, width: int) -> list[str]:
    parts = [Part("", (Item(text),))]
    return explain_text.render_parts([], parts, ViewOptions(width=width)).splitlines()


def test_a_word_that_is_wider_than_a_line_is_broken_and_not_cut() -> None:
    """What stands behind a long cgroup path, a colon say, is part of that word."""
    path = f"/system.slice/{'unit' * 8}.service/{'inner' * 8}.scope"
    assert wrapped(f"p1 sh is in {path}: moved.", 60) == [
        "- p1 sh is in",
        f"  /system.slice/{'unit' * 8}.service/",
        f"  {'inner' * 8}.scope: moved.",
    ]
    assert wrapped("n" * 90, 40) == [f"- {'n' * 38}", f"  {'n' * 38}", f"  {'n' * 14}"]
    assert wrapped("\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 25 + "!", 41) == [
        "- " + "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 19,
        "  " + "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 6 + "!",
    ]
