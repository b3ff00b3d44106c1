"""The reader of trees of cgroups, on what systemd-cgls and forktrace print."""

from tests.machines.inside.told import read_tree, short

CGLS = """\
CGroup /:
-.slice
├─init.scope
│ └─1 /sbin/init
├─machine.slice
│ └─libpod-73ef138af4d1.scope …
│   → user.invocation_id: 5f1a
│   └─container
│     └─712 sleep 600
└─system.slice
  ├─baz.service …
  │ ├─701 /usr/bin/podman run alpine
  │ └─709 /usr/bin/conmon --api-version 1
  └─systemd-udevd.service
    └─udev
      └─180 (udev-worker)
"""


def test_a_process_is_below_the_groups_above_it() -> None:
    assert read_tree(CGLS) == {
        1: "/init.scope",
        712: "/machine.slice/libpod-73ef138af4d1.scope/container",
        701: "/system.slice/baz.service",
        709: "/system.slice/baz.service",
        180: "/system.slice/systemd-udevd.service/udev",
    }


def test_processes_of_the_root_are_in_it() -> None:
    assert read_tree("/\n├─2 kthreadd\n└─a\n  └─3 sh\n") == {2: "/", 3: "/a"}


def test_long_ids_are_shortened_as_explain_does() -> None:
    scope = f"libpod-{'0123456789ab' * 5}0123.scope"
    assert short(f"/machine.slice/{scope}") == "/machine.slice/libpod-0123456789ab….scope"
