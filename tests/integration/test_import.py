"""``forktrace import`` as a user meets it: outputs, standard input, progress, errors, size."""

import json
import os
import pty
import re
import resource
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import validate

from forktrace.analysis.explain import TOPICS
from tests.conftest import Missing
from tests.integration.harness import FORKTRACE, PATIENCE, PROJECT, Forktrace, the_sentence
from tests.integration.strace import strace
from tests.unit.test_explain_imports import ORPHAN
from tests.unit.test_strace_import import PIPELINE, QUESTION, SEPARATE

LOG = "\n".join(line.strip() for line in PIPELINE.strip().splitlines()) + "\n"


@pytest.fixture
def log(forktrace: Forktrace) -> str:
    (forktrace.folder / "x.log").write_text(LOG)
    return "x.log"


def test_the_tree_is_shown_and_the_trace_is_kept(forktrace: Forktrace, log: str) -> None:
    done = forktrace("import", log)
    assert (done.status, done.out) == (0, b"")
    assert "sh -c 'a | b'" in done.err
    assert "imported from a log" in done.err
    assert "the rest is not known" in done.err
    header, *between, end = done.records
    assert (header["source"], header["command"]) == ("import", ["sh", "-c", "a | b"])
    assert {"user", "kernel", "machine", "cwd", "started_ns"} & set(header) == set()
    assert len([r for r in between if r["event"] == "create"]) == 2
    assert (end["reason"], end["log"]["lines"]) == ("log", 15)
    shown = forktrace("show")
    assert b"exit 3" in shown.out
    assert "the log has no times" in shown.err


def test_every_output(forktrace: Forktrace, log: str) -> None:
    names = ["a.jsonl", "b.svg", "c.json", "d.txt", "e.dot"]
    options = [word for name in names for word in ("-o", name)]
    done = forktrace("import", "-q", log, *options)
    assert (done.status, done.out) == (0, b"")
    graph = json.loads((forktrace.folder / "c.json").read_text())
    validate(graph, json.loads((PROJECT / "forktrace/render/graph.schema.json").read_text()))
    assert [n["name"] for n in graph["nodes"]] == ["sh", "a", "b"]
    assert graph["graph"]["source"] == "import"
    assert "Imported from a log" in (forktrace.folder / "b.svg").read_text()
    assert forktrace("show", "a.jsonl").status == 0


def test_the_log_of_the_question(forktrace: Forktrace) -> None:
    (forktrace.folder / "q.log").write_text(QUESTION)
    done = forktrace("import", "q.log")
    assert done.status == 0
    assert "podman run alpine  +1 thread" in done.err
    assert "└─ conmon" in done.err
    assert "the log shows clone, execve: the rest is not known" in done.err


def test_standard_input(forktrace: Forktrace) -> None:
    done = forktrace("import", "-", "-o", "-", "-q", "--format", "json", input=LOG.encode())
    assert done.status == 0
    assert [n["pid"] for n in json.loads(done.out)["nodes"]] == [10, 11, 12]


def test_a_report_and_a_story_of_an_adoption(forktrace: Forktrace) -> None:
    lines = (line.strip() for line in ORPHAN.strip().splitlines())
    (forktrace.folder / "o.log").write_text("".join(f"{line}\n" for line in lines))
    done = forktrace("import", "-q", "o.log", "-o", "x.md", "-o", "o.jsonl")
    assert (done.status, done.out) == (0, b"")
    report = (forktrace.folder / "x.md").read_text()
    assert "the kernel's rule gave p2 sleep another parent" in " ".join(report.split())
    for question in ([], *([topic] for topic in TOPICS), ["p2"], ["reparent:p2"]):
        told = forktrace("explain", "o.jsonl", *question)
        assert told.status == 0, (question, told.err)


def test_a_log_for_each_task(forktrace: Forktrace) -> None:
    times = [f"12:00:0{n} " for n in range(10)]
    for name, text in SEPARATE:
        lines = text.format(*times).splitlines()
        (forktrace.folder / name).write_text("".join(f"{line.strip()}\n" for line in lines))
    done = forktrace("import", "-q", "-o", "g.json", *(name for name, _ in SEPARATE))
    assert done.status == 0
    graph = json.loads((forktrace.folder / "g.json").read_text())
    assert [n["name"] for n in graph["nodes"] if not n["outside"]] == ["sh", "a", "b"]


def test_lines_that_make_no_sense_are_told(forktrace: Forktrace, log: str) -> None:
    (forktrace.folder / log).write_text("hello\n\x1b[2J\n" + LOG)
    done = forktrace("import", "-q", log)
    assert done.status == 0
    assert "2 of 17 lines could not be read, first at line 1" in done.err


