"""Put tokens in the place of texts that differ from run to run, and from machine to machine.

A token begins with ``@``, and needs no quoting in a shell. Tokens of a kind are numbered in the
order in which they first appear:

- ``@id1``: a container's or an image's id (64 digits, or the first 12 of them), a UUID, another
  name of 32 or more hexadecimal digits, a link of the overlay driver (26 capitals and digits);
- ``@name1``: a container's name that the command did not give (conmon's ``-n``);
- ``@tmp1``: a folder under /tmp, /var/tmp or /dev/shm, or a file right there;
- ``@cwd``, ``@home``, ``@user``, ``@host``, ``@uid``: where the command was started, a home, its
  user and host in ``user@host``, a user id in the name of a runtime folder, slice or session;
- ``@cgroup``: the cgroup that the command was started in;
- ``@time``: a date with a time of day; ``@port1``: a port that the kernel chose (ip(7),
  ip_local_port_range) after an address.

Inodes of pipes, sockets and namespaces, numbers of pseudoterminals, and pids in /proc/PID become
small numbers.
"""

import re
from collections.abc import Callable, Iterable

_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # a UUID
    r"|[0-9a-f]{32,}"
    r"|[0-9A-Z]{26}(?=/|$)"  # containers/storage, drivers/overlay: idLength
    r"|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{12}"
    r")(?![0-9A-Za-z])"
)
_SHORT = 12
_TMP = re.compile(r"(?<![\w./-])(/tmp|/var/tmp|/dev/shm)/([^\s:,=;'\"]+)")
_HOME = re.compile(r"(?<![\w./-])(?:/home/[^/\s:,=]+|/root|/var/home/[^/\s:,=]+)(?=[/\s:,=]|$)")
_UID = re.compile(r"(/run/user/|user-|user@|/containers-user-|/podman-run-)\d+(?=[/.\s]|$)")
_SESSION = re.compile(r"\bsession-c?\d+\.scope\b")
_TIME = re.compile(
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z| ?[+-]\d\d:?\d\d)?(?: \w+)?"
)
_PORT = re.compile(r"(?<=[\d\]t]:)(\d{5})(?!\d)")  # after an address or "localhost"
_INODE = re.compile(r"\b([a-z_]+):\[(\d+)\]")
_PTS = re.compile(r"(?<=/dev/pts/)\d+")
_PROC = re.compile(r"(?<![\w.-])/proc/(\d+)(?=/|$)")
_CUT_OFF = re.compile(r"^.* (was cut off after )[\d,]+ events")


class Masks:
    """Replace texts, the same one by the same token each time.

    Args:
        cwd: where the command was started.
        user: the name of who started it.
        cgroups: the paths of the cgroups that it was started in.
        names: names that were made up for containers.
        pid: gives the new number of a pid, None if it is none of the trace's.
    """

    def __init__(
        self,
        *,
        cwd: str | None = None,
        user: str | None = None,
        cgroups: Iterable[str] = (),
        names: Iterable[str] = (),
        pid: Callable[[int], int | None] = lambda _: None,
    ) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._ids: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self._pid = pid
        self._cwd = _folder(cwd)
        self._host = re.compile(rf"\b{re.escape(user)}@[\w.-]+") if user else None
        self._user = re.compile(rf"(?<=/){re.escape(user)}(?=/)") if user else None
        self._cgroups = dict.fromkeys(cgroups, "@cgroup")
        ordered = sorted(filter(None, names), key=len, reverse=True)
        self._names = (
            re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, ordered))})(?![\w-])")
            if ordered
            else None
        )

    def text(self, text: str) -> str:
        """Return a text with all that varies in it replaced."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._replace(text)
        return known

    def cgroup(self, line: str) -> str:
        """Return a line of /proc/PID/cgroup, or a path in a hierarchy, likewise."""
        head, colon, path = line.rpartition(":")
        return self.text(f"{head}{colon}{self._below(path)}")

    def number(self, kind: str, value: int) -> int:
        """Return the number that stands for a number of a kind; 0 stays."""
        if value == 0:
            return 0
        found = self._numbers.setdefault(kind, {})
        return found.setdefault(str(value), len(found) + 1)

    def _replace(self, text: str) -> str:
        if self._cwd:
            text = self._cwd.sub("@cwd", text)
        text = _TMP.sub(self._tmp, text)
        text = _HOME.sub("@home", text)
        if self._host and self._user:
            text = self._user.sub("@user", self._host.sub("@user@@host", text))
        text = _UID.sub(r"\1@uid", text)
        text = _SESSION.sub("session-@uid.scope", text)
        text = _TIME.sub("@time", text)
        if self._names:
            text = self._names.sub(lambda m: self._token("name", m[0]), text)
        text = _ID.sub(lambda m: self._id(m[0]), text)
        text = _PORT.sub(self._port, text)
        text = _INODE.sub(lambda m: f"{m[1]}:[{self.number('inode', int(m[2]))}]", text)
        text = _PTS.sub(lambda m: str(self.number("pts", int(m[0]) + 1) - 1), text)
        text = _PROC.sub(self._proc, text)
        return _CUT_OFF.sub(r"the trace \1some events", text)

    def _token(self, kind: str, value: str) -> str:
        found = self._numbers.setdefault(kind, {})
        return f"@{kind}{found.setdefault(value, len(found) + 1)}"

    def _id(self, value: str) -> str:
        """Return the token of an id; its first digits are the same id."""
        known = self._ids.get(value[:_SHORT])
        if known is None:
            known = self._ids[value[:_SHORT]] = self._token("id", value)
        return known

    def _tmp(self, found: re.Match[str]) -> str:
        folder, slash, name = found[2].rstrip("/").rpartition("/")
        if not slash:
            return self._token("tmp", f"{found[1]}/{name}")
        return f"{self._token('tmp', f'{found[1]}/{folder}')}/{name}"

    def _port(self, found: re.Match[str]) -> str:
        chosen = 32768 <= int(found[1]) <= 60999
        return self._token("port", found[1]) if chosen else found[1]

    def _proc(self, found: re.Match[str]) -> str:
        number = self._pid(int(found[1]))
        return f"/proc/{'@pid' if number is None else number}"

    def _below(self, path: str) -> str:
        for start, token in self._cgroups.items():
            if path == start:
                return token
            if start != "/" and path.startswith(f"{start}/"):
                return token + path[len(start) :]
        return path


def _folder(path: str | None) -> re.Pattern[str] | None:
    if not path or path in ("/", "/root", "?", "/tmp"):
        return None
    return re.compile(rf"(?<![\w./-]){re.escape(path)}(?=[/\s:,=]|$)")
