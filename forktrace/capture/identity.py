"""Run the command as another user, while forktrace stays root.

A root tracer lets setuid programs and those with file capabilities keep their power under the
trace (security/commoncap.c), so rootless podman can be traced from its first run.
"""

import os
import pwd
from pathlib import Path

from msgspec import Struct

from forktrace.errors import LaunchError


class Identity(Struct, frozen=True):
    """Be a user: name, ids, home and shell."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str

    def assume(self) -> None:
        """Become this user, with the groups and the environment basics of a login.

        For use in the child, before its exec. Raises OSError.
        """
        os.environ.update(HOME=self.home, USER=self.name, LOGNAME=self.name, SHELL=self.shell)
        runtime = Path(f"/run/user/{self.uid}")
        if runtime.is_dir():
            os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        else:
            os.environ.pop("XDG_RUNTIME_DIR", None)
        os.initgroups(self.name, self.gid)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


def find_identity(user: str) -> Identity:
    """Return the user of that name or uid.

    Raises:
        LaunchError: there is none, or forktrace is not root.
    """
    if os.geteuid() != 0:
        raise LaunchError("--user needs root: forktrace stays root while the command runs as USER")
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError, ValueError):  # ValueError: thousands of digits
        raise LaunchError(f"no user is called {user!r} here") from None
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell)
