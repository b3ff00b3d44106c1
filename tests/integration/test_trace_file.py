"""The trace file itself: what stands in it, byte for byte, what never does, and when."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Missing
from tests.integration.harness import (
    FORKTRACE,
    PATIENCE,
    Forktrace,
    argv_of,
    exit_of,
    python,
    read_records,
    text_bytes,
    the_root,
)


def test_the_header_is_on_disk_before_the_command_starts(forktrace: Forktrace) -> None:
    trace = forktrace.trace_path()
    done = forktrace("run", "-q", "-o", str(trace), "--", "cat", str(trace))
    seen = [json.loads(line) for line in done.out.splitlines()]
    # On a slow machine what cat does itself may be there too.
    assert [r["event"] for r in seen[:3]] == ["header", "process", "descriptors"]
    assert seen == read_records(trace)[: len(seen)]


def test_the_header_says_what_was_traced_and_where(forktrace: Forktrace) -> None:
    header = forktrace.record("echo", "a b").records[0]
    kernel = os.uname()
    assert header["format"] == "forktrace"
    assert header["version"] == 1
    assert header["command"] == ["echo", "a b"]
    assert header["cwd"] == str(forktrace.folder)
    assert header["user"]["uid"] == os.geteuid()
    assert header["user"]["gid"] == os.getegid()
    assert (header["kernel"], header["machine"]) == (kernel.release, kernel.machine)
    assert header["detail"] == "events"


def test_a_trace_is_private_whatever_the_umask(forktrace: Forktrace) -> None:
    for mask in (0, 0o777):
        done = forktrace.record("true", preexec_fn=lambda mask=mask: os.umask(mask))
        assert done.status == 0
        mode = stat.S_IMODE(done.trace.stat().st_mode)
        assert mode == 0o600 & ~mask


def test_times_never_go_back_and_every_process_ends(forktrace: Forktrace) -> None:
    records = forktrace.record(
        "sh", "-c", "for i in 1 2 3; do (true; sh -c :) & done; wait"
    ).records
    times = [r["at_ns"] for r in records[1:]]
    assert times == sorted(times)
    assert times[0] > 0
    started = [r["pid"] for r in records if r["event"] == "process"]
    assert sorted(started) == sorted(r["pid"] for r in records if r["event"] == "exit")
    assert records[-1] == {"event": "end", "at_ns": times[-1], "reason": "exited"}


SECRETS = {
    "SECRET": "hunter2-in-a-value",
    "INVOCATION_ID": "hunter2-in-the-invocation",
    "NOTIFY_SOCKET": "/hunter2/socket",
    "_CONTAINERS_USERNS_CONFIGURED": "hunter2",
    "_PODMAN_PAUSE": "hunter2",
    "hunter2-in-a-name": "x",
    "MORE": "\nINVOCATION_ID=no",
}
TELLING = ["INVOCATION_ID", "NOTIFY_SOCKET", "_CONTAINERS_USERNS_CONFIGURED", "_PODMAN_PAUSE"]


@pytest.mark.parametrize("detail", ["events", "minimal"])
def test_values_of_the_environment_are_never_recorded(forktrace: Forktrace, detail: str) -> None:
    env = {**forktrace.env, **SECRETS}
    command = ("sh", "-c", "env true; env -i INVOCATION_ID= true; env -i true; (:); exit 0")
    done = forktrace.record(*command, options=["--detail", detail], env=env)
    assert done.status == 0
    assert b"hunter2" not in done.trace.read_bytes()
    execs = {tuple(argv_of(r)): r.get("env") for r in done.events("exec")}
    assert sorted(execs[tuple(os.fsencode(a) for a in command)] or []) == TELLING
    assert sorted(execs[(b"env", b"true")] or []) == TELLING
    assert execs[(b"env", b"-i", b"INVOCATION_ID=", b"true")] is not None
    last = [r.get("env") for r in done.events("exec") if argv_of(r) == [b"true"]]
    assert [sorted(e or []) for e in last] == [TELLING, ["INVOCATION_ID"], []]


def test_only_names_that_are_set_are_told(forktrace: Forktrace) -> None:
    env = {**forktrace.env, "XINVOCATION_ID": "1", "INVOCATION_IDX": "1", "A": "NOTIFY_SOCKET=1"}
    for record in forktrace.record("sh", "-c", "NOTIFY_SOCKET=x exec true", env=env).events("exec"):
        assert record.get("env") == (["NOTIFY_SOCKET"] if argv_of(record) == [b"true"] else None)


def test_detail_minimal_is_events_and_arguments_alone(forktrace: Forktrace) -> None:
    done = forktrace.record(
        "sh",
        "-c",
        "setsid sh -c 'true & wait'; (exit 3); kill -9 $$",
        options=["--detail", "minimal"],
    )
    assert done.status == 137
    kinds = {r["event"] for r in done.records}
    assert kinds == {"header", "process", "create", "exec", "exit", "end"}
    assert [r for r in done.records if "state" in r] == []
    assert done.records[0]["detail"] == "minimal"
    root = the_root(done.records)
    first = done.events("exec")[0]
    assert set(first) == {"event", "at_ns", "pid", "path", "argv"}
    assert (first["pid"], argv_of(first)[:2]) == (root, [b"sh", b"-c"])
    assert Path(first["path"]).name == "sh"
    children = {r["child"] for r in done.events("create")}
    assert {r["pid"] for r in done.events("process")} == children | {root}
    assert sorted(r.get("code", -1) for r in done.events("exit")) == [-1, 0, 0, 3]
    assert exit_of(done.records, root)["signal"] == "SIGKILL"


# Prints its own argv, as the kernel gave it, NUL-terminated: each program is its own witness.
SHOW_ARGV = "import sys; sys.stdout.buffer.write(open('/proc/self/cmdline', 'rb').read())"
SHOW = (os.fsencode(sys.executable), b"-I", b"-S", b"-c", SHOW_ARGV.encode())
HOSTILE = {
    "empty strings": [b"", b"", b"x", b""],
    "no UTF-8": [b"\xff\xfe", b"caf\xe9", bytes(range(1, 256))],
    "newlines and escapes": [b"a\nb", b"\x1b[2J\x1b]0;owned\x07", b"\r\t\b", b"</script>"],
    "JSON": [b'"}', b"\\", b'{"b64": "eA=="}', b"\\u0000"],
    "like an environment": [b"INVOCATION_ID=1", b"PATH=/"],
    "odd Unicode": ["\u202e\u2028\ufeff\U0001f600".encode(), b"\xed\xa0\x80", b"\xc0\x80"],
    "the longest single one": [b"x" * (128 * 1024 - 1)],
    "2 MB": [b"%05d" % i + b"y" * 100_000 for i in range(21)],
    "100,000": [b"%d" % i for i in range(100_000)],
    "100,000 empty": [b""] * 100_000,
}


def large_stack() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_STACK, (64 * 1024 * 1024, resource.RLIM_INFINITY))


@pytest.mark.parametrize("case", HOSTILE)
def test_arguments_are_recorded_byte_for_byte(forktrace: Forktrace, case: str) -> None:
    argv = [*SHOW, *HOSTILE[case]]
    done = forktrace.record(*argv, preexec_fn=large_stack)
    assert done.status == 0, done.err
    assert done.out == b"".join(a + b"\0" for a in argv)
    (executed,) = done.events("exec")
    assert argv_of(executed) == argv
    assert [text_bytes(a) for a in done.records[0]["command"]] == argv
    shown = forktrace("show", str(done.trace))
    assert (shown.status, shown.err) == (0, "")
    assert b"\x1b" not in shown.out


EXEC_ODDLY = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
args = [{0}]
array = (ctypes.c_char_p * (len(args) + 1))(*args, None)
libc.execv({1!r}, array)
"""


