"""Which tests run in a machine."""

INSIDE = "tests/machines/inside"
SYSTEMD = "tests/engines/test_systemd.py"

# A few that each need what only such a machine has; some minutes.
SMOKE = (
    f"{INSIDE}/test_places.py::test_the_machine_is_what_it_is_said_to_be",
    f"{INSIDE}/test_places.py::test_outside_of_a_unit[crun-events]",
    f"{INSIDE}/test_rootless.py::test_first_run_traced_by_root[default]",
    f"{SYSTEMD}::test_forktrace_in_exec_start[events]",
    f"{INSIDE}/test_z_yama.py",
)

WHOLE = ("tests/integration", "tests/engines", INSIDE)
