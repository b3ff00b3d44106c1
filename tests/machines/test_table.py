"""The table of the machines, on results as pytest and a machine write them."""

from pathlib import Path

from tests.machines.table import table

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="2" tests="5">
<testcase classname="a" name="passes" time="0.1" />
<testcase classname="a" name="fails" time="0.1"><failure message="no">no</failure></testcase>
<testcase classname="a" name="breaks" time="0.1"><error message="no">no</error></testcase>
<testcase classname="a" name="skips"><skipped type="pytest.skip" message="old" /></testcase>
<testcase classname="a" name="must_fail"><skipped type="pytest.xfail" message="rule" /></testcase>
</testsuite></testsuites>
"""
VERSIONS = """\
system: Debian GNU/Linux 13 (trixie)
kernel: 6.12.117+deb13-cloud-amd64 x86_64
python: 3.13.5
podman: 5.4.2+ds1-2+b2
conmon: 2.1.12-4
"""


def test_a_row_has_the_versions_and_how_the_tests_ended(tmp_path: Path) -> None:
    folder = tmp_path / "debian13-x86_64-engines"
    folder.mkdir()
    (folder / "junit.xml").write_text(JUNIT)
    (folder / "versions").write_text(VERSIONS)
    (tmp_path / "debian13-x86_64-cut").mkdir()
    _head, _rule, *rows = table(tmp_path).splitlines()
    assert rows == [
        "| debian13-x86_64 | 6.12.117 | 3.13.5 | 5.4.2 | 2.1.12 | - | - | - | engines | 2 | 2 | 1 |"
    ]
