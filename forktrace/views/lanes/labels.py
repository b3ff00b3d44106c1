"""Word what stands beside the marks of a lane diagram, and the names at its left."""

from collections.abc import Callable, Iterator
from itertools import takewhile

from forktrace.model.counting import count_words
from forktrace.model.facts import Adoption
from forktrace.model.image import Image
from forktrace.model.process import Process
from forktrace.views.fonts import TIMES
from forktrace.views.lanes import style
from forktrace.views.lanes.calls import (
    CALL_KIND,
    session_note,
    subreaper_note,
    unwaited_notes,
    zombie_notes,
)
from forktrace.views.lanes.columns import Note, Zone, fixed
from forktrace.views.lanes.commands import command_words
from forktrace.views.lanes.edges import adoption_title, birth_title, birth_word
from forktrace.views.lanes.moves import move_note
from forktrace.views.lanes.plan import Event, Lane, Plan
from forktrace.views.notes import ends_words
from forktrace.views.select.words import within_words
from forktrace.views.source import found_ended
from forktrace.views.words import exit_words, printable, show_argv

_TITLE_CHARS = 4000  # of arguments, in the text that appears on hover
BIRTH_KIND = "word birth"
_SMALL = 6  # lanes of a picture that has room for what seldom matters
_BELOW: tuple[tuple[Zone, bool], ...] = (("below", True),)


def make_notes(plan: Plan) -> list[Note]:
    """Return every text that belongs to a mark."""
    makers: dict[str, Callable[[Plan, Lane, int, Event], Note | None]] = {
        "birth": lambda _plan, lane, column, _event: _birth(lane, column),
        "exec": lambda _plan, lane, column, event: _exec(lane, column, event.image),
        "exit": lambda plan, lane, column, _event: _exit(plan, lane, column),
        "adopt": _adopted,
        "session": lambda _plan, lane, column, _event: session_note(lane, column),
        "subreaper": lambda plan, lane, column, _event: subreaper_note(plan, lane, column),
    }
    found = (
        makers[e.kind](plan, plan.lanes[e.lane], c, e)
        for c, e in plan.numbered()
        if e.kind in makers
    )
    notes = [note for note in found if note is not None]
    return [
        *notes,
        *_unseen(plan),
        *_ended_before(plan),
        *_subreapers(plan),
        *unwaited_notes(plan),
        *zombie_notes(plan),
        *(_callers(plan) if len(plan.lanes) <= _SMALL else ()),
        *map(move_note, plan.moves),
    ]


def _birth(lane: Lane, column: int) -> Note | None:
    word = birth_word(lane.process.creation)
    if not word:
        return None
    title = birth_title(lane.process, lane.count)
    return Note(lane.index, "beside", column, -13, style.WORD, BIRTH_KIND, fixed(word), title=title)


def _exec(lane: Lane, column: int, image: Image | None) -> Note | None:
    times = _times(lane, column)
    if image is None or not times:
        return None
    ending = "" if times == 1 else ", twice" if times == 2 else f", {times} times"

    def words(limit: int) -> str:
        return command_words(lane, image, limit - len(ending)) + ending

    return Note(
        lane.index,
        "above",
        column,
        0,
        style.ARGV,
        "argv",
        words,
        style.LEAST_CHARS + len(ending),
        style.MOST_CHARS + len(ending),
        exec_title(image),
        elsewhere=(("below", False), ("below", True)),
    )


def _times(lane: Lane, column: int) -> int:
    """Return how often a process executed the same in a row, as runtimes do for safety.

    That is 0 but for the first of them.
    """
    place = [at for at, _ in lane.execs].index(column)
    before, same = lane.execs[:place], lane.execs[place][1].argv
    if same and before and before[-1][1].argv == same:
        return 0
    after = takewhile(lambda item: same and item[1].argv == same, lane.execs[place + 1 :])
    return 1 + sum(1 for _ in after)


def _callers(plan: Plan) -> Iterator[Note]:
    """Yield a note at each exec that another thread than the leader called."""
    for lane in plan.lanes:
        for column, image in lane.execs:
            if image.tid is not None:
                words = fixed(f"called by thread {image.tid}")
                yield Note(
                    lane.index, "below", column, 0, style.WORD, CALL_KIND, words, elsewhere=_BELOW
                )


def _exit(plan: Plan, lane: Lane, column: int) -> Note | None:
    if lane.process.exit is None:
        return None
    words = ends_words(plan.launch, lane.row.ids)
    kind = "end alert" if is_alert(words) else "end"
    text = words.removeprefix("exit ")
    title = end_title(plan, lane)
    at_once = lane.reaped_at_once and not lane.lasting_zombie
    at, offset = (lane.gone, 6) if at_once else (column, 9)
    return Note(lane.index, "beside", at, offset, style.END, kind, fixed(text), title=title)


def end_title(plan: Plan, lane: Lane) -> str:
    """Say who ended how, or how all that share a lane did."""
    if lane.count == 1:
        return f"{lane.process.id}: {exit_words(lane.process.exit)}"
    return ends_words(plan.launch, lane.row.ids)


