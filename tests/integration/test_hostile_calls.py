"""System calls with arguments that make no sense: they can't make the tracing end, or hang."""

import os
from pathlib import Path

import pytest

from forktrace.model.build import build_launch
from forktrace.trace.reader import read_trace
from tests.integration.pitfalls import Tracer
from tests.integration.test_fault import DETAILS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace")


@pytest.mark.parametrize("options", DETAILS)
@pytest.mark.parametrize("seed", range(3))
def test_garbage(whole: Tracer, tmp_path: Path, seed: int, options: tuple[str, ...]) -> None:
    program = (*whole.program_of("garbage"), str(seed), "60", str(tmp_path / "cgroup.procs"))
    command = ("unshare", "--pid", "--fork", "--mount", "--kill-child", *program)
    done = whole.record(*command, options=options)
    assert done.status == 0
    assert "please report" not in done.err
    assert done.records[-1]["event"] == "end"
    launch = build_launch(read_trace(done.trace))
    assert launch.complete
    assert len(list(launch.inside)) > 60
    outputs = [word for name in ("svg", "html", "md", "txt") for word in ("-o", f"out.{name}")]
    drawn = whole("render", str(done.trace), *outputs, cwd=tmp_path)
    assert drawn.status == 0, drawn.err
