"""Hold each value of a page once, and refer to it by its number."""

from collections.abc import Hashable
from typing import Any

NONE = -1


class Table:
    """Number values in the order in which they first come; ``rows`` are what a page stores."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        """Return the number of a value, a new one where it was not there yet."""
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.rows)
            self.rows.append(value)
        return found

    def optional(self, value: Hashable | None) -> int:
        """Return the number of a value, ``NONE`` (-1) for None."""
        return NONE if value is None else self.number(value)
