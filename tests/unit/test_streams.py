"""Who holds the other end of a stream: fabricated tables of descriptors, and what follows."""

from typing import Any

import pytest

from forktrace.analysis.containers import find_containers
from forktrace.analysis.findings import Findings, Holder, StreamEnd
from forktrace.analysis.roles import find_roles
from forktrace.analysis.streams import Streams, find_streams, holders
from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.trace import events
from tests.unit.events import launch_of

SHELL, CHILD, OTHER = 10, 11, 12
Fds = dict[int, dict[str, Any]]


WHOLE = {"whole": True}


def pipe(inode: int, access: str) -> dict[str, Any]:
    return {"to": f"pipe:[{inode}]", "access": access}


def socket(inode: int, peer: int | None = None, **more: Any) -> dict[str, Any]:
    return {"to": f"socket:[{inode}]", "access": "rw", "peer": peer, **more}


NULL = {"to": "/dev/null", "access": "r"}
LOG = {"to": "/var/log/it", "access": "w"}
END = Moment(1_000_000_000, 1000)


def ask(launch: Launch, process: str, fd: int, at: Moment = END) -> StreamEnd:
    return holders(launch, process, fd, at)


def pipeline() -> Launch:
    """Return the launch of ``left | right``, which sh makes and then waits for."""
    return launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {0: NULL, 1: LOG, 2: LOG}),
        ("fork", SHELL, CHILD),
        ("fork", SHELL, OTHER),
        ("exec", CHILD, "left"),
        ("open", CHILD, "exec", {1: pipe(7, "w")}),
        ("exec", OTHER, "right"),
        ("open", OTHER, "exec", {0: pipe(7, "r")}),
    )


def test_a_pipeline() -> None:
    launch = pipeline()
    (reader,) = ask(launch, "p2", 1).holders
    assert (reader.process, reader.fds, reader.inferred) == ("p3", (0,), False)
    assert reader.at.at_ns == launch.processes["p3"].images[-1].at.at_ns
    (writer,) = ask(launch, "p3", 0).holders
    assert (writer.process, writer.fds) == ("p2", (1,))
    found = ask(launch, "p2", 1)
    assert (found.kind, found.to, found.access) == ("pipe", "pipe:[7]", "w")
    assert (found.certainty, found.why) == ("observed", "")
    assert found.seen is not None
    assert found.seen.at_ns == launch.processes["p2"].images[-1].at.at_ns


def test_nobody_holds_it_before_it_was_seen() -> None:
    launch = pipeline()
    before = ask(launch, "p2", 1, launch.processes["p2"].images[-1].at)
    assert before.kind == "pipe"
    assert before.holders == ()
    assert before.certainty == "unknown"
    assert "nobody in the trace was seen" in before.why


def test_what_an_exec_left_as_it_was_is_observed_and_what_was_only_inherited_is_not() -> None:
    launch = pipeline()
    before = ask(launch, "p3", 2, launch.processes["p3"].born)
    assert (before.kind, before.to, before.certainty) == ("file", "/var/log/it", "inferred")
    assert "read of the process that created this one" in before.why
    assert before.seen == launch.processes["p1"].descriptors[0].at
    after = ask(launch, "p3", 2)
    assert (after.to, after.certainty, after.why) == ("/var/log/it", "observed", "")


def test_an_exec_without_a_record_is_a_look_that_showed_nothing_new() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {0: pipe(7, "r"), 1: LOG, 2: LOG, 5: pipe(9, "w")}, WHOLE),
        ("fork", SHELL, CHILD),
        ("exec", CHILD, "cat"),  # at 4 ms
    )
    found = ask(launch, "p2", 0)
    assert (found.to, found.certainty) == ("pipe:[7]", "unknown")
    assert found.seen == launch.processes["p2"].images[-1].at
    # but what it has open besides, an exec may have closed
    other = ask(launch, "p2", 5)
    assert (other.kind, other.why) == ("unknown", "it was not looked at")
    assert ask(launch, "p1", 5).to == "pipe:[9]"
    assert ask(launch, "p2", 5, launch.processes["p2"].born).to == "pipe:[9]"


