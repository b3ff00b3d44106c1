"""Words for arguments, ends and durations: short, true, and harmless on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forktrace.model.counting import count_words
from forktrace.model.facts import Exit, Moment
from forktrace.model.image import Image
from forktrace.views.words import (
    duration_words,
    exit_words,
    printable,
    program_words,
    quote,
    short_argument,
    show_argv,
)

CONTAINER = "5853b4a3807907d29c17ab335a71d2d97eb2e471eb93c49b9c8345827b928a92"
AT = Moment(0, 0)


def image(*argv: str, path: str | None = None) -> Image:
    return Image(AT, path or argv[0], list(argv))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\udcff", r"\xff"),  # the byte 0xff, by PEP 383
        ("\u202egpj", r"\u202egpj"),  # a bidi override
        ("\U000e0041", r"\U000e0041"),  # an invisible tag
        ("naïve 日本", "naïve 日本"),
    ],
)
def test_printable_shows_what_would_act(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=60))
def test_whatever_a_process_is_called_the_words_can_not_steer_a_terminal(text: str) -> None:
    words = program_words(image("sh", text), 40) + show_argv([text]) + quote(text)
    assert words.isprintable()
    words.encode()  # a lone surrogate could not be written


def test_arguments_that_a_shell_would_split_are_quoted() -> None:
    assert show_argv(["sh", "-c", "echo a; echo b", ""]) == "sh -c 'echo a; echo b' ''"


def test_an_argument_of_two_megabytes_is_cut() -> None:
    assert show_argv(["a" * 2_000_000], 5) == "aaaa…"
    assert program_words(image("sh", "b" * 2_000_000), 8) == "sh bbbb…"


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        (CONTAINER, "5853b4a38079…"),
        ("/short/path", "/short/path"),
        (f"/var/lib/containers/{CONTAINER}/userdata", "…/userdata"),
        ("--log=/run/containers/storage/oci-log", "--log=…/oci-log"),
        ("/var/lib/containers/storage/", "/var/lib/containers/storage/"),
        ("/a b/that has to be quoted/c", "'/a b/that has to be quoted/c'"),
    ],
)
def test_ids_and_long_paths_are_shortened(argument: str, shown: str) -> None:
    assert short_argument(argument) == shown


def test_a_program_goes_by_its_short_name() -> None:
    assert program_words(image("/usr/sbin/runc", "init", path="/proc/self/exe")) == "runc init"


def test_options_make_room_for_the_subcommand() -> None:
    runc = image("/usr/sbin/runc", "--log", "/run/containers/oci-log", "create", "--bundle", "/b")
    assert program_words(runc, 80, subcommand=True) == "runc --log …/oci-log create --bundle /b"
    assert program_words(runc, 26, subcommand=True) == "runc … create --bundle /b"
    assert program_words(runc, 26) == "runc --log …/oci-log crea…"


def test_a_subcommand_is_found_behind_many_options() -> None:
    options = [word for i in range(20) for word in ("--option", str(i))]
    podman = image("podman", *options, "container", "cleanup", "--rm")
    assert program_words(podman, 30, subcommand=True) == "podman … container cleanup --…"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, "still running"),
        (Exit(AT, 0, None), "exit 0"),
        (Exit(AT, None, "SIGKILL"), "SIGKILL"),
        (Exit(AT, None, "SIGSEGV", core=True), "SIGSEGV (core dumped)"),
    ],
)
def test_ends(end: Exit | None, words: str) -> None:
    assert exit_words(end) == words


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (223_400_000, "223 ms"),
        (999_700_000, "1000 ms"),
        (1_770_000_000, "1.77 s"),
        (59_000_000_000, "59 s"),
        (125_000_000_000, "2 min 5 s"),
    ],
)
def test_durations(ns: int, words: str) -> None:
    assert duration_words(ns) == words


def test_counts() -> None:
    assert count_words(1, "process", "processes") == "1 process"
    assert count_words(2000, "process", "processes") == "2,000 processes"
    assert count_words(0, "thread") == "0 threads"


def test_options_make_room_for_what_a_subcommand_is_about() -> None:
    started = image("/usr/bin/runc", "--root", "/run/moby", "start", "0" * 64)
    assert (
        program_words(started, 41, subcommand=True) == "runc --root /run/moby start 000000000000…"
    )
    assert program_words(started, 40, subcommand=True) == "runc … start 000000000000…"
