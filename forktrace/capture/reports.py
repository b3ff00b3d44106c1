"""Take the reports of tracees in turns, so that those which stop most often keep nobody waiting.

waitpid looks through the tracees from the newest on (kernel/exit.c: do_wait, ptrace_do_wait). Two
that stop again sooner than they are served would be found each time, and all the older ones never.
"""

import os

WALL = 0x40000000
# Only what this thread traces: forktrace may have been given children that are not its business.
NOTHREAD = 0x20000000
_WAIT = os.WNOHANG | WALL | NOTHREAD


class Reports:
    """Give out what waitpid reports, a second stop of a task only when nobody else waits."""

    def __init__(self) -> None:
        self._served: set[int] = set()
        self._held: dict[int, int] = {}

    def take(self) -> tuple[int, int]:
        """Return the next (pid, wait status), (0, 0) if there is none now.

        Of a task that was killed in a stop that is still held, the newer report stands for both.

        Raises:
            ChildProcessError: this thread traces nothing any more.
        """
        while True:
            pid, status = os.waitpid(-1, _WAIT)
            if not pid:
                return self._next_turn()
            if pid in self._served and os.WIFSTOPPED(status):
                self._held[pid] = status
                continue
            self._served.add(pid)
            self._held.pop(pid, None)
            return pid, status

    def _next_turn(self) -> tuple[int, int]:
        """Begin a turn with the report that was held first."""
        self._served.clear()
        if not self._held:
            return 0, 0
        pid = next(iter(self._held))
        self._served.add(pid)
        return pid, self._held.pop(pid)
