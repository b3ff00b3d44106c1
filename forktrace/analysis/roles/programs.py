"""Know the programs that container engines consist of, and read their arguments.

The tables name what exists; a rule never decides by such a name alone. Sources: the engines' own
command lines (libpod/oci_conmon_common.go, conmon's src/cli.c, the OCI runtime command line).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forktrace.analysis.command_lines import (
    ENGINE_GLOBALS,
    RUNTIME_GLOBALS,
    take_apart,
    verb_behind,
)
from forktrace.model.image import Image, image_name

RUNTIMES = frozenset({"runc", "crun", "youki", "runsc", "kata-runtime", "krun", "crun-wasm"})
SETUP_VERBS = frozenset({"create", "run", "exec", "restore"})
RUNTIME_VERBS = SETUP_VERBS | {
    "start", "delete", "state", "kill", "list", "ps", "pause", "resume", "update",
    "events", "checkpoint",
}  # fmt: skip

ENGINES = frozenset({"podman", "podman-remote", "docker", "buildah", "nerdctl"})
REMOTE_ENGINES = frozenset({"docker", "podman-remote"})  # a daemon makes their containers
_REMOTE = frozenset({"remote", "r", "url", "connection"})  # podman's options that say the same
LAUNCH_VERBS = frozenset({"run", "start", "exec"})
MAKING_VERBS = LAUNCH_VERBS | {"create"}
ENGINE_VERBS = LAUNCH_VERBS | {
    "build", "bud", "commit", "compose", "container", "cp", "create", "from", "generate",
    "image", "images", "info", "init", "inspect", "kill", "kube", "load", "login", "logs",
    "machine", "manifest", "mount", "network", "pause", "play", "pod", "ps", "pull", "push",
    "restart", "rm", "rmi", "save", "secret", "stop", "system", "top", "umount", "unpause",
    "unshare", "volume", "wait",
}  # fmt: skip
DAEMONS = frozenset({"dockerd", "containerd", "crio"})
SANDBOXES = frozenset({"bwrap", "systemd-nspawn", "lxc-start"})
_QUESTIONS = (["--version"], ["-v"], ["version"], ["features"])

NETWORK_HELPERS = frozenset({
    "netavark", "aardvark-dns", "pasta", "pasta.avx2", "passt", "slirp4netns", "rootlessport",
    "rootlessport-child", "docker-proxy", "bridge", "portmap", "firewall", "tuning",
})  # fmt: skip
ID_MAP_HELPERS = frozenset({"newuidmap", "newgidmap"})
NAMESPACE_HELPERS = frozenset({"pinns"})

# Those of conmon's options that take a value (its `--help`); all others take none.
_MONITOR_OPTIONS = frozenset({
    "--api-version", "-b", "--bundle", "-c", "--cid", "-P", "--conmon-pidfile", "-p",
    "--container-pidfile", "-u", "--cuuid", "--exec-process-spec", "--exit-command",
    "--exit-command-arg", "--exit-delay", "--exit-dir", "--log-level", "-l", "--log-path",
    "--log-size-max", "--log-global-size-max", "--log-tag", "-n", "--name", "-0",
    "--persist-dir", "--restore", "-r", "--runtime", "--runtime-arg", "--runtime-opt",
    "--sdnotify-socket", "--socket-dir-path", "-T", "--timeout", "--seccomp-notify-socket",
    "--seccomp-notify-plugins",
})  # fmt: skip
_EXEC_OPTIONS = frozenset({"-e", "--exec", "--exec-attach", "--exec-process-spec"})

_SELF_PATHS = ("/proc/self/", "/proc/thread-self/", "/dev/fd/", "/memfd:")


@dataclass(frozen=True, slots=True)
class MonitorArguments:
    """Be what conmon is told: the ``runtime`` to call, and the ``exit_command`` to run last.

    ``container`` is the container's id, ``name`` its name if given; ``session`` says that a
    process is to be started in a container that runs (`podman exec`).
    """

    runtime: str
    exit_command: list[str]
    container: str = ""
    name: str | None = None
    session: bool = False


def name_of(image: Image) -> str:
    """Return the name of an image's program."""
    return image_name(image)


def executes_itself(image: Image) -> bool:
    """Say whether an image is a program's own, reached by a descriptor or by /proc/self/exe."""
    path = image.path or ""
    numbered = path.startswith("/proc/") and path.split("/")[2].isdigit()
    # An empty path is execveat(2) on a descriptor; its exe is then a memfd.
    sealed = not path and (image.exe or "").startswith("/memfd:")
    return path.startswith(_SELF_PATHS) or numbered or sealed


def verb(argv: Sequence[str], verbs: Iterable[str]) -> str | None:
    """Return the first argument that is one of ``verbs``."""
    known = frozenset(verbs)
    return next((word for word in argv[1:] if word in known), None)


def runtime_verb(argv: Sequence[str]) -> str | None:
    """Return what an OCI runtime is told to do; None where it is only asked for its version."""
    return verb_behind(argv, RUNTIME_GLOBALS, RUNTIME_VERBS)


def engine_verb(argv: Sequence[str]) -> str | None:
    """Return what an engine's command is told to do; None where it is only asked about.

    Of `podman container run` that is "run".
    """
    found = verb_behind(argv, ENGINE_GLOBALS, ENGINE_VERBS)
    if found == "container":
        behind = argv[argv.index(found) + 1 :]
        return behind[0] if behind and behind[0] in ENGINE_VERBS else found
    return found


def is_client(image: Image) -> bool:
    """Say whether an engine's command has a daemon do the work, by its name or its options."""
    words = take_apart(image.argv[1:], ENGINE_GLOBALS)
    return name_of(image) in REMOTE_ENGINES or not _REMOTE.isdisjoint(words.options)


def question(argv: Sequence[str]) -> str | None:
    """Return what a program is only asked for, "version" or "features"; None if it is to work."""
    if list(argv[1:]) not in _QUESTIONS:
        return None
    return "features" if argv[1] == "features" else "version"


def monitor_arguments(argv: Sequence[str]) -> MonitorArguments | None:
    """Read conmon's arguments; None where they name no runtime, container and bundle."""
    options = _options(argv)
    runtime = options.get("-r") or options.get("--runtime")
    container = options.get("-c") or options.get("--cid")
    bundle = options.get("-b") or options.get("--bundle")
    if not (runtime and container and bundle):
        return None
    command = options.get("--exit-command", [])
    name = options.get("-n") or options.get("--name")
    return MonitorArguments(
        runtime[0],
        [*command[:1], *options.get("--exit-command-arg", [])],
        container[0],
        name[0] if name else None,
        session=not _EXEC_OPTIONS.isdisjoint(options),
    )


def _options(argv: Sequence[str]) -> dict[str, list[str]]:
    """Map each option to the values it was given, in the next word or behind "="."""
    found: dict[str, list[str]] = {}
    words = iter(argv[1:])
    for word in words:
        name, equals, value = word.partition("=")
        if name in _MONITOR_OPTIONS:
            found.setdefault(name, []).append(value if equals else next(words, ""))
        elif name in _EXEC_OPTIONS:
            found.setdefault(name, [])
    return found