def test_a_child_that_executes_nothing_holds_what_its_creator_had_as_an_inference() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {0: NULL, 1: LOG, 2: LOG, 5: pipe(7, "r")}, WHOLE),
        ("fork", SHELL, CHILD),
        ("fork", SHELL, OTHER),
        ("exec", OTHER, "writer"),
        ("open", OTHER, "exec", {1: pipe(7, "w")}),
        ("exit", SHELL, 0),  # at 7 ms
    )
    both = ask(launch, "p3", 1, launch.processes["p3"].images[-1].at)
    assert [(h.process, h.fds, h.inferred) for h in both.holders] == [
        ("p1", (5,), False),
        ("p2", (5,), True),
    ]
    assert both.certainty == "observed"
    left = ask(launch, "p3", 1, END)
    assert [h.process for h in left.holders] == ["p2"]
    assert left.certainty == "inferred"
    assert "read of the process that created that one" in left.why


def test_clone_parent_inherits_from_the_creator_and_not_from_the_parent() -> None:
    launch = launch_of(
        ("root", SHELL, "runc"),
        ("open", SHELL, "birth", {0: NULL, 1: LOG, 2: LOG}),
        ("fork", SHELL, CHILD),
        ("exec", CHILD, "stage"),
        ("open", CHILD, "exec", {1: pipe(7, "w")}),
        ("clone", CHILD, OTHER, "PARENT"),
    )
    assert launch.processes["p3"].parent == "p1"
    assert ask(launch, "p3", 1).to == "pipe:[7]"


def test_a_child_whose_creator_spoke_late_inherits_nothing_on_paper() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {0: NULL, 1: LOG, 2: LOG}),
        ("start", CHILD, SHELL),
        ("create", SHELL, CHILD, "", "fork"),
    )
    assert launch.processes["p2"].creator == "p1"
    assert ask(launch, "p2", 1).kind == "unknown"


def test_both_numbers_of_a_holder_are_told_and_a_pipe_to_oneself_too() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        (
            "open",
            SHELL,
            "birth",
            {1: pipe(7, "w"), 3: pipe(7, "r"), 4: pipe(7, "r"), 5: pipe(7, "w")},
            WHOLE,
        ),
    )
    (own,) = ask(launch, "p1", 1).holders
    assert (own.process, own.fds) == ("p1", (3, 4))


def test_a_pipe_open_for_both_has_both_ends() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {1: pipe(7, "rw"), 3: pipe(7, "r"), 4: pipe(7, "w")}, WHOLE),
    )
    assert ask(launch, "p1", 1).holders[0].fds == (1, 3, 4)
    assert ask(launch, "p1", 3).holders[0].fds == (1, 4)


def test_a_pipe_whose_access_could_not_be_read_is_inferred() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {1: {"to": "pipe:[7]"}, 3: pipe(7, "r")}, WHOLE),
    )
    found = ask(launch, "p1", 1)
    assert found.certainty == "inferred"


def test_a_socketpair_by_the_peers_inode() -> None:
    launch = launch_of(
        ("root", SHELL, "python3"),
        ("open", SHELL, "birth", {3: socket(70, 71), 4: socket(72, 73)}, WHOLE),
        ("fork", SHELL, CHILD),
        ("exec", CHILD, "child"),
        ("open", CHILD, "exec", {0: socket(71, 70), 1: socket(75), 2: socket(76, 0)}),
    )
    stdin = ask(launch, "p2", 0)
    assert [(h.process, h.fds) for h in stdin.holders] == [("p1", (3,))]
    assert stdin.certainty == "observed"
    assert ask(launch, "p1", 3).holders[0].process == "p2"
    assert ask(launch, "p1", 4).certainty == "unknown"
    assert "no connected UNIX socket" in ask(launch, "p2", 1).why
    assert "not accepted the connection" in ask(launch, "p2", 2).why