def is_alert(words: str) -> bool:
    """Say whether an end stands out: all that share a lane failed, or a signal killed them."""
    return words != "exit 0" and not words[:1].isdecimal()


def _adopted(plan: Plan, lane: Lane, column: int, event: Event) -> Note | None:
    if event.adoption is None:
        return None
    text = f"adopted by {event.adoption.parent}"
    whole = text + _after_double_fork(plan, lane, event.adoption)
    title = adoption_title(plan, lane, event)

    def words(limit: int) -> str:
        return whole if len(whole) <= limit else text

    return Note(
        lane.index,
        "above",
        column,
        10,
        style.WORD,
        "word",
        words,
        len(text),
        len(whole),
        title,
        elsewhere=(("above", True),),
    )


def _after_double_fork(plan: Plan, lane: Lane, adoption: Adoption) -> str:
    fork = plan.findings.double_forks.get(lane.process.id)
    return ": a double fork" if fork is not None and fork.middle == adoption.death else ""


def _subreapers(plan: Plan) -> Iterator[Note]:
    """Yield a note where an adopter must have been a subreaper, at its first adoption."""
    for column, event in plan.numbered():
        adopter = plan.lane_of(event.adoption.parent) if event.adoption else None
        if adopter is None:
            continue
        child = plan.lanes[event.lane]
        found = plan.findings.subreapers.get(adopter.process.id)
        if found is not None and found.inferred and found.adopted == child.process.id:
            title = f"{adopter.process.id} must be a subreaper: it adopted {child.process.id}"
            text = "subreaper (inferred)"
            yield Note(
                adopter.index, "below", column, -2, style.WORD, "word", fixed(text), title=title
            )


def _unseen(plan: Plan) -> Iterator[Note]:
    text = fixed("never seen to run")
    for lane in plan.lanes:
        if lane.unseen:
            yield Note(lane.index, "beside", lane.birth, 9, style.WORD, "word", text)


def _ended_before(plan: Plan) -> Iterator[Note]:
    """Yield the ends of those that a snapshot found ended; a look has no event for them."""
    for lane in plan.lanes:
        if found_ended(plan.launch, lane.process):
            note = _exit(plan, lane, 0)
            if note is not None:
                yield note


def exec_title(image: Image) -> str:
    """Return a command line in full, or as much of it as is of any use, with its file's name."""
    size = sum(len(argument) + 1 for argument in image.argv)
    line = show_argv(image.argv, _TITLE_CHARS) if image.argv else printable(image.path or "?")
    more = f" (cut: {size:,} characters in all)" if size > _TITLE_CHARS else ""
    path = f" [execve of {printable(image.path[:200])}]" if image.path else ""
    return line + more + path


def name_line(lane: Lane) -> str:
    """Return what to call a lane, with how many share it."""
    name = lane.name
    return f"{name} {TIMES}{lane.count}" if lane.count > 1 else name


def detail_line(lane: Lane) -> str:
    """Say what a lane's process is, and its pid."""
    process = lane.process
    pid = f"pid {process.pid or 'unknown'}"
    if process.outside:
        return f"outside the trace · {pid}"
    if lane.count > 1:
        pid = f"from pid {process.pid}"
    inner = process.nspid[1:]
    if inner:
        pid += f" · pid {inner[-1]} in ns"
    return f"{role_word(lane)} · {pid}" if lane.role not in (None, "other") else pid


def badge(plan: Plan, lane: Lane, *, with_birth: bool) -> str:
    """Say how many threads a process had besides its first, and how many are folded into it.

    With the word for its birth where the field has no room for that.
    """
    threads = len(lane.process.threads) if lane.count == 1 else 0
    parts = [
        birth_word(lane.process.creation) if with_birth else "",
        f"+{count_words(threads, 'thread')}" if threads else "",
        within_words(plan.findings, lane.row.within) if lane.row.within else "",
    ]
    return " · ".join(part for part in parts if part)


def role_word(lane: Lane) -> str:
    """Name a role as engines' documentation does."""
    return {None: "", "runtime": "OCI runtime", "init-stage": "init stage"}.get(
        lane.role, str(lane.role)
    )


def lane_title(plan: Plan, lane: Lane) -> str:
    """Say in a few clauses what is known of a process."""
    process = lane.process
    clauses = [f"{process.id} {lane.name}", *_identity(process)]
    finding = plan.findings.roles.get(process.id)
    if finding is not None and not process.outside:
        clauses.append(f"{finding.role}: {finding.rule}")
    if not process.outside:
        clauses.append(ends_words(plan.launch, lane.row.ids))
    if lane.count > 1:
        clauses.append(f"stands for {lane.count} alike")
    return "; ".join(clauses)


def _identity(process: Process) -> Iterator[str]:
    pids = [process.pid, *process.nspid[1:]]
    yield "pid " + ", inside its namespaces ".join(str(pid) for pid in pids)
    if process.unseen:
        yield "announced by its creator, never seen to run"
    if process.threads:
        yield count_words(len(process.threads), "more thread")
