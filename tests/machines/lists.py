"""Which tests run in a machine."""

from collections.abc import Iterable

from tests.machines.carry import PROJECT
from tests.machines.specs import OTHERS, Spec

INTEGRATION = "tests/integration"
INSIDE = "tests/machines/inside"
SYSTEMD = "tests/engines/test_systemd.py"
# Those of the engines that are not podman.
OTHER_ENGINES = ("tests/engines/test_docker.py", "tests/engines/test_sandboxes.py")

# It compares with another Python, of which a machine has none; test_gallery says the same there.
ANOTHER_PYTHON = "tests/integration/test_same_bytes.py::test_another_version_of_python_is_no_matter"

# Its toolchain is in no machine; podman and runc are Go programs as well.
A_GO_PROGRAM = (
    "tests/integration/test_ground_truth.py::"
    "test_every_fork_exec_and_exit_is_as_the_kernel_recorded_it[go]"
)

# A few that each need what only such a machine has; some minutes.
SMOKE = (
    f"{INSIDE}/test_places.py::test_the_machine_is_what_it_is_said_to_be",
    f"{INSIDE}/test_places.py::test_outside_of_a_unit[crun-events]",
    f"{INSIDE}/test_rootless.py::test_first_run_traced_by_root[default]",
    f"{SYSTEMD}::test_forktrace_in_exec_start[events]",
    f"{INSIDE}/test_z_yama.py",
)

# Those of tests/integration by what they are about; all others are the run "commands".
ABOUT = {
    "tracer": ("attach", "capture", "fault", "ground_truth", "hostile", "kill", "pitfalls"),
    "calls": ("other_suites", "seccomp", "streams_reading", "syscalls"),
    "podman": ("normalize_podman", "podman", "streams_podman"),
}
RUNS = ("engines", *ABOUT, "commands")


def whole(spec: Spec) -> dict[str, tuple[str, ...]]:
    """Return the arguments of pytest for all that can run in a machine, by the name of each run.

    What shares podman's storage and the machine's units runs one after another.
    """
    deselected = [f"--deselect={name}" for name in (ANOTHER_PYTHON, A_GO_PROGRAM)]
    left_out = () if set(OTHERS) <= set(spec.packages) else OTHER_ENGINES
    ignored = (f"--ignore={name}" for name in left_out)
    several = ("-n", "3", "--dist=worksteal", *deselected)
    runs = {"engines": ("tests/engines", INSIDE, *ignored)}
    others = _files(("",))
    for name, words in ABOUT.items():
        files = _files(words)
        others = [file for file in others if file not in files]
        runs[name] = (*several, *files)
    return {**runs, "commands": (*several, *others)}


def _files(words: Iterable[str]) -> list[str]:
    """Return the files of tests/integration whose names begin with one of the words."""
    starts = tuple(f"test_{word}" for word in words)
    found = sorted(path.name for path in (PROJECT / INTEGRATION).glob("test_*.py"))
    return [f"{INTEGRATION}/{name}" for name in found if name.startswith(starts)]
