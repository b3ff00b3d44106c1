"""Foresee that a rootless engine can't set itself up under an unprivileged tracer.

It makes its user namespace with newuidmap and newgidmap, and a setuid program or one with file
capabilities gains no privilege under a tracer without CAP_SYS_PTRACE (security/commoncap.c:
cap_bprm_creds_from_file). podman keeps the namespace open by a pause process, and then needs
them no more (podman: pkg/rootless/rootless_linux.c); buildah makes a new one each time
(containers/storage: pkg/unshare).
"""

import os
from pathlib import Path

from forktrace.capture.privileges import has_sys_ptrace

_REMEDIES = {
    "podman": "run 'podman unshare true' untraced first",
    "buildah": "run it under 'podman unshare'",
}


def rootless_warning(path: str) -> str | None:
    """Return one sentence if a trace of this program is bound to break it, None if not.

    Args:
        path: the program's file, as ``find_command`` gives it.
    """
    name = os.path.basename(os.path.realpath(path))  # noqa: PTH119
    if name not in _REMEDIES or os.geteuid() == 0:
        return None
    try:
        if has_sys_ptrace() or (name == "podman" and _pause_process_runs()):
            return None
    except OSError:
        return None
    return (
        f"rootless {name} is likely to fail now, as newuidmap gains no privilege when traced by an "
        f"ordinary user: {_REMEDIES[name]}, or trace as root with --user"
    )


def _pause_process_runs() -> bool:
    """Say whether podman's pause process holds its namespaces open."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    try:
        pid = int(Path(runtime, "libpod", "tmp", "pause.pid").read_text())
    except (OSError, ValueError):
        return False
    return Path(f"/proc/{pid}").is_dir()
