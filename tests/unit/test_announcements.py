"""The table of traced tasks: announcements of tasks that it has already."""

from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import Announcement, TaskTable, TracedProcess


def test_a_process_that_was_found_running_is_awaited_no_more() -> None:
    table = TaskTable()
    creator, found = TracedProcess(10, 1, Snapshot()), TracedProcess(11, 10, Snapshot())
    table.add_process(creator)
    table.add_process(found)
    table.announce(11, Announcement(creator=creator))
    assert not table.is_announced(11)
    assert table.announced_processes() == []
    assert found.creator is creator


def test_a_thread_that_was_found_running_is_awaited_no_more() -> None:
    table = TaskTable()
    process = TracedProcess(10, 1, Snapshot())
    table.add_process(process)
    table.add_thread(11, process)
    table.announce(11, Announcement(thread_of=process, creator=process))
    assert not table.is_announced(11)
