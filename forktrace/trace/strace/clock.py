"""Turn the times that a log's lines have into nanoseconds."""

from typing import Literal

_DAY_NS = 86_400 * 1_000_000_000
_MOST_NS = 2**62
Kind = Literal["unix", "day", "relative", "none"]


class Clock:
    """Follow the time through a log's lines, in their order; it never goes back.

    ``kind`` says what times the lines have: Unix time, the time of day, or the time since the line
    before, each counted from another zero. Lines without a time count one ns each, so that their
    order is kept.
    """

    def __init__(self) -> None:
        self.kind: Kind = "none"
        self._days = 0
        self._last_of_day = 0
        self._now = 0

    def at(self, clock: bytes | None, relative: bytes | None) -> int:
        """Return the time of a line in ns.

        Args:
            clock: an absolute time of the line, "12:34:56.789" or "1700000000.123".
            relative: a time since the line before, in seconds.
        """
        if clock is not None:
            self._now = max(self._now, self._absolute(clock))
        elif relative is not None and self.kind in ("none", "relative"):
            self.kind = "relative"
            self._now += _decimal_ns(relative)
        elif self.kind == "none":
            self._now += 1
        self._now = min(self._now, _MOST_NS)
        return self._now

    def _absolute(self, clock: bytes) -> int:
        if b":" not in clock:
            self.kind = "unix"
            return _decimal_ns(clock)
        self.kind = "day"
        hours, minutes, seconds = clock.split(b":")
        of_day = (int(hours) * 60 + int(minutes)) * 60_000_000_000 + _decimal_ns(seconds)
        if of_day < self._last_of_day - _DAY_NS // 2:  # past midnight
            self._days += 1
        self._last_of_day = of_day
        return of_day + self._days * _DAY_NS


def _decimal_ns(text: bytes) -> int:
    whole, _, fraction = text.partition(b".")
    return int(whole) * 1_000_000_000 + int(fraction.ljust(9, b"0")[:9])
