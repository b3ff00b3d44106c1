"""Join the events of a trace to processes with an identity of their own.

The tracer writes what happens in the order in which it was told, which is not always the order
in which it happened: ``model.pids`` says which records can come early, late or never.
"""

from forktrace.model.counting import count_words
from forktrace.model.descriptors import add_table, inherit_table, table_at_exec
from forktrace.model.facts import Adoption, Call, Creation, Exit, Moment, UntracedChild
from forktrace.model.image import Image
from forktrace.model.pids import first_ppid
from forktrace.model.plain import read_argument, read_sample, read_text, read_texts
from forktrace.model.process import Process
from forktrace.model.reaps import EndOrWait
from forktrace.model.registry import Registry
from forktrace.model.threads import ThreadTable
from forktrace.trace import events


class Joiner:
    """Take the events of a trace one by one; ``processes`` and ``root`` are the result.

    ``expected_parents`` maps a process' id to that of the parent that its clone flags gave it;
    ``ends_and_waits`` are those in their order, for ``reaps.find_reaps``.

    Args:
        tracer: forktrace's own pid, which may show up as a parent.
    """

    def __init__(self, tracer: int | None) -> None:
        self.expected_parents: dict[str, str] = {}
        self.ends_and_waits: list[EndOrWait] = []
        self._known = Registry(tracer)
        self._pids = self._known.pids
        self._threads = ThreadTable()
        self._unintroduced = 0
        self._contradictions = 0

    @property
    def root(self) -> str | None:
        """Return the id of the traced command; None if the trace has none."""
        return self._known.root

    @property
    def processes(self) -> dict[str, Process]:
        """Return all processes by id, in creation order, those outside the trace last."""
        return self._known.processes

    def finish(self) -> None:
        """Mark what was announced and never seen, once all events were taken."""
        for process in self._known.inside.values():
            acted = process.images or process.exit or process.calls
            process.unseen = process.unseen and not acted

    def warnings(self) -> list[str]:
        """Say in sentences what in the trace did not fit together."""
        found = []
        if self._unintroduced:
            who = count_words(self._unintroduced, "process does", "processes do")
            found.append(
                f"{who} something in this trace that it never introduced: where they come from is "
                "unknown"
            )
        if self._contradictions:
            what = count_words(self._contradictions, "record", "records")
            verb = "contradicts" if self._contradictions == 1 else "contradict"
            found.append(f"{what} of this trace {verb} what came before: left out")
        return found

    # The handlers of events. Each takes the moment of the event, and the event.

    def started(self, at: Moment, event: events.Started) -> None:
        """Take a first stop: of an announced process if its parent fits, else of a new one."""
        ppid = event.state.ppid if event.state else None
        process = self._pids.announced.get(event.pid)
        known = process is not None and self._known.can_be(process, ppid)
        if known:
            del self._pids.announced[event.pid]
        if process is None or not known:
            process = self._known.add(event.pid, at)
        process.unseen = False
        process.attached = event.attached
        if event.state:
            process.samples.append(read_sample(at, "birth", event.state))
        is_root = event.root and self._known.root is None
        if is_root:
            self._known.root = process.id
        else:
            self._observe_parent(at, process, ppid)
        self._pids.begin(process, unannounced=not (known or is_root or event.attached))

    def created(self, at: Moment, event: events.Created) -> None:
        """Take a creator's event: of a process seen before it, or to be seen later."""
        creator = self._pids.live.get(event.pid) or self._pids.ended.get(event.pid)
        creator = creator or self._acting(at, event.pid)
        if creator is None:
            return
        if event.thread:
            self._threads.announced(creator, event.child, event.tid, at)
            return
        flags = event.flags
        child = self._pids.claim(event.child, creator, self._known.allowed_ppids(creator, flags))
        child = child or self._found_running(event.child, creator)
        late = child is not None
        if child is None:
            child = self._known.add(event.child, at)
            child.unseen = True
            self._pids.announced[event.child] = child
            inherit_table(child, creator)
        child.creation = Creation(
            at, creator.id, event.tid, event.how, list(flags or ()), event.exit_signal
        )
        self._infer_parent(child, creator, flags, late=late)

    def executed(self, at: Moment, event: events.Executed) -> None:
        """Take a new image; an exec ends all threads but the one that called it."""
        process = self._acting(at, event.pid)
        if process is None:
            return
        image = Image(
            process.born if event.attached else at,
            read_text(event.path),
            read_texts(event.argv) or [],
            exe=read_text(event.exe),
            cwd=read_text(event.cwd),
            env=list(event.env or ()),
            tid=event.tid,
            comm=process.comm if event.attached else None,
            errors=dict(event.errors or {}),
        )
        process.images.append(image)
        if not event.attached:
            table_at_exec(process, at)
        self._threads.all_ended(process, at)
        if event.state:
            process.samples.append(read_sample(at, "exec", event.state))
            self._confirm_parent(process, event.state.ppid)

    def sampled(self, at: Moment, event: events.Sampled) -> None:
        """Take what /proc showed."""
        process = self._acting(at, event.pid)
        if process is not None:
            process.samples.append(read_sample(at, event.at, event.state))
            self._confirm_parent(process, event.state.ppid)

    def descriptors(self, at: Moment, event: events.Descriptors) -> None:
        """Take what descriptors were open."""
        process = self._acting(at, event.pid)
        if process is not None:
            add_table(process, at, event)

    def reparented(self, at: Moment, event: events.Reparented) -> None:
        """Take a change of the real parent. The old one's end may be reported a little later."""
        process = self._acting(at, event.pid)
        if process is None:
            return
        adopter = self._known.parent(at, process, event.ppid)
        if adopter is None:
            self._contradictions += 1
            return
        previous = self._known.parent_then(process, event.previous)
        death = self._known.parent_then(process, event.death) if event.death is not None else None
        traced = death is not None and not death.outside
        process.adoptions.append(
            Adoption(
                at,
                adopter.id,
                previous.id if previous else None,
                death.id if death and traced else None,
            )
        )

    def exited(self, at: Moment, event: events.Exited) -> None:
        """Take a process' end, which frees its pid."""
        last = self._pids.latest(event.pid)
        dying = last is not None and last.fault is not None and last.exit is None
        process = last if dying else self._acting(at, event.pid)
        if process is None:
            return
        process.exit = Exit(at, event.code, event.signal, event.core)
        self.ends_and_waits.append((process, None))
        self._threads.all_ended(process, at)
        self._pids.end(process)

    def called(self, at: Moment, event: events.Called) -> None:
        """Take a system call that has returned."""
        process = self._acting(at, event.pid)
        if process is not None:
            arguments = {name: read_argument(value) for name, value in event.arguments.items()}
            call = Call(at, event.name, arguments, event.result, event.error, event.tid)
            process.calls.append(call)
            if arguments.get("reaped", 0) is None:
                process.untold_waits.append(at.seq)
            elif "reaped" in arguments:
                self.ends_and_waits.append((process, call))

    def untraced(self, at: Moment, event: events.Untraced) -> None:
        """Take word of a child that is not traced; what was told of it before is outdated."""
        process = self._acting(at, event.pid)
        if process is None:
            return
        child = UntracedChild(at, event.child, event.code, event.signal)
        process.untraced = [c for c in process.untraced if c.pid != child.pid] + [child]

    def released(self, at: Moment, event: events.Released) -> None:
        """Take that a process was let go, after which its pid says nothing."""
        process = self._acting(at, event.pid)
        if process is not None:
            process.released, process.fault = at, event.fault
            self._pids.end(process)

    def thread_started(self, at: Moment, event: events.ThreadStarted) -> None:
        """Take a thread's first stop that came before its creator's event."""
        process = self._acting(at, event.pid)
        if process is not None:
            self._threads.seen(process, event.tid, at)

    def thread_exited(self, at: Moment, event: events.ThreadExited) -> None:
        """Take a thread's end, which may be reported after its process'."""
        process = self._pids.latest(event.pid) or self._acting(at, event.pid)
        if process is not None:
            self._threads.ended(process, event.tid, at)

    def described(self, at: Moment, event: events.Outside) -> None:
        """Take the description of a process outside the trace."""
        if event.pid in self._pids.live:
            self._contradictions += 1
            return
        process = self._known.outsider(at, event.pid)
        if event.state:
            process.samples.append(read_sample(at, "outside", event.state))
        if event.argv and event.pid != self._known.tracer:
            argv = read_texts(event.argv) or []
            process.images = [Image(at, None, argv, inherited=True, comm=process.comm)]

    # What several of them need.

    def _acting(self, at: Moment, pid: int) -> Process | None:
        """Return who did something under ``pid``; None if that one has ended before."""
        process = self._pids.living(pid)
        if process is not None:
            return process
        if pid in self._pids.ended:
            self._contradictions += 1
            return None
        self._unintroduced += 1
        process = self._known.add(pid, at)
        self._pids.begin(process, unannounced=True)
        return process

    def _found_running(self, pid: int, creator: Process) -> Process | None:
        """Return who was found running under a pid after ``creator`` was: it can be nobody else."""
        found = self._pids.live.get(pid)
        if found is None or not found.attached or found.creation is not None:
            return None
        return found if found.born.seq > creator.born.seq else None

    def _observe_parent(self, at: Moment, process: Process, ppid: int | None) -> None:
        """Set the parent that the first look showed. 0 means: outside our PID namespace."""
        if ppid is None:
            return
        parent = self._known.parent(at, process, ppid) if ppid else None
        if parent is None and ppid:
            self._contradictions += 1
            return
        process.parent = parent.id if parent else None
        process.parent_inferred = False

    def _confirm_parent(self, process: Process, ppid: int | None) -> None:
        """Count an inferred parent as observed once a later look shows it, still the same."""
        if process.parent_inferred and not process.adoptions:
            parent = self._known.current_parent(process)
            process.parent_inferred = parent is None or parent.pid != ppid

    def _infer_parent(
        self, child: Process, creator: Process, flags: list[str] | None, *, late: bool
    ) -> None:
        """Set the parent that the flags give a child, where none was observed.

        With CLONE_PARENT that is the creator's parent at the moment of the call: known only if
        the call is reported before anything later, and if that parent is still there.
        """
        parent: Process | None = creator
        if flags and "CLONE_PARENT" in flags:
            parent = None if late else self._known.parent_of_creator(child, creator)
        if parent is None:
            return
        if flags is not None and not parent.outside:
            self.expected_parents[child.id] = parent.id
        if first_ppid(child) is None and child.parent is None:
            child.parent = parent.id
            child.parent_inferred = True