BAD = {
    "no log": (b"dear diary\n", "no log of strace"),
    "empty": (b"", "no log of strace"),
    "a trace": (b'{"event":"header"}\n', "no log of strace"),
    "binary": (bytes(range(256)) * 40, "no log of strace"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_no_log(forktrace: Forktrace, case: str) -> None:
    data, reason = BAD[case]
    (forktrace.folder / "bad").write_bytes(data)
    done = forktrace("import", "bad", "-o", "x.svg")
    assert (done.status, done.out) == (1, b"")
    assert reason in the_sentence(done.err)
    assert not (forktrace.folder / "x.svg").exists()
    assert not forktrace.state.exists()


def test_logs_that_cannot_be_read(forktrace: Forktrace, log: str) -> None:
    for names, status in ((["absent"], 1), (["."], 1), ([log, log], 2), ([log, "-"], 2), ([], 2)):
        done = forktrace("import", *names)
        assert (done.status, done.out) == (status, b"")
        the_sentence(done.err)
    assert "no log of strace" not in forktrace("import", ".").err


def test_an_existing_output_is_refused(forktrace: Forktrace, log: str) -> None:
    (forktrace.folder / "x.svg").write_text("precious")
    done = forktrace("import", log, "-o", "x.svg")
    assert done.status == 1
    assert "exists already" in the_sentence(done.err)
    assert (forktrace.folder / "x.svg").read_text() == "precious"
    assert forktrace("import", "-q", log, "-o", "x.svg", "--force").status == 0


def many_lines(count: int) -> Iterator[bytes]:
    """Yield a log in which process after process comes and goes."""
    yield b'1 execve("/bin/sh", ["sh"], 0x7ff /* 9 vars */) = 0\n'
    for n in range(count // 10):
        pid = 2 + n % 30_000
        yield b"1 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>\n"
        yield b"%d set_robust_list(0x7f, 24) = 0\n" % pid
        yield b"1 <... clone resumed>, child_tidptr=0x7f) = %d\n" % pid
        yield b'%d execve("/bin/true", ["true"], 0x7ff /* 9 vars */) = 0\n' % pid
        yield b"%d brk(NULL) = 0x55\n" % pid * 2
        yield b"1 wait4(-1,  <unfinished ...>\n"
        yield b"%d exit_group(0) = ?\n" % pid
        yield b"%d +++ exited with 0 +++\n" % pid
        yield b"1 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = %d\n" % pid


def peak_kib(forktrace: Forktrace, lines: int) -> int:
    """Import so many lines from a pipe, and return the most memory that it took, in KiB."""
    code = (
        "import resource, sys\n"
        "from forktrace.cli.main import main\n"
        "status = main()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "sys.exit(status)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "import", "-q", "-o", "x.jsonl", "--force", "-"],
        env=forktrace.env, cwd=forktrace.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None

    def feed() -> None:
        assert process.stdin is not None
        for line in many_lines(lines):
            process.stdin.write(line)
        process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert process.stdout is not None
    peak = int(process.stdout.read())
    feeder.join()
    assert process.wait(timeout=PATIENCE) == 0
    return peak


def test_memory_is_bounded_by_what_is_alive(forktrace: Forktrace) -> None:
    small, large = peak_kib(forktrace, 10_000), peak_kib(forktrace, 200_000)
    assert large - small < 8 * 1024  # the large log itself has 11 MB, its trace 16 MB
    records = (forktrace.folder / "x.jsonl").read_bytes().count(b'"event":"exit"')
    assert records == 20_000


def test_a_bar_on_a_terminal_alone(forktrace: Forktrace) -> None:
    path = forktrace.folder / "large.log"
    path.write_bytes(b"".join(many_lines(100_000)))
    quiet = forktrace("import", "-q", "-o", "x.jsonl", "large.log")
    assert quiet.status == 0
    assert "reading" not in quiet.err
    main, side = pty.openpty()
    process = subprocess.Popen(
        [*FORKTRACE, "import", "-o", "y.jsonl", "large.log"],
        env={**forktrace.env, "TERM": "xterm"}, cwd=forktrace.folder, stderr=side,
    )  # fmt: skip
    os.close(side)
    shown = b""
    try:
        while data := os.read(main, 65536):
            shown += data
    except OSError:  # how Linux tells of the other side's end (EIO)
        pass
    os.close(main)
    assert process.wait(timeout=PATIENCE) == 0
    assert b"reading" in shown
    assert (forktrace.folder / "y.jsonl").read_bytes() == Path(
        forktrace.folder / "x.jsonl"
    ).read_bytes()


def test_a_full_disk_is_told(forktrace: Forktrace, log: str) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = forktrace("import", "-q", "-o", "x.jsonl", log, preexec_fn=limit)
    assert done.status == 1
    assert "the trace is not complete: File too large" in done.err


def test_the_documented_commands_run_as_they_stand(forktrace: Forktrace, missing: Missing) -> None:
    strace(missing)
    page = (PROJECT / "docs/import.md").read_text()
    block = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)[0]
    for line in block.splitlines():
        words = shlex.split(line)
        command = [*FORKTRACE, *words[1:]] if words[0] == "forktrace" else words
        subprocess.run(command, env=forktrace.env, cwd=forktrace.folder, check=True)
    assert "echo" in (forktrace.folder / "launch.svg").read_text()
