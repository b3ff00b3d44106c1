"""Decide what a lane diagram shows: which lanes, in which order, and which events get a column."""

from collections.abc import Iterator
from itertools import pairwise

from forktrace.analysis.findings import Findings
from forktrace.model.facts import Moment
from forktrace.model.launch import Launch
from forktrace.views.lanes.cgroups import cgroup_moves
from forktrace.views.lanes.plan import Event, Kind, Lane, PlacedMove, Plan
from forktrace.views.select.selection import Row, Selection
from forktrace.views.source import found_ended

_MANY_EVENTS = 80  # above that each needs a reason to have a column


def make_plan(
    launch: Launch, findings: Findings, selection: Selection, *, plain_waits: bool = True
) -> Plan:
    """Choose lanes and columns: those outside the trace on top, then the rows as selected.

    Waits of a parent right after its child had ended have columns only if ``plain_waits``.
    """
    rows = [Row(id_) for id_ in _outsiders(launch, selection)] + list(selection.rows)
    lanes = [_lane(i, row, launch, findings) for i, row in enumerate(rows)]
    index = {lane.process.id: lane.index for lane in lanes}
    bereaved = _bereaved(launch)
    events = [e for lane in lanes for e in _events(lane, launch, index, bereaved)]
    events += [e for lane in lanes for e in _called(lane, findings)]
    events += _standing(lanes, index)
    events.sort(key=lambda event: event.order)
    plan = Plan(launch, findings, selection, lanes, events, index)
    if not plain_waits or len(events) > _MANY_EVENTS:
        _leave_out_plain_waits(plan)
    _place(plan)
    plan.moves = list(_placed_moves(plan))
    return plan


def _lane(index: int, row: Row, launch: Launch, findings: Findings) -> Lane:
    finding = findings.roles.get(row.id)
    process = launch.processes[row.id]
    return Lane(index, process, finding.role if finding and not process.outside else None, row)


def _outsiders(launch: Launch, selection: Selection) -> list[str]:
    """Return those outside the trace that shown processes have to do with.

    The one that started the command is left out where it does nothing else: it is forktrace.
    """
    wanted: set[str] = set()
    for row in selection.rows:
        process = launch.processes[row.id]
        wanted.update(a.parent for a in process.adoptions)
        if process.id != launch.root:
            wanted.update(i for i in (process.creator, process.parent) if i)
    return [p.id for p in launch.processes.values() if p.outside and p.id in wanted]


def _bereaved(launch: Launch) -> dict[str, int]:
    """Map who died to when a child of it was first seen with another parent.

    A death may be reported after that: the kernel moves the children before it tells the tracer
    (kernel/exit.c, exit_notify).
    """
    result: dict[str, int] = {}
    for process in launch.inside:
        for adoption in process.adoptions:
            if adoption.death:
                seq = min(adoption.at.seq, result.get(adoption.death, adoption.at.seq))
                result[adoption.death] = seq
    return result


def _events(
    lane: Lane, launch: Launch, index: dict[str, int], bereaved: dict[str, int]
) -> Iterator[Event]:
    process = lane.process
    if process.outside:
        return
    own = process.own_images
    if not process.attached and not (process.id == launch.root and own):
        yield Event(process.born.seq, "birth", lane.index)
    for image in own[:1] if lane.count > 1 else own:
        if not (process.attached and image.at.seq <= process.born.seq):
            yield Event(image.at.seq, "exec", lane.index, image=image)
    end = _last_exit(lane, launch)
    if end is not None and not found_ended(launch, process):
        orphaned = bereaved.get(process.id, end.seq + 1)
        yield Event(min(end.seq, orphaned - 0.5), "exit", lane.index)
    for adoption in process.adoptions:
        if adoption.parent in index:
            yield Event(adoption.at.seq, "adopt", lane.index, adoption=adoption)


