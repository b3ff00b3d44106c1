"""Make traces of launches that never were, of any size, as forktrace would have recorded them.

Real launches of 100,000 processes take an hour and room; what costs time when a trace is read is
how many records it has, of which kinds, and how deep and wide its tree is. The same name, size and
seed give the same bytes.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from forktrace.trace import events
from forktrace.trace.text import Text

SEED = 20
_TRACER, _INIT, _FIRST_PID = 900, 1, 1000
_THREAD_FLAGS = ["CLONE_VM", "CLONE_FS", "CLONE_FILES", "CLONE_SIGHAND", "CLONE_THREAD"]
_FORK_FLAGS = ["CLONE_CHILD_CLEARTID", "CLONE_CHILD_SETTID"]
_VFORK_FLAGS = ["CLONE_VM", "CLONE_VFORK"]
_JAIL_FLAGS = ["CLONE_NEWNS", "CLONE_NEWPID", "CLONE_NEWIPC", "CLONE_NEWUTS", "CLONE_PARENT"]
_NAMESPACES = {
    kind: 4026531834 + n for n, kind in enumerate(("cgroup", "ipc", "mnt", "net", "pid", "uts"))
}
Unit = Iterator[None]


@dataclass(slots=True)
class Task:
    """Be a process that lives in a world; ``inner`` is its pid in a container, if it is in one."""

    pid: int
    parent: "Task | None"
    inner: int | None = None
    subreaper: bool = False
    children: "dict[int, Task]" = field(default_factory=dict)
    threads: list[int] = field(default_factory=list)
    told: bool = False


class World:
    """Write down what tasks do, as the tracer sees it with the detail "syscalls".

    Args:
        write: takes each record.
        seed: for all that is random.
    """

    def __init__(self, write: Callable[[events.Event], None], seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 1
        self.now = 2_000_000
        self._write = write
        self._next_pid = _FIRST_PID
        self._inode = 50_000
        self._live = {_FIRST_PID}
        self.root = Task(self._pid(), None)
        state = events.State(
            comm="python", ppid=_TRACER, pgid=_FIRST_PID, sid=500, nspid=[_FIRST_PID],
            cgroup=["0::/user.slice/session-1.scope"], ns=_NAMESPACES,
        )  # fmt: skip
        write(events.Started(self.now, _FIRST_PID, root=True, state=state))
        terminal = {str(n): events.Descriptor(to="/dev/pts/3", access="rw") for n in range(3)}
        write(events.Descriptors(self.now, _FIRST_PID, "birth", terminal))

    def _pid(self) -> int:
        self._next_pid += 1
        return self._next_pid - 1

    def inode(self) -> int:
        """Return a number that no pipe or namespace of this world has yet."""
        self._inode += 1
        return self._inode

    def tick(self) -> int:
        """Let some time go by and return the new one."""
        self.now += self.random.randrange(20_000, 900_000)
        return self.now

    def fork(self, by: Task, flags: list[str] = _FORK_FLAGS, *, inner: int | None = None) -> Task:
        """Let a task create another."""
        tid = self.random.choice([by.pid, *by.threads])
        parent = by.parent if "CLONE_PARENT" in flags and by.parent else by
        child = Task(self._pid(), parent, inner)
        parent.children[child.pid] = child
        how: Literal["vfork", "clone"] = "vfork" if "CLONE_VFORK" in flags else "clone"
        self._write(events.Created(self.tick(), by.pid, tid, child.pid, how, flags, "SIGCHLD"))
        self._write(events.Started(self.tick(), child.pid))
        self.count += 1
        self._live.add(child.pid)
        return child

    def vfork(self, by: Task, command: str) -> Task:
        """Let a task start a program as posix_spawn does."""
        child = self.fork(by, _VFORK_FLAGS)
        self.execute(child, command)
        return child

    def execute(
        self, task: Task, command: str, fds: dict[str, events.Descriptor] | None = None
    ) -> None:
        """Let a task execute a program; of it is read what was not known before."""
        argv: list[Text] = [*command.split()]
        name = command.split()[0]
        state = events.State(comm=name[:15])
        if not task.told:
            ppid = task.parent.pid if task.parent else _TRACER
            state = msgspec.structs.replace(state, ppid=ppid, nspid=_nspid(task))
        task.told = True
        path = f"/usr/bin/{name}"
        at = self.tick()
        self._write(
            events.Executed(at, task.pid, path=path, argv=argv, exe=path, cwd="/src", state=state)
        )
        if fds:
            self._write(events.Descriptors(at, task.pid, "exec", fds))

    def thread(self, task: Task) -> None:
        """Let a task make a thread."""
        tid = self._pid()
        task.threads.append(tid)
        self._write(
            events.Created(
                self.tick(), task.pid, task.pid, tid, "clone3", _THREAD_FLAGS, thread=True
            )
        )

    def sample(self, task: Task, **fields: object) -> None:
        """Let the tracer see something new of a task."""
        state = msgspec.convert(fields, events.State)
        self._write(events.Sampled(self.tick(), task.pid, "create", state))

    def call(self, task: Task, name: str, **arguments: events.Argument) -> None:
        """Let a task make a system call that succeeds."""
        self._write(events.Called(self.tick(), task.pid, name, arguments=arguments, result=0))

    def exit(self, task: Task, code: int = 0, signal: str | None = None) -> None:
        """Let a task end; its children are adopted, and its parent waits for it."""
        adopter = task.parent
        while task.children and adopter is not None and not adopter.subreaper:
            adopter = adopter.parent
        for child in task.children.values():
            child.parent = adopter
            if adopter is not None:
                adopter.children[child.pid] = child
            to = adopter.pid if adopter else _INIT
            self._write(events.Reparented(self.tick(), child.pid, to, task.pid, task.pid))
            child.told = True
        for tid in task.threads:
            self._write(events.ThreadExited(self.tick(), task.pid, tid))
        self._live.discard(task.pid)
        code_or_none = None if signal else code
        self._write(events.Exited(self.tick(), task.pid, code_or_none, signal))
        if task.parent is not None:
            task.parent.children.pop(task.pid, None)
            self.call(task.parent, "wait4", reaped=task.inner if task.parent.inner else task.pid)

    def left(self) -> list[int]:
        """Return the pids of those that run on."""
        return sorted(self._live)


def _nspid(task: Task) -> list[int]:
    return [task.pid] if task.inner is None else [task.pid, task.inner]


def _compile(world: World, make: Task) -> Unit:
    """Build one file: a shell, the compiler's driver, and the two programs that it runs."""
    number = world.random.randrange(10**6)
    shell = world.vfork(make, f"sh -c cc_-O2_-c_src/f{number}.c")
    yield
    driver = world.vfork(shell, f"cc -O2 -c src/f{number}.c -o f{number}.o")
    for program in (f"cc1 -quiet src/f{number}.c -o /tmp/cc{number}.s", f"as -o f{number}.o"):
        yield
        task = world.vfork(driver, program)
        yield
        if world.random.random() < 0.01:
            world.exit(task, signal="SIGKILL")
            break
        world.exit(task)
    world.exit(driver)
    world.exit(shell)