@pytest.mark.parametrize(
    ("args", "expected"),
    [("b''", [b""]), ("b'', b'x'", [b"", b"x"]), ("b'\\xff\\n'", [b"\xff\n"]), ("", [b""])],
)
def test_odd_first_arguments(forktrace: Forktrace, args: str, expected: list[bytes]) -> None:
    """Linux 5.18 and later make an empty argv one empty string (fs/exec.c: do_execveat_common)."""
    link = forktrace.folder / "odd \udcff\n"
    link.symlink_to("/bin/true")
    program = os.fsencode(link)
    done = forktrace.record(*python(EXEC_ODDLY.format(args, program)))
    assert done.status == 0
    last = done.events("exec")[-1]
    assert argv_of(last) == expected
    assert text_bytes(last["path"]) == program


def test_a_script_is_recorded_as_the_kernel_runs_it(forktrace: Forktrace) -> None:
    script = forktrace.folder / "script"
    script.write_text("#!/bin/sh -e\nexit 5\n")
    script.chmod(0o755)
    done = forktrace.record(str(script), "an argument")
    assert done.status == 5
    (executed,) = done.events("exec")
    assert executed["path"] == str(script)
    assert argv_of(executed) == [b"/bin/sh", b"-e", os.fsencode(script), b"an argument"]
    assert Path(executed["exe"]).samefile("/bin/sh")


