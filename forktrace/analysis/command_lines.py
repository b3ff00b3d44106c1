"""Read the command lines of engines and OCI runtimes: which container, which name, which image.

What stands in argv is believed only where its position is certain: past an option that is not in
these tables it is unknown whether the next word is that option's value, so nothing is told.
Sources: `podman run --help` and cmd/podman/common/create.go, docker/cli's
cli/command/container/opts.go, `runc --help` and `crun --help` of each verb.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """Name the options of a command: those that take a value, and those that take none.

    Short ones stand without their dash, and may be joined (`-itv /a:/b`).
    """

    values: frozenset[str]
    flags: frozenset[str]


@dataclass(slots=True)
class Words:
    """Be a command line taken apart up to its first word that is no option.

    ``options`` maps the names of options to their values ("" of one that takes none), ``rest`` is
    that first word and all behind it. ``certain`` is False from an unknown option on.
    """

    options: dict[str, list[str]] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)
    certain: bool = True


@dataclass(frozen=True, slots=True)
class RuntimeCall:
    """Be what an OCI runtime is told: a ``verb``, and a container's ``id`` where it is certain."""

    verb: str
    id: str | None


@dataclass(frozen=True, slots=True)
class EngineCall:
    """Be what `podman run` or the like is told: the ``name`` and ``image`` of a new container."""

    verb: str
    name: str | None = None
    image: str | None = None


def take_apart(words: Sequence[str], known: Options) -> Words:
    """Take a command line apart up to its first word that is no option, or an unknown one."""
    found = Words()
    position = 0
    while position < len(words):
        word = words[position]
        if word == "--":
            position += 1
            break
        if len(word) < 2 or not word.startswith("-"):
            break
        taken = _take(found, word, words[position + 1 : position + 2], known)
        if not taken:
            found.certain = False
            return found
        position += taken
    found.rest = list(words[position:])
    return found


def _take(found: Words, word: str, following: Sequence[str], known: Options) -> int:
    """Add one word's options; return how many words they take, 0 where that is unknown."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return _take_one(found, name, value if equals else None, following, known)
    for at, letter in enumerate(word[1:], 2):
        if letter in known.values:
            joined = word[at:].removeprefix("=")
            return _take_one(found, letter, joined or None, following, known)
        if letter not in known.flags:
            return 0
        found.options.setdefault(letter, []).append("")
    return 1


def _take_one(
    found: Words, name: str, value: str | None, following: Sequence[str], known: Options
) -> int:
    if name in known.flags:
        found.options.setdefault(name, []).append(value or "")
        return 1
    if name not in known.values:
        return 0
    if value is None and not following:
        return 0
    found.options.setdefault(name, []).append(following[0] if value is None else value)
    return 1 if value is not None else 2


def verb_behind(argv: Sequence[str], known: Options, verbs: Collection[str]) -> str | None:
    """Return what a program with subcommands is told to do; None where it is only asked about.

    Past an option that is not known it is the first word that is a verb.

    Args:
        argv: the command line.
        known: the options that can stand before the verb.
        verbs: the verbs.
    """
    if frozenset(argv).isdisjoint(verbs):  # the quick way for nearly all
        return None
    words = take_apart(argv[1:], known)
    if not words.certain:
        return next((word for word in argv[1:] if word in verbs), None)
    asked = not _QUESTIONS.isdisjoint(words.options)
    return words.rest[0] if words.rest and words.rest[0] in verbs and not asked else None


def runtime_call(argv: Sequence[str]) -> RuntimeCall | None:
    """Read a runtime's command line (`runc create --bundle B ID`); None without a verb in it."""
    words = take_apart(argv[1:], RUNTIME_GLOBALS)
    if not words.rest:
        return None
    verb, *more = words.rest
    if verb in _LAST_WORD_VERBS:
        last = more[-1] if more else "-"
        return RuntimeCall(verb, None if last.startswith("-") else last)
    words = take_apart(more, _RUNTIME_OPTIONS)
    return RuntimeCall(verb, words.rest[0] if words.certain and words.rest else None)