def test_one_end_that_knows_its_peer_is_enough() -> None:
    launch = launch_of(
        ("root", SHELL, "python3"),
        ("open", SHELL, "birth", {0: socket(70, 71)}),
        ("fork", SHELL, CHILD),
        ("exec", CHILD, "child"),
        ("open", CHILD, "exec", {0: socket(71)}, {"errors": {"0": "EPERM"}}),
    )
    found = ask(launch, "p2", 0)
    assert ([h.process for h in found.holders], found.certainty) == (["p1"], "observed")


def test_a_socket_that_the_kernel_would_not_tell_of() -> None:
    launch = launch_of(
        ("root", SHELL, "python3"),
        ("open", SHELL, "birth", {0: socket(70)}, {"errors": {"0": "EPERM"}}),
    )
    found = ask(launch, "p1", 0)
    assert (found.kind, found.certainty) == ("socket", "unknown")
    assert "(EPERM)" in found.why


def test_a_peer_outside_the_trace_keeps_its_address() -> None:
    launch = launch_of(
        ("root", SHELL, "podman"),
        ("open", SHELL, "birth", {1: socket(70, 71, bound="/run/systemd/journal/stdout")}),
    )
    found = ask(launch, "p1", 1)
    assert (found.bound, found.holders) == ("/run/systemd/journal/stdout", ())
    assert "outside the trace" in found.why


def terminals(master: dict[str, Any], slave: dict[str, Any]) -> Launch:
    return launch_of(
        ("root", SHELL, "conmon"),
        ("open", SHELL, "birth", {8: {"to": "/dev/pts/ptmx", **master}}, WHOLE),
        ("fork", SHELL, CHILD),
        ("exec", CHILD, "payload"),
        ("open", CHILD, "exec", {0: {"to": "/dev/pts/0", **slave}}),
    )


@pytest.mark.parametrize(
    ("master", "slave", "certainty"),
    [
        ({"tty": 0, "device": 45}, {"slave": 0, "device": 45}, "observed"),
        ({"tty": 0, "device": 45}, {"slave": 0, "device": 26}, "unknown"),  # another devpts
        ({"tty": 0, "device": 45}, {"slave": 0}, "inferred"),
        ({"tty": 0}, {"slave": 0, "device": 45}, "inferred"),
        ({"tty": 0}, {}, "inferred"),
        ({"tty": 1, "device": 45}, {"slave": 0, "device": 45}, "unknown"),
    ],
)
def test_terminals(master: dict[str, Any], slave: dict[str, Any], certainty: str) -> None:
    found = ask(terminals(master, slave), "p2", 0)
    assert (found.kind, found.certainty) == ("terminal", certainty)
    assert [h.process for h in found.holders] == ([] if certainty == "unknown" else ["p1"])
    assert all(h.inferred == (certainty == "inferred") for h in found.holders)


def test_a_master_of_the_same_devpts_counts_before_one_that_may_be() -> None:
    launch = launch_of(
        ("root", SHELL, "script"),
        ("open", SHELL, "birth", {8: {"to": "/ptmx", "tty": 0}}, WHOLE),
        ("fork", SHELL, OTHER),
        ("exec", OTHER, "conmon"),
        ("open", OTHER, "birth", {8: {"to": "/dev/pts/ptmx", "tty": 0, "device": 5}}, WHOLE),
        ("fork", OTHER, CHILD),
        ("exec", CHILD, "payload"),
        ("open", CHILD, "exec", {0: {"to": "/dev/console", "slave": 0, "device": 5}}),
    )
    found = ask(launch, "p3", 0)
    assert [(h.process, h.fds) for h in found.holders] == [("p2", (8,))]


