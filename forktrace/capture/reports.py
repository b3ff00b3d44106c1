"""Take the reports of tracees in turns, so that those which stop most often keep nobody waiting.

waitpid looks through the tracees from the newest on (kernel/exit.c: do_wait, ptrace_do_wait). Two
that stop again sooner than they are served would be found each time, and all the older ones never.
"""

import os

WALL = 0x40000000
# Only what this thread traces: forktrace may have been given children that are not its business.
NOTHREAD = 0x20000000
_WAIT = os.WNOHANG | WALL | NOTHREAD
# So often is a task served while others may wait. Most have fewer stops in a row, and those come in
# the order that waitpid finds them: a child right before its creator.
_TURN = 16


class Reports:
    """Give out what waitpid reports; of a task more than a turn has only when nobody else waits."""

    def __init__(self) -> None:
        self._served: dict[int, int] = {}
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
            served = self._served.get(pid, 0)
            if served >= _TURN and os.WIFSTOPPED(status):
                self._held[pid] = status
                continue
            self._served[pid] = served + 1
            self._held.pop(pid, None)
            return pid, status

    def _next_turn(self) -> tuple[int, int]:
        """Begin a turn with the report that was held first."""
        self._served.clear()
        if not self._held:
            return 0, 0
        pid = next(iter(self._held))
        self._served[pid] = 1
        return pid, self._held.pop(pid)
