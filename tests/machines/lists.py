"""Which tests run in a machine."""

INSIDE = "tests/machines/inside"

SMOKE = (
    "tests/integration/test_run_status.py",
    "tests/integration/test_capture_behaviours.py",
    "tests/integration/test_podman.py",
    "tests/integration/test_snapshot.py",
)

WHOLE = ("tests/integration", "tests/engines", INSIDE)
