"""The tokens that stand for texts that differ from run to run."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forktrace.views.normalize_text import Masks

ID = "5853b4a3807c" + "0" * 52


def masks(**more: object) -> Masks:
    known = {"cwd": "/work/project", "user": "alice", "cgroups": ["/user.slice"], **more}
    return Masks(**known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ID, "@id1"),
        (f"libpod-{ID}.scope", "libpod-@id1.scope"),
        (f"/run/{ID}/userdata", "/run/@id1/userdata"),
        ("5853b4a3807c", "@id1"),
        ("netns-0d1f4a2c-7a35-4a51-8d1f-1b2c3d4e5f60", "netns-@id1"),
        ("/overlay/l/ABCDEFGHIJKLMNOPQRSTUVWX23", "/overlay/l/@id1"),
        ("/tmp/tmp.Xy12Zz/a.log", "@tmp1/a.log"),
        ("--log=/tmp/tmp.Xy12Zz", "--log=@tmp1"),
        ("/var/tmp/buildah123/rootfs", "@tmp1/rootfs"),
        ("/home/bob/x", "@home/x"),
        ("/root/.bashrc", "@home/.bashrc"),
        ("/work/project/a", "@cwd/a"),
        ("/work/projects", "/work/projects"),
        ("alice@box.example", "@user@@host"),
        ("/run/user/1000/podman", "/run/user/@uid/podman"),
        ("user-1000.slice", "user-@uid.slice"),
        ("session-12.scope", "session-@uid.scope"),
        ("2026-11-23T23:18:22.123Z", "@time"),
        ("127.0.0.1:45123", "127.0.0.1:@port1"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("pipe:[123456]", "pipe:[1]"),
        ("/dev/pts/7", "/dev/pts/0"),
        ("/proc/self/exe", "/proc/self/exe"),
        ("/proc/4711/ns/net", "/proc/@pid/ns/net"),
        ("/rootfs", "/rootfs"),
        ("--root", "--root"),
        ("sleep", "sleep"),
        ("1000", "1000"),
        ("deadbeefcafe", "deadbeefcafe"),  # a word: no digit in it
        ("123456789012", "123456789012"),  # a number
    ],
)
def test_what_varies_is_replaced_and_nothing_else(text: str, expected: str) -> None:
    assert masks().text(text) == expected


def test_the_same_is_the_same_and_another_another() -> None:
    known = masks()
    assert [known.text(t) for t in (ID, "f" * 64, ID[:12], ID)] == ["@id1", "@id2", "@id1", "@id1"]
    assert [known.text(f"pipe:[{n}]") for n in (90, 80, 90)] == ["pipe:[1]", "pipe:[2]", "pipe:[1]"]
    assert known.number("inode", 80) == 2


def test_a_pid_in_proc_is_that_process_new_one() -> None:
    assert masks(pid={4711: 1003}.get).text("/proc/4711/ns/net") == "/proc/1003/ns/net"


def test_the_cgroup_that_the_command_was_started_in() -> None:
    known = masks()
    assert known.cgroup("0::/user.slice") == "0::@cgroup"
    assert known.cgroup("0::/user.slice/x.scope") == "0::@cgroup/x.scope"
    assert known.cgroup("0::/user.slices") == "0::/user.slices"
    assert masks(cgroups=["/"]).cgroup("0::/") == "0::@cgroup"
    assert masks(cgroups=["/"]).cgroup("0::/libpod") == "0::/libpod"


def test_a_name_that_was_made_up() -> None:
    known = masks(names=["brave_noether"])
    assert known.text("brave_noether") == "@name1"
    assert known.text("--name=brave_noether") == "--name=@name1"
    assert known.text("brave_noether2") == "brave_noether2"


@given(text=st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    known = masks(names=[text], user=text or None, cwd=text, cgroups=[text])
    assert isinstance(known.text(text), str)
    assert isinstance(known.cgroup(text), str)


def test_no_token_needs_quotes_in_a_shell() -> None:
    tokens = masks().text(f"{ID} /tmp/x /root alice@box 2026-01-01T00:00:00Z").split()
    assert tokens == [shlex.quote(token) for token in tokens]
