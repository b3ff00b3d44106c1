"""Join what a trace says of threads; like processes they are told of twice, in any order."""

from forktrace.model.facts import Moment, Thread
from forktrace.model.process import Process


class ThreadTable:
    """Keep the latest thread of each tid, per process."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, int], Thread] = {}
        self._live: dict[str, list[Thread]] = {}

    def announced(self, process: Process, tid: int, creator_tid: int, at: Moment) -> None:
        """Note a creator's event: of a thread seen before without one, else of a new one."""
        known = self._latest.get((process.id, tid))
        if known is not None and known.creator_tid is None:
            known.creator_tid, known.announced = creator_tid, at
        else:
            self._add(process, Thread(tid, at, creator_tid, announced=at))

    def seen(self, process: Process, tid: int, at: Moment) -> None:
        """Note the first stop of a thread whose creator's event has not come."""
        self._add(process, Thread(tid, at, None))

    def ended(self, process: Process, tid: int, at: Moment) -> None:
        """Note the end of a thread; of one that an exec has ended before, nothing is new."""
        if (process.id, tid) not in self._latest:
            self._add(process, Thread(tid, at, None))
        thread = self._latest[process.id, tid]
        thread.ended = thread.ended or at

    def all_ended(self, process: Process, at: Moment) -> None:
        """Note that all threads but the leader are gone: by an exec, or the process' end."""
        for thread in self._live.pop(process.id, ()):
            thread.ended = thread.ended or at

    def _add(self, process: Process, thread: Thread) -> None:
        process.threads.append(thread)
        self._latest[process.id, thread.tid] = thread
        self._live.setdefault(process.id, []).append(thread)