def test_names_of_processes_and_folders_may_be_any_bytes(forktrace: Forktrace) -> None:
    folder = forktrace.folder / "\udcff\n\x1b[31m"
    folder.mkdir()
    program = folder / "pro\udcffgram\n"
    program.symlink_to("/bin/true")
    done = forktrace.record(str(program), cwd=folder)
    assert done.status == 0
    (executed,) = done.events("exec")
    assert text_bytes(executed["cwd"]) == os.fsencode(folder)
    assert text_bytes(executed["path"]) == os.fsencode(program)
    assert text_bytes(executed["state"]["comm"]) == b"pro\xffgram\n"
    assert text_bytes(done.records[0]["cwd"]) == os.fsencode(folder)
    assert forktrace("show", str(done.trace)).status == 0


def test_a_full_disk_does_not_stop_the_command(forktrace: Forktrace, missing: Missing) -> None:
    if os.geteuid() != 0:
        missing("a small file system of its own needs root")
    script = 'mkdir m; mount -t tmpfs -o size=64k none m; "$@"; echo $?; cp m/t.jsonl kept.jsonl'
    work = "i=0; while [ $i -lt 500 ]; do (:); i=$((i+1)); done; echo done; exit {0}"
    for status, expected in ((0, 125), (3, 3)):
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", *FORKTRACE, "run", "-q", "-o", "m/t.jsonl",
             "--force", "--", "sh", "-c", work.format(status)],
            env=forktrace.env, cwd=forktrace.folder, capture_output=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        (forktrace.folder / "m").rmdir()
        assert done.stdout.decode().split() == ["done", str(expected)], done.stderr
        assert b"the trace is not complete: No space left on device" in done.stderr
        assert b"Traceback" not in done.stderr
        kept = forktrace.folder / "kept.jsonl"
        assert kept.stat().st_size == 64 * 1024
        assert len([r for r in read_records(kept) if r["event"] == "create"]) > 50
        shown = forktrace("show", str(kept))
        assert shown.status == 0
        assert "cut off" in shown.err


def test_a_trace_that_the_command_removes_costs_only_the_picture(forktrace: Forktrace) -> None:
    for status, expected in ((0, 125), (3, 3)):
        done = forktrace("run", "-o", "t.jsonl", "--", "sh", "-c", f"rm t.jsonl; exit {status}")
        assert done.status == expected
        assert "t.jsonl" in done.err
        assert "Traceback" not in done.err
