"""Pitfalls of what is executed: each handled, and noticed if not."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forktrace.model.image import Image
from tests.integration import programs
from tests.integration.harness import python
from tests.integration.pitfalls import Run, Tracer, without

# Executes a program in a memory file, a script by a relative path, a script in a memory file, and
# a program by execveat, each with arguments that say which it is.
EXECS = """
import ctypes, os
def program(name, content):
    fd = os.memfd_create(name, 0)
    os.write(fd, content)
    return fd
def start(execute):
    if os.fork() == 0:
        execute()
    print('{"fds": [%d, %d, %d]}' % (binary, script, folder) if os.wait()[1] == 0 else '{}')
true = open("/bin/true", "rb").read()
binary, script = program("binary", true), program("script", b"#!/bin/sh -e\\nexit 0\\n")
folder = os.open("/bin", os.O_PATH)
with open("here", "w") as file:
    file.write("#!/bin/sh\\n")
os.chmod("here", 0o755)
os.set_inheritable(folder, True)
start(lambda: os.execve(binary, ["in", "memory"], {}))
start(lambda: os.execv("./here", ["ignored", "by path"]))
start(lambda: os.execve(script, ["ignored", "in memory"], {}))
words = (ctypes.c_char_p * 3)(b"at", b"folder", None)
start(lambda: ctypes.CDLL(None).execveat(folder, b"true", words, None, 0))
"""


@without("path-as-given")
def test_memory_files_scripts_and_execveat(tracer: Tracer) -> None:
    run = tracer.trace(*python(EXECS))
    binary, script, folder = run.lines[0]["fds"]
    assert len(run.lines) == 4
    assert path_and_argv(run) == [
        (f"/dev/fd/{binary}", ["in", "memory"]),
        ("./here", ["/bin/sh", "./here", "by path"]),
        (f"/dev/fd/{script}", ["/bin/sh", "-e", f"/dev/fd/{script}", "in memory"]),
        (f"/dev/fd/{folder}/true", ["at", "folder"]),
    ]
    assert images(run)[0].exe == "/memfd:binary (deleted)"


def images(run: Run) -> list[Image]:
    """Return the last image of each of the command's children."""
    return [p.images[-1] for p in run.launch.inside if p.creator == run.launch.root]


def path_and_argv(run: Run) -> list[tuple[str | None, list[str]]]:
    return [(image.path, image.argv) for image in images(run)]


x86_64_only = pytest.mark.skipif(platform.machine() != "x86_64", reason="needs an x86-64 kernel")


@x86_64_only
@without("arch-of-the-call")
def test_int_80_from_a_64_bit_program(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of("int80"))
    child = run.process(run.said("child")["child"])
    assert child.creation is not None
    assert child.creation.how == "fork"
    assert child.exit is not None
    assert child.exit.code == 4


@without("layout-of-the-process")
def test_a_32_bit_program(tracer: Tracer) -> None:
    run = tracer.trace(*tracer.program_of(programs.THIRTY_TWO_BIT[platform.machine()]))
    children = [p for p in run.launch.inside if p.creator == run.launch.root]
    creations = [p.creation for p in children if p.creation]
    assert [c.how for c in creations] == ["fork", "clone"]
    assert [c.flags for c in creations] == [[], ["CLONE_FS", "CLONE_FILES"]]
    assert [p.exit and p.exit.code for p in children] == [3, 5]
    assert children[0].images[-1].path == "/proc/self/exe"
    assert children[0].images[-1].argv == ["thirty-two", "bits"]


@without("denied-is-a-fact")
def test_a_process_that_may_not_be_looked_into(tracer: Tracer) -> None:
    if os.geteuid() == 0:  # then what an ordinary user lacks is the power to trace anybody
        drop = ("--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace")
        tracer.program = ("setpriv", *drop, *tracer.program)
    run = tracer.trace(*tracer.program_of("nondumpable"))
    own = run.said("child")
    child = run.process(own["child"])
    assert run.pid(child.parent) == own["pid"]
    assert child.exit is not None
    assert child.exit.code == 6
    errors = {name: errno for sample in child.samples for name, errno in sample.errors.items()}
    assert errors == {"ns": "EACCES"}


