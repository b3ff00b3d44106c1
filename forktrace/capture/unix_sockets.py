"""Ask the kernel which UNIX sockets are connected with which: sock_diag(7), unix_diag.

A query is answered for the sockets of one network namespace, that in which the asking socket was
made. So for another namespace it is made by a thread that has entered it, and ends at once: the
rest of forktrace stays where it is, and nothing keeps that namespace alive.
"""

import ctypes
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from errno import ENOENT, EPROTO
from itertools import chain
from threading import Thread

from msgspec import Struct

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLMSG_ERROR = 2
_NLM_F_REQUEST = 1
_SHOW_NAME, _SHOW_PEER = 1, 4
_ATTRIBUTE_NAME, _ATTRIBUTE_PEER = 0, 2
_CLONE_NEWNET = 0x40000000
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
# unix_diag_req: family, protocol, padding, states, inode, what to show, any cookie
_REQUEST = struct.Struct("=BBHIIIII")
_ANY = 0xFFFFFFFF
_ANSWER_BYTES = 16  # unix_diag_msg, before its attributes

_LIBC = ctypes.CDLL(None, use_errno=True)


class UnixSocket(Struct, frozen=True):
    """Be what the kernel tells of a UNIX socket.

    ``peer`` is the inode of the other end, None if it is not connected, 0 if the other side has
    not accepted the connection yet. ``name`` is the address that it or its peer is bound to.
    """

    peer: int | None
    name: bytes | None


def is_unix(task: int, fd: int) -> bool:
    """Say whether a descriptor, a socket, is a UNIX one; raises OSError.

    sockfs shows the protocol as an extended attribute (net/socket.c: sockfs_xattr_get).
    """
    protocol = os.getxattr(b"/proc/%d/fd/%d" % (task, fd), "system.sockprotoname")
    return protocol.startswith(b"UNIX")


def _network_namespace(task: str) -> int:
    """Return the inode of a task's network namespace. Raises OSError."""
    return os.stat(f"/proc/{task}/ns/net").st_ino  # noqa: PTH116 (a number, no path)


def find_sockets(
    inodes: Iterable[int], tasks: Iterable[int]
) -> tuple[dict[int, UnixSocket], OSError | None]:
    """Return what is known of UNIX sockets, by inode, and what stood in the way of the rest.

    Args:
        inodes: of the sockets.
        tasks: in whose network namespaces to ask, in this order, after forktrace's own.
    """
    wanted = set(inodes)
    found: dict[int, UnixSocket] = {}
    denied: OSError | None = None
    asked: set[int] = set()
    for task in chain(("self",), map(str, tasks)):
        if not wanted:
            return found, None
        try:
            namespace = _network_namespace(task)
            if namespace not in asked:
                asked.add(namespace)
                found |= _inside(task, wanted)
        except OSError as error:
            denied = denied or error
        wanted -= found.keys()
    return found, denied if wanted else None


def _inside(task: str, inodes: set[int]) -> dict[int, UnixSocket]:
    """Query the network namespace of a task. Raises OSError."""
    if task == "self":
        return _ask(inodes)
    done: list[dict[int, UnixSocket] | OSError] = []
    namespace = os.open(f"/proc/{task}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def enter_and_ask() -> None:
        try:
            if _LIBC.setns(namespace, _CLONE_NEWNET):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            done.append(_ask(inodes))
        except OSError as error:
            done.append(error)

    thread = Thread(target=enter_and_ask)
    try:
        thread.start()
        thread.join()
    finally:
        os.close(namespace)
    (result,) = done
    if isinstance(result, OSError):
        raise result
    return result


def _ask(inodes: Iterable[int]) -> dict[int, UnixSocket]:
    """Query this thread's network namespace; a bound name of the peer counts as well.

    Raises OSError, ENOENT if the kernel has no unix_diag.
    """
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG
    ) as diag:
        found = {inode: told for inode in inodes if (told := _with_name(diag, inode))}
        if not found:
            _check_support(diag)
        return found


def _with_name(diag: socket.socket, inode: int) -> UnixSocket | None:
    """Ask about a socket, and about its peer where only that can have an address: a client's."""
    found = _query(diag, inode)
    if found is None or found.name or not found.peer:
        return found
    peer = _query(diag, found.peer)
    return UnixSocket(found.peer, peer.name if peer else None)


def _query(diag: socket.socket, inode: int) -> UnixSocket | None:
    """Ask about one socket; None if this namespace has none with that inode. Raises OSError."""
    request = _REQUEST.pack(socket.AF_UNIX, 0, 0, _ANY, inode, _SHOW_NAME | _SHOW_PEER, _ANY, _ANY)
    length = _HEADER.size + len(request)
    diag.send(_HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + request)
    data = diag.recv(8192, socket.MSG_DONTWAIT)
    length, kind, *_ = _HEADER.unpack_from(data)
    body = data[_HEADER.size : length]
    if kind == _NLMSG_ERROR:
        number = -struct.unpack_from("=i", body)[0]
        if number == ENOENT:
            return None
        raise OSError(number, os.strerror(number))
    if kind != _SOCK_DIAG_BY_FAMILY:
        raise OSError(EPROTO, os.strerror(EPROTO))
    attributes = dict(_attributes(body[_ANSWER_BYTES:]))
    peer = attributes.get(_ATTRIBUTE_PEER)
    return UnixSocket(
        struct.unpack_from("=I", peer)[0] if peer else None,
        _address(attributes.get(_ATTRIBUTE_NAME)),
    )


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the netlink attributes: each has its length, its kind, and padding to 4 bytes."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind, data[4:length]
        data = data[(length + 3) & ~3 :]


def _address(name: bytes | None) -> bytes | None:
    """Return a bound address; an abstract one, which begins with NUL, is written with "@"."""
    if not name:
        return None
    return b"@" + name[1:] if name.startswith(b"\0") else name.rstrip(b"\0")


def _check_support(diag: socket.socket) -> None:
    """Raise OSError if the kernel can't tell of UNIX sockets at all.

    It answers ENOENT then, as for an inode that is none: so it is asked about a socket that is.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as known:
        if _query(diag, os.fstat(known.fileno()).st_ino) is None:
            raise OSError(ENOENT, os.strerror(ENOENT))