def test_a_slave_in_a_container_is_not_the_one_of_the_host() -> None:
    slaves = terminals({"tty": 0, "device": 45}, {"slave": 0, "device": 45})
    (holder,) = ask(slaves, "p1", 8).holders
    assert (holder.process, holder.fds) == ("p2", (0,))


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("/dev/null", "null"),
        ("/dev/null (deleted)", "file"),
        ("/tmp/pipe:[7]", "file"),
        ("anon_inode:[eventfd]", "file"),
        ("\x1b[31m\n", "file"),
    ],
)
def test_what_has_no_other_end(to: str, kind: str) -> None:
    launch = launch_of(
        ("root", SHELL, "sh"), ("open", SHELL, "birth", {0: {"to": to}, 3: pipe(7, "w")})
    )
    found = ask(launch, "p1", 0)
    assert (found.kind, found.to, found.holders) == (kind, to, ())
    assert found.certainty == "observed"


def test_closed_unreadable_and_not_looked_at_are_told_apart() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {1: LOG}, {"errors": {"2": "EACCES"}}),
        ("fork", SHELL, CHILD),
        ("exec", CHILD, "daemon"),
        ("open", CHILD, "exec", {}, {"closed": [1]}),
    )
    assert (ask(launch, "p1", 0).kind, ask(launch, "p1", 0).certainty) == ("closed", "observed")
    assert (ask(launch, "p2", 1).kind, ask(launch, "p2", 1).certainty) == ("closed", "observed")
    inherited = ask(launch, "p2", 0, launch.processes["p2"].born)
    assert (inherited.kind, inherited.certainty) == ("closed", "inferred")
    assert ask(launch, "p1", 2).why == "reading it gave EACCES"
    assert ask(launch, "p2", 2).why == "reading it gave EACCES"
    assert ask(launch, "p1", 3).why == "it was not looked at"


def test_nothing_is_known_of_a_process_that_could_not_be_read() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {0: NULL, 1: LOG, 2: LOG}),
        ("exec", SHELL, "setuid"),
        ("open", SHELL, "exec", {}, {"errors": {"fd": "EACCES"}}),
        ("exec", SHELL, "again"),
    )
    found = ask(launch, "p1", 1)
    assert (found.kind, found.why) == ("unknown", "reading it gave EACCES")
    before = ask(launch, "p1", 1, launch.processes["p1"].descriptors[0].at)
    assert before.to == "/var/log/it"


def test_more_than_were_looked_at() -> None:
    more = (
        "open",
        SHELL,
        "birth",
        {0: NULL, 3: pipe(7, "r")},
        {"whole": True, "errors": {"fd": "E2BIG"}},
    )
    launch = launch_of(("root", SHELL, "sh"), more)
    assert ask(launch, "p1", 3).to == "pipe:[7]"
    assert (ask(launch, "p1", 900).kind, ask(launch, "p1", 900).why) == (
        "unknown",
        "it was not looked at",
    )


def test_a_first_record_of_what_has_changed_does_not_tell_the_rest() -> None:
    launch = launch_of(("root", SHELL, "sh"), ("open", SHELL, "exec", {1: LOG}))
    assert ask(launch, "p1", 1).to == "/var/log/it"
    assert ask(launch, "p1", 0).why == "it was not looked at"