@without("ask-which-end-of-the-call")
def test_the_first_stop_at_a_call_can_be_its_end(tracer: Tracer) -> None:
    script = "import os; os.kill(os.getpid(), 0)"  # the first stop was at the end of execve
    run = tracer.trace(*python(script), options=("--detail", "syscalls"))
    (process,) = run.launch.inside
    assert [(c.name, c.result) for c in process.calls] == [("kill", 0)]


@without("leave-what-asks-to-be-traced", order="creators-late")
def test_strace_in_the_tree(tracer: Tracer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    check_nested(tracer, "strace", "-f", "-e", "trace=process", "-o", str(log))
    assert 'execve("/bin/true", ["/bin/true", "traced"]' in log.read_text()


@without("leave-what-asks-to-be-traced")
def test_gdb_in_the_tree(tracer: Tracer) -> None:
    run = check_nested(
        tracer, "gdb", "-q", "-nx", "-batch", "-ex", "run", "-return-child-result", "--args"
    )
    assert b"exited with code 03" in run.result.out


def check_nested(tracer: Tracer, *debugger: str) -> Run:
    """Trace a debugger that traces a shell; the shell's end is for the debugger alone to see."""
    if shutil.which(debugger[0]) is None:
        tracer.missing(f"no {debugger[0]}")
    run = tracer.trace(*debugger, "sh", "-c", "/bin/true traced; exit 3", warnings=1)
    root = run.launch.processes[run.launch.root or ""]
    assert run.result.status == 3
    assert root.exit is not None
    left = [p for p in run.launch.inside if p.released]
    assert left
    for process in left:
        assert process.parent == root.id
        assert process.exit is None
    assert not any(p.argv[:1] == ["/bin/true"] or p.untraced for p in run.launch.inside)
    return run


@pytest.fixture
def mount_point(tmp_path: Path, tracer: Tracer) -> Iterator[str]:
    """Return a folder to mount FUSE on.

    In the end requests that hang there are given up, before a forktrace that waits is ended.
    """
    folder = tmp_path / "served"
    folder.mkdir()
    yield str(folder)
    for how in ("-f", "-l"):
        subprocess.run(["umount", how, folder], check=False, capture_output=True)


# Serves a program by a process of the traced tree, executes it, and ends the server.
SERVED = """
"$@" & while ! [ -x "$FOLDER/served" ]; do sleep 0.05; kill -0 $! || exit 77; done
"$FOLDER/served"; status=$?
umount "$FOLDER"; wait; exit $status
"""


@without("read-no-served-program")
def test_a_program_on_a_file_system_that_a_tracee_serves(mount_point: str, tracer: Tracer) -> None:
    """To open it is a request to the server, which may have stopped for us: a deadlock."""
    run = run_served(tracer, mount_point, "events")
    assert run.result.out.endswith(b"ok\n")
    assert run.has_argv(f"{mount_point}/served")


@without("read-memory-after-the-kernel")
def test_memory_that_a_tracee_has_to_fetch(mount_point: str, tracer: Tracer) -> None:
    """A page of a file that is not in memory yet comes from the server, which stops at calls."""
    assert run_served(tracer, mount_point, "syscalls").result.out.endswith(b"ok\n")


def run_served(tracer: Tracer, folder: str, detail: str) -> Run:
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        tracer.missing("root and /dev/fuse, to mount a file system")
    server = tracer.program_of("fuse_server")
    (program,) = tracer.program_of("served")
    tracer.env["FOLDER"] = folder
    options = ("--detail", detail)
    return tracer.trace("sh", "-c", SERVED, "sh", *server, program, folder, options=options)
