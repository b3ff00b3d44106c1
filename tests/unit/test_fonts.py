"""Breaking text into lines by the built-in widths."""

from forktrace.views.fonts import Face, text_width, wrap

FACE = Face(10)


def test_short_text_is_one_line() -> None:
    assert wrap("podman run", FACE, 200) == ["podman run"]


def test_lines_break_at_spaces_and_fit() -> None:
    text = "one two three four five six seven eight nine ten"
    lines = wrap(text, FACE, 60)
    assert " ".join(lines) == text
    assert len(lines) > 3
    assert max(text_width(line, FACE) for line in lines) <= 60


def test_a_word_that_is_too_long_is_cut() -> None:
    first, last = wrap("w" * 40 + " x", FACE, 60)
    assert first.endswith("w…")
    assert text_width(first, FACE) <= 60
    assert last == "x"


def test_the_last_line_tells_that_something_is_gone() -> None:
    lines = wrap("one two three four five six seven", FACE, 60, 2)
    assert len(lines) == 2
    assert lines[1].endswith(" …")
    assert text_width(lines[1], FACE) <= 60
    assert wrap("one two", FACE, 60, 1) == ["one two"]


def test_a_last_line_of_one_long_word_ends_with_one_ellipsis() -> None:
    (line,) = wrap("w" * 40 + " x", FACE, 60, 1)
    assert line.count("…") == 1
    assert text_width(line, FACE) <= 60
