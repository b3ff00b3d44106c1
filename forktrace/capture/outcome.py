"""Hold how the tracing ended."""

from msgspec import Struct

from forktrace.trace.events import Reason


class Outcome(Struct, frozen=True):
    """Say how the tracing ended.

    ``status`` is the command's wait status (None: not seen), ``reason`` why we stopped
    (``events.Ended`` says what each means), ``left`` has the pids that are left running.
    """

    status: int | None
    reason: Reason
    left: list[int]
