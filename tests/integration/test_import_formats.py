"""Logs that strace writes here, in each of its formats: the same graph as of a direct trace."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Missing
from tests.integration.harness import Forktrace, argv_of, read_records
from tests.integration.strace import DAEMON, PIPELINE, THREADS, tree_of, write_log
from tests.integration.test_podman import RUN, Graph, container, image, program

__all__ = ["container", "image"]  # fixtures

PROGRAMS = {"pipeline": PIPELINE, "daemon": DAEMON, "threads": THREADS}
PROCESS = "trace=process,prctl,setsid,unshare,setns"
FORMATS = {
    "plain": "-f -o LOG",
    "standard error": "-f",
    "standard error, few calls": f"-f -e {PROCESS}",
    "time of day": "-f -t -o LOG",
    "time of day, fine": "-f -tt -T -o LOG",
    "unix time": "-f -ttt -o LOG",
    "relative": "-f -r -o LOG",
    "both times": "-f -r -ttt",
    "nanoseconds": "-f --absolute-timestamps=unix,ns --syscall-times=ns -o LOG",
    "paths": "-f -y -o LOG",
    "paths and sockets": "-f -yy -ttt",
    "pids": "-f --decode-pids=pidns,comm -o LOG",
    "names on standard error": "-f -Y",
    "quiet": "-f -q",
    "quieter": "-f -qq -o LOG",
    "quieter, few calls": f"-f -qq -e {PROCESS}",
    "quietest": "-f -qqq",
    "numbers and addresses": "-f -n -i -o LOG",
    "columns": "-f -a 120",
    "hexadecimal": "-f -x -o LOG",
    "all in hexadecimal": "-f -xx -s 300 -o LOG",
    "whole": "-f -v -s 65536 -o LOG",
    "raw constants": "-f -X raw -o LOG",
    "verbose constants": "-f -X verbose -o LOG",
    "seccomp": f"-f --seccomp-bpf -e {PROCESS} -o LOG",
    "with a summary": "-f -C -o LOG",
    "a file each": "-ff -tt -o LOG",
    "a file each, without times": "-ff -o LOG",
    "a file each, quietly": "-ff -qq -ttt -o LOG",
}


def graph_of(forktrace: Forktrace, *args: str) -> dict[str, Any]:
    path = forktrace.trace_path().with_suffix(".json")
    done = forktrace(*args[:1], "-q", "-o", str(path), *args[1:])
    assert "Traceback" not in done.err
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    forktrace = Forktrace(tmp_path_factory.mktemp("direct"))
    return {name: graph_of(forktrace, "run", "--", *PROGRAMS[name]) for name in PROGRAMS}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("form", FORMATS)
def test_the_same_graph(
    forktrace: Forktrace,
    direct: dict[str, dict[str, Any]],
    missing: Missing,
    form: str,
    name: str,
) -> None:
    logs = write_log(forktrace.folder, FORMATS[form].split(), PROGRAMS[name], missing)
    graph = graph_of(forktrace, "import", *map(str, logs))
    assert tree_of(graph) == tree_of(direct[name])
    assert [w for w in graph["graph"]["warnings"] if "could not be read" in str(w)] == []
    ordered = form != "a file each, without times"
    expected = [n["name"] for n in direct[name]["nodes"] if n["adoptions"]] if ordered else []
    adopted = [n for n in graph["nodes"] if n["adoptions"]]
    assert [n["name"] for n in adopted] == expected
    assert all(a["inferred"] for n in adopted for a in n["adoptions"])
    all_calls = "-e" not in FORMATS[form]  # else it is unknown whether the origin is a subreaper
    assert [bool(n["double_fork"]) for n in adopted] == [all_calls] * len(expected)


def test_arguments_survive_to_the_byte(forktrace: Forktrace, missing: Missing) -> None:
    words = [
        bytes(range(1, 256)),
        b"",
        b"two\nlines",
        b'"...',
        b"...",
        b"</script>",
        b"\\x41",
        b" ",
    ]
    for options in (
        "-f -v -s 65536 -o LOG",
        "-f -v -s 65536 -x -o LOG",
        "-f -v -s 65536 -xx -o LOG",
    ):
        command = ["/bin/true", *(w.decode("latin-1") for w in words)]
        (log,) = write_log(forktrace.folder, options.split(), command, missing)
        trace = forktrace.trace_path()
        assert forktrace("import", "-q", "-o", str(trace), str(log)).status == 0
        (event,) = [r for r in read_records(trace) if r["event"] == "exec"]
        assert argv_of(event)[1:] == [w.decode("latin-1").encode() for w in words]
        assert "errors" not in event
        log.unlink()


@pytest.mark.podman
@pytest.mark.parametrize(
    "options",
    [
        "-f -o LOG",
        f"-f -e {PROCESS}",
        f"-f -ttt -y -v -s 65536 --decode-pids=pidns -e {PROCESS} -o LOG",
        "-ff -tt -o LOG",
    ],
)
def test_podman(
    forktrace: Forktrace, image: str, container: str, missing: Missing, options: str
) -> None:
    command = (*RUN, "--rm", "--name", container, image, "sh", "-c", "(true); exec sleep 0.2")
    logs = write_log(forktrace.folder, options.split(), command, missing)
    forktrace("import", "-q", "-o", "graph.json", *map(str, logs))
    graph = Graph(forktrace.folder / "graph.json")
    payload = graph.one(role="container", name="sleep")
    first, second = (n for n in graph.nodes if n["role"] == "monitor")
    # A runc of Go 1.23 also makes a child that executes nothing, to try pidfds out.
    (runtime,) = (n for n in graph.nodes if program(n) == "runc" and "create" in n["argv"])
    stages = [n for n in graph.nodes if n["role"] == "init-stage"]
    assert first["creator"] == graph.about["root"]
    assert second["creator"] == first["id"]
    assert runtime["creator"] == second["id"]
    assert [payload["parent"], *(n["parent"] for n in stages)] == [runtime["id"]] * 3
    assert payload["creator"] in [n["id"] for n in stages]
    assert payload["nspid"][1:] == [1]
    inside = [n for n in graph.nodes if n["role"] == "container"]
    assert len(inside) == 2
    assert [n["parent"] for n in inside if n is not payload] == [payload["id"]]
    (adoption,) = payload["adoptions"]
    assert (adoption["parent"], adoption["inferred"]) == (second["id"], True)
    assert second["double_fork"] == first["id"]
    assert all(n["exit"] == {"code": 0, "signal": None, "core": False, "at_ns": n["exit"]["at_ns"]}
               for n in graph.nodes if not n["outside"])  # fmt: skip
    assert "start" in {a for n in graph.nodes if program(n) == "runc" for a in n["argv"]}
    assert [w for w in graph.about["warnings"] if "announces" in str(w)] == []


def test_one_file_of_several_is_a_log_of_its_own(forktrace: Forktrace, missing: Missing) -> None:
    logs = write_log(forktrace.folder, ["-ff", "-o", "LOG"], PIPELINE, missing)
    pids = sorted(int(Path(log).suffix[1:]) for log in logs)
    done = forktrace("import", "-q", "-o", "one.json", str(logs[-1]))
    assert done.status == 0
    graph = json.loads((forktrace.folder / "one.json").read_text())
    assert graph["nodes"][0]["pid"] in pids
