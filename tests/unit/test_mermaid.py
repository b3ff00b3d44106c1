"""Mermaid's text: what it says, and that nothing in a trace can become syntax."""

import html
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forktrace.analysis.passes import analyse
from forktrace.model.launch import Launch
from forktrace.render.mermaid import escape, escape_bare, render
from forktrace.render.mermaid_sequence import render as render_sequence
from forktrace.render.notices import LeftOutWarning
from forktrace.views.options import ViewOptions
from tests.unit.events import Step, launch_of
from tests.unit.podman import podman_steps
from tests.unit.test_svg import contrast

# Each line that a flowchart and a sequence diagram of ours may have, as Mermaid's grammar has it.
WORD = r"(?:[^#\"`;<>{}$\\]|#\d+;|<br/>)*"
FLOW = (
    r"---",
    r'title: ".*"',
    r"flowchart LR",
    rf'  [px]\d+\["{WORD}"\]:::\w+',
    r"  [px]\d+ (?:-->|---|-\.->)(?:\|[a-z ]+\|)? [px]\d+",
    r"  classDef \w+ [\w:#,. -]+",
)
BARE = "(?:[\\w ./…‖\N{MULTIPLICATION SIGN}]|#\\d+;|<br/>)*"
SEQUENCE = (
    r"---",
    r'title: ".*"',
    r"sequenceDiagram",
    rf"  participant [px]\d+ as {BARE}",
    rf"  [px]\d+--?>>[px]\d+: {BARE}",
    rf"  Note over [px]\d+: {BARE}",
)
HOSTILE = (
    *('a"b', "<script>alert(1)</script>", "end", "as", "x as y", "%%{init:{}}%%", "style:#a;b"),
    *("`md`", "**b**", "a\nb", "-->", "p1->>p2: x", "; drop", "#35;", "$$x$$", "[[x]]", "---"),
    *('click p1 href "javascript:alert(1)"', "\x1b[31m", "\u202eabc", "{{a}}", "||", "&lt;"),
)


def flow(launch: Launch, options: ViewOptions | None = None) -> str:
    return render(launch, analyse(launch), options or ViewOptions())


def sequence(launch: Launch, options: ViewOptions | None = None) -> str:
    return render_sequence(launch, analyse(launch), options or ViewOptions())


def check(text: str, grammar: tuple[str, ...]) -> None:
    pattern = re.compile("|".join(f"(?:{line})" for line in grammar))
    for line in text.splitlines():
        assert pattern.fullmatch(line), line


def test_the_flowchart_of_podman() -> None:
    text = flow(launch_of(*podman_steps()))
    check(text, FLOW)
    assert '  p2["p2  helper' in text
    for edge in (
        "p7 --> p8",
        "p5 ---|real parent| p8",
        "p4 -.->|adopted| p8",
        "x1 -.->|adopted| p4",
    ):
        assert f"  {edge}\n" in text


def test_the_sequence_of_a_double_fork() -> None:
    steps: list[Step] = [("root", 10, "sh"), ("fork", 10, 11), ("fork", 11, 12), ("exit", 11, 0)]
    steps += [("reparent", 12, 1), ("exec", 12, "daemon -x"), ("exit", 10, 1)]
    text = sequence(launch_of(*steps))
    check(text, SEQUENCE)
    body = [line.strip() for line in text.splitlines() if "participant" not in line][4:]
    assert body == [
        "Note over p1: exec sh",
        "p1->>p2: fork",
        "p2->>p3: fork",
        "Note over p2: exit 0",
        "x1-->>p3: adopts#44; #97;s p2 ended",
        "Note over p3: exec daemon #45;x",
        "Note over p1: exit 1",
    ]


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_stay_words(word: str) -> None:
    launch = launch_of(("root", 10, ["sh", word]), ("fork", 10, 11), ("exec", 11, [word, word]))
    check(flow(launch), FLOW)
    check(sequence(launch), SEQUENCE)


@given(text=st.text(st.characters(exclude_categories=["C", "Z"])))
def test_escaped_text_reads_as_it_was(text: str) -> None:
    for way in (escape, escape_bare):
        codes = re.sub(r"#(\d+);", r"&#\1;", way(text))
        assert html.unescape(codes).replace("\u200b", "") == text.replace("\u200b", "")


def test_no_word_of_mermaids_stands_bare() -> None:
    assert escape_bare("end as END") == "#101;nd #97;s #69;ND"


def test_what_is_left_out_is_told() -> None:
    steps: list[Step] = [("root", 10, "sh")]
    for i in range(60):
        steps += [("fork", 10, 100 + i), ("exec", 100 + i, f"x{i}"), ("exit", 100 + i, i % 7)]
    launch = launch_of(*steps)
    with pytest.warns(LeftOutWarning, match=r"61 processes in \d+ rows"):
        text = sequence(launch)
    assert "Note over p1: 61 processes in" in text
    check(text, SEQUENCE)
    with pytest.warns(LeftOutWarning, match="clusters"):
        flow(launch, ViewOptions(cluster="session"))


def test_a_small_launch_is_told_whole() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow(launch_of(*podman_steps()))
        sequence(launch_of(*podman_steps()))


@pytest.mark.parametrize("page", ["#FFFFFF", "#0D1117", "#1F2020"])  # the last is Mermaid's dark
def test_where_the_page_decides_the_colours_suit_any(page: str) -> None:
    text = flow(launch_of(*podman_steps()))
    strokes = re.findall(r"classDef (\w+) fill:none,stroke:(#\w+),", text)
    assert len(strokes) == 8
    assert min(contrast(color, page) for _, color in strokes) >= 3
    assert "color:#" not in text.replace("stroke:", "")


def test_a_theme_that_was_asked_for_has_its_own_colours() -> None:
    text = flow(launch_of(*podman_steps()), ViewOptions(theme="dark"))
    assert "classDef monitor fill:#0D1117,stroke:#E8833A,stroke-width:2px,color:#E6EDF3" in text


def test_vfork_is_said_at_the_edge() -> None:
    text = flow(launch_of(("root", 10, "sh"), ("vfork", 10, 11), ("fork", 10, 12)))
    assert "  p1 -->|vfork| p2\n  p1 --> p3\n" in text


def test_the_sequence_tells_the_subcommand() -> None:
    runc = "runc --log-format=json --log /run/containers/x/oci-log create -b /x id"
    steps: list[Step] = [("root", 10, "podman run x"), ("fork", 10, 11), ("exec", 11, "conmon")]
    text = sequence(launch_of(*steps, ("fork", 11, 12), ("exec", 12, runc)))
    assert f"  Note over p3: {escape_bare('exec runc … create -b /x id')}" in text.splitlines()
