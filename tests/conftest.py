"""What all tests share: a missing need skips on a developer's machine, and fails in CI."""

import os
import signal
from collections.abc import Callable
from typing import NoReturn

import pytest

Missing = Callable[[str], NoReturn]


# A shell's "&" and nohup leave signals ignored, and what the tests start would inherit that.
for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.SIG_DFL)


@pytest.fixture(scope="session")
def missing() -> Missing:
    """Return what a test calls, with the reason, when the machine lacks what it needs."""

    def skip(reason: str) -> NoReturn:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI lacks what this test needs: {reason}")
        pytest.skip(reason)

    return skip