def _standing(lanes: list[Lane], index: dict[str, int]) -> Iterator[Event]:
    """Yield an event for each process that had children before the trace: they show it first."""
    parents = {lane.process.parent for lane in lanes if lane.process.attached}
    places = sorted(index[id_] for id_ in parents if id_ in index)
    yield from (Event(-1, "stand", place) for place in places)


def _called(lane: Lane, findings: Findings) -> Iterator[Event]:
    """Yield what is known of one process by recorded system calls alone."""
    process = lane.process
    if lane.count > 1:
        return
    for call in process.calls:
        if call.name == "setsid" and call.error is None:
            yield Event(call.at.seq, "session", lane.index)
    subreaper = findings.subreapers.get(process.id)
    if subreaper is not None and subreaper.at is not None:
        yield Event(subreaper.at.seq, "subreaper", lane.index)
    if process.reap is not None:
        yield Event(process.reap.at.seq, "reap", lane.index)


def _last_exit(lane: Lane, launch: Launch) -> Moment | None:
    """Return when the last of those that share a lane ended; None if one was not seen to."""
    ends = [launch.processes[id_].exit for id_ in lane.row.ids]
    moments = [end.at for end in ends if end is not None]
    return max(moments, key=lambda at: at.seq) if len(moments) == len(ends) else None


def _leave_out_plain_waits(plan: Plan) -> None:
    kept = [
        event
        for before, event in pairwise([None, *plan.events])
        if event is not None and not _is_plain_wait(plan, before, event)
    ]
    plan.plain_waits = len(plan.events) - len(kept)
    plan.events = kept


def _is_plain_wait(plan: Plan, before: Event | None, event: Event) -> bool:
    """Say whether a parent waited for its child right after that had ended.

    A child may have ended long before that, with nothing else seen in between.
    """
    if event.kind != "reap" or before is None or plan.lanes[event.lane].lasting_zombie:
        return False
    process = plan.lanes[event.lane].process
    waiter = process.reap and process.reap.by
    ended_before = (before.kind, before.lane) == ("exit", event.lane)
    return ended_before and waiter == plan.launch.parent_now(process)


def _place(plan: Plan) -> None:
    for lane in plan.lanes:
        ended = found_ended(plan.launch, lane.process)
        lane.end = 0 if lane.unseen or ended else plan.last
    for column, event in plan.numbered():
        lane = plan.lanes[event.lane]
        if event.kind == "birth":
            lane.birth = column
            lane.end = max(lane.end, column)
        elif event.kind == "exit":
            lane.end = column
        elif event.kind == "exec" and event.image is not None:
            lane.execs.append((column, event.image))
        elif event.kind != "stand":
            _place_call(lane, event.kind, column)
    root = plan.lane_of(plan.launch.root)
    if root is not None and root.birth == 0 and root.execs and not root.process.attached:
        root.birth = root.execs[0][0]  # what it was before is forktrace's own doing
    for lane in plan.lanes:
        lane.gone = max(lane.gone, lane.end, _unwaited_until(plan, lane))


def _place_call(lane: Lane, kind: Kind, column: int) -> None:
    if kind == "reap":
        lane.gone = column
    elif kind == "session":
        lane.sessions.append(column)
    elif kind == "subreaper":
        lane.subreaper = column


def _unwaited_until(plan: Plan, lane: Lane) -> int:
    """Return up to which column nobody had waited for an ended process, 0 if that is unknown.

    That is until its parent ended, if it did.
    """
    if found_ended(plan.launch, lane.process):
        return plan.last
    parent = plan.findings.unwaited.get(lane.process.id)
    if parent is None or lane.count > 1:
        return 0
    end = plan.launch.processes[parent].exit
    return plan.last if end is None else plan.column_at(end.at)


def _placed_moves(plan: Plan) -> Iterator[PlacedMove]:
    alone = [lane.process for lane in plan.lanes if lane.count == 1]
    for process, move in cgroup_moves(plan.findings, alone):
        lane = plan.lanes[plan.index[process.id]]
        column = max(plan.column_at(move.at), lane.birth)
        if column < lane.end:
            yield PlacedMove(lane, column, move)
