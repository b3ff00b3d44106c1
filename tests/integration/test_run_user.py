"""--user: root traces, the command runs as another user with all that a login gives."""

import os
import pwd
import shutil
from pathlib import Path

import pytest

from tests.integration.harness import Forktrace, the_sentence

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="--user needs root")
NOBODY = pwd.getpwnam("nobody")


def test_the_command_runs_as_the_user_with_groups_and_basics(forktrace: Forktrace) -> None:
    script = 'id -u; id -g; id -G; echo "$HOME $USER $LOGNAME"'
    done = forktrace.record("sh", "-c", script, options=["--user", "nobody"], cwd="/")
    groups = " ".join(map(str, os.getgrouplist("nobody", NOBODY.pw_gid)))
    lines = done.out.decode().splitlines()
    assert lines[:3] == [str(NOBODY.pw_uid), str(NOBODY.pw_gid), groups]
    assert lines[3] == f"{NOBODY.pw_dir} nobody nobody"


def test_a_uid_names_a_user_too(forktrace: Forktrace) -> None:
    done = forktrace.record("id", "-un", options=["-u", str(NOBODY.pw_uid)], cwd="/")
    assert done.out == b"nobody\n"


def test_a_setuid_program_keeps_its_power(forktrace: Forktrace, tmp_path: Path) -> None:
    program = Path("/var/tmp") / f"forktrace-setuid-{os.getpid()}"
    shutil.copy("/usr/bin/id", program)
    program.chmod(0o4755)
    try:
        done = forktrace.record(str(program), "-u", options=["--user", "nobody"], cwd="/")
    finally:
        program.unlink()
    assert done.out == b"0\n"


@pytest.mark.parametrize("name", ["no-such-user", "9" * 5000])
def test_an_unknown_user_is_one_sentence(forktrace: Forktrace, name: str) -> None:
    done = forktrace("run", "--user", name, "true")
    assert done.status == 125
    assert done.err == f"forktrace: no user is called '{name}' here\n"


def test_a_user_that_nobody_can_become_is_no_failure_of_the_command(forktrace: Forktrace) -> None:
    """In a user namespace with one user there is no other to become."""
    forktrace.program = ("unshare", "--user", "--map-root-user", *forktrace.program)
    done = forktrace("run", "--user", "nobody", "true")
    assert done.status == 125
    assert the_sentence(done.err).startswith("can't become the user")
