"""Damaged traces, a short run; ``python -m tests.fuzz`` is the long one."""

from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forktrace.errors import TraceFormatError
from forktrace.trace.reader import read_trace
from tests.fuzz.__main__ import run
from tests.fuzz.mutate import MUTATIONS, mutated


@pytest.mark.timeout(600)  # it is all work, and machines are shared
def test_damaged_traces_are_drawn_or_refused() -> None:
    drawn, refused = run(cases=250, seed=0)
    assert drawn >= 50  # else the damage hides what lies behind the reader
    assert refused >= 50


def test_the_mutator_does_damage() -> None:
    data = b'{"event":"exit","pid":1}\n' * 9
    assert len({mutated(seed, data) for seed in range(200)}) > 150
    assert len({m.__name__ for m in MUTATIONS}) == len(MUTATIONS)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_one_sentence(data: bytes) -> None:
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with pytest.raises(TraceFormatError) as raised:
            read_trace(Path(file.name))
    assert "\n" not in str(raised.value)