def _pipeline(world: World, make: Task) -> Unit:
    """Run three programs of a shell, with pipes between them."""
    shell = world.vfork(make, "sh -c log|grep|sort")
    yield
    pipes = [f"pipe:[{world.inode()}]" for _ in range(2)]
    running = []
    for n, command in enumerate(("git log --oneline", "grep fix", "sort -u")):
        task = world.fork(shell)
        fds = {}
        if n > 0:
            fds["0"] = events.Descriptor(to=pipes[n - 1], access="r")
        if n < 2:
            fds["1"] = events.Descriptor(to=pipes[n], access="w")
        world.execute(task, command, fds)
        running.append(task)
        yield
    for task in running:
        world.exit(task)
        yield
    world.exit(shell)


def _threads(world: World, make: Task) -> Unit:
    """Run a program with threads, some of which start programs."""
    tool = world.vfork(make, "go vet ./...")
    for _ in range(world.random.randrange(3, 9)):
        world.thread(tool)
        yield
    for number in range(3):
        task = world.vfork(tool, f"vet -json unit{number}")
        yield
        world.exit(task)
    world.exit(tool)


def _daemon(world: World, make: Task) -> Unit:
    """Start a daemon by a double fork; one in three outlives everything."""
    starter = world.vfork(make, "agent --start")
    middle = world.fork(starter)
    yield
    world.call(middle, "setsid")
    world.sample(middle, sid=middle.pid, pgid=middle.pid)
    daemon = world.fork(middle)
    world.exit(middle)
    yield
    world.execute(daemon, "agent --serve")
    world.exit(starter)
    for _ in range(20):
        yield
    if world.random.random() < 0.66:
        world.exit(daemon, signal="SIGTERM")


