"""The table of traced tasks: what it remembers of those that came before their creator's event."""

from forktrace.capture.proc import Snapshot
from forktrace.capture.tasks import Announcement, TaskTable, TracedProcess


def test_a_thread_that_ended_before_its_creators_event_is_known_as_one() -> None:
    table = TaskTable()
    process = TracedProcess(10, 1, Snapshot())
    table.add_process(process)
    assert table.take_announcement(11) is None
    table.add_thread(11, process)
    table.remove_thread(11)
    assert table.was_thread(11) is True
    table.announce(11, Announcement(thread_of=process))
    assert table.was_thread(11) is None  # its number may be another's from here on


def test_a_process_that_came_before_its_creators_event_is_no_thread() -> None:
    table = TaskTable()
    assert table.take_announcement(12) is None
    table.add_process(TracedProcess(12, 10, Snapshot()))
    assert table.was_thread(12) is False
    assert table.was_thread(13) is None