def engine_call(argv: Sequence[str]) -> EngineCall | None:
    """Read the command line of an engine that makes a container (`podman run --name N IMAGE`).

    None where it is told something else, or that is uncertain.
    """
    words = take_apart(argv[1:], ENGINE_GLOBALS).rest
    if words[:1] == ["container"]:
        words = words[1:]
    if words[:1] not in (["run"], ["create"]):
        return None
    told = take_apart(words[1:], _RUN_OPTIONS)
    if argv[0].rpartition("/")[2] == "buildah":  # it runs a command in a container that it has
        return EngineCall(words[0], told.rest[0] if told.certain and told.rest else None)
    names = told.options.get("name", [])
    name = names[-1] if told.certain and names else None
    is_image = told.certain and told.rest and "rootfs" not in told.options
    return EngineCall(words[0], name, told.rest[0] if is_image else None)


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Verbs whose only argument is the container, so that it is the last word whatever comes before.
_LAST_WORD_VERBS = frozenset({
    "create", "run", "restore", "start", "delete", "state", "pause", "resume", "events", "update",
})  # fmt: skip

_QUESTIONS = _names("help h version v V")
RUNTIME_GLOBALS = Options(
    values=_names("log log-format log-level root criu rootless cgroup-manager"),
    flags=_names("debug systemd-cgroup") | _QUESTIONS,
)
_RUNTIME_OPTIONS = Options(
    values=_names(
        "console-socket pidfd-socket cwd env e user u additional-gids g process p pid-file "
        "process-label apparmor cap c preserve-fds cgroup"
    ),
    flags=_names("tty t detach d no-new-privs ignore-paused all a force f"),
)
ENGINE_GLOBALS = Options(
    values=_names(
        "cdi-spec-dir cgroup-manager config conmon connection context c cpu-profile db-backend "
        "default-mounts-file events-backend H hooks-dir host identity imagestore l log-level "
        "max-workers memory-profile module namespace network-backend network-cmd-path "
        "network-config-dir out registries-conf root runroot runtime runtime-flag ssh "
        "storage-driver storage-opt tlscacert tlscert tlskey tmpdir url volumepath"
    ),
    flags=_names("D debug noout remote r syslog tls tlsverify trace transient-store")
    | (_QUESTIONS - {"V"}),
)
_RUN_OPTIONS = Options(
    values=_names(
        "add-host annotation arch attach a authfile blkio-weight blkio-weight-device cap-add "
        "cap-drop cert-dir cgroup-conf cgroup-parent cgroupns cgroups chrootdirs cidfile "
        "conmon-pidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime "
        "cpu-shares c cpus cpuset-cpus cpuset-mems creds decryption-key detach-keys device "
        "device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops "
        "dns dns-opt dns-option dns-search domainname entrypoint env e env-file env-merge expose "
        "gidmap gpus group-add group-entry health-cmd health-interval health-log-destination "
        "health-max-log-count health-max-log-size health-on-failure health-retries "
        "health-start-interval health-start-period health-startup-cmd health-startup-interval "
        "health-startup-retries health-startup-success health-startup-timeout health-timeout "
        "hostname h hosts-file hostuser image-volume init-ctr init-path io-maxbandwidth "
        "io-maxiops ip ip6 ipc isolation kernel-memory label l label-file link link-local-ip "
        "log-driver log-opt mac-address memory m memory-reservation memory-swap "
        "memory-swappiness mount name net net-alias network network-alias oom-score-adj os "
        "passwd-entry personality pid pidfile pids-limit platform pod pod-id-file preserve-fd "
        "preserve-fds publish p pull rdt-class requires restart retry retry-delay runtime "
        "sdnotify seccomp-policy secret security-opt shm-size shm-size-systemd stop-signal "
        "stop-timeout storage-opt subgidname subuidname sysctl systemd timeout tmpfs tz uidmap "
        "ulimit umask unsetenv user u userns uts variant volume v volume-driver volumes-from "
        "workdir w workingdir contextdir"
    ),
    flags=_names(
        "detach d disable-content-trust env-host http-proxy init interactive i "
        "no-healthcheck no-hostname no-hosts no-session oom-kill-disable passwd privileged "
        "publish-all P quiet q read-only read-only-tmpfs replace rm rmi rootfs sig-proxy "
        "terminal tls-verify tty t unsetenv-all no-pivot add-history"
    ),
)
