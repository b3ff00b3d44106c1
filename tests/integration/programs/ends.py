"""Have children end in many ways, and say what wait(2) told of each."""

import json
import os
import resource
import signal
from collections.abc import Callable

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end(way: Callable[[], object]) -> None:
    child = os.fork()
    if not child:
        way()
        os._exit(99)
    status = os.waitpid(child, 0)[1]
    killed = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    print(json.dumps({"child": child, "code": code, "signal": killed}), flush=True)


for code in (0, 1, 255):
    end(lambda code=code: os._exit(code))  # type: ignore[misc]
for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGALRM):
    end(lambda number=number: os.kill(os.getpid(), number))  # type: ignore[misc]
