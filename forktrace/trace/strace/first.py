"""Find the pid of a log's first process, whose lines have none while it is alone."""

from collections.abc import Iterator

from forktrace.trace.strace import items

_MOST_HELD = 20_000


class FirstProcess:
    """Hold back the items of a log until it is known whose the lines without a pid are.

    On standard error strace names no pid while there is only one task. The first one's is known
    when a call returns it (set_tid_address(2), getpid(2)), when strace has said to whom it
    attached, or when the first pid turns up that no creation has announced. If none of it happens
    it is the one that the log's name ends in, else 0. ``by_elimination`` says that it was the pid
    that turned up.

    Args:
        hint: the pid in the log's name.
    """

    def __init__(self, hint: int | None = None) -> None:
        self._hint = hint
        self.by_elimination = False
        self._held: list[items.Item] | None = []
        self._announced: set[int | None] = set()

    def pass_on(self, item: items.Item) -> Iterator[items.Item]:
        """Take the next item, and yield what can go on."""
        if self._held is None:
            yield item
            return
        self._held.append(item)
        known, first = self._found(item)
        if known or len(self._held) > _MOST_HELD:
            yield from self._release(first)

    def finish(self) -> Iterator[items.Item]:
        """Yield what is still held, after the last item."""
        yield from self._release(None)

    def _found(self, item: items.Item) -> tuple[bool, int | None]:
        """Say whether it is known now which pid the lines without one belong to, and which."""
        assert self._held is not None
        before = self._held[:-1]
        if isinstance(item, items.Named):
            return True, item.tid
        if isinstance(item, items.Told):
            self._announced.add(item.message.pid)
            return False, None
        if isinstance(item, items.Call) and item.name in items.CREATING:
            self._announced |= {item.result.value, item.result.outer, item.attached}
        if item.tid is None:
            told = [i.message.pid for i in before if isinstance(i, items.Told)]
            return len(told) == len(before) == 1, told[0] if told else None
        if all(isinstance(i, items.Told) for i in before):
            return True, None
        if item.tid in self._announced:
            return False, None
        self.by_elimination = True
        return True, item.tid

    def _release(self, first: int | None) -> Iterator[items.Item]:
        held, self._held = self._held or [], None
        for item in held:
            if item.tid is None and not isinstance(item, items.Told):
                item.tid = first or self._hint or 0
            yield item
