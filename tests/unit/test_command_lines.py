"""What argv of engines and runtimes tells, and what it leaves uncertain."""

import pytest

from forktrace.analysis.command_lines import EngineCall, RuntimeCall, engine_call, runtime_call
from forktrace.analysis.roles.programs import MonitorArguments, monitor_arguments


@pytest.mark.parametrize(
    ("command", "name", "image"),
    [
        ("podman run alpine echo hi", None, "alpine"),
        ("podman run --rm --name baz alpine sh -c 'while true'", "baz", "alpine"),
        ("podman --runtime runc --log-level=debug run -it --name=n quay.io/x/y:1 top", "n",
         "quay.io/x/y:1"),
        ("podman container create -v /a:/b -p80:80 -e A=B busybox", None, "busybox"),
        ("docker --host tcp://h run -itv /a:/b -u 0 alpine run --name no", None, "alpine"),
        ("podman run -- alpine", None, "alpine"),
        ("podman run --rm=true -d=false alpine", None, None),
        ("podman run --unheard-of x alpine", None, None),
        ("podman run -itz x alpine", None, None),
        ("podman run --name", None, None),
        ("podman run --rootfs /mnt/r sh", None, None),
        ("buildah run --isolation oci work -- echo hi", "work", None),
    ],
)  # fmt: skip
def test_name_and_image_where_their_place_is_certain(
    command: str, name: str | None, image: str | None
) -> None:
    call = engine_call(command.split())
    assert call is not None
    assert (call.name, call.image) == (name, image)


@pytest.mark.parametrize(
    "command",
    ["podman", "podman exec box run", "podman --unheard-of run alpine", "podman pod run x"],
)
def test_what_makes_no_container(command: str) -> None:
    assert engine_call(command.split()) is None


def test_an_option_without_its_value_ends_the_reading() -> None:
    assert engine_call(["podman", "run", "--rm", "--name"]) == EngineCall("run")


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("runc --log-format=json --log /l create --bundle /b --pid-file /p ID", ("create", "ID")),
        ("crun --systemd-cgroup --root=/run/crun create --bundle /b ID", ("create", "ID")),
        ("runc start ID", ("start", "ID")),
        ("runc delete --force ID", ("delete", "ID")),
        ("runc kill ID 15", ("kill", "ID")),
        ("runc kill --all ID KILL", ("kill", "ID")),
        ("runc exec --process /p.json --detach ID", ("exec", "ID")),
        ("runc exec -t -u 0 --env A=B ID sh -c ls", ("exec", "ID")),
        ("runc exec --unheard-of x ID", ("exec", None)),
        ("youki create --unheard-of x ID", ("create", "ID")),
        ("runc create --bundle", ("create", None)),
        ("runc create", ("create", None)),
    ],
)
def test_a_runtimes_verb_and_container(command: str, call: tuple[str, str | None]) -> None:
    assert runtime_call(command.split()) == RuntimeCall(*call)


@pytest.mark.parametrize("command", ["runc", "runc --root", "runc --unheard-of create ID", ""])
def test_no_verb_is_no_call(command: str) -> None:
    assert runtime_call(command.split()) is None


def test_conmons_container_name_and_session() -> None:
    plain = "conmon --api-version 1 -c ID -u ID -r /runc -b /b -n box --exit-command /podman"
    told = MonitorArguments("/runc", ["/podman"], "ID", "box", session=False)
    assert monitor_arguments(plain.split()) == told
    session = "conmon -c ID -u SESSION -r /runc -b /b -e --exec-attach --exec-process-spec /p"
    assert monitor_arguments(session.split()) == MonitorArguments("/runc", [], "ID", None, True)
    odd = [*plain.split(), "--exit-command-arg", "-e", "--exit-command-arg", "-n"]
    found = monitor_arguments(odd)
    assert found is not None
    assert (found.exit_command, found.name, found.session) == (
        ["/podman", "-e", "-n"],
        "box",
        False,
    )