def _container(world: World, make: Task) -> Unit:
    """Launch a container: engine, monitor, runtime, payload, and all that they start."""
    id_ = f"{world.random.getrandbits(256):064x}"
    engine = world.vfork(make, f"podman run --rm --name box{world.count} image job")
    for _ in range(6):
        world.thread(engine)
    first = world.fork(engine)
    world.execute(first, f"conmon -c {id_} -u {id_} -r /usr/bin/runc -b /run/{id_}")
    yield
    monitor = world.fork(first)
    world.exit(first)
    monitor.subreaper = True
    world.call(monitor, "prctl", option="PR_SET_CHILD_SUBREAPER", value=1)
    world.sample(monitor, sid=monitor.pid, cgroup=[f"0::/machine.slice/conmon-{id_}.scope"])
    yield
    runtime = world.vfork(monitor, f"runc create --bundle /run/{id_} {id_}")
    stage = world.fork(runtime)
    yield
    init = world.fork(stage, _JAIL_FLAGS, inner=1)
    world.sample(init, nspid=_nspid(init), ns={k: world.inode() for k in ("mnt", "pid", "uts")})
    world.exit(stage)
    world.exit(runtime)
    yield
    world.exit(world.vfork(engine, f"runc start {id_}"))
    world.sample(init, cgroup=[f"0::/machine.slice/libpod-{id_}.scope"])
    world.execute(init, "job --all")
    for number in range(world.random.randrange(1, 12)):
        worker = world.fork(init, inner=number + 2)
        yield
        world.sample(worker, nspid=_nspid(worker))
        world.exit(worker)
    world.exit(init)
    world.exit(world.vfork(monitor, f"podman container cleanup {id_}"))
    world.exit(monitor)
    world.exit(engine)


_UNITS = (_compile, _compile, _compile, _compile, _pipeline, _threads, _daemon, _container)


def mixed(world: World, processes: int) -> None:
    """Let a build do all sorts of things, eight at a time."""
    world.execute(world.root, "make -j8 all")
    jobs: list[Unit] = []
    while jobs or world.count < processes:
        while len(jobs) < 8 and world.count < processes:
            jobs.append(world.random.choice(_UNITS)(world, world.root))
        job = world.random.choice(jobs)
        if next(job, "over") == "over":
            jobs.remove(job)
    world.exit(world.root)


def chain(world: World, processes: int) -> None:
    """Let each process start the next, and all end from the last one up."""
    tasks = [world.root]
    world.execute(world.root, "sh chain.sh")
    while world.count < processes:
        tasks.append(world.vfork(tasks[-1], f"sh chain.sh {world.count}"))
    for task in reversed(tasks):
        world.exit(task)


def fan(world: World, processes: int) -> None:
    """Let one process start all others, which run at once."""
    world.execute(world.root, "sh fan.sh")
    tasks = []
    while world.count < processes:
        tasks.append(world.fork(world.root))
        world.execute(tasks[-1], f"job{world.count % 500} --number {world.count}")
    for task in tasks:
        world.exit(task, world.random.randrange(3))
    world.exit(world.root)


SHAPES = {"mixed": mixed, "chain": chain, "fan": fan}


def make_trace(path: Path, shape: str, processes: int, seed: int = SEED) -> int:
    """Write a trace and return how many events it has.

    Args:
        path: the file to write.
        shape: one of ``SHAPES``.
        processes: how many it has, or a few more.
        seed: for all that is random.
    """
    encoder = msgspec.json.Encoder()
    header = events.Header(
        format="forktrace", version=events.VERSION, forktrace="0.1.0", command=["make", "-j8"],
        cwd="/src", user=events.User(uid=0, gid=0, name="root"), kernel="6.18.0",
        machine="x86_64", started_ns=1_700_000_000_000_000_000, detail="syscalls", tracer=_TRACER,
    )  # fmt: skip
    count = 0
    with path.open("wb") as file:

        def write(record: events.Header | events.Event | events.Ended) -> None:
            nonlocal count
            count += 1
            file.write(encoder.encode(record) + b"\n")

        write(header)
        world = World(write, seed)
        SHAPES[shape](world, processes)
        left = world.left()
        write(events.Ended(world.now, "linger" if left else "exited", left))
    return count - 2