def test_a_trace_without_descriptors() -> None:
    launch = launch_of(("root", SHELL, "sh"), ("fork", SHELL, CHILD), ("exec", CHILD, "true"))
    found = ask(launch, "p2", 1)
    assert found == StreamEnd("p2", 1, "unknown", why="it was not looked at")
    with pytest.raises(KeyError):
        ask(launch, "p9", 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "pipe:["},
        {"to": "pipe:[x]"},
        {"to": "socket:[" + "9" * 5000 + "]"},
        {"to": "socket:[7]", "peer": -1},
        {"to": "/dev/pts/" + "9" * 5000},
        {"to": "/dev/pts/1", "tty": 2, "slave": 3, "peer": 4},
    ],
)
def test_what_makes_no_sense(fields: dict[str, Any]) -> None:
    told = {key: events.Descriptor(**fields) for key in ("0", "1", "x", "9" * 50, "-1")}
    record = events.Descriptors(at_ns=0, pid=SHELL, at="birth", fds=told, closed=[-1, 5])
    launch = launch_of(("root", SHELL, "sh"), record)
    found = ask(launch, "p1", 0)
    assert found.to == fields["to"]
    assert ask(launch, "p1", 9).kind == "unknown"


def container() -> Launch:
    """Return a launch by podman, shortened: conmon reads what the payload writes."""
    monitor = {3: socket(80, 81), 8: pipe(7, "r"), 9: pipe(8, "r")}
    return launch_of(
        ("root", 10, "podman run --rm alpine"),
        ("open", 10, "birth", {0: NULL, 1: LOG, 2: LOG}),
        ("vfork", 10, 20),
        ("exec", 20, "conmon -c 0123456789ab -r /usr/bin/runc"),
        ("fork", 20, 21),
        ("exit", 20),
        ("reparent", 21, 1),
        ("fork", 21, 30),
        ("exec", 30, "runc create 0123456789ab"),
        ("open", 30, "exec", {1: pipe(7, "w"), 2: pipe(8, "w")}),
        ("clone", 30, 31, "NEWPID", {"nspid": [31, 1], "ns": {"pid": 5}}),
        ("exit", 30),
        ("reparent", 31, 21),
        ("exec", 31, "sleep 10"),
        ("open", 21, "container", monitor, WHOLE),
        ("open", 10, "container", {4: socket(81, 80)}, WHOLE),
    )


def test_a_container() -> None:
    launch = container()
    findings = Findings()
    find_roles(launch, findings)
    find_containers(launch, findings)
    (found,) = findings.containers
    find_streams(launch, findings)
    engine, monitor, init = "p1", "p3", "p5"
    assert (found.engine, found.monitor, found.init) == (engine, monitor, init)
    assert set(findings.streams) == {engine, monitor, init}
    stdout, stderr = findings.streams[init][1:3]
    assert [(h.process, h.fds) for h in stdout.holders] == [(monitor, (8,))]
    assert [(h.process, h.fds) for h in stderr.holders] == [(monitor, (9,))]
    assert stdout.certainty == stderr.certainty == "observed"
    (attached,) = findings.streams[engine][3:]
    assert (attached.fd, attached.holders[0].process) == (4, monitor)
    assert [e.fd for e in findings.streams[monitor][3:]] == [3, 8, 9]


def test_what_two_processes_share_is_kept_once() -> None:
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {0: NULL, 1: pipe(7, "w"), 2: LOG}),
        *[("fork", SHELL, pid) for pid in range(100, 400)],
        *[("exec", pid, "true") for pid in range(100, 400)],
    )
    tables = {id(t.fds) for p in launch.inside for t in p.descriptors}
    assert len(tables) == 1
    assert len(Streams(launch).connections("p5", END)) == 0


def test_holders_are_told_in_the_order_of_the_processes() -> None:
    pids = (40, 30, 20)
    launch = launch_of(
        ("root", SHELL, "sh"),
        ("open", SHELL, "birth", {0: pipe(7, "r"), 1: LOG, 2: LOG}),
        *[("fork", SHELL, pid) for pid in pids],
        *[("exec", pid, "writer") for pid in reversed(pids)],
        *[("open", pid, "exec", {1: pipe(7, "w")}) for pid in reversed(pids)],
    )
    found = ask(launch, "p1", 0)
    assert [h.process for h in found.holders] == ["p2", "p3", "p4"]
    assert all(isinstance(h, Holder) and h.fds == (1,) for h in found.holders)
